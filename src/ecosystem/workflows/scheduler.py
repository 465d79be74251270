"""The scheduler: keeps schedules, fires those that are due, and lets operators pause and resume them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import NotFound
from ecosystem.kernel.time import seconds, sortable
from ecosystem.ports.audit import AuditKind, noted
from ecosystem.ports.bus import Event, Fact, announce, event_key
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Delete, Index, Key, Page, Put, Row, Stale, Table, Write
from ecosystem.workflows.schedules import (
    PAUSED,
    PLACES_MAX,
    RECURRING,
    SHARDS,
    FiredBefore,
    Schedule,
    ScheduleFired,
    SchedulePaused,
    ScheduleResumed,
    begun,
    cancelled,
    due_shard,
    fired,
    firing_of,
    kept,
    moved,
    paused,
    resumed,
    schedule_key,
    told,
)
from ecosystem.workflows.triggers import Firing, OnSchedule

log = logging.getLogger(__name__)
PAGE = 100
AT_ONCE = 16
_TICK = timedelta(microseconds=1)


class NoSuchSchedule(NotFound):
    """There is no such schedule: it has fired for the last time, or was cancelled."""


@dataclass(slots=True)
class Scheduler:
    """Keeps schedules and fires those that are due. Any number of them may do so side by side."""

    table: Table
    clock: Clock
    declared: Sequence[OnSchedule] = ()
    """What the function table says: made, changed and removed accordingly before anything is fired."""

    _compared: bool = field(default=False, init=False)

    async def put(self, *schedules: Schedule) -> None:
        """Make these schedules, or move those that are there."""
        for start in range(0, len(schedules), PAGE):
            await self.table.transact(*map(kept, schedules[start : start + PAGE]))

    async def cancel(self, name: str, *matters: str) -> None:
        """Remove one-time schedules, whichever of them are there."""
        for start in range(0, len(matters), PAGE):
            await self.table.transact(*(cancelled(name, matter) for matter in matters[start : start + PAGE]))

    async def create(self, schedule: Schedule, actor: Actor) -> Schedule:
        """Make a schedule that begins now, or replace the one of its name. For operators and the system."""
        actor.must_operate()
        made = begun(schedule, self.clock.now())
        await self.table.transact(kept(made))
        return made

    async def schedule(self, name: str, matter: str = "") -> Schedule:
        """The schedule as it stands. Raises `NoSuchSchedule`."""
        return (await self._row(schedule_key(name, matter))).value

    async def recurring(self, actor: Actor) -> list[Schedule]:
        """What fires again and again, by name. For operators."""
        actor.must_operate()
        return (await self.table.query(RECURRING, Schedule, index=Index.SLUG, limit=PAGE)).values

    async def upcoming(self, actor: Actor, limit: int = 50) -> list[Schedule]:
        """What fires next, soonest first. For operators."""
        actor.must_operate()
        rows = [row.value for page in await self._pages(None, limit) for row in page.rows]
        return sorted(rows, key=lambda each: each.next_at or each.fired_at or self.clock.now())[:limit]

    async def at_rest(self, actor: Actor, limit: int = 50) -> list[Schedule]:
        """What is paused, by name. For operators."""
        actor.must_operate()
        return (await self.table.query(PAUSED, Schedule, index=Index.STATUS, limit=limit)).values

    async def pause(self, name: str, actor: Actor, matter: str = "") -> Schedule:
        """Let a schedule rest; one that does already stays so. For operators."""
        actor.must_operate()
        row = await self._row(schedule_key(name, matter))
        if row.value.paused_at is not None:
            return row.value
        now = self.clock.now()
        return await self._becomes(row, paused(row.value, now), SchedulePaused(schedule=name, matter=matter), actor)

    async def resume(self, name: str, actor: Actor, matter: str = "") -> Schedule:
        """Let a schedule go on; one that does already stays so. For operators."""
        actor.must_operate()
        row = await self._row(schedule_key(name, matter))
        if row.value.paused_at is None:
            return row.value
        now = self.clock.now()
        return await self._becomes(row, resumed(row.value, now), ScheduleResumed(schedule=name, matter=matter), actor)

    async def fire_now(self, name: str, actor: Actor, matter: str = "") -> Schedule:
        """Fire a schedule at once, beside its times; a one-time schedule then has no other. For operators."""
        actor.must_operate()
        row, now = await self._row(schedule_key(name, matter)), self.clock.now()
        if row.value.matter:
            await self.table.transact(
                replace(kept(replace(row.value, next_at=now, paused_at=None)), expected=row.unchanged),
                noted(AuditKind.PRIVILEGE, "ScheduleFiredByHand", actor, name, now, matter=matter),
            )
            await self._fire(row.key)
            return row.value
        firing = Firing(schedule=name, matter="", scheduled_at=now, input=row.value.input)
        await self.table.transact(
            told(firing, now, actor), noted(AuditKind.PRIVILEGE, "ScheduleFiredByHand", actor, name, now)
        )
        return row.value

    async def fire(self, *, recurring: bool = True) -> int:
        """Fire what is due, as much as is found at once; how many schedules fired.

        Without the `recurring` ones only what fires once does.
        """
        if not self._compared:
            await self.compare()
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(key: Key) -> bool:
            async with turns:
                return await self._fire(key)

        until = sortable(self.clock.now() + _TICK)
        rows = [row for page in await self._pages(until, PAGE) for row in page.rows]
        due = [row.key for row in rows if recurring or row.value.matter]
        return sum(await asyncio.gather(*map(one, due)))

    async def compare(self) -> None:
        """Make the schedules of the function table as it says, and remove those that it no longer names.

        One that only goes on keeps its place; one that now reads otherwise begins anew.
        """
        now, wanted = self.clock.now(), {trigger.name: trigger for trigger in self.declared if trigger.expression}
        for trigger in wanted.values():
            row = await self.table.get(schedule_key(trigger.name), Schedule)
            before = row.value if row else Schedule(name=trigger.name, expression="", declared=True)
            after = replace(
                before, expression=trigger.expression, zone=trigger.zone, catch_up=trigger.catch_up, declared=True
            )
            if after != before:
                await self._take_over(row, begun(after, now))
        page = await self.table.query(RECURRING, Schedule, index=Index.SLUG, limit=1000)
        for row in page.rows:
            if row.value.declared and row.value.name not in wanted:
                await self._take_over(row, None)
        self._compared = True

    async def _take_over(self, row: Row[Schedule] | None, after: Schedule | None) -> None:
        try:
            if after is not None:
                await self.table.transact(replace(kept(after), expected=row.unchanged if row else ABSENT))
            elif row is not None:
                await self.table.transact(Delete(key=row.key, expected=row.unchanged))
        except Stale:
            return  # Another process starts at the same time, with the same table of functions.

    async def _fire(self, key: Key) -> bool:
        """Fire this one if it is due; whether it did."""
        row = await self.table.get(key, Schedule)
        now = self.clock.now()
        if row is None or row.value.next_at is None or row.value.next_at > now or row.value.paused_at is not None:
            return False
        firings, after = fired(row.value, now)
        on = moved(row, after)
        try:
            await self.table.transact(on, *(told(firing, now) for firing in firings))
        except FiredBefore:
            return await self._again(on, await self._fresh(firings, now))
        except Stale:
            return False  # Somebody else fired it, or moved it.
        return True

    async def _again(self, on: Write, firings: Sequence[Write]) -> bool:
        try:
            await self.table.transact(on, *firings)
        except (FiredBefore, Stale):
            return False
        return bool(firings)

    async def _fresh(self, firings: Sequence[Firing], now: datetime) -> list[Put]:
        """The writes of those firings that were not told before, each in its own second or the next that is free."""
        taken: dict[int, Put] = {}
        for firing in firings:
            aggregate, own = schedule_key(firing.schedule, firing.matter).partition, seconds(firing.scheduled_at)
            for sequence in range(own, own + PLACES_MAX):
                if sequence in taken:
                    continue
                row = await self.table.get(event_key(aggregate, sequence, ScheduleFired.__name__), Event)
                if row is None:
                    taken[sequence] = told(firing, now, sequence=sequence)
                if row is None or firing_of(row.value).scheduled_at == firing.scheduled_at:
                    break
            else:
                log.error("a schedule fires more often than can be told", extra={"schedule": aggregate})
        return list(taken.values())

    async def _pages(self, until: str | None, limit: int) -> list[Page[Schedule]]:
        return [
            await self.table.query(due_shard(shard), Schedule, index=Index.STATUS, end=until, limit=limit)
            for shard in range(SHARDS)
        ]

    async def _becomes(self, row: Row[Schedule], after: Schedule, fact: Fact, actor: Actor) -> Schedule:
        now = self.clock.now()
        event = announce(fact, aggregate=row.key.partition, sequence=seconds(now), actor=actor, at=now)
        await self.table.transact(replace(kept(after), expected=row.unchanged), event)
        return after

    async def _row(self, key: Key) -> Row[Schedule]:
        row = await self.table.get(key, Schedule)
        if row is None:
            raise NoSuchSchedule(field="name")
        return row
