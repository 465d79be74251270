"""A machine as its file defines it: read, held to the language, and made ready to run."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

from ecosystem.adapters.embedded.states.building import build
from ecosystem.adapters.embedded.states.kinds import ChoiceState, FailState, State, SucceedState, WorkState
from ecosystem.adapters.embedded.states.reading import SECONDS_MAX, Fields, Notes, Surroundings
from ecosystem.adapters.embedded.states.values import Unwritable, is_number, is_object, text
from ecosystem.kernel.refusals import Invalid

SIZE_BYTES_MAX: Final = 1_048_576
_TOP: Final = frozenset({"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"})
_WITHIN: Final = frozenset({"Comment", "QueryLanguage", "StartAt", "States"})
_NAME_LENGTH_MAX: Final = 80


class Problem(Struct, frozen=True):
    """One thing wrong with a machine: in which file, at which state (empty for the machine itself), and why."""

    file: str
    state: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.state}: {self.reason}" if self.state else f"{self.file}: {self.reason}"


class MachineRefused(Invalid):
    """The file defines no machine that could run. Carries every problem found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems), field="definition")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine ready to run: paths, templates and rules are parsed. Shared by all its runs, and never changed."""

    file: str
    definition: Mapping[str, Any]
    """As read, to draw it."""
    timeout_s: int | None
    """How long an execution may take in all."""
    functions: frozenset[str]
    """The functions its tasks name; those named by a path at run time are not among them."""
    start: str
    states: Mapping[str, State]
    """Every state by its name, those within branches and iterations too: names are unique in a machine."""
    known: Container[str] | None
    """The functions there are, for those named at run time; None takes any."""


def load(
    content: bytes,
    *,
    file: str,
    functions: Container[str] | None,
    bindings: Mapping[str, str] | None = None,
    may_have_unreachable: bool = False,
) -> Machine:
    """The machine in that file. Raises `MachineRefused` with every problem as file, state and reason.

    `functions` are those a task may name; None takes any. `${name}` in a `Resource` or `FunctionName` stands for
    `bindings[name]`, and for `name` itself when that is not bound. `may_have_unreachable` lets states pass that
    nothing leads to, as recorded machines have them.
    """
    notes = Notes()
    surroundings = Surroundings(functions, bindings or {}, notes, set())
    try:
        given = _read(content)
        reader = _Flows(surroundings, may_have_unreachable=may_have_unreachable)
        start = reader.flow("", given, _TOP)
        timeout_s = _timeout(given, notes)
    except _Unreadable as reason:
        raise MachineRefused((Problem(file, "", str(reason)),)) from reason
    except RecursionError as reason:
        raise MachineRefused((Problem(file, "", "it is nested too deep"),)) from reason
    if notes.taken or start is None:
        found = notes.taken or [("", "it has no first state")]
        raise MachineRefused(tuple(Problem(file, state, why) for state, why in dict.fromkeys(found)))
    return Machine(
        file=file,
        definition=given,
        timeout_s=timeout_s,
        functions=frozenset(surroundings.named),
        start=start,
        states=reader.states,
        known=functions,
    )


class _Unreadable(ValueError):
    """The content is no JSON object, or one that says a thing twice."""


def _read(content: bytes) -> dict[str, Any]:
    if len(content) > SIZE_BYTES_MAX:
        raise _Unreadable(f"a machine has at most {SIZE_BYTES_MAX} bytes")
    try:
        given = json.loads(content, object_pairs_hook=_pairs, parse_constant=_constant)
        text(given)
    except _Unreadable:
        raise
    except (ValueError, Unwritable) as reason:
        raise _Unreadable(f"it is not JSON: {reason}") from reason
    if not is_object(given):
        raise _Unreadable("a machine must be a JSON object")
    return given


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for name, value in pairs:
        if name in held:
            raise _Unreadable(f"{name!r} stands there twice")
        held[name] = value
    return held


def _constant(name: str) -> Any:
    raise _Unreadable(f"{name} is no JSON number")


def _timeout(given: dict[str, Any], notes: Notes) -> int | None:
    seconds = given.get("TimeoutSeconds")
    if "TimeoutSeconds" not in given:
        return None
    if not is_number(seconds) or not 1 <= seconds <= SECONDS_MAX or seconds != int(seconds):
        notes.note("", f"TimeoutSeconds must be a whole number from 1 to {SECONDS_MAX}")
        return None
    return int(seconds)


class _Flows:
    """Reads the machine and the flows within it; all states land in one table."""

    def __init__(self, surroundings: Surroundings, *, may_have_unreachable: bool) -> None:
        self.states: dict[str, State] = {}
        self._around = surroundings
        self._names: set[str] = set()
        self._may_have_unreachable = may_have_unreachable

    def flow(self, where: str, given: Any, known: frozenset[str]) -> str | None:
        """Read one flow, which stands at that place; its first state, None when there is none."""
        notes = self._around.notes
        if not is_object(given):
            notes.note(where, "a flow must be an object with StartAt and States")
            return None
        for name in sorted(given.keys() - known):
            notes.note(where, f"{name} is not a field here")
        if given.get("QueryLanguage") not in {None, "JSONPath"}:
            notes.note(where, "QueryLanguage must be JSONPath: JSONata is not spoken here")
        if "Version" in given and given["Version"] != "1.0":
            notes.note(where, "Version must be 1.0")
        if not isinstance(given.get("Comment", ""), str):
            notes.note(where, "Comment must be a text")
        start, states = given.get("StartAt"), given.get("States")
        if not is_object(states) or not states:
            notes.note(where, "States must be an object, and not empty")
            return None
        built = self._built(states)
        if not isinstance(start, str) or start not in states:
            notes.note(where, f"StartAt names no state: {start!r}")
            return None
        self._lead(where, start, built, states.keys())
        return start

    def _built(self, states: dict[str, Any]) -> dict[str, State | None]:
        notes, built = self._around.notes, dict[str, State | None]()
        for name, given in states.items():
            if not name or len(name) > _NAME_LENGTH_MAX:
                notes.note(name[:_NAME_LENGTH_MAX], f"the name of a state has 1 to {_NAME_LENGTH_MAX} characters")
            if name in self._names:
                notes.note(name, "another state of this machine has the same name")
            self._names.add(name)
            if not is_object(given):
                notes.note(name, "a state must be an object")
                built[name] = None
                continue
            fields = Fields(name, given, self._around)
            state = build(fields, lambda where, inner: self.flow(where, inner, _WITHIN))
            built[name] = state
            if state is not None:
                self.states[name] = state
        return built

    def _lead(self, where: str, start: str, built: dict[str, State | None], names: Container[str]) -> None:
        """Note states that lead nowhere, those nothing leads to, and a flow without an end."""
        notes = self._around.notes
        for name, state in built.items():
            for following in () if state is None else _following(state):
                if following not in names:
                    notes.note(name, f"there is no state {following!r} beside it")
        reached = _reached(start, built)
        if any(built[name] is None for name in reached):
            return
        for name in built:
            if name not in reached and not self._may_have_unreachable:
                notes.note(name, "nothing leads to it")
        if not any(_ends(built[name]) for name in reached):
            notes.note(where, "no state ends it")


def _reached(start: str, built: Mapping[str, State | None]) -> set[str]:
    """The states that can be come to from there."""
    reached, to_do = {start}, [start]
    while to_do:
        state = built[to_do.pop()]
        for following in () if state is None else _following(state):
            if following in built and following not in reached:
                reached.add(following)
                to_do.append(following)
    return reached


def _ends(state: State | None) -> bool:
    if isinstance(state, SucceedState | FailState):
        return True
    return state is not None and state.next is None and not isinstance(state, ChoiceState)


def _following(state: State) -> Iterator[str]:
    if state.next is not None:
        yield state.next
    if isinstance(state, ChoiceState):
        yield from (alternative.next for alternative in state.alternatives)
        if state.default is not None:
            yield state.default
    if isinstance(state, WorkState):
        yield from (catcher.next for catcher in state.catchers)
