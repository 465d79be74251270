"""How states, branches and iterations end, well or badly, and where the run goes from there.

One leads to the other: a state that ends may end its branch, that the state around it, and a failure goes the same way
up until something takes it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from ecosystem.adapters.embedded.states import values
from ecosystem.adapters.embedded.states.failures import (
    INTRINSIC,
    RESULT_PATH,
    RUNTIME,
    THRESHOLD,
    StateFailed,
    is_meant,
    runtime,
    too_large,
)
from ecosystem.adapters.embedded.states.history import Detail
from ecosystem.adapters.embedded.states.kinds import Catcher, MapState, Retrier, State, TaskState, WorkState
from ecosystem.adapters.embedded.states.payloads import assign, written
from ecosystem.adapters.embedded.states.run import Done, Forked, Frame, Iterating, Retrying, RunStatus
from ecosystem.adapters.embedded.states.walking import Line, Walk, place_of

RETRY_S_MAX: Final = 31_622_400
_IN_STATE: Final = frozenset({RUNTIME, INTRINSIC, RESULT_PATH})


def failed_as(failure: StateFailed | RecursionError) -> StateFailed:
    """The failure; a value nested beyond what can be walked through is one too."""
    return failure if isinstance(failure, StateFailed) else runtime("A value is nested too deep.")


def leave(walk: Walk, line: Line, state: State, *, to: str | None, output: Any, text: str | None = None) -> bool:
    """Leave the state with that output; whether the line goes on at once."""
    frame = line[-1]
    if text is None:
        text = frame.input_text if output is walk.raw(frame) else written(output, state.name)
        walk.keep(text, output)
    if values.is_too_large(text):
        raise too_large(state.name)
    walk.tell(frame, f"{state.kind}StateExited", {"name": state.name, "output": text})
    frame.waiting = None
    if to is None:
        _end_branch(walk, line, text)
        return False
    frame.state, frame.input_text, frame.at = to, text, walk.at
    frame.entered_event, frame.retries, frame.retry_count = 0, (), 0
    return True


def resolve(walk: Walk, line: Line, state: WorkState, text: str) -> None:
    """The state's work is done, with that result: choose from it, put it in its place, go on."""
    frame = line[-1]
    try:
        if state.selector is None and state.place is None and state.output is None and state.assign is None:
            goes_on = leave(walk, line, state, to=state.next, output=None, text=text)
        else:
            result = values.value(text)
            scope = walk.scope(line, result)
            chosen = result if state.selector is None else state.selector(scope)
            joined = chosen if state.place is None else state.place(walk.raw(frame), chosen)
            output = joined if state.output is None else state.output(scope.over(joined))
            assign(line, state.assign, scope)
            same = text if output is result else None
            if same is not None:
                walk.keep(text, result)
            goes_on = leave(walk, line, state, to=state.next, output=output, text=same)
    except (StateFailed, RecursionError) as failure:
        fail(walk, line, failed_as(failure))
        return
    if goes_on:
        walk.ready.append(line)


def fail(walk: Walk, line: Line, failure: StateFailed) -> None:
    """The state of the line's last frame failed: try again, go where it is caught, or fail what is around it."""
    frame, state = line[-1], walk.states.get(line[-1].state)
    if failure.error in _IN_STATE and (failure.is_fatal or failure.error != RUNTIME):
        failure = _placed(failure, frame)
    if failure.is_fatal:
        _end_failed(walk, frame, failure)
        return
    if isinstance(state, WorkState):
        if _tries_again(walk, frame, state, failure):
            return
        if isinstance(frame.waiting, Forked | Iterating):
            walk.tell(frame, f"{state.kind}StateFailed")
        for catcher in state.catchers:
            if is_meant(catcher.errors, failure):
                try:
                    _catch(walk, line, state, catcher, failure)
                except (StateFailed, RecursionError) as second:
                    failure = failed_as(second)
                    failure = _placed(failure, frame) if failure.error in _IN_STATE else failure
                    break
                return
    if failure.is_fatal or len(line) == 1:
        _end_failed(walk, frame, failure)
    else:
        _fail_branch(walk, line, failure)


def _placed(failure: StateFailed, frame: Frame) -> StateFailed:
    """The failure with where it happened, in the cloud's words; once."""
    before = "An error occurred while executing the state '"
    if failure.cause is None or failure.cause.startswith(before):
        return failure
    return StateFailed(
        failure.error,
        f"{before}{frame.state}' (entered at the event id #{frame.entered_event}). {failure.cause}",
        is_fatal=failure.is_fatal,
    )


def _end_failed(walk: Walk, frame: Frame, failure: StateFailed) -> None:
    told: dict[str, Detail] = {}
    if failure.error:
        told["error"] = failure.error
    if failure.cause:
        told["cause"] = failure.cause
    walk.tell(frame, "ExecutionFailed", told)
    walk.end(RunStatus.FAILED, failure=failure)


def _tries_again(walk: Walk, frame: Frame, state: WorkState, failure: StateFailed) -> bool:
    """Whether a retrier takes the failure and is not used up. The first that is meant decides."""
    for place, retrier in enumerate(state.retriers):
        if is_meant(retrier.errors, failure):
            used = frame.retries or (0,) * len(state.retriers)
            if place >= len(used) or used[place] >= retrier.attempts_max:
                return False
            frame.retries = (*used[:place], used[place] + 1, *used[place + 1 :])
            frame.retry_count += 1
            delay_s = _delay_s(retrier, used[place])
            if retrier.is_jittered:
                delay_s *= walk.chance.part()
            frame.waiting = Retrying(walk.at + timedelta(seconds=delay_s))
            return True
    return False


def _delay_s(retrier: Retrier, used: int) -> float:
    try:
        delay_s = retrier.interval_s * retrier.rate**used
    except OverflowError:
        delay_s = RETRY_S_MAX
    return min(delay_s, retrier.delay_s_max or RETRY_S_MAX, RETRY_S_MAX)


def _catch(walk: Walk, line: Line, state: WorkState, catcher: Catcher, failure: StateFailed) -> None:
    error = {"Error": failure.error, "Cause": failure.cause}
    output = error if catcher.place is None else catcher.place(walk.raw(line[-1]), error)
    assign(line, catcher.assign, walk.scope(line, error))
    if leave(walk, line, state, to=catcher.next, output=output):
        walk.ready.append(line)


def _fail_branch(walk: Walk, line: Line, failure: StateFailed) -> None:
    """A branch failed: so does the state it belongs to, unless that is an iteration whose failure is tolerated."""
    frame, parent = line[-1], line[-2]
    parent.last_event = frame.last_event
    if isinstance(walk.states.get(frame.state), TaskState):
        walk.tell(frame, "TaskStateAborted", is_beside=True)
    waiting = parent.waiting
    if isinstance(waiting, Iterating):
        walk.tell(frame, "MapIterationFailed", {"name": parent.state, "index": frame.index}, is_beside=True)
        if waiting.failed + 1 <= waiting.tolerated:
            waiting.failed += 1
            _end_iteration(walk, line)
            return
        if waiting.tolerated:
            failure = StateFailed(THRESHOLD, "The specified tolerated failure threshold was exceeded")
    walk.drop_below(parent, frame)
    fail(walk, line[:-1], failure)


def _end_branch(walk: Walk, line: Line, text: str) -> None:
    """The line's last frame has come to the end of its flow."""
    frame = line[-1]
    if len(line) == 1:
        walk.tell(frame, "ExecutionSucceeded", {"output": text})
        walk.end(RunStatus.SUCCEEDED, output_text=text)
        return
    parent = line[-2]
    parent.last_event = frame.last_event
    waiting = parent.waiting
    if isinstance(waiting, Forked):
        waiting.branches[place_of(waiting.branches, frame)] = Done(text, frame.last_event)
        texts = [branch.output_text for branch in waiting.branches if isinstance(branch, Done)]
        if len(texts) == len(waiting.branches):
            finish(walk, line[:-1], texts)
    elif isinstance(waiting, Iterating) and frame.index is not None:
        waiting.results[frame.index] = text
        told = {"name": parent.state, "index": frame.index}
        parent.last_event = walk.tell(frame, "MapIterationSucceeded", told, is_beside=True)
        _end_iteration(walk, line)


def _end_iteration(walk: Walk, line: Line) -> None:
    """Begin the next iteration in the place of the line's last frame, or finish when it was the last one."""
    frame, waiting = line[-1], line[-2].waiting
    assert isinstance(waiting, Iterating)
    del waiting.running[place_of(waiting.running, frame)]
    if waiting.begun < len(waiting.items):
        try:
            begin_iteration(walk, line[:-1], waiting, frame.last_event)
        except StateFailed as failure:
            walk.drop_below(line[-2])
            fail(walk, line[:-1], failure)
    elif not waiting.running:
        finish(walk, line[:-1], [text for text in waiting.results if text is not None])


def begin_iteration(walk: Walk, line: Line, waiting: Iterating, behind: int) -> None:
    parent = line[-1]
    state = walk.state(parent)
    assert isinstance(state, MapState)
    index = waiting.begun
    text = waiting.items[index]
    if state.parameters is not None:
        given = values.value(waiting.input_text)
        text = written(state.parameters(walk.scope(line, given, item=(index, text))), state.name)
    if values.is_too_large(text):
        raise too_large(state.name)
    walk.hold_to_limit()
    waiting.begun += 1
    child = Frame(state.start, text, walk.at, last_event=behind, index=index)
    walk.tell(child, "MapIterationStarted", {"name": state.name, "index": index})
    waiting.running.append(child)
    walk.ready.append([*line, child])


def finish(walk: Walk, line: Line, texts: list[str]) -> None:
    """All branches or iterations of the line's last frame have ended."""
    frame, state = line[-1], walk.states.get(line[-1].state)
    if not isinstance(state, WorkState):
        fail(walk, line, runtime(f"The machine has no such state '{frame.state}' any more."))
        return
    walk.tell(frame, f"{state.kind}StateSucceeded", is_beside=True)
    frame.waiting = None
    resolve(walk, line, state, f"[{','.join(texts)}]")
