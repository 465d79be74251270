"""From a hold to a booking, or to nothing: each way through the machine, and its end at its own time."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from ecosystem.contexts.booking import BookingStatus, CancelBooking, HoldStatus
from ecosystem.kernel.actor import Group
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Delete, Key
from ecosystem.ports.workflows import ExecutionStatus
from ecosystem.workflows.entries.workflow_orchestrator import orchestrate
from market import ADA, Market
from workflows.lives import DAY, HOUR, LIFECYCLE, MINUTE, SECOND, admitted, begun, path, told

PAID = ["AwaitPayment", "WhatBecame", "Tell", "Booked", "SUCCEEDED"]
HANDED_OVER = ["AwaitPayment", "LookAgain", "WhatBecame", "ExpireAtItsTime", "HandedOver", "SUCCEEDED"]
CHALLENGED = "pm_card_authenticationRequired"


async def test_a_hold_that_is_paid_becomes_a_booking_of_which_each_side_is_told_once(lively: Market) -> None:
    owner, ada = await admitted(lively, "Paula Sousa", Group.PROVIDERS), await admitted(lively, "Ada Lovelace")
    service_id = await lively.service(await lively.provider(owner), owner=owner)
    hold = await lively.hold(service_id, lively.tomorrow(), ada)
    await lively.passes()
    assert await path(lively, LIFECYCLE, hold.hold_id) == ["AwaitPayment", "RUNNING"]

    await lively.app.checkout.pay(await lively.request(hold, ada), ada)
    await lively.passes()

    assert await path(lively, LIFECYCLE, hold.hold_id) == PAID
    assert await told(lively, ada) == ["booking-confirmed"]
    assert (await told(lively, owner)).count("booking-confirmed") == 1


async def test_what_was_paid_before_the_machine_could_listen_is_seen_by_looking(lively: Market) -> None:
    paid = await lively.book(await lively.service(lively.provider_id), lively.tomorrow())

    await lively.passes()

    assert await path(lively, LIFECYCLE, paid.booking.request.hold_id) == PAID


async def test_a_request_is_told_as_one_and_what_becomes_of_it_is_a_matter_of_its_own(lively: Market) -> None:
    service_id = await lively.service(lively.provider_id, instant=False)
    hold = await lively.hold(service_id, lively.tomorrow() + 2 * DAY)
    await lively.passes()
    paid = await lively.app.checkout.pay(await lively.request(hold), ADA)
    await lively.passes()
    assert await path(lively, LIFECYCLE, hold.hold_id) == PAID

    await lively.passes(DAY - SECOND)
    waits = (await lively.app.bookings.row(paid.booking.booking_id)).value.status
    await lively.passes(SECOND)

    assert waits is BookingStatus.AWAITING_PROVIDER
    assert (await lively.app.bookings.row(paid.booking.booking_id)).value.status is BookingStatus.EXPIRED


async def test_time_given_back_ends_it_and_so_does_calling_the_unpaid_booking_off(lively: Market) -> None:
    service_id = await lively.service(lively.provider_id)
    given_back, called_off = [await lively.hold(service_id, lively.tomorrow(hour)) for hour in (10, 14)]
    await lively.passes()

    await lively.app.holds.release(given_back.hold_id, ADA)
    paid = await lively.app.checkout.pay(await lively.request(called_off, card=CHALLENGED), ADA)
    await lively.app.closing.cancel(CancelBooking(booking_id=paid.booking.booking_id), ADA)
    await lively.passes()

    for hold in (given_back, called_off):
        assert await path(lively, LIFECYCLE, hold.hold_id) == ["AwaitPayment", "WhatBecame", "Released", "SUCCEEDED"]


async def test_a_hold_nobody_pays_for_keeps_its_fifteen_minutes_in_full_and_not_one_second_more(lively: Market) -> None:
    hold = await lively.hold(await lively.service(lively.provider_id), lively.tomorrow())

    await lively.passes(14 * MINUTE + 59 * SECOND)
    in_time = (await lively.app.holds.get(hold.hold_id, ADA)).status
    await lively.passes(SECOND)

    assert await path(lively, LIFECYCLE, hold.hold_id) == HANDED_OVER
    assert in_time is HoldStatus.HELD
    assert (await lively.app.holds.get(hold.hold_id, ADA)).status is HoldStatus.EXPIRED


async def test_a_booking_nobody_pays_for_expires_when_its_last_card_had_its_time(lively: Market) -> None:
    hold = await lively.hold(await lively.service(lively.provider_id), lively.tomorrow())
    request = await lively.request(hold, card=CHALLENGED)
    await lively.passes(10 * MINUTE)
    await lively.app.checkout.pay(request, ADA)
    await lively.passes(8 * MINUTE)
    assert await path(lively, LIFECYCLE, hold.hold_id) == HANDED_OVER
    await lively.app.checkout.pay(replace(request, payment_id=lively.id("pay")), ADA)

    for _ in range(9):
        await lively.passes(MINUTE)
    waits = (await lively.app.bookings.row(request.booking_id)).value.status
    for _ in range(3):
        await lively.passes(MINUTE)

    assert waits is BookingStatus.AWAITING_PAYMENT
    assert (await lively.app.bookings.row(request.booking_id)).value.status is BookingStatus.EXPIRED
    assert not any(row.value.is_open for row in await lively.app.payments.payments_of(request.booking_id))
    await lively.verified()


async def test_events_late_again_and_out_of_order_change_nothing_any_more(lively: Market) -> None:
    paid = await lively.book(await lively.service(lively.provider_id), lively.tomorrow())
    await lively.passes()
    hold_id = paid.booking.request.hold_id
    timelines = [f"BOOKING#{paid.booking.booking_id}", f"HOLD#{hold_id}"]
    events = [
        event
        for partition in timelines
        for event in (await lively.app.ports.table.query(partition, Event, prefix="EVENT#")).values
    ]
    before = await path(lively, LIFECYCLE, hold_id)

    for event in [*events, *reversed(events)]:
        await orchestrate(lively.app, event)
    await lively.passes()

    assert await path(lively, LIFECYCLE, hold_id) == before == PAID
    assert await begun(lively, LIFECYCLE) == 1


async def test_news_that_cannot_be_told_are_tried_again_and_hold_up_no_booking(lively: Market) -> None:
    hold = await lively.hold(await lively.service(lively.provider_id), lively.tomorrow())
    await lively.passes()
    await lively.app.checkout.pay(await lively.request(hold), ADA)
    # Whose booking it is can no longer be said.
    await lively.app.ports.table.transact(Delete(key=Key(f"PROVIDER#{lively.provider_id}", "METADATA")))

    await lively.passes(MINUTE)

    execution = await lively.app.ports.workflows.describe(f"{LIFECYCLE}:{hold.hold_id}")
    assert await path(lively, LIFECYCLE, hold.hold_id) == PAID
    assert execution.output["untold"]["Error"] == "ProviderUnknown"


async def test_after_a_standstill_of_hours_what_ran_out_meanwhile_is_found_at_once(lively: Market) -> None:
    service_id = await lively.service(lively.provider_id)
    hold = await lively.hold(service_id, lively.tomorrow())
    unpaid = await lively.book(service_id, lively.tomorrow(14), card=CHALLENGED)

    await lively.passes()
    lively.clock.advance(3 * HOUR)
    await lively.passes()

    execution = await lively.app.ports.workflows.describe(f"{LIFECYCLE}:{hold.hold_id}")
    assert execution.status is ExecutionStatus.TIMED_OUT
    assert (await lively.app.holds.get(hold.hold_id, ADA)).status is HoldStatus.EXPIRED
    booking = (await lively.app.bookings.row(unpaid.booking.booking_id)).value
    assert booking.status is BookingStatus.EXPIRED
    await lively.passes(timedelta(minutes=5))
    await lively.verified()
