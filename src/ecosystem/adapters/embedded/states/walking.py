"""A turn under way: frames copied from the run it began with, changed, and put into the run it ends with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from copy import copy
from datetime import datetime
from typing import Any, Final

import msgspec

from ecosystem.adapters.embedded.states import chance, values
from ecosystem.adapters.embedded.states.chance import Chance
from ecosystem.adapters.embedded.states.failures import StateFailed, runtime
from ecosystem.adapters.embedded.states.history import Detail, Event
from ecosystem.adapters.embedded.states.instants import shown
from ecosystem.adapters.embedded.states.kinds import State, WorkState
from ecosystem.adapters.embedded.states.run import (
    Call,
    Called,
    Forked,
    Frame,
    Iterating,
    Run,
    RunStatus,
    Sleeping,
    awaited,
)
from ecosystem.adapters.embedded.states.scope import Scope
from ecosystem.adapters.embedded.states.values import MISSING

Line = list[Frame]
"""A frame with all those above it, the outermost first."""

EVENTS_MAX: Final = 25_000
TURN_EVENTS_MAX: Final = 100
TURN_SIZE_MAX: Final = 300_000
_NOTHING: Final[Mapping[str, Detail]] = {}
_KINDS: Final[Mapping[type, str]] = {Called: "Task", Sleeping: "Wait", Forked: "Parallel", Iterating: "Map"}


class Walk:
    """The run as it becomes. Knows frames, events, calls and how the run ends; what states do is told elsewhere."""

    def __init__(self, states: Mapping[str, State], run: Run, at: datetime) -> None:
        self.states = states
        self.at = at
        self.chance = Chance(run.circumstances.seed, run.drawn)
        self.next_call = run.next_call
        self.ready: deque[Line] = deque()
        self.root = run.root
        self.status = run.status
        self.output_text: str | None = None
        self.error = run.error
        self.cause = run.cause
        self.redrives = run.redrives
        self.deadline_at = run.deadline_at
        self._run = run
        self._next_event = run.next_event
        self._size = 0
        self._events: list[Event] = []
        self._calls: list[Call] = []
        self._cancelled: set[int] = set()
        self._dropped: list[Frame] = []
        self._text: str | None = None
        self._value: Any = None

    # What the turn has come to.

    @property
    def is_over(self) -> bool:
        return self.status is not RunStatus.RUNNING

    @property
    def is_spent(self) -> bool:
        """Whether the turn has done enough: what is ready waits for the next one, which follows at once."""
        return len(self._events) >= TURN_EVENTS_MAX or self._size >= TURN_SIZE_MAX

    def result(self) -> tuple[Run, tuple[Event, ...], tuple[Call, ...], tuple[int, ...]]:
        """The run as it stands, the events, the calls to make, and those no longer awaited."""
        made = {call.call_id for call in self._calls}
        run = msgspec.structs.replace(
            self._run,
            status=self.status,
            deadline_at=self.deadline_at,
            ended_at=self.at if self.is_over else None,
            output_text=self.output_text,
            error=self.error,
            cause=self.cause,
            next_event=self._next_event,
            next_call=self.next_call,
            redrives=self.redrives,
            root=self.root,
            drawn=self.chance.drawn,
        )
        calls = tuple(call for call in self._calls if call.call_id not in self._cancelled)
        return run, tuple(self._events), calls, tuple(sorted(self._cancelled - made))

    # Frames.

    def opened(self, wanted: Callable[[Frame], bool]) -> Line | None:
        """The first frame of that kind with those above it, copied so that they may be changed; None without one."""
        path = None if self.root is None else _path([self.root], wanted)
        return None if path is None else self._copied(path)

    def _copied(self, path: Line) -> Line:
        line: Line = []
        for frame in path:
            fresh = copy(frame)
            waiting = fresh.waiting
            if isinstance(waiting, Forked):
                fresh.waiting = Forked(list(waiting.branches))
            elif isinstance(waiting, Iterating):
                fresh.waiting = copy(waiting)
                fresh.waiting.running = list(waiting.running)
                fresh.waiting.results = list(waiting.results)
            elif isinstance(waiting, Called):
                fresh.waiting = copy(waiting)
            if line:
                _put(line[-1], frame, fresh)
            else:
                self.root = fresh
            line.append(fresh)
        return line

    def next_ready(self) -> Line | None:
        """The next line that can go on, unless the turn is spent or over; what is left stays for the next turn."""
        while self.ready and not self.is_over and not self.is_spent:
            line = self.ready.popleft()
            if not any(frame is dropped for frame in line for dropped in self._dropped):
                return line
        self.ready.clear()
        return None

    def state(self, frame: Frame) -> State:
        """The frame's state. A machine that has changed may have lost it."""
        state = self.states.get(frame.state)
        if state is None:
            raise runtime(f"The machine has no state '{frame.state}' any more.")
        return state

    def raw(self, frame: Frame) -> Any:
        """The input of the frame's state."""
        if self._text is not frame.input_text:
            self.keep(frame.input_text, values.value(frame.input_text))
        return self._value

    def keep(self, text: str, value: Any) -> None:
        """Remember the value of a text that is likely to be asked for next."""
        self._text, self._value = text, value

    # Expressions.

    def scope(self, line: Line, given: Any, *, item: tuple[int, str] | None = None, token: str | None = None) -> Scope:
        return Scope(given, self.chance, lambda: self._context(line, item, token), lambda name: _variable(line, name))

    def token(self, call_id: int) -> str:
        known = self._run.circumstances
        return chance.token(known.seed, known.execution_id, call_id)

    def _context(self, line: Line, item: tuple[int, str] | None, token: str | None) -> dict[str, Any]:
        """The context object, with the cloud's names.

        https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
        """
        known, frame = self._run.circumstances, line[-1]
        about: dict[str, Any] = {"EnteredTime": shown(frame.at), "Name": frame.state}
        if isinstance(self.states.get(frame.state), WorkState):
            about["RetryCount"] = frame.retry_count
        context: dict[str, Any] = {
            "Execution": {
                "Id": known.execution_id,
                "Input": self._run.input,
                "Name": known.execution_name,
                "RedriveCount": self.redrives,
                "RoleArn": known.role,
                "StartTime": shown(self._run.started_at),
            },
            "State": about,
            "StateMachine": {"Id": known.machine_id, "Name": known.machine_name},
        }
        called = frame.waiting
        if token is None and isinstance(called, Called) and called.has_token:
            token = self.token(called.call_id)
        if token is not None:
            context["Task"] = {"Token": token}
        item = item or _item(line)
        if item is not None:
            context["Map"] = {"Item": {"Index": item[0], "Value": values.value(item[1])}}
        return context

    # What is told, called, and ended.

    def tell(
        self, frame: Frame | None, kind: str, details: Mapping[str, Detail] = _NOTHING, *, is_beside: bool = False
    ) -> int:
        """Tell an event behind the frame's last one; its id. One told beside is not what the next one is behind."""
        event_id = self._next_event
        self._next_event += 1
        self._events.append(Event(event_id, frame.last_event if frame else 0, self.at, kind, details))
        for detail in details.values():
            if isinstance(detail, str):
                self._size += len(detail)
        if frame is not None and not is_beside:
            frame.last_event = event_id
        return event_id

    def hold_to_limit(self) -> None:
        """An execution tells at most so many events, as in the cloud."""
        if self._next_event >= EVENTS_MAX:
            raise runtime(f"The execution reached the maximum number of history events ({EVENTS_MAX}).")

    def call(self, frame: Frame) -> None:
        """Ask for the call that the frame waits for."""
        call = awaited(self._run.circumstances, frame)
        if call is not None:
            self._calls.append(call)

    def cancel(self, frame: Frame) -> None:
        """Wait no more for the frame's call."""
        if isinstance(frame.waiting, Called):
            self._cancelled.add(frame.waiting.call_id)

    def drop_below(self, frame: Frame, failed: Frame | None = None) -> None:
        """End what runs below the frame, telling so; the branch that failed has told already."""
        for child in frame.children():
            self.drop_below(child)
            self.cancel(child)
            self._dropped.append(child)
            if child is not failed and child.waiting is not None:
                kind = _KINDS.get(type(child.waiting))
                if kind is not None:
                    self.tell(child, f"{kind}StateAborted")
                if child.index is not None:
                    self.tell(child, "MapIterationAborted", {"name": frame.state, "index": child.index})

    def end(self, status: RunStatus, *, output_text: str | None = None, failure: StateFailed | None = None) -> None:
        """End the run. A run that did not succeed keeps where it was, to go on from there."""
        self.status = status
        self.output_text = output_text
        if failure is not None:
            self.error, self.cause = failure.error or None, failure.cause or None
        to_do = [] if self.root is None else [self.root]
        while to_do:
            frame = to_do.pop()
            self.cancel(frame)
            to_do.extend(frame.children())
        if status is RunStatus.SUCCEEDED:
            self.root = None
        self.ready.clear()


def _path(line: Line, wanted: Callable[[Frame], bool]) -> Line | None:
    if wanted(line[-1]):
        return line
    for child in line[-1].children():
        found = _path([*line, child], wanted)
        if found is not None:
            return found
    return None


def _put(parent: Frame, former: Frame, fresh: Frame) -> None:
    match parent.waiting:
        case Forked(branches):
            branches[_place(branches, former)] = fresh
        case Iterating():
            running = parent.waiting.running
            running[_place(running, former)] = fresh
        case _:
            pass


def _place(held: list[Any], wanted: Frame) -> int:
    return next(place for place, frame in enumerate(held) if frame is wanted)


def place_of(held: list[Any], wanted: Frame) -> int:
    """Where that very frame is: two branches may be equal."""
    return _place(held, wanted)


def _variable(line: Line, name: str) -> Any:
    for frame in reversed(line):
        if name in frame.variables:
            return values.value(frame.variables[name])
    return MISSING


def _item(line: Line) -> tuple[int, str] | None:
    """The item of the innermost iteration the line runs through."""
    for place in range(len(line) - 1, 0, -1):
        index, above = line[place].index, line[place - 1].waiting
        if index is not None and isinstance(above, Iterating):
            return index, above.items[index]
    return None
