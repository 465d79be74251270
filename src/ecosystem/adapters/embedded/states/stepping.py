"""A run moved on by one turn. Pure: the same machine, run, arrival and instant give the same turn, anywhere.

A turn goes through states that need nothing from outside until every branch waits or the run ends; a very long way is
split, and the run then wakes at once (`wakes_at` is not later than `at`). No function changes the run it was given.

    turn = begin(machine, circumstances, {"k": 1}, at)
    commit turn.run and turn.events, then make turn.calls and forget turn.cancelled
    turn = answer(machine, turn.run, call_id, Succeeded({"ok": True}), at)
    turn = wake(machine, turn.run, at)            once run.wakes_at has come
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from ecosystem.adapters.embedded.states import endings, steps, tasks, values
from ecosystem.adapters.embedded.states.definition import Machine
from ecosystem.adapters.embedded.states.failures import RUNTIME, StateFailed, runtime, too_large
from ecosystem.adapters.embedded.states.history import Event
from ecosystem.adapters.embedded.states.kinds import TaskState
from ecosystem.adapters.embedded.states.run import (
    Call,
    Called,
    Circumstances,
    Frame,
    Outcome,
    Retrying,
    Run,
    RunStatus,
)
from ecosystem.adapters.embedded.states.values import Unwritable
from ecosystem.adapters.embedded.states.walking import Line, Walk
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
    """Start an execution with that input, any JSON value. One that has no text as JSON fails at once."""
    refused: StateFailed | None = None
    try:
        text = values.text(given)
        if values.is_too_large(text):
            refused = too_large(machine.start)
    except Unwritable as reason:
        text, refused = "null", StateFailed(RUNTIME, f"The input is not JSON: {reason}")
    run = Run(
        circumstances=circumstances,
        status=RunStatus.RUNNING,
        started_at=at,
        input_text="null" if refused else text,
        deadline_at=None if machine.timeout_s is None else at + timedelta(seconds=machine.timeout_s),
        root=Frame(machine.start, text, at),
    )
    walk = Walk(machine.states, run, at)
    walk.tell(None, "ExecutionStarted", {"input": run.input_text, "roleArn": circumstances.role})
    assert walk.root is not None
    if refused is not None:
        walk.tell(walk.root, "ExecutionFailed", {"error": refused.error, "cause": refused.cause})
        walk.root = None
        walk.end(RunStatus.FAILED, failure=refused)
    else:
        walk.ready.append([walk.root])
        steps.run_ready(walk)
    return _turn(walk)


def answer(machine: Machine, run: Run, call_id: int, outcome: Outcome, at: datetime) -> Turn:
    """A call came back, or its token did. Raises `CallNotAwaited`.

    Past the execution's deadline the answer is not taken: the turn is the one that times it out.
    """
    walk = Walk(machine.states, run, at)
    line = _line(walk, call_id)
    if not _is_past_deadline(walk):
        state = walk.states.get(line[-1].state)
        if isinstance(state, TaskState):
            tasks.answer(walk, line, state, outcome)
        else:
            endings.fail(walk, line, _lost(line))
        steps.run_ready(walk)
    return _turn(walk)


def submitted(machine: Machine, run: Run, call_id: int, output: Any, at: datetime) -> Turn:
    """The function of a call with a token has returned; its answer is still to come. Raises `CallNotAwaited`.

    A function that failed instead is `answer(..., Failed(...))`.
    """
    walk = Walk(machine.states, run, at)
    line = _line(walk, call_id)
    called, state = line[-1].waiting, walk.states.get(line[-1].state)
    if not isinstance(called, Called) or not called.has_token or not isinstance(state, TaskState):
        raise CallNotAwaited
    if called.is_submitted:
        return Turn(run=run, events=(), calls=(), cancelled=())
    called.is_submitted = True
    tasks.tell_submitted(walk, line[-1], state, output)
    return _turn(walk)


def beat(machine: Machine, run: Run, call_id: int, at: datetime) -> Turn:
    """A call shows that it is alive: its heartbeat is due anew from here. Raises `CallNotAwaited`."""
    walk = Walk(machine.states, run, at)
    called = _line(walk, call_id)[-1].waiting
    if isinstance(called, Called) and called.heartbeat_s is not None:
        called.heartbeat_at = at + timedelta(seconds=called.heartbeat_s)
    return _turn(walk)


def wake(machine: Machine, run: Run, at: datetime) -> Turn:
    """Do what is due: waits, retries, timeouts, heartbeats, the deadline. Too early, the turn is empty."""
    wakes_at = run.wakes_at
    if wakes_at is None or wakes_at > at:
        return Turn(run=run, events=(), calls=(), cancelled=())
    walk = Walk(machine.states, run, at)
    while not walk.is_over and not walk.is_spent:
        due = _due(walk)
        if due is None:
            _is_past_deadline(walk)
            break
        due_at, frame = due
        if due_at > at or (walk.deadline_at is not None and walk.deadline_at <= due_at):
            _is_past_deadline(walk)
            break
        line = walk.opened(lambda held, frame=frame: held is frame)
        assert line is not None
        _wake(walk, line)
        steps.run_ready(walk)
    return _turn(walk)


def stop(run: Run, error: str | None, cause: str | None, at: datetime) -> Turn:
    """Abort a run. One that is over stays as it is: the turn is empty."""
    if run.is_over:
        return Turn(run=run, events=(), calls=(), cancelled=())
    walk = Walk({}, run, at)
    root = _opened_whole(walk)
    walk.drop_below(root)
    walk.tell(root, "ExecutionAborted", {name: held for name, held in (("error", error), ("cause", cause)) if held})
    walk.end(RunStatus.ABORTED, failure=StateFailed(error, cause))
    return _turn(walk)


def redrive(machine: Machine, run: Run, at: datetime) -> Turn:
    """Go on from the states that failed, with their input; what succeeded stays. Raises `NotRedrivable`.

    Retries count anew, and so does the machine's own timeout.
    """
    if not run.is_over or run.status is RunStatus.SUCCEEDED or run.root is None:
        raise NotRedrivable
    walk = Walk(machine.states, run, at)
    root = _opened_whole(walk)
    walk.status, walk.error, walk.cause = RunStatus.RUNNING, None, None
    walk.redrives += 1
    walk.deadline_at = None if machine.timeout_s is None else at + timedelta(seconds=machine.timeout_s)
    walk.tell(root, "ExecutionRedriven", {"redriveCount": walk.redrives})
    for line in _leaves([root]):
        frame = line[-1]
        frame.waiting, frame.at = None, at
        frame.retries, frame.retry_count = (), 0
        walk.ready.append(line)
    steps.run_ready(walk)
    return _turn(walk)


def _turn(walk: Walk) -> Turn:
    run, events, calls, cancelled = walk.result()
    return Turn(run=run, events=events, calls=calls, cancelled=cancelled)


def _line(walk: Walk, call_id: int) -> Line:
    """The frame that waits for that call, with those above it."""
    line = None
    if not walk.is_over:
        line = walk.opened(lambda frame: isinstance(frame.waiting, Called) and frame.waiting.call_id == call_id)
    if line is None:
        raise CallNotAwaited
    return line


def _due(walk: Walk) -> tuple[datetime, Frame] | None:
    """The frame that is due first; among equals the first from above."""
    first: tuple[datetime, Frame] | None = None
    to_do = [] if walk.root is None else [walk.root]
    while to_do:
        frame = to_do.pop()
        due_at = frame.due_at()
        if due_at is not None and (first is None or due_at < first[0]):
            first = due_at, frame
        to_do.extend(reversed(frame.children()))
    return first


def _wake(walk: Walk, line: Line) -> None:
    frame = line[-1]
    waiting, state = frame.waiting, walk.states.get(frame.state)
    if isinstance(waiting, Retrying) or waiting is None:
        frame.waiting = None
        walk.ready.append(line)
    elif state is None:
        endings.fail(walk, line, _lost(line))
    elif isinstance(waiting, Called) and isinstance(state, TaskState):
        is_heartbeat = waiting.due_at != waiting.timeout_at
        tasks.overdue(walk, line, state, heartbeat=is_heartbeat)
    else:
        try:
            if steps.rise(walk, line, state):
                walk.ready.append(line)
        except (StateFailed, RecursionError) as failure:
            endings.fail(walk, line, endings.failed_as(failure))


def _is_past_deadline(walk: Walk) -> bool:
    """End the run when its time is up; whether it was."""
    if walk.deadline_at is None or walk.deadline_at > walk.at or walk.root is None:
        return False
    root = _opened_whole(walk)
    walk.drop_below(root)
    walk.tell(root, "ExecutionTimedOut")
    walk.end(RunStatus.TIMED_OUT)
    return True


def _opened_whole(walk: Walk) -> Frame:
    """The root, with everything below it a copy."""
    assert walk.root is not None
    walk.root = msgspec.msgpack.decode(msgspec.msgpack.encode(walk.root), type=Frame)
    return walk.root


def _leaves(line: Line) -> list[Line]:
    children = line[-1].children()
    return [leaf for child in children for leaf in _leaves([*line, child])] if children else [line]


def _lost(line: Line) -> StateFailed:
    return runtime(f"The machine has no such state '{line[-1].state}' any more.")
