"""A recorded case played on a virtual clock, with given outcomes for its calls; what came of it against what should.

A case is a JSON object: `definition` and `input` (or `kind: "state"` with one `state`), `tasks` with a queue of
outcomes for each function, and `expected`. One with `confidence` is disputed: it is played, and never held against us.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from ecosystem.adapters.embedded.states import stepping
from ecosystem.adapters.embedded.states.definition import Machine, MachineRefused, load
from ecosystem.adapters.embedded.states.history import Event
from ecosystem.adapters.embedded.states.inspection import inspected
from ecosystem.adapters.embedded.states.run import Call, Circumstances, Failed, Outcome, Run, RunStatus, Succeeded
from ecosystem.adapters.embedded.states.stepping import Turn
from ecosystem.adapters.embedded.states.values import is_list, is_object, same
from ecosystem.kernel.refusals import Invalid

BEGINS_AT: Final = datetime(2026, 3, 14, 1, 59, tzinfo=UTC)
TURNS_MAX: Final = 100_000
_CIRCUMSTANCES: Final = Circumstances(
    execution_id="arn:aws:states:::execution:rehearsal:rehearsal",
    execution_name="rehearsal",
    machine_id="arn:aws:states:::stateMachine:rehearsal",
    machine_name="rehearsal",
    seed=b"the rehearsal is no secret",
    role="arn:aws:iam:::role/rehearsal",
)
_MISSING: Final = "(missing)"


class NotACase(Invalid):
    """The file holds no case that could be rehearsed."""


class Difference(Struct, frozen=True):
    """One thing that is not as expected."""

    field: str
    expected: Any
    got: Any


class Rehearsed(Struct, frozen=True, kw_only=True):
    """How a case went."""

    id: str
    is_disputed: bool
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        return not self.differences


class Case(Struct, frozen=True, kw_only=True):
    """A case as its file has it."""

    id: str
    definition: bytes
    given: Any
    tasks: dict[str, list[dict[str, Any]]]
    expected: dict[str, Any]
    is_disputed: bool = False
    is_state: bool = False


def read(content: bytes, *, name: str) -> Case:
    """The case in that file. Raises `NotACase`."""
    try:
        given: Any = json.loads(content)
    except (ValueError, RecursionError) as reason:
        raise NotACase(f"{name} is not JSON: {reason}") from reason
    if not is_object(given) or not is_object(given.get("expected")):
        raise NotACase(f"{name} is not a case: it needs an object with `expected`")
    is_state = given.get("kind") == "state"
    definition = given.get("state" if is_state else "definition")
    if not is_object(definition):
        raise NotACase(f"{name} is not a case: it needs a `{'state' if is_state else 'definition'}`")
    tasks = given.get("tasks", {})
    if not is_object(tasks) or not all(
        is_list(queue) and all(is_object(outcome) for outcome in queue) for queue in tasks.values()
    ):
        raise NotACase(f"{name} is not a case: `tasks` must hold a list of outcomes for each function")
    if is_state:
        definition = _alone(definition)
    return Case(
        id=str(given.get("id", name)),
        definition=json.dumps(definition).encode(),
        given=given.get("input"),
        tasks=tasks,
        expected=given["expected"],
        is_disputed="confidence" in given,
        is_state=is_state,
    )


def _alone(state: dict[str, Any]) -> dict[str, Any]:
    """A machine of that state alone. The states it leads to are put beside it, as states that end at once."""
    states: dict[str, Any] = {"State": state}
    if not {"Next", "End"} & state.keys() and state.get("Type") not in {"Choice", "Succeed", "Fail"}:
        states["State"] = {**state, "End": True}
    choices, catchers = state.get("Choices"), state.get("Catch")
    parts: list[Any] = [state, {"Next": state.get("Default")}]
    for listed in (choices, catchers):
        parts.extend(listed if is_list(listed) else ())
    for part in parts:
        following = part.get("Next") if is_object(part) else None
        if isinstance(following, str):
            states.setdefault(following, {"Type": "Succeed"})
    return {"StartAt": "State", "States": states}


def rehearse(case: Case) -> Rehearsed:
    """Play the case and compare everything that `expected` names."""
    try:
        machine = load(case.definition, file=case.id, functions=None, may_have_unreachable=True)
    except MachineRefused as refused:
        differences: Sequence[Difference] = [Difference("definition", "a machine", refused.message)]
    else:
        play = _Play(machine, case)
        play.through()
        differences = [*play.differences, *_compared(case, play)]
    return Rehearsed(id=case.id, is_disputed=case.is_disputed, differences=tuple(differences))


@dataclass(slots=True)
class _Play:
    """A case being played."""

    machine: Machine
    case: Case
    at: datetime = BEGINS_AT
    events: list[Event] = field(default_factory=list[Event])
    calls: Counter[str] = field(default_factory=Counter[str])
    differences: list[Difference] = field(default_factory=list[Difference])
    run: Run | None = None
    _answers: deque[tuple[Call, Outcome]] = field(default_factory=deque[tuple[Call, Outcome]])

    def through(self) -> None:
        """Play to the end, or until nothing can happen any more."""
        self._take(stepping.begin(self.machine, _CIRCUMSTANCES, self.case.given, self.at))
        for _ in range(TURNS_MAX):
            run = self.run
            assert run is not None
            if run.is_over:
                return
            if self._answers:
                self._answer(run, *self._answers.popleft())
                continue
            wakes_at = run.wakes_at
            if wakes_at is None:
                return
            self.at = max(self.at, wakes_at)
            self._take(stepping.wake(self.machine, run, self.at))

    def _answer(self, run: Run, call: Call, outcome: Outcome) -> None:
        if run.call(call.call_id) is None:
            return
        if call.token is not None:
            self._take(stepping.submitted(self.machine, run, call.call_id, None, self.at))
            run = self.run or run
        self._take(stepping.answer(self.machine, run, call.call_id, outcome, self.at))

    def _take(self, turn: Turn) -> None:
        self.run = turn.run
        self.events.extend(turn.events)
        for call in turn.calls:
            queue = self.case.tasks.get(call.function, [])
            number = self.calls[call.function]
            self.calls[call.function] += 1
            if number >= len(queue):
                self.differences.append(
                    Difference(f"tasks/{call.function}", f"{len(queue)} calls", f"call {number + 1}")
                )
                continue
            outcome = queue[number]
            if "expect_input" in outcome and not same(outcome["expect_input"], call.input):
                where = f"tasks/{call.function}/{number}/expect_input"
                self.differences.append(Difference(where, outcome["expect_input"], call.input))
            if not outcome.get("hang"):
                self._answers.append((call, outcome_of(outcome)))


def outcome_of(given: dict[str, Any]) -> Outcome:
    """The outcome as a case writes it."""
    return Succeeded(given["output"]) if "output" in given else Failed(given.get("error"), given.get("cause"))


def _compared(case: Case, play: _Play) -> list[Difference]:
    expected, run, found = case.expected, play.run, list[Difference]()
    assert run is not None

    def hold(name: str, got: Any) -> None:
        if name in expected and not same(expected[name], got):
            found.append(Difference(name, expected[name], got))

    hold("status", run.status.value)
    if "output" in expected:
        found.extend(_outputs(expected, run))
    found.extend(_errors(expected, run))
    entered = [str(event.details["name"]) for event in play.events if event.type.endswith("StateEntered")]
    if expected.get("states_entered_order") == "any":
        if Counter(expected.get("states_entered", ())) != Counter(entered):
            found.append(Difference("states_entered", expected.get("states_entered"), entered))
    else:
        hold("states_entered", entered)
    for function, count in expected.get("calls", {}).items():
        if play.calls[function] != count:
            found.append(Difference(f"calls/{function}", count, play.calls[function]))
    hold("waits_seconds", _waits(play.events))
    hold("retry_delays_seconds", _retries(play.events))
    found.extend(_inspections(case, play))
    return found


def _outputs(expected: dict[str, Any], run: Run) -> list[Difference]:
    if run.status is not RunStatus.SUCCEEDED:
        return [Difference("output", expected["output"], _MISSING)]
    wanted, got = expected["output"], run.output
    found: list[Difference] = []
    for pointer, check in expected.get("check", {}).items():
        held = _pointed(got, pointer)
        if not _passes(held, check):
            found.append(Difference(f"check{pointer}", check, held))
    for pointer in expected.get("ignore", ()):
        wanted, got = _without(wanted, pointer.split("/")[1:]), _without(got, pointer.split("/")[1:])
    for pointer in expected.get("output_unordered", ()):
        wanted, got = _sorted(wanted, pointer.split("/")[1:]), _sorted(got, pointer.split("/")[1:])
    if not same(wanted, got):
        found.append(Difference("output", expected["output"], run.output))
    return found


def _errors(expected: dict[str, Any], run: Run) -> list[Difference]:
    found: list[Difference] = []
    error = run.error
    if run.status is RunStatus.TIMED_OUT:
        # The cloud names no error for an execution whose time was up; its status says it.
        error = expected.get("error") if expected.get("error") == "States.Timeout" else None
    if "error_any_of" in expected:
        if error not in expected["error_any_of"]:
            found.append(Difference("error_any_of", expected["error_any_of"], error))
    elif "error" in expected and expected["error"] != error:
        found.append(Difference("error", expected["error"], error))
    if expected.get("cause_match") == "exact" and expected.get("cause") != run.cause:
        found.append(Difference("cause", expected.get("cause"), run.cause))
    return found


def _inspections(case: Case, play: _Play) -> list[Difference]:
    wanted = case.expected.get("inspection")
    found: list[Difference] = []
    if wanted is not None:
        outcomes = [outcome_of(outcome) for queue in case.tasks.values() for outcome in queue[:1]]
        seen = inspected(play.machine, _CIRCUMSTANCES, case.given, outcomes[0] if outcomes else None, BEGINS_AT)
        for name, held in wanted.items():
            got = seen.get(name, _MISSING)
            if not same(held, got):
                found.append(Difference(f"inspection/{name}", held, got))
    entered = [event.details["name"] for event in play.events if event.type.endswith("StateEntered")]
    for name in ("next", "next_state", "nextState"):
        if case.is_state and name in case.expected:
            following = entered[1] if len(entered) > 1 else None
            if following != case.expected[name]:
                found.append(Difference(name, case.expected[name], following))
    return found


def _waits(events: Sequence[Event]) -> list[float]:
    """How long each Wait state took, in the order in which they were entered."""
    entered: dict[int, datetime] = {}
    left: dict[int, datetime] = {}
    for event in events:
        if event.type == "WaitStateEntered":
            entered[event.id] = event.at
        elif event.type == "WaitStateExited":
            left[event.previous_id] = event.at
    return [(left[event] - at).total_seconds() for event, at in entered.items() if event in left]


def _retries(events: Sequence[Event]) -> list[float]:
    """How long it was from each failure to the try after it."""
    by_id = {event.id: event for event in events}
    delays: list[float] = []
    for event in events:
        before = by_id.get(event.previous_id)
        if before is None or not event.type.endswith(("Scheduled", "ParallelStateStarted", "MapStateStarted")):
            continue
        if not before.type.endswith("StateEntered") or before.type == "FailStateEntered":
            delays.append((event.at - before.at).total_seconds())
    return delays


def _pointed(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if is_object(document) and key in document:
            document = document[key]
        elif is_list(document) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return _MISSING
    return document


def _changed(document: Any, keys: Sequence[str], *, cut: bool) -> Any:
    """The document without what stands there, or with the list that stands there in one order."""
    if not keys:
        if cut or not is_list(document):
            return None if cut else document
        return sorted(document, key=lambda held: json.dumps(held, sort_keys=True))
    key = keys[0].replace("~1", "/").replace("~0", "~")
    if is_object(document) and key in document:
        if cut and len(keys) == 1:
            return {name: held for name, held in document.items() if name != key}
        return {**document, key: _changed(document[key], keys[1:], cut=cut)}
    if is_list(document) and key.isdigit() and int(key) < len(document):
        place = int(key)
        return [*document[:place], _changed(document[place], keys[1:], cut=cut), *document[place + 1 :]]
    return document


def _without(document: Any, keys: Sequence[str]) -> Any:
    return _changed(document, keys, cut=True)


def _sorted(document: Any, keys: Sequence[str]) -> Any:
    return _changed(document, keys, cut=False)


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def _passes(held: Any, check: Any) -> bool:
    """A small constraint: type, bounds, pattern, length, or one of some values."""
    if not is_object(check):
        return same(held, check)
    kinds = _TYPES.get(str(check.get("type")), (object,))
    if not isinstance(held, kinds) or (isinstance(held, bool) and check.get("type") in {"integer", "number"}):
        return False
    bounds = [_BOUNDS[name](held, bound) for name, bound in check.items() if name in _BOUNDS]
    return all(bounds)


_BOUNDS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "minimum": lambda held, bound: held >= bound,
    "maximum": lambda held, bound: held <= bound,
    "exclusiveMinimum": lambda held, bound: held > bound,
    "exclusiveMaximum": lambda held, bound: held < bound,
    "minLength": lambda held, bound: len(held) >= bound,
    "maxLength": lambda held, bound: len(held) <= bound,
    "minItems": lambda held, bound: len(held) >= bound,
    "maxItems": lambda held, bound: len(held) <= bound,
    "pattern": lambda held, bound: isinstance(held, str) and re.search(bound, held) is not None,
    "enum": lambda held, bound: any(same(held, one) for one in bound),
    "const": same,
}
