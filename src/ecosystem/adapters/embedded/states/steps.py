"""What each kind of state does when a run comes to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from ecosystem.adapters.embedded.states.branches import map_state, parallel
from ecosystem.adapters.embedded.states.endings import fail, failed_as, leave
from ecosystem.adapters.embedded.states.failures import StateFailed, runtime
from ecosystem.adapters.embedded.states.instants import instant
from ecosystem.adapters.embedded.states.kinds import ChoiceState, FailState, PassState, State, WaitState
from ecosystem.adapters.embedded.states.payloads import assign, selected, written
from ecosystem.adapters.embedded.states.run import Sleeping
from ecosystem.adapters.embedded.states.tasks import task
from ecosystem.adapters.embedded.states.values import is_whole
from ecosystem.adapters.embedded.states.walking import Line, Walk

WAIT_S_MAX: Final = 2_147_483_647


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


def _pass(walk: Walk, line: Line, state: State) -> bool:
    assert isinstance(state, PassState)
    changes = (state.input, state.output, state.assign, state.result, state.parameters, state.place)
    if all(change is None for change in changes):
        return leave(walk, line, state, to=state.next, output=None, text=line[-1].input_text)
    scope, effective, raw = selected(walk, line, state)
    made = state.result or state.parameters
    result = effective if made is None else made(scope)
    joined = result if state.place is None else state.place(raw, result)
    output = joined if state.output is None else state.output(scope.over(joined))
    assign(line, state.assign, scope.over(result))
    return leave(walk, line, state, to=state.next, output=output)


def _succeed(walk: Walk, line: Line, state: State) -> bool:
    scope, effective, _ = selected(walk, line, state)
    output = effective if state.output is None else state.output(scope)
    assign(line, state.assign, scope)
    return leave(walk, line, state, to=None, output=output)


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
    scope, effective, _ = selected(walk, line, state)
    for alternative in state.alternatives:
        if alternative.rule(scope):
            to, assigned = alternative.next, alternative.assign
            break
    else:
        if state.default is None:
            raise runtime("Failed to transition out of the state. The state does not point to a next state.")
        to, assigned = state.default, state.assign
    output = effective if state.output is None else state.output(scope)
    assign(line, assigned, scope)
    return leave(walk, line, state, to=to, output=output)


def _wait(walk: Walk, line: Line, state: State) -> bool:
    assert isinstance(state, WaitState)
    scope, _, _ = selected(walk, line, state)
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
    scope, effective, _ = selected(walk, line, state)
    output = effective if state.output is None else state.output(scope)
    assign(line, state.assign, scope)
    return leave(walk, line, state, to=state.next, output=output)


_STEPS: Final[dict[str, Callable[[Walk, Line, State], bool]]] = {
    "Pass": _pass,
    "Succeed": _succeed,
    "Fail": _fail_state,
    "Choice": _choice,
    "Wait": _wait,
    "Task": task,
    "Parallel": parallel,
    "Map": map_state,
}
