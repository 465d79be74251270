"""A bounded set of threads for one vendor's blocking calls, so that the event loop never waits for it.

Each adapter has its own: a slow vendor then fills its own threads and queue, nobody else's. A call is never abandoned
on cancellation, since the limit would no longer hold; the vendor's own timeouts end it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from ecosystem.kernel.refusals import Unavailable

P = ParamSpec("P")
R = TypeVar("R")


class TooBusy(Unavailable):
    """Too many calls wait for this already; try again shortly."""


class Threads:
    """At most `limit` calls at once, and at most `waiting_max` that wait for one to end."""

    def __init__(self, limit: int, *, waiting_max: int) -> None:
        self._limit = limit
        self._waiting_max = waiting_max
        self._present = 0
        self._limiter: CapacityLimiter | None = None

    async def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the call returns or raises. Raises `TooBusy` when the queue is full."""
        # The limiter belongs to a running loop, which an adapter's constructor does not have.
        limiter = self._limiter = self._limiter or CapacityLimiter(self._limit)
        # Counted here: the limiter learns of callers one turn of the loop later, and a burst would slip past it.
        if self._present >= self._limit + self._waiting_max:
            raise TooBusy
        self._present += 1
        try:
            return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=limiter)
        finally:
            self._present -= 1
