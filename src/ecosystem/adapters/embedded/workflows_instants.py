"""The instants that come: waits that end, claims that have run out, calls that take too long, what is old enough to go.

Those within the horizon are in memory; the others are found in an index when they come nearer. An index may lag, and
whoever was to act may have died: what is late is looked for again and again.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

from ecosystem.adapters.embedded.states.run import Failed
from ecosystem.adapters.embedded.workflows_interpreter import Interpreter
from ecosystem.adapters.embedded.workflows_items import DUE_SHARDS, HISTORY, Chunk, Head, due, kept
from ecosystem.adapters.embedded.workflows_turns import Answered, Renewed
from ecosystem.kernel.time import sortable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Cursor, Delete, Index, Row, Stale, Table

log = logging.getLogger(__name__)

HORIZON = timedelta(minutes=10)
"""Instants that come later than that are left in the table."""

INDEX_LAG = timedelta(minutes=1)
"""How far an index may be behind what was written."""

POLL = timedelta(seconds=15)
LOOKS_AT_ONCE = 16
"""Executions looked at side by side: each takes the loop for a moment, and pages wait meanwhile."""

WAITING_MUCH = 256
"""With that many calls in line, and every place taken, only instants of those calls are acted on."""

PAUSE_S = 0.01
RELIEF = timedelta(seconds=1)
"""How often those instants are looked for."""

PAGE = 50
FORGOTTEN_AT_ONCE = 20


class Instants:
    """Has the interpreter look at executions when their time has come."""

    def __init__(self, table: Table, clock: Clock, interpreter: Interpreter, *, retention: timedelta) -> None:
        self._table = table
        self._clock = clock
        self._interpreter = interpreter
        self._retention = retention
        self._polled_at: datetime | None = None
        self._relieved_at: datetime | None = None
        self._renewed_at = clock.now()

    async def stepped(self) -> int:
        """One round: read ahead when it is time to, then look at every execution whose instant has come."""
        await self._polled()
        looked = 0
        looking: set[asyncio.Task[Any]] = set()
        relief = self._relief()
        while not self._interpreter.closed:
            if relief:
                execution_id = relief.pop()
            elif self.crowded or (execution_id := self._interpreter.timers.due(self._clock.now())) is None:
                break
            looked += 1
            looking.add(self._interpreter.spawn(self._interpreter.look(execution_id)))
            if len(looking) >= LOOKS_AT_ONCE:
                _, looking = await asyncio.wait(looking, return_when=asyncio.FIRST_COMPLETED)
        if looking:
            await asyncio.wait(looking)
        return looked

    @property
    def crowded(self) -> bool:
        """Every place is taken and so many calls are in line that no more may come of instants."""
        return self._interpreter.calls.full and self._interpreter.calls.waiting > WAITING_MUCH

    def _relief(self) -> set[str]:
        """In a crowd: executions whose calls, made or in line, have taken too long. These give their places back."""
        at = self._clock.now()
        if not self.crowded or (self._relieved_at is not None and at - self._relieved_at < RELIEF):
            return set()
        self._relieved_at = at
        lives = (job.live for job in self._interpreter.calls.jobs())
        return {live.execution_id for live in lives if live.wakes_at is not None and live.wakes_at <= at}

    async def next_at(self) -> datetime | None:
        """The next instant at which an execution has something to do by itself; None when there is none."""
        instants = [self._interpreter.timers.next_at] if self._interpreter.timers.next_at else []
        for number in range(DUE_SHARDS):
            page = await self._table.query(due(number), Head, index=Index.PROVIDER, limit=10)
            instants += [at for row in page.rows if (at := row.value.run.wakes_at) is not None]
        return min(instants, default=None)

    async def idle(self) -> None:
        """Wait for the next instant, or until one comes that is sooner."""
        if self.crowded:
            await asyncio.sleep(PAUSE_S)
            return
        at = self._clock.now()
        times = [at + POLL, self._interpreter.timers.next_at or at + POLL]
        if self._interpreter.calls.running or self._interpreter.calls.waiting:
            times.append(self._renewed_at + self._interpreter.lease / 3)
        pause_s = (min(times) - at).total_seconds()
        if pause_s <= 0:
            await asyncio.sleep(0)
            return
        self._interpreter.timers.heard()
        waits = {
            asyncio.ensure_future(self._clock.sleep(pause_s)),
            asyncio.ensure_future(self._interpreter.timers.sooner()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _polled(self) -> None:
        """Find in the table what memory does not have: what comes next, what is late, what was left, what is old."""
        at = self._clock.now()
        if self._interpreter.horizon is None:
            self._interpreter.horizon = at + HORIZON
            await self._ahead(None, self._interpreter.horizon)
            self._polled_at = at
            return
        if self._interpreter.horizon - at < HORIZON / 2:
            start, self._interpreter.horizon = (
                self._interpreter.horizon - INDEX_LAG - self._interpreter.lease,
                at + HORIZON,
            )
            await self._ahead(start, self._interpreter.horizon)
        if at - self._renewed_at >= self._interpreter.lease / 3:
            self._renewed_at = at
            self._renew(at)
        if self._polled_at is None or at - self._polled_at >= POLL:
            self._polled_at = at
            # Up to the slack in its place in the index an execution may be looked at in its own time.
            await self._ahead(None, at - 3 * self._interpreter.lease / 2)
            self._cut_off()
            await self._forget(at)

    async def _ahead(self, start: datetime | None, end: datetime) -> None:
        """Set the instants of all executions whose place in the index lies in `[start, end)`."""
        for number in range(DUE_SHARDS):
            cursor: Cursor | None = None
            while not self._interpreter.closed:
                page = await self._table.query(
                    due(number),
                    Head,
                    index=Index.PROVIDER,
                    start=None if start is None else sortable(start),
                    end=sortable(end),
                    after=cursor,
                    limit=PAGE,
                )
                for row in page.rows:
                    self._seen(row.value)
                cursor = page.next
                if cursor is None:
                    break

    def _seen(self, head: Head) -> None:
        if head.run.is_over:
            return
        at = self._clock.now()
        instants = [claim.until for claim in head.claims.values() if claim.owner != self._interpreter.owner]
        # One of ours that nobody here knows: it was written though the table had said it was not.
        lost = not self._interpreter.knows(head.execution_id) and any(
            claim.owner == self._interpreter.owner and claim.until <= at for claim in head.claims.values()
        )
        if lost or self._interpreter.abandoned(head, at):
            instants.append(at)
        if head.run.wakes_at is not None:
            instants.append(head.run.wakes_at)
        if instants:
            self._interpreter.timers.set(head.execution_id, min(instants))

    def _renew(self, at: datetime) -> None:
        """Tell the table that calls which take long are still being made."""
        soon = at + self._interpreter.lease * 2 / 3
        for live in {job.execution_id: job.live for job in self._interpreter.calls.jobs()}.values():
            if any(claim.until < soon for claim in live.head.claims.values() if claim.owner == self._interpreter.owner):
                live.inbox.append(Renewed())
                self._interpreter.driven(live)

    def _cut_off(self) -> None:
        """Calls that take longer than any may have failed."""
        for job in self._interpreter.calls.overdue():
            job.drop()
            failure = Failed("States.Timeout", "The function took longer than any may.")
            job.live.inbox.append(Answered(job.call.call_id, job.fence, failure, submits=False))
            self._interpreter.driven(job.live)

    async def _forget(self, at: datetime) -> None:
        """Remove executions that ended long ago: the history first, the head last."""
        for number in range(DUE_SHARDS):
            page = await self._table.query(
                kept(number), Head, index=Index.PROVIDER, end=sortable(at), limit=FORGOTTEN_AT_ONCE
            )
            for row in page.rows:
                ended_at = row.value.run.ended_at
                if ended_at is not None and ended_at + self._retention <= at:
                    await self._forgotten(row)

    async def _forgotten(self, row: Row[Head]) -> None:
        partition = row.key.partition
        while True:
            page = await self._table.query(partition, Chunk, prefix=HISTORY, limit=PAGE)
            if not page.rows:
                break
            await self._table.transact(*(Delete(key=part.key) for part in page.rows))
        try:
            await self._table.transact(Delete(key=row.key, expected=row.unchanged))
        except Stale:
            log.warning("an execution was changed while it was forgotten", extra={"execution_id": partition})
