"""Figures counted anew from what there is, when changes were forgotten that nobody had read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct

from ecosystem.contexts.insights import keys
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.table import Change, Counter, Cursor, Image, Key, Table

LATE = timedelta(minutes=5)
"""What was changed so lately may have been told before the place at which counting begins, or not yet."""
PAGE = 1000
PAGES_MAX = 1_000_000


class Count(Struct, frozen=True, kw_only=True):
    """So many more (or fewer) of something in a group: on a day, or among what there is now if `day` is None."""

    group: str
    name: str
    by: int
    day: date | None = None

    @property
    def key(self) -> Key:
        return keys.now(self.group) if self.day is None else keys.day(self.group, self.day)


CountReader = Callable[[Change], Awaitable[Sequence[Count]]]
"""What a change counts. It is asked again about the same change only if its counts were not kept."""

Sums = dict[Key, dict[str, int]]


class Standing(Struct, frozen=True, kw_only=True):
    """An item that counts as it stands now. What counts by day does so only if it can be told of the item for good."""

    key: Key
    counts: Sequence[Count]
    changed_at: datetime


Everything = Callable[[], AsyncIterator[Standing]]
StandingReader = Callable[[Image], Sequence[Count]]
"""What an item of that image counts as it stands."""


class Inventory(Struct, frozen=True):
    """Everything that counts as it stands, and what one item of it counts."""

    everything: Everything
    read: StandingReader


async def recount(table: Table, inventory: Inventory, at: datetime) -> tuple[Cursor | None, Sums]:
    """What the figures lack, or have too much of, as of a place in the changes, and that place.

    Days that only changes tell of keep what they have: those that were forgotten are missing there.
    """
    cursor = await _end(table)
    sums: Sums = {}
    late: dict[Key, Sequence[Count]] = {}
    async for item in inventory.everything():
        if item.changed_at < at - LATE:
            add(sums, item.counts)
        else:
            late[item.key] = item.counts
    # What changed after the place stood there as its first change found it.
    after = cursor
    for _ in range(PAGES_MAX):
        changes = await table.changes(after, limit=PAGE)
        if not changes:
            break
        for change in changes:
            if change.key in late:
                del late[change.key]
                add(sums, inventory.read(change.old) if change.old else ())
        after = changes[-1].cursor
    for counts in late.values():
        add(sums, counts)
    return cursor, await _lacking(table, sums)


def add(sums: Sums, counts: Sequence[Count]) -> None:
    for count in counts:
        counters = sums.setdefault(count.key, {})
        counters[count.name] = counters.get(count.name, 0) + count.by


async def _end(table: Table) -> Cursor | None:
    cursor: Cursor | None = None
    for _ in range(PAGES_MAX):
        changes = await table.changes(cursor, limit=PAGE)
        if not changes:
            return cursor
        cursor = changes[-1].cursor
        await asyncio.sleep(0)
    raise Unavailable("There are more changes than can be read.")


async def _lacking(table: Table, sums: Sums) -> Sums:
    page = await table.query(keys.now("").partition, Counter, limit=PAGE)
    lacking: Sums = {}
    touched: set[Key] = {row.key for row in page.rows}
    for key in touched.union(sums):
        row, right = await table.get(key, Counter), sums.get(key, {})
        counted = dict(row.counters) if row else {}
        by = {name: right.get(name, 0) - counted.get(name, 0) for name in {*right, *counted}}
        if any(by.values()):
            lacking[key] = {name: amount for name, amount in by.items() if amount}
    return lacking
