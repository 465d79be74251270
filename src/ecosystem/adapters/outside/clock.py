"""Clocks: the machine's, and one that a test or a simulation moves by hand."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock, held from going back within the process."""

    def __init__(self) -> None:
        self._latest = datetime.now(UTC)

    def now(self) -> datetime:
        self._latest = max(self._latest, datetime.now(UTC))
        return self._latest

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class LateClock(SystemClock):
    """The machine's clock, which may be held back for a while and then catches up: to live a history before now."""

    def __init__(self) -> None:
        super().__init__()
        self._late_by = timedelta(0)

    def now(self) -> datetime:
        return super().now() - self._late_by

    def hold_back(self, by: timedelta) -> None:
        """Go back by that much. Only before anything has asked what time it is."""
        self._late_by = by

    def advance(self, by: timedelta) -> None:
        """Catch up by that much, and no further than the machine's own time."""
        self._late_by = max(timedelta(0), self._late_by - by)

    @property
    def is_late(self) -> bool:
        return bool(self._late_by)


class VirtualClock:
    """A clock that stands still until it is moved; sleepers wake in the order of their time."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return self._at

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._at + timedelta(seconds=seconds), self._count, woken))
        await woken

    def advance(self, by: timedelta) -> None:
        """Move on by that much, and wake who was due."""
        self._at += by
        while self._sleepers and self._sleepers[0][0] <= self._at:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
