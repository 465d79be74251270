"""Figures are counted once, whoever counts, and however often it dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.embedded.table_recent import Recent
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.insights import Count, DaysTooMany, Figures, Inventory, Standing, Tally
from ecosystem.contexts.insights.counts import TallyBusy
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.table import Change, Image, Key, Put, Stale, Stored, Table, Write
from ecosystem.ports.table_codec import decoded

OPERATOR = Actor(actor_id="usr_olga", groups=(Group.ADMINS,))
TODAY = date(2026, 11, 20)


class Thing(Stored, frozen=True, kw_only=True):
    entity: ClassVar[str] = "thing-that-is-counted"

    name: str


async def counted(change: Change) -> Sequence[Count]:
    if change.new is None or change.new.entity != Thing.entity:
        return ()
    group = f"g{int(change.key.sort) % 7}"
    return [Count(group=group, name="all", by=1), Count(group=group, name="all", by=1, day=TODAY)]


async def made(table: Table, first: int, count: int) -> None:
    for number in range(first, first + count):
        await table.transact(Put(key=Key("THINGS", f"{number:05d}"), value=Thing(name="x")))


async def test_every_change_counts_once_however_many_count_and_whenever_they_die(
    table: Table, clock: VirtualClock
) -> None:
    await made(table, 0, 150)
    one, other = Tally(table, clock, counted), Tally(table, clock, counted)

    await one.step(40)
    await other.step(60)
    await made(table, 150, 50)
    await one.step(1000)
    await Tally(table, clock, counted).catch_up()
    await other.catch_up()

    now = await Figures(table).now(OPERATOR)
    assert sum(group["all"] for group in now.groups.values()) == 200
    days = await Figures(table).days("g3", TODAY - timedelta(days=1), TODAY, OPERATOR)
    assert days == {TODAY - timedelta(days=1): {}, TODAY: {"all": now.of("g3", "all")}}
    assert await other.lag() <= 2


class Failing:
    """A table whose commits fail at will."""

    def __init__(self, table: Table) -> None:
        self.table, self.fails = table, 0

    async def transact(self, *writes: Write, token: str | None = None) -> None:
        if self.fails:
            self.fails -= 1
            raise Stale
        await self.table.transact(*writes, token=token)

    def __getattr__(self, name: str) -> object:
        return getattr(self.table, name)


async def test_a_commit_that_did_not_happen_counts_nothing(table: Table, clock: VirtualClock) -> None:
    await made(table, 0, 10)
    failing = Failing(table)
    tally = Tally(failing, clock, counted)  # type: ignore[arg-type]
    failing.fails = 3

    await tally.catch_up()

    assert sum(group["all"] for group in (await Figures(table).now(OPERATOR)).groups.values()) == 10


async def test_what_touches_many_items_is_committed_in_parts(table: Table, clock: VirtualClock) -> None:
    async def wide(change: Change) -> Sequence[Count]:
        if change.new is None or change.new.entity != Thing.entity:
            return ()
        return [Count(group=f"{change.key.sort}-{part}", name="all", by=1) for part in range(20)]

    await made(table, 0, 12)
    tally = Tally(table, clock, wide)
    while await tally.step():
        pass

    now = await Figures(table).now(OPERATOR)
    assert len(now.groups) == 200 or sum(group["all"] for group in now.groups.values()) == 240


async def test_figures_are_for_operators_and_of_a_bounded_time(table: Table) -> None:
    figures = Figures(table)

    with pytest.raises(Denied):
        await figures.now(Actor(actor_id="usr_ana"))
    with pytest.raises(DaysTooMany):
        await figures.days("bookings", TODAY - timedelta(days=5000), TODAY, OPERATOR)
    with pytest.raises(DaysTooMany):
        await figures.days("bookings", TODAY, TODAY - timedelta(days=1), OPERATOR)


class Stage(Stored, frozen=True, kw_only=True):
    entity: ClassVar[str] = "stage-that-is-counted"

    name: str
    changed_at: datetime


def staged(image: Image | None) -> list[Count]:
    if image is None or image.entity != Stage.entity:
        return []
    return [Count(group="stages", name=decoded(image, Stage).name, by=1)]


async def changed(change: Change) -> Sequence[Count]:
    return [*staged(change.new), *(Count(group=each.group, name=each.name, by=-1) for each in staged(change.old))]


def inventory(table: Table) -> Inventory:
    async def everything() -> AsyncIterator[Standing]:
        for row in (await table.scan(Stage)).rows:
            await asyncio.sleep(0)
            counts = [Count(group="stages", name=row.value.name, by=1)]
            yield Standing(key=row.key, counts=counts, changed_at=row.value.changed_at)

    return Inventory(everything, staged)


async def test_figures_whose_changes_were_forgotten_are_counted_anew_while_things_go_on(
    quick_path: Path, clock: VirtualClock
) -> None:
    async def put(number: int, name: str) -> None:
        await table.transact(Put(key=Key("STAGES", f"{number:03d}"), value=Stage(name=name, changed_at=clock.now())))

    async def go_on() -> None:
        for number in range(0, 60, 2):
            await put(number, "later")
        for number in range(60, 70):
            await put(number, "new")

    async def counting(tally: Tally) -> None:
        with suppress(TallyBusy):
            await tally.catch_up()

    table = await EmbeddedTable.open(quick_path / "table.sqlite", clock, upkeep=False)
    tallies = [Tally(table, clock, changed, inventory(table)) for _ in range(3)]
    for number in range(40):
        await put(number, "first")
    await tallies[0].catch_up()
    for number in range(30, 60):
        await put(number, "second")
    clock.advance(timedelta(days=91))
    await put(59, "third")
    await table.prune()
    table._recent = Recent()

    assert await tallies[0].lag() == 1000
    await asyncio.gather(go_on(), *map(counting, tallies))
    await Tally(table, clock, changed, inventory(table)).catch_up()

    now = await Figures(table).now(OPERATOR)
    left = {name: count for name, count in now.groups["stages"].items() if count}
    assert left == {"first": 15, "second": 14, "third": 1, "later": 30, "new": 10}
    await table.close()
