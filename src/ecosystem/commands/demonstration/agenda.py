"""Whose turn it is when: courses wait here for their instants, and wake in the order of time."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

from ecosystem.ports.clock import Clock

AT_ONCE = 16
"""Courses that go on side by side; the others that have woken wait for a place."""


class Agenda:
    """Courses begin, wait until their instants, and go on when they are woken."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._count = 0
        self._awake = 0
        self._rested = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._courses: set[asyncio.Task[None]] = set()
        self._broken: BaseException | None = None

    @property
    def next_at(self) -> datetime | None:
        """When the next course goes on."""
        return self._waiting[0][0] if self._waiting else None

    def begin(self, course: Coroutine[Any, Any, None]) -> None:
        """Let a course run until its first wait, and from then on as it is woken."""
        self._awake += 1
        task = asyncio.create_task(self._followed(course))
        self._courses.add(task)
        task.add_done_callback(self._ended)

    async def until(self, at: datetime) -> None:
        """Wait for that instant; one that has come already is not waited for. Only within a course."""
        if at <= self._clock.now():
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._waiting, (at, self._count, woken))
        self._places.release()
        self._rest()
        await woken
        await self._places.acquire()

    def wake(self) -> int:
        """Let everybody go on whose instant has come; how many they are."""
        now, woken = self._clock.now(), 0
        while self._waiting and self._waiting[0][0] <= now:
            _, _, future = heapq.heappop(self._waiting)
            self._awake += 1
            woken += 1
            future.set_result(None)
        return woken

    async def rested(self) -> None:
        """Return when every course waits or has ended. Raises what broke one."""
        while self._awake and self._broken is None:
            self._rested.clear()
            await self._rested.wait()
        if self._broken is not None:
            raise self._broken

    async def close(self) -> None:
        """End every course where it is."""
        for task in self._courses:
            task.cancel()
        await asyncio.gather(*self._courses, return_exceptions=True)

    async def _followed(self, course: Coroutine[Any, Any, None]) -> None:
        await self._places.acquire()
        await course
        self._places.release()

    def _rest(self) -> None:
        self._awake -= 1
        if not self._awake:
            self._rested.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._courses.discard(task)
        if task.cancelled():
            return
        if broken := task.exception():
            self._broken = broken
            self._rested.set()
        self._rest()
