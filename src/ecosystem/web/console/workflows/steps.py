"""An execution's history as steps: one for each visit of a state, with what went in, what came out, and its calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import Struct

from ecosystem.ports.workflows import Execution, ExecutionStatus, HistoryEvent
from ecosystem.web.console.workflows.machines import END, START

ENTERED, EXITED = "StateEntered", "StateExited"
_CONTAINERS = {"ParallelState": "Parallel", "MapState": "Map", "MapIteration": "Map"}
_OPENS = frozenset({"ParallelStateStarted", "MapStateStarted", "MapIterationStarted"})
_FAILED = ("Failed", "TimedOut")


class Outcome(StrEnum):
    """What became of a state. Each is drawn in its own colour, outline, sign and word."""

    SUCCEEDED = "succeeded"
    CAUGHT = "caught"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    ABORTED = "aborted"
    RUNNING = "running"
    WAITING = "waiting"
    ASKED = "asked"
    NOT_REACHED = "not_reached"


_GRAVEST = (
    Outcome.ASKED, Outcome.RUNNING, Outcome.WAITING, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.ABORTED, Outcome.CAUGHT,
    Outcome.SUCCEEDED,
)  # fmt: skip
"""Of several visits side by side, the drawing shows the first of these."""

_ENDED = {
    ExecutionStatus.RUNNING: Outcome.RUNNING, ExecutionStatus.TIMED_OUT: Outcome.TIMED_OUT,
    ExecutionStatus.ABORTED: Outcome.ABORTED, ExecutionStatus.FAILED: Outcome.ABORTED,
    ExecutionStatus.SUCCEEDED: Outcome.ABORTED,
}  # fmt: skip
"""What a visit that never ended comes to, by how the execution stands."""


class Call(Struct, frozen=True, kw_only=True):
    """One try of a step's work, and what came of it; `failed_at` is None unless it failed."""

    at: datetime
    failed_at: datetime | None = None
    error: str = ""
    cause: str = ""


class Step(Struct, frozen=True, kw_only=True):
    """One visit of a state. `number` is the event that began it; `within` that of the step around it, 0 for none.

    `item` is which item of a Map it works on.
    """

    number: int
    within: int
    state: str
    kind: str
    outcome: Outcome
    entered_at: datetime
    left_at: datetime | None
    input: Any
    output: Any
    has_output: bool
    calls: Sequence[Call]
    error: str
    cause: str
    item: int | None
    last_event: int

    @property
    def retries(self) -> int:
        return max(0, len(self.calls) - 1)

    @property
    def took_s(self) -> float | None:
        return (self.left_at - self.entered_at).total_seconds() if self.left_at else None


class Standing(Struct, frozen=True, kw_only=True):
    """How a state stands in the drawing: `visits` counts how often it was entered, `retries` the calls made again."""

    outcome: Outcome
    visits: int = 0
    retries: int = 0
    first: int = 0


NOT_REACHED = Standing(outcome=Outcome.NOT_REACHED)


class Taken(NamedTuple):
    """A way that was taken from one state to the next, because an error was caught or not."""

    source: str
    target: str
    caught: bool = False


class Story(Struct, frozen=True, kw_only=True):
    """Steps in the order in which they began, how each state stands, and the ways that were taken."""

    steps: Sequence[Step]
    standings: Mapping[str, Standing]
    taken: frozenset[Taken]


@dataclass(slots=True)
class _Visit:
    """A visit while its events are read."""

    state: str
    kind: str
    entered: HistoryEvent
    within: _Visit | None
    item: int | None = None
    exited: HistoryEvent | None = None
    calls: list[HistoryEvent] = field(default_factory=list[HistoryEvent])
    failures: list[HistoryEvent] = field(default_factory=list[HistoryEvent])
    last: HistoryEvent | None = None
    led_on: bool = False

    @property
    def has_failed(self) -> bool:
        """Whether its last call failed."""
        called = self.calls[-1].id if self.calls else 0
        return bool(self.failures) and self.failures[-1].id > called


def story(execution: Execution, events: Sequence[HistoryEvent], asked: frozenset[str]) -> Story:
    """What the history tells. `asked` are the states that wait for an answer under a task's token now."""
    reading = _Reading()
    for event in events:
        reading.take(event)
    steps = [_step(visit, execution, asked) for visit in reading.visits]
    taken = set(reading.taken)
    for visit in reading.visits:
        if visit.within is None and not visit.led_on and _reached_end(visit, execution):
            taken.add(Taken(visit.state, END))
    return Story(steps=steps, standings=_standings(steps), taken=frozenset(taken))


@dataclass(slots=True)
class _Reading:
    """Puts each event to the visit it belongs to, by the event before it in its branch."""

    visits: list[_Visit] = field(default_factory=list[_Visit])
    taken: set[Taken] = field(default_factory=set[Taken])
    _visit_of: dict[int, _Visit | None] = field(default_factory=dict[int, _Visit | None])
    _item_of: dict[int, int | None] = field(default_factory=dict[int, int | None])
    _opened: set[int] = field(default_factory=set[int])

    def take(self, event: HistoryEvent) -> None:
        before = self._visit_of.get(event.previous_id)
        self._item_of[event.id] = self._item_of.get(event.previous_id)
        if event.type.endswith(ENTERED):
            visit = self._entered(event, before)
        elif event.type.endswith(EXITED):
            visit = _around(before, lambda each: each.state == event.details.get("name"))
            if visit:
                visit.exited = event
        elif container := next((kind for prefix, kind in _CONTAINERS.items() if event.type.startswith(prefix)), ""):
            visit = self._of_container(event, before, container)
        else:
            visit = before
            self._called(event, visit)
        self._visit_of[event.id] = visit
        if visit:
            visit.last = event
        if event.type in _OPENS:
            self._opened.add(event.id)

    def _entered(self, event: HistoryEvent, before: _Visit | None) -> _Visit:
        begins = event.previous_id in self._opened
        within = before if begins else before.within if before else None
        visit = _Visit(
            state=str(event.details.get("name", "")),
            kind=event.type.removesuffix(ENTERED),
            entered=event,
            within=within,
            item=self._item_of[event.id],
        )
        if before is None:
            self.taken.add(Taken(START, visit.state))
        elif not begins:
            before.led_on = True
            self.taken.add(Taken(before.state, visit.state, before.has_failed))
        self.visits.append(visit)
        return visit

    def _of_container(self, event: HistoryEvent, before: _Visit | None, kind: str) -> _Visit | None:
        visit = _around(before, lambda each: each.kind == kind)
        if event.type == "MapIterationStarted":
            index = event.details.get("index")
            self._item_of[event.id] = index if isinstance(index, int) else None
        elif visit and event.id not in self._opened:
            self._item_of[event.id] = visit.item
        if visit and event.type.endswith(_FAILED) and not event.type.startswith("MapIteration"):
            visit.failures.append(event)
        if visit and event.type in {"ParallelStateStarted", "MapStateStarted"}:
            visit.calls.append(event)
        return visit

    @staticmethod
    def _called(event: HistoryEvent, visit: _Visit | None) -> None:
        if visit is None or event.type.startswith("Execution"):
            return
        if event.type.endswith(_FAILED):
            visit.failures.append(event)
        elif event.type.endswith("Scheduled"):
            visit.calls.append(event)


def _around(visit: _Visit | None, fits: Callable[[_Visit], bool]) -> _Visit | None:
    """The innermost visit around that fits, itself included."""
    while visit and not fits(visit):
        visit = visit.within
    return visit


def _step(visit: _Visit, execution: Execution, asked: frozenset[str]) -> Step:
    failure = visit.failures[-1] if visit.failures else None
    outcome = _outcome(visit, execution, asked)
    ended = outcome in {Outcome.FAILED, Outcome.CAUGHT, Outcome.TIMED_OUT}
    error, cause = _said(failure) if failure and ended else ("", "")
    if outcome is Outcome.FAILED and not failure:
        error, cause = execution.error or "", execution.cause or ""
    left = visit.exited or (visit.last if visit.led_on else None)
    return Step(
        number=visit.entered.id,
        within=visit.within.entered.id if visit.within else 0,
        state=visit.state,
        kind=visit.kind,
        outcome=outcome,
        entered_at=visit.entered.at,
        left_at=left.at if left else execution.ended_at,
        input=visit.entered.details.get("input"),
        output=visit.exited.details.get("output") if visit.exited else None,
        has_output=visit.exited is not None,
        calls=_calls(visit),
        error=error,
        cause=cause,
        item=visit.item,
        last_event=visit.last.id if visit.last else visit.entered.id,
    )


def _outcome(visit: _Visit, execution: Execution, asked: frozenset[str]) -> Outcome:
    has_failed = visit.has_failed
    if visit.exited or visit.led_on:
        return Outcome.CAUGHT if has_failed else Outcome.SUCCEEDED
    # Where what was around it has gone on, this one failed it, or was stopped when another did.
    passed = _around(visit.within, lambda each: each.exited is not None or each.led_on) is not None
    if execution.status is ExecutionStatus.RUNNING and not passed:
        if visit.state in asked:
            return Outcome.ASKED
        return Outcome.WAITING if visit.kind == "Wait" or has_failed else Outcome.RUNNING
    if (passed or execution.status is ExecutionStatus.FAILED) and (has_failed or visit.kind == "Fail"):
        return Outcome.FAILED
    if execution.status is ExecutionStatus.SUCCEEDED and visit.kind == "Succeed":
        return Outcome.SUCCEEDED
    return Outcome.ABORTED if passed else _ENDED[execution.status]


def _reached_end(visit: _Visit, execution: Execution) -> bool:
    return execution.status is not ExecutionStatus.RUNNING and (
        visit.kind == "Fail" or (visit.exited is not None and execution.status is ExecutionStatus.SUCCEEDED)
    )


def _said(failure: HistoryEvent) -> tuple[str, str]:
    error = failure.details.get("error") or ("States.Timeout" if failure.type.endswith("TimedOut") else "")
    return str(error), str(failure.details.get("cause") or "")


def _calls(visit: _Visit) -> Sequence[Call]:
    """Each call with the failure that came of it: the one before the next call."""
    found: list[Call] = []
    for at, call in enumerate(visit.calls):
        until = visit.calls[at + 1].id if at + 1 < len(visit.calls) else None
        failure = next(
            (each for each in visit.failures if each.id > call.id and (until is None or each.id < until)), None
        )
        error, cause = _said(failure) if failure else ("", "")
        found.append(Call(at=call.at, failed_at=failure.at if failure else None, error=error, cause=cause))
    return found


def _standings(steps: Sequence[Step]) -> Mapping[str, Standing]:
    """A state stands as it was left last; within a container as the gravest of those that its last round made."""
    visits: dict[str, list[Step]] = {}
    for step in steps:
        visits.setdefault(step.state, []).append(step)
    return {
        state: Standing(
            outcome=_shown(made), visits=len(made), retries=sum(step.retries for step in made), first=made[-1].number
        )
        for state, made in visits.items()
    }


def _shown(visits: Sequence[Step]) -> Outcome:
    last = visits[-1]
    if not last.within:
        return last.outcome
    round_ = {step.outcome for step in visits if step.within == last.within}
    return next(outcome for outcome in _GRAVEST if outcome in round_)
