"""Runs the followers of the changes, and the loops of this deployment, beside the pages; ends them gracefully."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Table

log = logging.getLogger(__name__)
PAUSE_AFTER_FAILURE_S = 1.0
IDLE_S = 5.0
FAR_BEHIND = 250
"""A step that found this many changes is followed by the next at once."""

MUCH = 100
"""An act that found this much to do is done again soon."""
SOON_S = 0.5


@dataclass(frozen=True, slots=True)
class Follower:
    """Somebody who follows the changes. `step` takes the next ones in, and returns how many there were.

    `gather_s` is how long changes are left to gather before the next step: many taken together cost little more than
    one, and share a commit.
    """

    name: str
    step: Callable[[], Awaitable[int]]
    gather_s: float


@dataclass(frozen=True, slots=True)
class Loop:
    """An act every so often. `act` returns how much it found to do; it must not mind being done twice."""

    name: str
    every_s: float
    act: Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Engine:
    """Somebody who works by themselves: `run` ends after `close`, which takes how long it may wait."""

    name: str
    run: Callable[[], Awaitable[None]]
    close: Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Runner:
    """One task per follower, loop and engine. A failure is logged and tried again, never the end of the task."""

    table: Table
    clock: Clock
    followers: Sequence[Follower]
    loops: Sequence[Loop]
    engines: Sequence[Engine] = ()
    failures: dict[str, int] = field(default_factory=dict[str, int])
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    def start(self) -> None:
        for follower in self.followers:
            self._tasks.append(asyncio.create_task(self._follow(follower), name=f"follow {follower.name}"))
        for loop in self.loops:
            self._tasks.append(asyncio.create_task(self._repeat(loop), name=f"loop {loop.name}"))
        for engine in self.engines:
            self._tasks.append(asyncio.create_task(self._keep(engine), name=f"engine {engine.name}"))

    async def stop(self, grace_s: float = 10.0) -> None:
        """Let each task finish the step it is in, then end it; cut off what takes longer than `grace_s`."""
        self._stopping.set()
        await asyncio.gather(*(engine.close(grace_s) for engine in self.engines))
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _follow(self, follower: Follower) -> None:
        while not self._stopping.is_set():
            found = await self._guarded(follower.name, follower.step)
            if found == 0:
                await self._pause(self.table.changed(), IDLE_S)
            if found < FAR_BEHIND:
                await asyncio.sleep(follower.gather_s)

    async def _repeat(self, loop: Loop) -> None:
        while not self._stopping.is_set():
            found = await self._guarded(loop.name, loop.act)
            # What it found at once is bounded: after an outage there is more than fits into one turn.
            await self._pause(None, loop.every_s if found < MUCH else min(loop.every_s, SOON_S))

    async def _keep(self, engine: Engine) -> None:
        async def run() -> int:
            await engine.run()
            return 0

        while not self._stopping.is_set():
            await self._guarded(engine.name, run)

    async def _guarded(self, name: str, act: Callable[[], Awaitable[int]]) -> int:
        try:
            return await act()
        except Exception:
            # An entry point of its own: one failing part must not end the others.
            self.failures[name] = self.failures.get(name, 0) + 1
            log.exception("background work failed", extra={"part": name})
            await self._pause(None, PAUSE_AFTER_FAILURE_S)
            return 1

    async def _pause(self, woken_by: Awaitable[None] | None, seconds: float) -> None:
        """Wait until stopped, woken, or out of time."""
        waits = {asyncio.ensure_future(_returned(self._stopping.wait()))}
        if woken_by is not None:
            waits.add(asyncio.ensure_future(_returned(woken_by)))
        _, waiting = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waiting:
            wait.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _returned(awaited: Awaitable[object]) -> None:
    await awaited
