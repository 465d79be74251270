from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from contexts.booking.scene import ALL_DAY, NINE_TO_FIVE, OWNER, PROVIDER, TEN, Scene, offer, week
from ecosystem.contexts.booking import DatedHours, SetPlan, TimeOff
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import Span

HOUR = timedelta(hours=1)


async def test_free_times_come_by_the_dates_of_the_viewers_zone(scene: Scene) -> None:
    free = await scene.availability.between(offer(), date(2026, 11, 23), date(2026, 11, 24), "Asia/Tokyo")

    assert (free.zone, free.first_day) == ("Asia/Tokyo", date(2026, 11, 23))
    assert [(day.day, len(day.slots)) for day in free.days] == [(date(2026, 11, 23), 15), (date(2026, 11, 24), 15)]
    assert free.days[0].slots[0].start_at == datetime(2026, 11, 22, 15, tzinfo=UTC)


async def test_both_dates_are_included_and_nothing_beyond(scene: Scene) -> None:
    await scene.open("Europe/Berlin", week(*ALL_DAY))

    free = await scene.availability.between(offer(), date(2026, 11, 23), date(2026, 11, 23), "Europe/Berlin")

    assert len(free.days) == 1
    assert len(free.days[0].slots) == 48


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (date(2026, 11, 24), date(2026, 11, 23), "last"),
        (date(2026, 11, 23), date(2028, 11, 23), "last"),
        (date.min, date.min, "first"),
        (date.max, date.max, "first"),
    ],
)
async def test_dates_that_make_no_sense_are_refused(scene: Scene, first: date, last: date, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await scene.availability.between(offer(), first, last, "Europe/Berlin")

    assert refused.value.field == field


async def test_the_past_is_not_shown(scene: Scene) -> None:
    free = await scene.availability.between(offer(), date(2026, 11, 1), date(2026, 11, 20), "Europe/Berlin")

    # It is 13:00 in Berlin.
    assert [f"{slot.start_at:%d %H:%M}" for slot in free.days[0].slots][:2] == ["20 12:00", "20 12:30"]
    assert len(free.days) == 1


async def test_the_first_day_with_a_free_time_is_found_however_far(scene: Scene) -> None:
    away = TimeOff(start_at=datetime(2026, 11, 1, tzinfo=UTC), end_at=datetime(2027, 6, 1, 12, tzinfo=UTC))
    request = SetPlan(provider_id=PROVIDER, zone="Europe/Berlin", week=week(*NINE_TO_FIVE), time_off=(away,))
    await scene.plans.set(request, owner_id=OWNER.actor_id, actor=OWNER)

    day = await scene.availability.first(offer(horizon_days=365), "Europe/Berlin")

    assert day is not None
    assert day.day == date(2027, 6, 1)
    assert [f"{slot.start_at:%H:%M}" for slot in day.slots] == ["12:00", "12:30", "13:00", "13:30", "14:00"]
    assert await scene.availability.first(offer(horizon_days=60), "Europe/Berlin") is None


async def test_the_first_day_looks_no_earlier_than_asked(scene: Scene) -> None:
    day = await scene.availability.first(offer(), "Europe/Berlin", since=TEN + 4 * HOUR)

    assert day is not None
    assert day.slots[0].start_at == TEN + 4 * HOUR


async def test_a_day_that_is_sold_out_is_not_the_first(scene: Scene) -> None:
    from ecosystem.contexts.booking import Window

    short = DatedHours(day=date(2026, 11, 20), windows=())
    request = SetPlan(
        provider_id=PROVIDER, zone="Europe/Berlin", week=week(Window("10:00", "11:00")), exceptions=(short,)
    )
    await scene.plans.set(request, owner_id=OWNER.actor_id, actor=OWNER)
    await scene.hold(datetime(2026, 11, 21, 9, tzinfo=UTC))

    day = await scene.availability.first(offer(), "Europe/Berlin")

    assert day is not None
    assert day.day == date(2026, 11, 22)


async def test_seats_left_are_shown(scene: Scene) -> None:
    of = offer(capacity=5)
    await scene.hold(of=of, seats=2)

    free = await scene.availability.between(of, date(2026, 11, 23), date(2026, 11, 23), "Europe/Berlin")

    seats = {slot.start_at: slot.seats_left for slot in free.days[0].slots}
    assert seats[TEN] == 3
    assert TEN + HOUR / 2 not in seats
    assert seats[TEN + HOUR] == 5


async def test_a_provider_without_a_plan_has_no_free_times(scene: Scene) -> None:
    other = offer(provider_id="prv_01k9000000000000000000000")

    free = await scene.availability.between(other, date(2026, 11, 23), date(2026, 11, 30), "Europe/Berlin")

    assert (free.days, free.first_day) == ((), None)
    assert await scene.availability.first(other, "Europe/Berlin") is None


async def test_a_booking_does_not_stand_in_its_own_way(scene: Scene) -> None:
    booking = await scene.booked()
    wanted = Span(TEN, TEN + timedelta(hours=1))

    free = await scene.availability.within(offer(), wanted)
    beside = await scene.availability.within(offer(), wanted, beside=booking.booking_id)

    assert free == []
    assert [slot.start_at for slot in beside] == [TEN, TEN + timedelta(minutes=30)]
