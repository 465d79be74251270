"""Schedules fire once, at their time, whatever dies meanwhile, and make up for what was missed as they declare."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Check, Key, Present, Stale, Table
from ecosystem.workflows.deliveries import Deliveries
from ecosystem.workflows.expressions import ExpressionRefused
from ecosystem.workflows.patterns import of_types
from ecosystem.workflows.relay import Relay
from ecosystem.workflows.rules import Rule
from ecosystem.workflows.scheduler import NoSuchSchedule, Scheduler
from ecosystem.workflows.schedules import Schedule, ScheduleFired, cancelled, firing_of, kept, one_time, schedule_key
from ecosystem.workflows.triggers import CatchUp, Firing, OnSchedule

if TYPE_CHECKING:
    from ecosystem.adapters.aws.table import Clients

OPERATOR = Actor(actor_id="usr_operator", groups=(Group.ADMINS,))
ADA = Actor(actor_id="usr_ada", groups=(Group.CUSTOMERS,))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def hourly(catch_up: CatchUp = CatchUp.LATEST) -> Schedule:
    return Schedule(name="hourly", expression="cron(0 * * * ? *)", catch_up=catch_up)


async def fired(table: Table, name: str, matter: str = "") -> list[Firing]:
    page = await table.query(schedule_key(name, matter).partition, Event, prefix="EVENT#", limit=1000)
    return [firing_of(event) for event in page.values if event.type == ScheduleFired.__name__]


async def all_due(scheduler: Scheduler) -> None:
    for _ in range(1000):
        if not await scheduler.fire():
            return
    raise AssertionError("what is due has no end")


async def test_each_time_fires_once_as_an_event_and_the_schedule_goes_on(table: Table, clock: VirtualClock) -> None:
    scheduler = Scheduler(table, clock)
    clock.advance(MINUTE)
    await scheduler.create(hourly(), OPERATOR)

    for _ in range(6 * 12):
        clock.advance(5 * MINUTE)
        await scheduler.fire()
        await scheduler.fire()
    firings = await fired(table, "hourly")

    assert [firing.scheduled_at.hour for firing in firings] == [13, 14, 15, 16, 17, 18]
    assert {firing.missed for firing in firings} == {0}
    assert (await scheduler.schedule("hourly")).next_at == datetime(2026, 11, 20, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    ("catch_up", "count", "missed"), [(CatchUp.ALL, 72, 0), (CatchUp.LATEST, 1, 71), (CatchUp.SKIP, 0, 0)]
)
async def test_after_days_of_standstill_it_makes_up_for_what_was_missed_as_declared(
    table: Table, clock: VirtualClock, catch_up: CatchUp, count: int, missed: int
) -> None:
    clock.advance(MINUTE)
    await Scheduler(table, clock).create(hourly(catch_up), OPERATOR)
    clock.advance(3 * DAY + 10 * MINUTE)

    await all_due(Scheduler(table, clock))
    firings = await fired(table, "hourly")
    clock.advance(HOUR)
    await all_due(Scheduler(table, clock))

    assert (len(firings), sum(firing.missed for firing in firings)) == (count, missed)
    assert len(await fired(table, "hourly")) == count + (catch_up is not CatchUp.SKIP)
    clock.advance(50 * MINUTE)
    await all_due(Scheduler(table, clock))
    assert len(await fired(table, "hourly")) == count + (2 if catch_up is not CatchUp.SKIP else 1)


async def test_of_a_one_time_schedule_nothing_is_left_once_it_has_fired(table: Table, clock: VirtualClock) -> None:
    scheduler = Scheduler(table, clock)
    await table.transact(kept(one_time("complete-booking", "bkg_1", clock.now() + HOUR, note="a")))

    early = await scheduler.fire()
    clock.advance(HOUR)
    on_time = await scheduler.fire()
    [firing] = await fired(table, "complete-booking", "bkg_1")

    assert (early, on_time) == (0, 1)
    assert (firing.matter, firing.input) == ("bkg_1", {"note": "a"})
    with pytest.raises(NoSuchSchedule):
        await scheduler.schedule("complete-booking", "bkg_1")


async def test_one_time_schedules_are_made_moved_and_cancelled_in_bulk(table: Table, clock: VirtualClock) -> None:
    scheduler, names = Scheduler(table, clock), [f"bkg_{number:03d}" for number in range(250)]
    await scheduler.put(*(one_time("start-booking", name, clock.now() + HOUR) for name in names))
    await scheduler.put(*(one_time("start-booking", name, clock.now() + 2 * HOUR) for name in names[:100]))
    await scheduler.cancel("start-booking", *names[200:])
    await table.transact(cancelled("start-booking", names[199]))

    clock.advance(HOUR)
    await all_due(scheduler)
    first = [name for name in names if await fired(table, "start-booking", name)]
    clock.advance(HOUR)
    await all_due(scheduler)
    second = [name for name in names if await fired(table, "start-booking", name)]

    assert first == names[100:199]
    assert second == names[:199]


async def test_made_again_for_a_time_at_which_it_has_fired_it_does_not_fire_twice(
    table: Table, clock: VirtualClock
) -> None:
    scheduler, when = Scheduler(table, clock), clock.now() + HOUR
    for _ in range(2):
        await scheduler.put(one_time("start-booking", "bkg_1", when))
        clock.advance(2 * HOUR)
        await all_due(scheduler)

    assert len(await fired(table, "start-booking", "bkg_1")) == 1
    with pytest.raises(NoSuchSchedule):
        await scheduler.schedule("start-booking", "bkg_1")


async def test_it_is_part_of_the_transaction_it_is_made_in(table: Table, clock: VirtualClock) -> None:
    absent = Check(key=Key("NOTHING", "HERE"), expected=Present())

    with pytest.raises(Stale):
        await table.transact(kept(one_time("start-booking", "bkg_1", clock.now())), absent)

    assert await Scheduler(table, clock).fire() == 0


async def test_made_again_within_the_second_in_which_it_fired_it_fires_for_each_time_once(
    table: Table, clock: VirtualClock
) -> None:
    scheduler, first = Scheduler(table, clock), clock.now()
    soon, later = first + timedelta(milliseconds=400), first + timedelta(seconds=1)
    counts: list[int] = []

    for when in (first, soon, soon, later, later, first):
        await table.transact(kept(one_time("remind", "bkg_1", when)))
        clock.advance(max(timedelta(), when - clock.now()))
        counts.append(await scheduler.fire())

    assert [firing.scheduled_at for firing in await fired(table, "remind", "bkg_1")] == [first, soon, later]
    assert counts == [1, 1, 0, 1, 0, 0]
    assert await table.get(schedule_key("remind", "bkg_1"), Schedule) is None


async def test_what_fired_before_a_crash_is_delivered_after_it(table: Table, clock: VirtualClock) -> None:
    heard: list[Firing] = []
    broken = True

    async def hear(event: Event) -> None:
        if broken:
            raise ZeroDivisionError
        heard.append(firing_of(event))

    rule = Rule("hearer", of_types(ScheduleFired.__name__), hear)
    await Scheduler(table, clock).put(one_time("start-booking", "bkg_1", clock.now()))
    await Scheduler(table, clock).fire()
    # The process dies here: what fires again finds nothing, what delivers finds the event, and a failure is kept.
    again = await Scheduler(table, clock).fire()
    await Relay(table, clock, [rule]).drain()
    waiting = (await Deliveries(table, clock).retrying()).values
    broken = False
    clock.advance(MINUTE)
    await Relay(table, clock, [rule]).retry()

    assert again == 0
    assert [delivery.rule for delivery in waiting] == ["hearer"]
    assert [firing.matter for firing in heard] == ["bkg_1"]


async def test_a_schedule_begins_and_ends_with_its_dates(table: Table, clock: VirtualClock) -> None:
    now = clock.now()
    bounded = Schedule(
        name="bounded", expression="rate(2 hours)", starts_at=now + HOUR, ends_at=now + 5 * HOUR, catch_up=CatchUp.ALL
    )
    scheduler = Scheduler(table, clock)
    await scheduler.create(bounded, OPERATOR)

    clock.advance(2 * DAY)
    await all_due(scheduler)

    assert [firing.scheduled_at - now for firing in await fired(table, "bounded")] == [HOUR, 3 * HOUR, 5 * HOUR]
    with pytest.raises(NoSuchSchedule):
        await scheduler.schedule("bounded")


async def test_at_rest_it_fires_for_no_time_and_goes_on_with_the_next(table: Table, clock: VirtualClock) -> None:
    scheduler = Scheduler(table, clock)
    await scheduler.create(hourly(CatchUp.ALL), OPERATOR)
    await scheduler.put(one_time("start-booking", "bkg_1", clock.now() + HOUR))

    await scheduler.pause("hourly", OPERATOR)
    await scheduler.pause("start-booking", OPERATOR, "bkg_1")
    clock.advance(DAY + MINUTE)
    while_at_rest = await scheduler.fire()
    resting = await scheduler.at_rest(OPERATOR)
    await scheduler.resume("hourly", OPERATOR)
    await scheduler.resume("start-booking", OPERATOR, "bkg_1")
    await all_due(scheduler)

    assert while_at_rest == 0
    assert {schedule.name for schedule in resting} == {"hourly", "start-booking"}
    assert await fired(table, "hourly") == []
    assert len(await fired(table, "start-booking", "bkg_1")) == 1
    clock.advance(HOUR)
    await all_due(scheduler)
    assert len(await fired(table, "hourly")) == 1


async def test_only_operators_see_and_change_schedules(table: Table, clock: VirtualClock) -> None:
    scheduler = Scheduler(table, clock)
    await scheduler.create(hourly(), OPERATOR)

    assert [each.name for each in await scheduler.recurring(OPERATOR)] == ["hourly"]
    assert [each.name for each in await scheduler.upcoming(OPERATOR)] == ["hourly"]
    for refused in (
        scheduler.create(hourly(), ADA),
        scheduler.pause("hourly", ADA),
        scheduler.resume("hourly", ADA),
        scheduler.recurring(ADA),
        scheduler.upcoming(ADA),
        scheduler.at_rest(ADA),
    ):
        with pytest.raises(Denied):
            await refused


async def test_what_cannot_be_read_is_refused_when_it_is_made(table: Table, clock: VirtualClock) -> None:
    scheduler = Scheduler(table, clock)

    with pytest.raises(ExpressionRefused):
        await scheduler.create(replace(hourly(), expression="hourly"), OPERATOR)
    with pytest.raises(Invalid):
        await scheduler.create(replace(hourly(), zone="Mars/Olympus"), OPERATOR)


async def test_declared_schedules_follow_the_table_of_functions_from_start_to_start(
    table: Table, clock: VirtualClock
) -> None:
    before = [OnSchedule(name="gone", expression="rate(1 hour)"), OnSchedule(name="kept", expression="rate(1 hour)")]
    after = [OnSchedule(name="kept", expression="rate(2 hours)"), OnSchedule(name="family")]

    await all_due(Scheduler(table, clock, before))
    await Scheduler(table, clock).create(hourly(), OPERATOR)
    clock.advance(timedelta(minutes=90))
    await all_due(Scheduler(table, clock, before))
    began = await fired(table, "kept")
    await all_due(Scheduler(table, clock, after))
    names = [schedule.name for schedule in await Scheduler(table, clock).recurring(OPERATOR)]

    assert [firing.scheduled_at - clock.now() for firing in began] == [-timedelta(minutes=90), -timedelta(minutes=30)]
    assert names == ["hourly", "kept"]
    assert (await Scheduler(table, clock).schedule("kept")).next_at == clock.now() + 2 * HOUR


async def twice_at_once(table: Table, clock: VirtualClock, count: int) -> None:
    """Two processes fire the same schedules at the same time; each fires once."""
    names = [f"bkg_{number:02d}" for number in range(count)]
    await Scheduler(table, clock).put(*(one_time("start-booking", name, clock.now()) for name in names))
    await Scheduler(table, clock).create(replace(hourly(CatchUp.ALL), starts_at=clock.now()), OPERATOR)
    clock.advance(6 * HOUR)

    one, other = Scheduler(table, clock), Scheduler(table, clock)
    for _ in range(20):
        found = await asyncio.gather(one.fire(), other.fire())
        if not any(found):
            break
    firings = [len(await fired(table, "start-booking", name)) for name in names]

    assert firings == [1] * count
    assert [firing.scheduled_at.hour for firing in await fired(table, "hourly")] == [12, 13, 14, 15, 16, 17, 18]


async def test_two_who_fire_at_once_fire_once(table: Table, clock: VirtualClock) -> None:
    await twice_at_once(table, clock, 60)


@pytest.mark.xdist_group("amazon")
async def test_two_who_fire_at_once_on_dynamodb_fire_once(dynamo_clients: Clients, clock: VirtualClock) -> None:
    from table_dynamo import DynamoTables

    tables = DynamoTables(dynamo_clients, clock)
    await twice_at_once(await tables.fresh(), clock, 6)
    await tables.close()
