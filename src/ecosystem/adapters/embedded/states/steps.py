"""What each kind of state does when a run comes to it, when its work is done, and when it fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from ecosystem.adapters.embedded.states import values
from ecosystem.adapters.embedded.states.building import CALLBACK, function_of
from ecosystem.adapters.embedded.states.failures import (
    INTRINSIC,
    RESULT_PATH,
    RUNTIME,
    THRESHOLD,
    StateFailed,
    is_meant,
    runtime,
    timed_out,
    too_large,
)
from ecosystem.adapters.embedded.states.history import Detail
from ecosystem.adapters.embedded.states.instants import instant
from ecosystem.adapters.embedded.states.kinds import (
    Catcher,
    ChoiceState,
    FailState,
    MapState,
    ParallelState,
    PassState,
    Retrier,
    State,
    TaskState,
    WaitState,
    WorkState,
)
from ecosystem.adapters.embedded.states.run import (
    Called,
    Done,
    Failed,
    Forked,
    Frame,
    Iterating,
    Outcome,
    Retrying,
    RunStatus,
    Sleeping,
)
from ecosystem.adapters.embedded.states.scope import Expression, Scope
from ecosystem.adapters.embedded.states.values import Unwritable, is_list, is_number, is_object, is_whole
from ecosystem.adapters.embedded.states.walking import Line, Walk, place_of

WAIT_S_MAX: Final = 2_147_483_647
RETRY_S_MAX: Final = 31_622_400
CONCURRENCY_MAX: Final = 40
_IN_STATE: Final = frozenset({RUNTIME, INTRINSIC, RESULT_PATH})


def run_ready(walk: Walk) -> None:
    """Go on with all that can, until everything waits or the run is over."""
    while (line := walk.next_ready()) is not None:
        _go(walk, line)


def _go(walk: Walk, line: Line) -> None:
    frame = line[-1]
    try:
        while not walk.is_over:
            state = walk.state(frame)
            walk.hold_to_limit()
            if not frame.entered_event:
                if walk.is_spent:
                    return
                frame.at = walk.at
                frame.entered_event = walk.tell(
                    frame, f"{state.kind}StateEntered", {"name": state.name, "input": frame.input_text}
                )
            if not _STEPS[state.kind](walk, line, state):
                return
    except (StateFailed, RecursionError) as failure:
        fail(walk, line, failed_as(failure))


def failed_as(failure: StateFailed | RecursionError) -> StateFailed:
    """The failure; a value nested beyond what can be walked through is one too."""
    return failure if isinstance(failure, StateFailed) else runtime("A value is nested too deep.")


def _selected(walk: Walk, line: Line, state: State, *, token: str | None = None) -> tuple[Scope, Any, Any]:
    """A scope over the state's effective input, that input, and the raw one."""
    raw = walk.raw(line[-1])
    scope = walk.scope(line, raw, token=token)
    if state.input is None:
        return scope, raw, raw
    effective = state.input(scope)
    return scope.over(effective), effective, raw


def _leave(walk: Walk, line: Line, state: State, *, to: str | None, output: Any, text: str | None = None) -> bool:
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


def written(given: Any, who: str) -> str:
    """The value as text, which what a machine itself made may still fail to have."""
    try:
        return values.text(given)
    except Unwritable as reason:
        raise runtime(f"'{who}' made something that is not JSON: {reason}") from reason


def _assign(line: Line, assign: Expression | None, scope: Scope) -> None:
    if assign is not None:
        frame, made = line[-1], assign(scope)
        texts = {name: written(held, frame.state) for name, held in made.items()}
        if any(values.is_too_large(text) for text in texts.values()):
            raise too_large(frame.state)
        frame.variables = {**frame.variables, **texts}


def _pass(walk: Walk, line: Line, state: State) -> bool:
    assert isinstance(state, PassState)
    changes = (state.input, state.output, state.assign, state.result, state.parameters, state.place)
    if all(change is None for change in changes):
        return _leave(walk, line, state, to=state.next, output=None, text=line[-1].input_text)
    scope, effective, raw = _selected(walk, line, state)
    made = state.result or state.parameters
    result = effective if made is None else made(scope)
    joined = result if state.place is None else state.place(raw, result)
    output = joined if state.output is None else state.output(scope.over(joined))
    _assign(line, state.assign, scope.over(result))
    return _leave(walk, line, state, to=state.next, output=output)


def _succeed(walk: Walk, line: Line, state: State) -> bool:
    scope, effective, _ = _selected(walk, line, state)
    output = effective if state.output is None else state.output(scope)
    _assign(line, state.assign, scope)
    return _leave(walk, line, state, to=None, output=output)


def _fail_state(walk: Walk, line: Line, state: State) -> bool:
    assert isinstance(state, FailState)
    scope = walk.scope(line, walk.raw(line[-1]))
    words = [held if held is None else held(scope) for held in (state.error, state.cause)]
    for name, word in zip(("ErrorPath", "CausePath"), words, strict=True):
        if word is not None and not isinstance(word, str):
            raise runtime(f"The {name} field must select a text, but selected {written(word, state.name)}")
    raise StateFailed(words[0] or "", words[1] or "")


def _choice(walk: Walk, line: Line, state: State) -> bool:
    assert isinstance(state, ChoiceState)
    scope, effective, _ = _selected(walk, line, state)
    for alternative in state.alternatives:
        if alternative.rule(scope):
            to, assign = alternative.next, alternative.assign
            break
    else:
        if state.default is None:
            raise runtime("Failed to transition out of the state. The state does not point to a next state.")
        to, assign = state.default, state.assign
    output = effective if state.output is None else state.output(scope)
    _assign(line, assign, scope)
    return _leave(walk, line, state, to=to, output=output)


def _wait(walk: Walk, line: Line, state: State) -> bool:
    assert isinstance(state, WaitState)
    scope, _, _ = _selected(walk, line, state)
    until = _until(walk, state, state.wanted(scope))
    if until > walk.at:
        line[-1].waiting = Sleeping(until)
        return False
    return rise(walk, line, state)


def _until(walk: Walk, state: WaitState, wanted: Any) -> datetime:
    if state.field in {"Timestamp", "TimestampPath"}:
        until = instant(wanted)
        if until is None:
            shown = wanted if isinstance(wanted, str) else written(wanted, state.name)
            raise runtime(
                f"The {state.field} parameter does not reference a valid ISO-8601 extended offset date-time format "
                f"string: {state.source} == {shown}"
            )
        if (until - walk.at).total_seconds() > WAIT_S_MAX:
            raise runtime("Wait state delay is too long.")
        return until
    told = f"{state.source} == {written(wanted, state.name)}"
    if not is_whole(wanted):
        raise runtime(f"The {state.field} parameter cannot be parsed as a long value: {told}")
    if wanted < 0:
        raise runtime(f"The {state.field} parameter references a negative value: {told}")
    if wanted > WAIT_S_MAX:
        raise runtime("Wait state delay is too long.")
    return walk.at + timedelta(seconds=int(wanted))


def rise(walk: Walk, line: Line, state: State) -> bool:
    """Go on after a wait."""
    line[-1].waiting = None
    scope, effective, _ = _selected(walk, line, state)
    output = effective if state.output is None else state.output(scope)
    _assign(line, state.assign, scope)
    return _leave(walk, line, state, to=state.next, output=output)


def _task(walk: Walk, line: Line, state: State) -> bool:
    assert isinstance(state, TaskState)
    frame, call_id = line[-1], walk.next_call
    token = walk.token(call_id) if state.waits_for_token else None
    scope, effective, raw = _selected(walk, line, state, token=token)
    given = effective if state.parameters is None else state.parameters(scope)
    timeout_s = _seconds(state.timeout, scope, "TimeoutSecondsPath", state.timeout_source)
    heartbeat_s = _seconds(state.heartbeat, scope, "HeartbeatSecondsPath", state.heartbeat_source)
    text = frame.input_text if given is raw else written(given, state.name)
    function, payload = state.function, text
    if state.is_invoked:
        function = function or _named(given)
        payload = written(given.get("Payload", {}), state.name) if is_object(given) else text
    if values.is_too_large(text):
        raise too_large(state.name)
    _tell_scheduled(walk, frame, state, text, timeout_s, heartbeat_s)
    if function is None:
        _tell_failed(walk, frame, state, "Lambda.ResourceNotFoundException", "Function not found")
        raise StateFailed("Lambda.ResourceNotFoundException", "Function not found")
    walk.next_call += 1
    frame.waiting = Called(
        call_id=call_id,
        function=function,
        input_text=None if payload is frame.input_text else payload,
        has_token=state.waits_for_token,
        timeout_at=None if timeout_s is None else walk.at + timedelta(seconds=timeout_s),
        heartbeat_s=heartbeat_s,
        heartbeat_at=None if heartbeat_s is None else walk.at + timedelta(seconds=heartbeat_s),
    )
    walk.call(frame)
    return False


def _named(given: Any) -> str | None:
    name = given.get("FunctionName") if is_object(given) else None
    return function_of(name) if isinstance(name, str) else None


def _seconds(held: int | Expression | None, scope: Scope, name: str, source: str) -> int | None:
    if held is None or isinstance(held, int):
        return held
    found = held(scope)
    if not is_whole(found) or not 1 <= found <= 99_999_999:
        raise runtime(
            f"The {name} field refers to value {written(found, name)} which is not a positive integer: {source}"
        )
    return int(found)


def _resource(state: TaskState) -> dict[str, Detail]:
    if state.is_invoked:
        return {"resourceType": "lambda", "resource": f"invoke{CALLBACK if state.waits_for_token else ''}"}
    return {"resourceType": "function", "resource": state.resource}


def _is_plain(state: TaskState) -> bool:
    """Whether its events are those of a function called by its name alone."""
    return not state.is_invoked and not state.waits_for_token


def _tell_scheduled(
    walk: Walk, frame: Frame, state: TaskState, text: str, timeout_s: int | None, heartbeat_s: int | None
) -> None:
    limits: dict[str, Detail] = {}
    if timeout_s is not None:
        limits["timeoutInSeconds"] = timeout_s
    if _is_plain(state):
        walk.tell(frame, "LambdaFunctionScheduled", {"resource": state.resource, "input": text, **limits})
        walk.tell(frame, "LambdaFunctionStarted")
        return
    if heartbeat_s is not None:
        limits["heartbeatInSeconds"] = heartbeat_s
    walk.tell(frame, "TaskScheduled", {**_resource(state), "region": "", "parameters": text, **limits})
    walk.tell(frame, "TaskStarted", _resource(state))


def _tell_failed(
    walk: Walk, frame: Frame, state: TaskState, error: str | None, cause: str | None, how: str = "Failed"
) -> None:
    told: dict[str, Detail] = {} if _is_plain(state) else _resource(state)
    if error is not None:
        told["error"] = error
    if cause:
        told["cause"] = cause
    walk.tell(frame, f"{'LambdaFunction' if _is_plain(state) else 'Task'}{how}", told)


def answer(walk: Walk, line: Line, state: TaskState, outcome: Outcome) -> None:
    """The call of the line's last frame has come back."""
    frame = line[-1]
    if not isinstance(outcome, Failed):
        given = outcome.output
        if state.is_invoked and not state.waits_for_token:
            given = {"ExecutedVersion": "$LATEST", "Payload": given, "StatusCode": 200}
        try:
            text = values.text(given)
        except Unwritable as reason:
            outcome = Failed("Runtime.MarshalError", f"What the function returned is not JSON: {reason}")
        else:
            if not values.is_too_large(text):
                frame.waiting = None
                told: dict[str, Detail] = {"output": text} if _is_plain(state) else {**_resource(state), "output": text}
                walk.tell(frame, "LambdaFunctionSucceeded" if _is_plain(state) else "TaskSucceeded", told)
                _resolve(walk, line, state, text)
                return
            limit = too_large("lambda" if state.is_invoked else state.resource)
            outcome = Failed(limit.error, limit.cause)
    _tell_failed(walk, frame, state, outcome.error, outcome.cause)
    frame.waiting = None
    fail(walk, line, StateFailed(outcome.error, outcome.cause))


def tell_submitted(walk: Walk, frame: Frame, state: TaskState, output: Any) -> None:
    try:
        text = values.text(output)
    except Unwritable:
        text = "null"
    walk.tell(frame, "TaskSubmitted", {**_resource(state), "output": text})


def overdue(walk: Walk, line: Line, state: TaskState, *, heartbeat: bool) -> None:
    """The call of the line's last frame took too long, or showed no life."""
    frame, failure = line[-1], timed_out(heartbeat=heartbeat)
    walk.cancel(frame)
    frame.waiting = None
    _tell_failed(walk, frame, state, failure.error, failure.cause, "TimedOut")
    fail(walk, line, failure)


def _resolve(walk: Walk, line: Line, state: WorkState, text: str) -> None:
    """The state's work is done, with that result: choose from it, put it in its place, go on."""
    frame = line[-1]
    try:
        if state.selector is None and state.place is None and state.output is None and state.assign is None:
            goes_on = _leave(walk, line, state, to=state.next, output=None, text=text)
        else:
            result = values.value(text)
            scope = walk.scope(line, result)
            chosen = result if state.selector is None else state.selector(scope)
            joined = chosen if state.place is None else state.place(walk.raw(frame), chosen)
            output = joined if state.output is None else state.output(scope.over(joined))
            _assign(line, state.assign, scope)
            same = text if output is result else None
            if same is not None:
                walk.keep(text, result)
            goes_on = _leave(walk, line, state, to=state.next, output=output, text=same)
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
    _assign(line, catcher.assign, walk.scope(line, error))
    if _leave(walk, line, state, to=catcher.next, output=output):
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
            _finish(walk, line[:-1], texts)
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
            _begin_iteration(walk, line[:-1], waiting, frame.last_event)
        except StateFailed as failure:
            walk.drop_below(line[-2])
            fail(walk, line[:-1], failure)
    elif not waiting.running:
        _finish(walk, line[:-1], [text for text in waiting.results if text is not None])


def _finish(walk: Walk, line: Line, texts: list[str]) -> None:
    """All branches or iterations of the line's last frame have ended."""
    frame, state = line[-1], walk.states.get(line[-1].state)
    if not isinstance(state, WorkState):
        fail(walk, line, runtime(f"The machine has no such state '{frame.state}' any more."))
        return
    walk.tell(frame, f"{state.kind}StateSucceeded", is_beside=True)
    frame.waiting = None
    _resolve(walk, line, state, f"[{','.join(texts)}]")


def _parallel(walk: Walk, line: Line, state: State) -> bool:
    assert isinstance(state, ParallelState)
    frame = line[-1]
    scope, effective, raw = _selected(walk, line, state)
    given = effective if state.parameters is None else state.parameters(scope)
    text = frame.input_text if given is raw else written(given, state.name)
    if values.is_too_large(text):
        raise too_large(state.name)
    walk.tell(frame, "ParallelStateStarted")
    branches = [Frame(start, text, walk.at, last_event=frame.last_event) for start in state.branches]
    frame.waiting = Forked(list[Frame | Done](branches))
    walk.ready.extend([*line, branch] for branch in branches)
    return False


def _map(walk: Walk, line: Line, state: State) -> bool:
    assert isinstance(state, MapState)
    frame = line[-1]
    scope, effective, raw = _selected(walk, line, state)
    items = effective if state.items is None else state.items(scope)
    if not is_list(items):
        raise runtime(f'Reference path "{state.items_source}" must point to array.')
    wanted = _counted(state.concurrency, scope, "MaxConcurrency", state.concurrency_source)
    walk.tell(frame, "MapStateStarted", {"length": len(items)})
    waiting = Iterating(
        items=tuple(written(item, state.name) for item in items),
        results=[None] * len(items),
        running=[],
        concurrency=min(int(wanted) or CONCURRENCY_MAX, CONCURRENCY_MAX),
        input_text=frame.input_text if effective is raw else written(effective, state.name),
        started_event=frame.last_event,
        tolerated=_tolerated(state, scope, len(items)),
    )
    frame.waiting = waiting
    if not items:
        _finish(walk, line, [])
        return False
    for _ in range(min(waiting.concurrency, len(items))):
        _begin_iteration(walk, line, waiting, waiting.started_event)
    return False


def _begin_iteration(walk: Walk, line: Line, waiting: Iterating, behind: int) -> None:
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


def _tolerated(state: MapState, scope: Scope, items: int) -> float:
    limits: list[float] = []
    if state.tolerated is not None:
        limits.append(_counted(state.tolerated, scope, "ToleratedFailureCount", state.tolerated_source))
    if state.tolerated_part is not None:
        part: Any = state.tolerated_part if is_number(state.tolerated_part) else _call(state.tolerated_part, scope)
        if not is_number(part):
            raise runtime(
                f"The ToleratedFailurePercentagePath field refers to value {_quoted(part)} which is not a valid "
                f"float: {state.tolerated_part_source}"
            )
        if not 0 <= part <= 100:
            raise runtime("ToleratedFailurePercentage must be between 0 and 100.")
        limits.append(part * items / 100)
    return min(limits, default=0)


def _counted(held: int | Expression, scope: Scope, name: str, source: str) -> int:
    if isinstance(held, int):
        return held
    found = held(scope)
    if isinstance(found, str) and len(found) < 10 and found.isascii() and found.isdigit():
        found = int(found)  # The cloud takes "1" for 1 here.
    if not is_whole(found):
        raise runtime(f"The {name}Path field refers to value {_quoted(found)} which is not a valid integer: {source}")
    if found < 0:
        raise runtime(f"{name} cannot be negative.")
    return int(found)


def _call(held: Any, scope: Scope) -> Any:
    return held(scope)


def _quoted(found: Any) -> str:
    return f'"{found}"' if isinstance(found, str) else f'"{written(found, "value")}"'


_STEPS: Final[dict[str, Callable[[Walk, Line, State], bool]]] = {
    "Pass": _pass,
    "Succeed": _succeed,
    "Fail": _fail_state,
    "Choice": _choice,
    "Wait": _wait,
    "Task": _task,
    "Parallel": _parallel,
    "Map": _map,
}
