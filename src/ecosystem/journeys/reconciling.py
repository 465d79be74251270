"""Reconciling: the files of a day are collected, compared, and what differs is kept as discrepancies.

Done anew, a day comes to the same: a movement has one discrepancy whenever it is seen, and what the sides agree on by now
is closed. Who compares only reads; what it found is committed here, some at a time.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec

from ecosystem.contexts import reconciliation as books
from ecosystem.contexts.reconciliation import (
    OPEN_STATES,
    DayNotReconciled,
    DayReconciled,
    Discrepancies,
    Item,
    NoSuchRun,
    Run,
    RunChanged,
    Runs,
    RunState,
)
from ecosystem.journeys.comparing import Compared, Comparing
from ecosystem.journeys.reconciliation_files import Collecting
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.refusals import Invalid, Refusal
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.inspector import Comparer
from ecosystem.ports.table import Stale, Table

log = logging.getLogger(__name__)
ACTOR = system("reconciliation")
TOGETHER = 20
"""Discrepancies in one commit."""

TRIES = 3
LOST = "Whoever carried it out ended without a word."


class DayNotOver(Invalid):
    """A day is reconciled once it is over."""


@dataclass(frozen=True, slots=True)
class Reconciling:
    table: Table
    clock: Clock
    runs: Runs
    discrepancies: Discrepancies
    collecting: Collecting
    comparing: Comparing
    comparer: Comparer | None

    async def ask(self, day: date, actor: Actor) -> Run:
        """Ask for a day to be reconciled, anew if it was. Raises `Denied`, `DayNotOver`."""
        actor.must_operate()
        if day >= self.clock.now().date():
            raise DayNotOver(field="day")
        return await self.runs.ask(day, actor, self.clock.now())

    async def daily(self) -> Run:
        """Reconcile the day that is over."""
        yesterday = self.clock.now().date() - timedelta(days=1)
        await self.ask(yesterday, ACTOR)
        return await self.carry_out(yesterday)

    async def step(self) -> int:
        """Carry out the runs that were asked for, and those that failed, again; how many."""
        runs, at = await self.runs.latest(ACTOR), self.clock.now()
        for run in runs:
            if run.is_lost(at):
                await self._failed(run.day, LOST)
        due = [run for run in reversed(runs) if run.is_due(at)]
        for run in due:
            with suppress(RunChanged):  # Somebody else is at it.
                await self.carry_out(run.day)
        return len(due)

    async def carry_out(self, day: date) -> Run:
        """Collect, compare and keep. A run that fails says why, and is tried again in a while.

        Raises `NoSuchRun`, `RunChanged` when somebody else is at it.
        """
        row = await self.runs.row(day)
        if row is None:
            raise NoSuchRun
        started_at = self.clock.now()
        await self.runs.note(day, state=RunState.RUNNING, started_at=started_at, heard_at=started_at)
        try:
            await self.collecting.collect(day)
            return await self._kept(day, await self._compared(day), started_at)
        except RunChanged:
            raise
        except Refusal as failed:
            log.warning("a day is not reconciled", extra={"day": day.isoformat(), "refusal": failed.name})
            return await self._failed(day, failed.message)

    async def _failed(self, day: date, why: str) -> Run:
        """Keep that it failed, and let it be known."""
        row, now = await self.runs.row(day), self.clock.now()
        if row is None:
            raise NoSuchRun
        before = row.value
        after = msgspec.structs.replace(
            before, state=RunState.FAILED, ended_at=now, failure=why[:1000], failures=before.failures + 1
        )
        told = announce(
            DayNotReconciled(day=day, failures=after.failures),
            aggregate=books.run_timeline(day),
            sequence=row.version + 1,
            actor=ACTOR,
            at=now,
            previous={"state": before.state.value},
        )
        await self.table.transact(books.run_put(after, row), told)
        return after

    async def _compared(self, day: date) -> Compared:
        found: Compared | None = None
        async with aclosing(self._heard(day)) as heard:
            async for said in heard:
                if isinstance(said, Compared):
                    found = said
                else:
                    await self.runs.note(day, rows=said, heard_at=self.clock.now())
        assert found is not None, "who compares ends with what it came to"
        return found

    async def _heard(self, day: date) -> AsyncGenerator[dict[str, int] | Compared]:
        """By a process that reads beside this one, where there is one."""
        until = self.clock.now().date()
        if self.comparer is None:
            async for said in self.comparing.compare(day, until):
                yield said
            return
        async with aclosing(self.comparer.reconciliation(day, until)) as heard:
            async for each in heard:
                yield msgspec.convert(each.report, Compared) if each.report is not None else dict(each.read)

    async def _kept(self, day: date, compared: Compared, started_at: datetime) -> Run:
        new, present = 0, {books.id_of(item.key) for item in compared.items}
        for start in range(0, len(compared.items), TOGETHER):
            for item in compared.items[start : start + TOGETHER]:
                new += await self._seen(item, day, started_at)
        # Where not everything was told, what is not among it may still differ.
        ended = 0 if compared.more else await self._gone(day, present, started_at)
        now = self.clock.now()
        row = await self.runs.row(day)
        assert row is not None
        after = msgspec.structs.replace(
            row.value,
            state=RunState.DONE,
            heard_at=now,
            ended_at=now,
            rows=compared.rows,
            agreed=compared.agreed,
            on_their_way=compared.on_their_way,
            differing=len(compared.items) + compared.more,
            new=new,
            gone=ended,
            proofs=compared.proofs,
            unread=compared.unread,
            failure="",
            failures=0,
        )
        fact = DayReconciled(day=day, agreed=after.agreed, open=after.differing, new=new, proven=after.holds)
        told = announce(
            fact,
            aggregate=books.run_timeline(day),
            sequence=row.version + 1,
            actor=ACTOR,
            at=now,
            previous={"state": row.value.state.value},
        )
        await self.table.transact(books.run_put(after, row), told)
        return after

    async def _seen(self, item: Item, day: date, started_at: datetime) -> int:
        """Keep what differs; 1 when it was not known before."""
        for attempt in range(TRIES):
            row = await self.discrepancies.find(books.id_of(item.key))
            at = self.clock.now()
            try:
                if row is None:
                    made = books.found(item, day, ACTOR.actor_id, at)
                    await self.table.transact(*books.discrepancy_made(made, ACTOR, at))
                    return 1
                after = books.seen(row.value, item, day, ACTOR.actor_id, started_at)
                if writes := books.discrepancy_becomes(row, after, ACTOR, at):
                    await self.table.transact(*writes)
            except Stale:
                if attempt == TRIES - 1:
                    raise
                continue
            return 0
        raise AssertionError("the last attempt ends")

    async def _gone(self, day: date, present: set[str], started_at: datetime) -> int:
        """Close what differed and does so no more: the run carried it, however long ago it moved."""
        ended = 0
        async for known in self.discrepancies.all_of(*OPEN_STATES):
            if known.discrepancy_id in present or known.last_on > day:
                continue
            row = await self.discrepancies.row(known.discrepancy_id)
            after = books.gone(row.value, ACTOR.actor_id, started_at)
            if writes := books.discrepancy_becomes(row, after, ACTOR, self.clock.now()):
                await self.table.transact(*writes)
                ended += 1
        return ended
