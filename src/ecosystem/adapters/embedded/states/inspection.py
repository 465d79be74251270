"""One state alone, with the values between its steps, as the cloud's TestState shows them."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from ecosystem.adapters.embedded.states import stepping, values
from ecosystem.adapters.embedded.states.definition import Machine
from ecosystem.adapters.embedded.states.failures import StateFailed
from ecosystem.adapters.embedded.states.kinds import ParallelState, PassState, State, TaskState, WorkState
from ecosystem.adapters.embedded.states.run import Circumstances, Frame, Outcome, Succeeded
from ecosystem.adapters.embedded.states.scope import Scope
from ecosystem.adapters.embedded.states.walking import Walk


def inspected(
    machine: Machine, circumstances: Circumstances, given: Any, outcome: Outcome | None, at: datetime
) -> dict[str, Any]:
    """The values by the cloud's names, as far as the machine's first state comes with that input and that outcome."""
    walk = Walk(machine.states, stepping.begin(machine, circumstances, given, at).run, at)
    state, raw = machine.states[machine.start], values.value(values.text(given))
    line = [Frame(machine.start, values.text(given), at, entered_event=1)]
    seen: dict[str, Any] = {"input": raw}
    token = walk.token(1)
    with suppress(StateFailed):
        _look(state, walk.scope(line, raw, token=token), raw, outcome, seen)
    return seen


def _look(state: State, scope: Scope, raw: Any, outcome: Outcome | None, seen: dict[str, Any]) -> None:
    effective = raw if state.input is None else state.input(scope)
    scope = scope.over(effective)
    result = effective
    if isinstance(state, PassState):
        if state.result is not None:
            result = seen["result"] = state.result(scope)
        else:
            seen["afterInputPath"] = effective
            result = seen["afterParameters"] = effective if state.parameters is None else state.parameters(scope)
        seen["afterResultSelector"] = result
        seen["afterResultPath"] = result if state.place is None else state.place(raw, result)
        return
    seen["afterInputPath"] = effective
    if not isinstance(state, WorkState):
        return
    if isinstance(state, ParallelState | TaskState):
        seen["afterParameters"] = effective if state.parameters is None else state.parameters(scope)
    if not isinstance(outcome, Succeeded):
        return
    result = seen["result"] = values.value(values.text(outcome.output))
    chosen = result if state.selector is None else state.selector(scope.over(result))
    seen["afterResultSelector"] = chosen
    seen["afterResultPath"] = chosen if state.place is None else state.place(raw, chosen)
