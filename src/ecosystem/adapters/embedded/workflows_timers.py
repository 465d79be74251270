"""The instants that come next, in memory: one for each execution."""

from __future__ import annotations

import asyncio
import heapq
from datetime import datetime


class Timers:
    """When to look at which execution."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str]] = []
        self._at: dict[str, datetime] = {}
        self._sooner = asyncio.Event()

    def __len__(self) -> int:
        return len(self._at)

    @property
    def next_at(self) -> datetime | None:
        """The earliest instant; possibly of an execution that has moved on since."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def set(self, execution_id: str, at: datetime) -> None:
        """Look at it then, or earlier: one that is set too early is looked at and set anew."""
        earlier = self._at.get(execution_id)
        if earlier is not None and earlier <= at:
            return
        self._at[execution_id] = at
        if not self._heap or at < self._heap[0][0]:
            self._sooner.set()
        heapq.heappush(self._heap, (at, execution_id))

    def forget(self, execution_id: str) -> None:
        """It has ended."""
        self._at.pop(execution_id, None)

    def due(self, at: datetime) -> str | None:
        """The next execution to be looked at by that instant, taken out; None when there is none."""
        next_at = self.next_at
        if next_at is None or next_at > at:
            return None
        _, execution_id = heapq.heappop(self._heap)
        del self._at[execution_id]
        return execution_id

    def wake(self) -> None:
        """Let whoever waits for something sooner look again."""
        self._sooner.set()

    async def sooner(self) -> None:
        """Return when something has come before all that was there."""
        await self._sooner.wait()

    def heard(self) -> None:
        self._sooner.clear()
