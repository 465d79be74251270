"""What is done again and again, as a table: name, how often, and the act."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """An act every so often. `act` returns how much it found to do; it must not mind being done twice."""

    name: str
    every_s: float
    act: Callable[[], Awaitable[int]]
