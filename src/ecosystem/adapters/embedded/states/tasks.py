"""Task states: the call that is made, and what comes back of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ecosystem.adapters.embedded.states import values
from ecosystem.adapters.embedded.states.building import CALLBACK, function_of
from ecosystem.adapters.embedded.states.endings import fail, resolve
from ecosystem.adapters.embedded.states.failures import StateFailed, runtime, timed_out, too_large
from ecosystem.adapters.embedded.states.history import Detail
from ecosystem.adapters.embedded.states.kinds import State, TaskState
from ecosystem.adapters.embedded.states.payloads import selected, written
from ecosystem.adapters.embedded.states.run import Called, Failed, Frame, Outcome
from ecosystem.adapters.embedded.states.scope import Expression, Scope
from ecosystem.adapters.embedded.states.values import Unwritable, is_object, is_whole
from ecosystem.adapters.embedded.states.walking import Line, Walk


def task(walk: Walk, line: Line, state: State) -> bool:
    assert isinstance(state, TaskState)
    frame, call_id = line[-1], walk.next_call
    token = walk.token(call_id) if state.waits_for_token else None
    scope, effective, raw = selected(walk, line, state, token=token)
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
                resolve(walk, line, state, text)
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
