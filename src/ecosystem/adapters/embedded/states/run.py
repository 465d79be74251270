"""An execution as it stands between two turns: where it is, what it waits for, and what it has counted.

Every payload in here is JSON as text, so that nothing a caller does to a value it was given can reach a run. Structs
pack as arrays: `msgspec.msgpack.encode(run)` and `decode(..., type=Run)` give an equal run back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct, field

from ecosystem.adapters.embedded.states import chance


class RunStatus(StrEnum):
    """The cloud's names for how an execution stands."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


class Circumstances(Struct, frozen=True, kw_only=True, array_like=True):
    """What a run is told of itself when it begins, and shows as its context object.

    `seed` is all the chance a run has: task tokens, States.UUID, States.MathRandom and jitter are made from it. It is
    secret, since who knows it can make the tokens: 16 bytes of entropy.
    """

    execution_id: str
    execution_name: str
    machine_id: str
    machine_name: str
    seed: bytes
    role: str = ""


class Succeeded(Struct, frozen=True):
    """A call came back with that JSON value."""

    output: Any


class Failed(Struct, frozen=True):
    """A call failed under that name, with that cause; either may be absent."""

    error: str | None = None
    cause: str | None = None


Outcome = Succeeded | Failed


class Call(Struct, frozen=True, kw_only=True):
    """A call that a run waits for. `call_id` is unique within the execution and never used again.

    `token` is set for a call that waits for a task token: the function is called once and what it returns goes to
    `stepping.submitted`; the answer comes later, from whoever has the token. `is_submitted` says that this was done.
    `attempt` counts from 0, the retries of that visit of the state.
    """

    call_id: int
    state: str
    function: str
    input_text: str
    attempt: int
    token: str | None = None
    is_submitted: bool = False
    timeout_at: datetime | None = None
    heartbeat_s: int | None = None
    heartbeat_at: datetime | None = None

    @property
    def input(self) -> Any:
        """The input as a value of its own at each call: a handler may change it."""
        return msgspec.json.decode(self.input_text)


class Called(Struct, array_like=True, tag="c"):
    """A Task waits for an answer. `input_text` of None is the frame's own input."""

    call_id: int
    function: str
    input_text: str | None = None
    has_token: bool = False
    is_submitted: bool = False
    timeout_at: datetime | None = None
    heartbeat_s: int | None = None
    heartbeat_at: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        if self.heartbeat_at is None or (self.timeout_at is not None and self.timeout_at <= self.heartbeat_at):
            return self.timeout_at
        return self.heartbeat_at


class Sleeping(Struct, array_like=True, tag="s"):
    """A Wait state, until then."""

    until: datetime


class Retrying(Struct, array_like=True, tag="r"):
    """A state that failed and will be tried again then."""

    until: datetime


class Done(Struct, frozen=True, array_like=True, tag="d"):
    """A branch that has ended well."""

    output_text: str
    last_event: int


class Forked(Struct, array_like=True, tag="f"):
    """A Parallel state, with its branches in their order."""

    branches: list[Frame | Done]


class Iterating(Struct, array_like=True, tag="m"):
    """A Map state: its items, the iterations under way, and the results of those that ended.

    `begun` iterations have been started. A result of None is not there yet, or never will be: its iteration failed.
    """

    items: tuple[str, ...]
    results: list[str | None]
    running: list[Frame]
    concurrency: int
    input_text: str
    started_event: int
    begun: int = 0
    failed: int = 0
    tolerated: float = 0
    """How many iterations may fail without the state failing."""


class Frame(Struct, array_like=True, tag="F"):
    """Where one branch is. `waiting` of None: it can go on at once. Changed only by the turn that copied it."""

    state: str
    input_text: str
    at: datetime
    """When it came to this state."""
    entered_event: int = 0
    """The event that told so; 0 while it has not been told."""
    last_event: int = 0
    retries: tuple[int, ...] = ()
    """How often each of the state's retriers was used."""
    retry_count: int = 0
    waiting: Called | Sleeping | Retrying | Forked | Iterating | None = None
    variables: dict[str, str] = field(default_factory=dict[str, str])
    """Those assigned in this branch, each as JSON text. Replaced, never changed."""
    index: int | None = None
    """Which iteration of a Map state it is."""

    def children(self) -> list[Frame]:
        """The branches or iterations under way below it."""
        match self.waiting:
            case Forked(branches):
                return [branch for branch in branches if isinstance(branch, Frame)]
            case Iterating():
                return self.waiting.running
            case _:
                return []

    def due_at(self) -> datetime | None:
        """When this frame itself goes on without being answered."""
        match self.waiting:
            case None:
                return self.at
            case Called():
                return self.waiting.due_at
            case Sleeping(until) | Retrying(until):
                return until
            case _:
                return None


class Run(Struct, frozen=True, kw_only=True, array_like=True):
    """An execution between two turns. Its frames are `stepping`'s business alone."""

    circumstances: Circumstances
    status: RunStatus
    started_at: datetime
    input_text: str
    deadline_at: datetime | None = None
    """When the machine's own TimeoutSeconds have passed."""
    ended_at: datetime | None = None
    output_text: str | None = None
    error: str | None = None
    cause: str | None = None
    next_event: int = 1
    """The id of the next event: as many events as that less one have been told."""
    next_call: int = 1
    redrives: int = 0
    root: Frame | None = None
    """Where it is; where it was, when it failed; None when it succeeded."""
    drawn: int = 0
    """How often chance was asked."""

    @property
    def input(self) -> Any:
        return msgspec.json.decode(self.input_text)

    @property
    def output(self) -> Any:
        """The output of a run that succeeded; None for any other."""
        return None if self.output_text is None else msgspec.json.decode(self.output_text)

    @property
    def is_over(self) -> bool:
        return self.status is not RunStatus.RUNNING

    @property
    def wakes_at(self) -> datetime | None:
        """The earliest instant at which `stepping.wake` has something to do; None when only an answer moves it on."""
        if self.is_over:
            return None
        instants = [due_at for frame in self.frames() if (due_at := frame.due_at()) is not None]
        if self.deadline_at is not None:
            instants.append(self.deadline_at)
        return min(instants, default=None)

    def frames(self) -> Iterator[Frame]:
        """Every frame, from above."""
        to_do = [] if self.root is None else [self.root]
        while to_do:
            frame = to_do.pop()
            yield frame
            to_do.extend(reversed(frame.children()))

    def calls(self) -> list[Call]:
        """Every call awaited now, in the order in which they were made: what another interpreter takes over."""
        if self.is_over:
            return []
        return sorted(
            (call for frame in self.frames() if (call := self._awaited(frame)) is not None),
            key=lambda call: call.call_id,
        )

    def call(self, call_id: int) -> Call | None:
        """That call, while it is awaited."""
        return next((call for call in self.calls() if call.call_id == call_id), None)

    def call_of(self, token: str) -> Call | None:
        """The call that waits for that token, while it is awaited.

        `chance.addressee(token)` tells which execution and which call a token claims to be for.
        """
        addressee = chance.addressee(token)
        if addressee is None:
            return None
        execution_id, call_id = addressee
        call = self.call(call_id)
        known = self.circumstances
        if call is None or call.token is None or execution_id != known.execution_id:
            return None
        return call if chance.is_token(token, known.seed, execution_id, call_id) else None

    def _awaited(self, frame: Frame) -> Call | None:
        return awaited(self.circumstances, frame) if isinstance(frame.waiting, Called) else None


def awaited(circumstances: Circumstances, frame: Frame) -> Call | None:
    """The call that frame waits for."""
    called = frame.waiting
    if not isinstance(called, Called):
        return None
    return Call(
        call_id=called.call_id,
        state=frame.state,
        function=called.function,
        input_text=frame.input_text if called.input_text is None else called.input_text,
        attempt=frame.retry_count,
        token=chance.token(circumstances.seed, circumstances.execution_id, called.call_id)
        if called.has_token
        else None,
        is_submitted=called.is_submitted,
        timeout_at=called.timeout_at,
        heartbeat_s=called.heartbeat_s,
        heartbeat_at=called.heartbeat_at,
    )
