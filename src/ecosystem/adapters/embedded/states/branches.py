"""Parallel and Map states: the branches and iterations they begin."""

from __future__ import annotations

from typing import Any, Final

from ecosystem.adapters.embedded.states import values
from ecosystem.adapters.embedded.states.endings import begin_iteration, finish
from ecosystem.adapters.embedded.states.failures import runtime, too_large
from ecosystem.adapters.embedded.states.kinds import MapState, ParallelState, State
from ecosystem.adapters.embedded.states.payloads import selected, written
from ecosystem.adapters.embedded.states.run import Done, Forked, Frame, Iterating
from ecosystem.adapters.embedded.states.scope import Expression, Scope
from ecosystem.adapters.embedded.states.values import is_list, is_number, is_whole
from ecosystem.adapters.embedded.states.walking import Line, Walk

CONCURRENCY_MAX: Final = 40


def parallel(walk: Walk, line: Line, state: State) -> bool:
    assert isinstance(state, ParallelState)
    frame = line[-1]
    scope, effective, raw = selected(walk, line, state)
    given = effective if state.parameters is None else state.parameters(scope)
    text = frame.input_text if given is raw else written(given, state.name)
    if values.is_too_large(text):
        raise too_large(state.name)
    walk.tell(frame, "ParallelStateStarted")
    branches = [Frame(start, text, walk.at, last_event=frame.last_event) for start in state.branches]
    frame.waiting = Forked(list[Frame | Done](branches))
    walk.ready.extend([*line, branch] for branch in branches)
    return False


def map_state(walk: Walk, line: Line, state: State) -> bool:
    assert isinstance(state, MapState)
    frame = line[-1]
    scope, effective, raw = selected(walk, line, state)
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
        finish(walk, line, [])
        return False
    for _ in range(min(waiting.concurrency, len(items))):
        begin_iteration(walk, line, waiting, waiting.started_event)
    return False


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
