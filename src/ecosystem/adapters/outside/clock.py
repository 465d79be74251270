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


class HeldClock(SystemClock):
    """The machine's clock, which may be held at an instant and moved on by hand: to live a history before now."""

    def __init__(self, at: datetime | None = None) -> None:
        super().__init__()
        self._at = at

    def now(self) -> datetime:
        return super().now() if self._at is None else self._at

    def hold(self, at: datetime) -> None:
        """Stand at that instant. From one held before, only on."""
        self._at = at if self._at is None else max(self._at, at)

    def let_go(self) -> None:
        """Go with the machine again."""
        self._at = None

    @property
    def is_held(self) -> bool:
        return self._at is not None


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
