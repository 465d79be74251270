"""What an expression may see: the input before it, the context object, the variables, and the run's chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecosystem.adapters.embedded.states.chance import Chance

Expression = Callable[["Scope"], Any]
"""An expression, parsed when the machine was loaded."""


class Scope:
    """Made for one evaluation. The context object and the variables are put together only when asked for."""

    __slots__ = ("_built", "_context", "_variable", "chance", "input")

    def __init__(
        self, given: Any, chance: Chance, context: Callable[[], dict[str, Any]], variable: Callable[[str], Any]
    ) -> None:
        self.input = given
        self.chance = chance
        self._context = context
        self._variable = variable
        self._built: dict[str, Any] | None = None

    def over(self, given: Any) -> Scope:
        """The same surroundings, over another input."""
        return Scope(given, self.chance, self.context, self._variable)

    def context(self) -> dict[str, Any]:
        if self._built is None:
            self._built = self._context()
        return self._built

    def variable(self, name: str) -> Any:
        """The variable's value, or `MISSING`."""
        return self._variable(name)
