"""What goes into a state and what it makes of it: its effective input, texts, variables."""

from __future__ import annotations

from typing import Any

from ecosystem.adapters.embedded.states import values
from ecosystem.adapters.embedded.states.failures import runtime, too_large
from ecosystem.adapters.embedded.states.kinds import State
from ecosystem.adapters.embedded.states.scope import Expression, Scope
from ecosystem.adapters.embedded.states.values import Unwritable
from ecosystem.adapters.embedded.states.walking import Line, Walk


def selected(walk: Walk, line: Line, state: State, *, token: str | None = None) -> tuple[Scope, Any, Any]:
    """A scope over the state's effective input, that input, and the raw one."""
    raw = walk.raw(line[-1])
    scope = walk.scope(line, raw, token=token)
    if state.input is None:
        return scope, raw, raw
    effective = state.input(scope)
    return scope.over(effective), effective, raw


def written(given: Any, who: str) -> str:
    """The value as text, which what a machine itself made may still fail to have."""
    try:
        return values.text(given)
    except Unwritable as reason:
        raise runtime(f"'{who}' made something that is not JSON: {reason}") from reason


def assign(line: Line, assigned: Expression | None, scope: Scope) -> None:
    """Set the variables that a state assigns, if it does."""
    if assigned is not None:
        frame, made = line[-1], assigned(scope)
        texts = {name: written(held, frame.state) for name, held in made.items()}
        if any(values.is_too_large(text) for text in texts.values()):
            raise too_large(frame.state)
        frame.variables = {**frame.variables, **texts}
