"""What the function table binds does what it says: within its time, as often as it may, at the booking's own times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.app import App
from ecosystem.contexts.booking import (
    Booking,
    BookingStatus,
    CancelBooking,
    ReportNoShow,
    Reschedule,
    Side,
)
from ecosystem.ports.bus import Event
from ecosystem.workflows.bindings import TookTooLong, in_time, rules
from ecosystem.workflows.entries.booking_processor import COMPLETE, SETTLE, START
from ecosystem.workflows.functions import TABLE, Function
from ecosystem.workflows.scheduler import Scheduler
from ecosystem.workflows.triggers import Entry, OnEvent
from ecosystem.workflows.wiring import Wiring
from market import ADA, OPERATOR, OWNER, Market, market

DAY = timedelta(days=1)


@pytest.fixture
async def shop(quick_path: Path, clock: VirtualClock) -> AsyncIterator[Market]:
    async with market(quick_path, clock) as opened:
        await opened.provider()
        yield opened


async def planned(shop: Market) -> list[tuple[str, str]]:
    """One-time schedules that wait: what is done, and with which booking."""
    found = await Scheduler(shop.app.ports.table, shop.clock).upcoming(OPERATOR)
    return [(schedule.name, schedule.matter) for schedule in found if schedule.matter]


async def booked(shop: Market) -> Booking:
    return (await shop.book(await shop.service(shop.provider_id), shop.tomorrow())).booking


def reach(shop: Market, at: datetime) -> None:
    shop.clock.advance(at - shop.clock.now())


async def now(shop: Market, booking_id: str) -> Booking:
    return (await shop.app.bookings.row(booking_id)).value


async def test_a_booking_starts_and_completes_at_its_times_by_schedules_of_its_own(shop: Market) -> None:
    booking = await booked(shop)
    wiring, seen = Wiring.of(shop.app), []

    for at in (booking.start_at, booking.end_at, booking.completes_at - timedelta(seconds=1), booking.completes_at):
        await wiring.caught_up()
        seen.append(((await now(shop, booking.booking_id)).status, await planned(shop)))
        reach(shop, at)
    await wiring.caught_up()

    assert seen[0] == (BookingStatus.CONFIRMED, [(START, booking.booking_id)])
    assert seen[1] == seen[2] == seen[3] == (BookingStatus.IN_PROGRESS, [(COMPLETE, booking.booking_id)])
    assert (await now(shop, booking.booking_id)).status is BookingStatus.COMPLETED
    assert await planned(shop) == []
    assert await shop.balance(f"escrow:{booking.booking_id}") == 0


async def test_a_booking_that_moves_takes_its_schedule_along_and_one_called_off_has_none(shop: Market) -> None:
    moved, cancelled = await booked(shop), (await shop.book(await shop.service(shop.provider_id), shop.tomorrow(15)))
    wiring = Wiring.of(shop.app)
    await wiring.caught_up()
    request = Reschedule(booking_id=moved.booking_id, start_at=moved.start_at + DAY)
    await shop.app.bookings.reschedule(request, OPERATOR)
    await shop.app.closing.cancel(CancelBooking(booking_id=cancelled.booking.booking_id), ADA)
    await wiring.caught_up()

    left = await planned(shop)
    reach(shop, moved.start_at)
    await wiring.caught_up()
    too_soon = (await now(shop, moved.booking_id)).status
    reach(shop, moved.start_at + DAY)
    await wiring.caught_up()

    assert left == [(START, moved.booking_id)]
    assert too_soon is BookingStatus.CONFIRMED
    assert (await now(shop, moved.booking_id)).status is BookingStatus.IN_PROGRESS


async def test_a_no_show_settles_by_a_schedule_in_place_of_completion(shop: Market) -> None:
    booking = await booked(shop)
    wiring = Wiring.of(shop.app)
    reach(shop, booking.start_at)
    await wiring.caught_up()
    await shop.app.closing.report_no_show(ReportNoShow(booking_id=booking.booking_id, absent=Side.CUSTOMER), OWNER)
    await wiring.caught_up()

    left = await planned(shop)
    reach(shop, booking.completes_at)
    await wiring.caught_up()

    assert left == [(SETTLE, booking.booking_id)]
    assert (await now(shop, booking.booking_id)).settled_at == shop.clock.now()
    assert await planned(shop) == []


async def test_events_heard_late_or_again_plan_by_what_the_booking_says_now(shop: Market) -> None:
    booking = await booked(shop)
    await Wiring.of(shop.app).caught_up()
    timeline = await shop.app.ports.table.query(f"BOOKING#{booking.booking_id}", Event, prefix="EVENT#")
    await shop.app.closing.cancel(CancelBooking(booking_id=booking.booking_id), ADA)
    await Wiring.of(shop.app).caught_up()

    [planning] = [rule for rule in rules(shop.app) if rule.name == "booking-processor"]
    for event in timeline.values:
        if event.type == "BookingConfirmed":
            await planning.react(event)

    assert await planned(shop) == []


async def test_a_booking_whose_schedule_was_lost_is_found_within_the_hour(shop: Market) -> None:
    booking = await booked(shop)
    wiring = Wiring.of(shop.app)
    await wiring.caught_up()
    await wiring.scheduler.cancel(START, booking.booking_id)

    reach(shop, booking.start_at + timedelta(hours=1))
    await wiring.caught_up()

    assert (await now(shop, booking.booking_id)).status is BookingStatus.IN_PROGRESS


async def test_what_takes_longer_than_its_row_says_has_failed() -> None:
    slow = Function(name="slow", entry=Entry(), triggers=(), timeout_s=0, permissions=())

    with pytest.raises(TookTooLong, match="slow"):
        await in_time(slow, asyncio.sleep(1))


async def test_what_fails_is_tried_as_often_as_its_row_says_and_then_a_dead_letter(shop: Market) -> None:
    tried = 0

    async def fail(_market: App, _event: Event) -> None:
        nonlocal tried
        tried += 1
        raise ZeroDivisionError

    moody = Function(
        name="moody",
        entry=Entry(event=fail),
        triggers=(OnEvent(pattern={"detail-type": ["BookingConfirmed"]}),),
        timeout_s=1,
        retries=2,
        permissions=(),
    )
    wiring = Wiring.of(shop.app, (*TABLE, moody))
    await booked(shop)
    for _ in range(10):
        await wiring.settled()
        shop.clock.advance(timedelta(minutes=1))
    [letter] = (await wiring.deliveries.dead()).values

    assert tried == 3
    assert (letter.rule, letter.attempts) == ("moody", 3)
