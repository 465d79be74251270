"""Figures are counted once, whoever counts, and however often it dies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import ClassVar

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.insights import Count, DaysTooMany, Figures, Tally
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.table import Change, Key, Put, Stale, Stored, Table, Write

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
