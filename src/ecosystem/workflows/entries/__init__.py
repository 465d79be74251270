"""One thin entry per function, under the function's name: what triggers it comes in, and an act of `App` is called."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

MUCH = 100
"""A sweep that found this much may have left some: what it finds at once is bounded."""
ROUNDS_MAX = 20


async def rounds(sweep: Callable[[], Awaitable[int]]) -> int:
    """Sweep until there is little left, a bounded number of times; how much was found."""
    total = 0
    for _ in range(ROUNDS_MAX):
        found = await sweep()
        total += found
        if found < MUCH:
            break
    return total
