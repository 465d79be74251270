from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from contexts.booking.scene import PROVIDER, Scene
from ecosystem.contexts.booking import (
    Calendar,
    CalendarBusy,
    DayChanged,
    DayFull,
    Days,
    SlotTaken,
    Taking,
    convert,
    free,
    take,
)
from ecosystem.contexts.booking.calendar import TAKINGS_MAX
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import Span
from ecosystem.ports.table import Stale

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW = NOON - timedelta(days=1)
HOUR = timedelta(hours=1)
TAKING = Taking(
    entry_id="bkg_one",
    service_id="svc_massage",
    start_at=NOON,
    end_at=NOON + HOUR,
    before_min=0,
    after_min=0,
    seats=1,
)


def days_of(*takings: Taking) -> Days:
    around = [NOON.date() + timedelta(days=day) for day in range(-2, 4)]
    days = Days(provider_id=PROVIDER, takings=dict.fromkeys(around, ()), versions=dict.fromkeys(around, 0))
    for taking in takings:
        days = take(days, taking, capacity=TAKINGS_MAX, at=NOW)
    return replace(days, changed=frozenset())


def another(**changes: object) -> Taking:
    return replace(TAKING, entry_id="bkg_two", **changes)


@pytest.mark.parametrize("shift", [HOUR, -HOUR])
def test_back_to_back_times_are_both_taken(shift: timedelta) -> None:
    days = take(days_of(TAKING), another(start_at=NOON + shift, end_at=NOON + shift + HOUR), capacity=1, at=NOW)

    assert len(days.takings[NOON.date()]) == 2


@pytest.mark.parametrize("shift", [timedelta(0), HOUR - timedelta(minutes=1), timedelta(minutes=1) - HOUR])
def test_times_that_overlap_are_not_both_taken(shift: timedelta) -> None:
    with pytest.raises(SlotTaken) as refused:
        take(days_of(TAKING), another(start_at=NOON + shift, end_at=NOON + shift + HOUR), capacity=1, at=NOW)

    assert refused.value.field == "start_at"


@pytest.mark.parametrize(
    ("first", "second", "gap", "fits"),
    [
        ((0, 15), (0, 0), 15, True),
        ((0, 15), (0, 0), 14, False),
        ((0, 0), (15, 0), 14, False),
        ((0, 15), (15, 0), 15, False),  # each has its own time to clear up and to prepare
        ((0, 15), (15, 0), 30, True),
        ((30, 0), (0, 30), 0, True),
    ],
)
def test_buffers_count_across_services(
    first: tuple[int, int], second: tuple[int, int], gap: int, *, fits: bool
) -> None:
    days = days_of(replace(TAKING, service_id="svc_other", before_min=first[0], after_min=first[1]))
    later = NOON + HOUR + timedelta(minutes=gap)
    wanted = another(start_at=later, end_at=later + HOUR, before_min=second[0], after_min=second[1])

    if fits:
        assert take(days, wanted, capacity=1, at=NOW).changed == {NOON.date()}
    else:
        with pytest.raises(SlotTaken):
            take(days, wanted, capacity=1, at=NOW)


def test_seats_of_one_service_at_one_start_share_their_time() -> None:
    days = take(days_of(replace(TAKING, seats=2)), another(seats=1), capacity=3, at=NOW)

    assert sum(taking.seats for taking in days.takings[NOON.date()]) == 3
    with pytest.raises(SlotTaken):
        take(days, replace(TAKING, entry_id="bkg_three"), capacity=3, at=NOW)


@pytest.mark.parametrize(
    "changes", [{"service_id": "svc_other"}, {"start_at": NOON + HOUR / 2}, {"end_at": NOON + 2 * HOUR}]
)
def test_only_the_same_service_at_the_same_time_shares(changes: dict[str, object]) -> None:
    with pytest.raises(SlotTaken):
        take(days_of(TAKING), another(**changes), capacity=3, at=NOW)


def test_a_taking_over_midnight_stands_in_both_days() -> None:
    late = replace(TAKING, start_at=NOON + 11.5 * HOUR, end_at=NOON + 12.5 * HOUR)

    days = days_of(late)

    assert [day for day, takings in days.takings.items() if takings] == [date(2026, 11, 20), date(2026, 11, 21)]
    with pytest.raises(SlotTaken):
        take(days, another(start_at=NOON + 12 * HOUR, end_at=NOON + 13 * HOUR), capacity=1, at=NOW)


def test_a_buffer_over_midnight_stands_in_both_days() -> None:
    days = days_of(replace(TAKING, start_at=NOON + 11 * HOUR, end_at=NOON + 12 * HOUR, after_min=30))

    with pytest.raises(SlotTaken):
        take(days, another(start_at=NOON + 12 * HOUR, end_at=NOON + 13 * HOUR), capacity=1, at=NOW)


def test_what_ends_at_midnight_leaves_the_next_day_alone() -> None:
    days = days_of(replace(TAKING, start_at=NOON + 11 * HOUR, end_at=NOON + 12 * HOUR))

    assert days.takings[date(2026, 11, 21)] == ()


def test_a_hold_that_has_lapsed_is_ignored_and_cleared_away() -> None:
    days = days_of(replace(TAKING, entry_id="hld_old", expires_at=NOW))

    days = take(days, another(), capacity=1, at=NOW)

    assert [taking.entry_id for taking in days.takings[NOON.date()]] == ["bkg_two"]


def test_a_hold_stands_until_the_instant_it_lapses() -> None:
    days = days_of(replace(TAKING, entry_id="hld_old", expires_at=NOW + timedelta(microseconds=1)))

    with pytest.raises(SlotTaken):
        take(days, another(), capacity=1, at=NOW)


def test_a_hold_becomes_a_bookings_time() -> None:
    days = days_of(replace(TAKING, entry_id="hld_one", expires_at=NOW + HOUR))

    days = convert(days, "hld_one", "bkg_one", at=NOW)

    assert days.entry("bkg_one") == TAKING
    assert days.entry("hld_one") is None


def test_a_hold_that_has_lapsed_does_not_become_a_booking() -> None:
    days = days_of(replace(TAKING, entry_id="hld_one", expires_at=NOW + HOUR))

    with pytest.raises(SlotTaken):
        convert(days, "hld_one", "bkg_one", at=NOW + HOUR)
    with pytest.raises(SlotTaken):
        convert(days_of(), "hld_one", "bkg_one", at=NOW)


def test_freed_time_can_be_taken_again() -> None:
    days = free(days_of(replace(TAKING, start_at=NOON + 11.5 * HOUR, end_at=NOON + 12.5 * HOUR)), "bkg_one")

    assert set(days.takings.values()) == {()}
    assert days.changed == {date(2026, 11, 20), date(2026, 11, 21)}
    assert free(days_of(), "bkg_one").changed == frozenset()


def test_a_day_holds_a_bounded_number_of_entries() -> None:
    full = tuple(replace(TAKING, entry_id=f"bkg_{number}") for number in range(TAKINGS_MAX))
    days = replace(days_of(), takings={**days_of().takings, NOON.date(): full})

    with pytest.raises(DayFull):
        take(days, another(), capacity=2 * TAKINGS_MAX, at=NOW)


def test_a_span_has_an_end_after_its_start() -> None:
    with pytest.raises(Invalid):
        Span(NOON, NOON)


async def test_two_who_read_the_same_day_do_not_both_write_it(scene: Scene) -> None:
    first = await scene.calendar.days(PROVIDER, TAKING.span)
    second = await scene.calendar.days(PROVIDER, TAKING.span)
    await scene.table.transact(*take(first, TAKING, capacity=1, at=NOW).writes())

    with pytest.raises(DayChanged):
        await scene.table.transact(*take(second, another(), capacity=1, at=NOW).writes())


async def test_an_emptied_day_keeps_counting_its_versions(scene: Scene) -> None:
    days = await scene.calendar.days(PROVIDER, TAKING.span)
    await scene.table.transact(*take(days, TAKING, capacity=1, at=NOW).writes())
    seen = await scene.calendar.days(PROVIDER, TAKING.span)
    await scene.table.transact(*free(seen, "bkg_one").writes())
    days = await scene.calendar.days(PROVIDER, TAKING.span)
    assert days.versions[NOON.date()] == 2
    await scene.table.transact(*take(days, TAKING, capacity=1, at=NOW).writes())

    with pytest.raises(DayChanged):
        await scene.table.transact(*free(seen, "bkg_one").writes())


async def test_an_act_is_repeated_while_others_get_ahead(scene: Scene) -> None:
    tries = 0

    async def act() -> str:
        nonlocal tries
        tries += 1
        if tries < 10:
            raise Stale
        return "done"

    assert await scene.calendar.settle(PROVIDER, act) == "done"


async def test_an_act_that_never_gets_through_ends(scene: Scene) -> None:
    async def act() -> None:
        raise Stale

    with pytest.raises(CalendarBusy):
        await scene.calendar.settle(PROVIDER, act)


async def test_turns_come_in_the_order_of_asking_and_leave_nothing_behind(scene: Scene) -> None:
    order: list[int] = []

    async def act(number: int) -> None:
        await asyncio.sleep(0)
        order.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(scene.calendar.settle(PROVIDER, lambda number=number: act(number)))

    assert order == list(range(20))
    assert not scene.calendar.turns._locks
    assert not scene.calendar.turns._waiting


async def test_an_act_may_call_another_in_the_same_turn(scene: Scene) -> None:
    async def inner() -> str:
        return "inner"

    async def outer() -> str:
        return await scene.calendar.settle(PROVIDER, inner)

    async with asyncio.timeout(1):
        assert await scene.calendar.settle(PROVIDER, outer) == "inner"


async def test_who_gives_up_waiting_frees_their_place(scene: Scene) -> None:
    calendar = Calendar(scene.table)
    entered, leave = asyncio.Event(), asyncio.Event()

    async def stay() -> None:
        entered.set()
        await leave.wait()

    first = asyncio.create_task(calendar.settle(PROVIDER, stay))
    await entered.wait()
    second = asyncio.create_task(calendar.settle(PROVIDER, stay))
    await asyncio.sleep(0)
    second.cancel()
    leave.set()
    await first

    assert await asyncio.gather(second, return_exceptions=True) != [None]
    assert not calendar.turns._locks
