"""A run moved on by one turn. Pure: the same machine, run, arrival and instant give the same turn, anywhere.

A turn goes through states that need nothing from outside until every branch waits or the run ends; a very long way is
split, and the run then wakes at once (`wakes_at` is not later than `at`). No function changes the run it was given.

    turn = begin(machine, circumstances, {"k": 1}, at)
    commit turn.run and turn.events, then make turn.calls and forget turn.cancelled
    turn = answer(machine, turn.run, call_id, Succeeded({"ok": True}), at)
    turn = wake(machine, turn.run, at)            once run.wakes_at has come
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from ecosystem.adapters.embedded.states.definition import Machine
from ecosystem.adapters.embedded.states.history import Event
from ecosystem.adapters.embedded.states.run import Call, Circumstances, Outcome, Run
from ecosystem.kernel.refusals import Conflict


class CallNotAwaited(Conflict):
    """Nothing waits for this call any more: it was answered, timed out, was cancelled, or never made."""


class NotRedrivable(Conflict):
    """Only an execution that failed, timed out or was aborted can go on from where it was."""


class Turn(Struct, frozen=True, kw_only=True):
    """What one turn did: the run as it stands, what to tell, whom to call, and whom not to wait for any more."""

    run: Run
    events: tuple[Event, ...]
    calls: tuple[Call, ...]
    cancelled: tuple[int, ...]
    """Ids of calls made before that are no longer awaited though nobody answered them."""


def begin(machine: Machine, circumstances: Circumstances, given: Any, at: datetime) -> Turn:
    """Start an execution with that input, any JSON value."""
    raise NotImplementedError


def answer(machine: Machine, run: Run, call_id: int, outcome: Outcome, at: datetime) -> Turn:
    """A call came back, or its token did. Raises `CallNotAwaited`."""
    raise NotImplementedError


def submitted(machine: Machine, run: Run, call_id: int, output: Any, at: datetime) -> Turn:
    """The function of a call with a token has returned; its answer is still to come. Raises `CallNotAwaited`.

    A function that failed instead is `answer(..., Failed(...))`.
    """
    raise NotImplementedError


def beat(machine: Machine, run: Run, call_id: int, at: datetime) -> Turn:
    """A call shows that it is alive: its heartbeat is due anew from here. Raises `CallNotAwaited`."""
    raise NotImplementedError


def wake(machine: Machine, run: Run, at: datetime) -> Turn:
    """Do what is due: waits, retries, timeouts, heartbeats, the deadline. Too early, the turn is empty."""
    raise NotImplementedError


def stop(run: Run, error: str | None, cause: str | None, at: datetime) -> Turn:
    """Abort a run. One that is over stays as it is: the turn is empty."""
    raise NotImplementedError


def redrive(machine: Machine, run: Run, at: datetime) -> Turn:
    """Go on from the states that failed, with their input; what succeeded stays. Raises `NotRedrivable`."""
    raise NotImplementedError
