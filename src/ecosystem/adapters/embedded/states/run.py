"""An execution as it stands between two turns: where it is, what it waits for, and what it has counted.

Every payload in here is JSON as text, so that nothing a caller does to a value it was given can reach a run. Structs
pack as arrays: `msgspec.msgpack.encode(run)` and `decode(..., type=Run)` give an equal run back.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct


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


class Run(Struct, frozen=True, kw_only=True, array_like=True):
    """An execution between two turns. Its frames, below, are `stepping`'s business alone."""

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
        raise NotImplementedError

    def calls(self) -> list[Call]:
        """Every call awaited now, in the order in which they were made: what another interpreter takes over."""
        raise NotImplementedError

    def call(self, call_id: int) -> Call | None:
        """That call, while it is awaited."""
        raise NotImplementedError

    def call_of(self, token: str) -> Call | None:
        """The call that waits for that token, while it is awaited."""
        raise NotImplementedError
