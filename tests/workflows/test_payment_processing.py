"""Money on its way: each way through the machine, silent processors, slow banks, and payments nobody has use for."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from ecosystem.contexts.booking import Booking, BookingStatus, CancelBooking
from ecosystem.contexts.payments import PaymentState, Refund, RefundState
from ecosystem.ports.workflows import StartExecution
from ecosystem.sandbox import Fault, What
from market import ADA, SYSTEM, VISA, Market
from workflows.lives import DAY, HOUR, MINUTE, PAYMENT, SECOND, begun, challenge, path

CHECK = ["CheckPayment", "WhatThePaymentIs"]
CHALLENGED = "pm_card_authenticationRequired"
SILENT = Fault(what=What.LOSE_REQUEST, times=10_000)


async def booking(shop: Market, booking_id: str) -> Booking:
    return (await shop.app.bookings.row(booking_id)).value


async def called_off(shop: Market, card: str = VISA) -> Refund:
    """A booking that was paid and called off: its refund, of which nobody has asked the processor yet."""
    paid = await shop.book(await shop.service(shop.provider_id), shop.tomorrow() + 3 * DAY, card=card)
    await shop.app.closing.cancel(CancelBooking(booking_id=paid.booking.booking_id), ADA)
    [refund] = await shop.app.refunds.refunds_of(paid.booking.booking_id)
    assert refund.value.state is RefundState.REQUESTED
    return refund.value


async def refunded(shop: Market, refund: Refund) -> RefundState:
    row = await shop.app.refunds.refund(refund.booking_id, refund.refund_id)
    assert row
    return row.value.state


def given_back(shop: Market) -> int:
    return len([effect for effect in shop.sandbox.effects() if effect.what == "refunded"])


async def test_a_payment_that_went_through_is_found_so_after_half_a_minute(lively: Market) -> None:
    paid = await lively.book(await lively.service(lively.provider_id), lively.tomorrow())

    await lively.passes(29 * SECOND)
    waits = await path(lively, PAYMENT, paid.payment.payment_id)
    await lively.passes(SECOND)

    assert waits == ["Kind", "GiveTheCheckoutTime", "RUNNING"]
    assert await path(lively, PAYMENT, paid.payment.payment_id) == [*waits[:2], *CHECK, "Charged", "SUCCEEDED"]


async def test_an_answer_that_was_lost_is_asked_for_again_and_the_booking_is_confirmed(lively: Market) -> None:
    hold = await lively.hold(await lively.service(lively.provider_id), lively.tomorrow())
    lively.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, times=3))
    paid = await lively.app.checkout.pay(await lively.request(hold), ADA)
    assert paid.payment.state is PaymentState.INTENDED

    await lively.passes(30 * SECOND)

    assert (await path(lively, PAYMENT, paid.payment.payment_id))[-2:] == ["Charged", "SUCCEEDED"]
    assert (await booking(lively, paid.booking.booking_id)).status is BookingStatus.CONFIRMED
    assert len([effect for effect in lively.sandbox.effects() if effect.what == "captured"]) == 1
    await lively.verified()


async def test_a_silent_processor_is_asked_on_by_schedule_until_it_speaks(lively: Market) -> None:
    hold = await lively.hold(await lively.service(lively.provider_id), lively.tomorrow())
    lively.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, times=3))
    paid = await lively.app.checkout.pay(await lively.request(hold), ADA)
    lively.sandbox.fail_next(SILENT)
    lively.sandbox.fail_next(replace(SILENT, method="GET"))

    await lively.passes(12 * MINUTE)
    silent = await booking(lively, paid.booking.booking_id)
    lively.sandbox.faults.clear()
    await lively.passes(MINUTE)

    assert (await path(lively, PAYMENT, paid.payment.payment_id))[-3:] == ["AskLater", "HandedOver", "SUCCEEDED"]
    assert silent.status is BookingStatus.AWAITING_PAYMENT
    assert (await booking(lively, paid.booking.booking_id)).status is BookingStatus.CONFIRMED
    await lively.verified()


async def test_what_speaks_too_late_for_the_hold_gives_the_money_back(lively: Market) -> None:
    hold = await lively.hold(await lively.service(lively.provider_id), lively.tomorrow())
    lively.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, times=3))
    paid = await lively.app.checkout.pay(await lively.request(hold), ADA)
    await lively.passes(10 * SECOND)
    await lively.app.ports.workflows.stop(f"{PAYMENT}:{paid.payment.payment_id}", SYSTEM)
    lively.sandbox.fail_next(SILENT)
    lively.sandbox.fail_next(replace(SILENT, method="GET"))

    await lively.passes(2 * HOUR)
    lively.sandbox.faults.clear()
    await lively.passes(15 * MINUTE)

    assert (await booking(lively, paid.booking.booking_id)).status is BookingStatus.CONFIRMED
    await lively.verified()


async def test_a_challenge_has_as_long_as_the_time_is_held_and_counts_when_it_is_passed(lively: Market) -> None:
    service_id = await lively.service(lively.provider_id)
    passed = await lively.book(service_id, lively.tomorrow(), card=CHALLENGED)
    left = await lively.book(service_id, lively.tomorrow(14), card=CHALLENGED)
    await lively.passes(2 * MINUTE)
    await challenge(passed.payment.challenge_url)

    await lively.passes(MINUTE)
    settled = await path(lively, PAYMENT, passed.payment.payment_id)
    await lively.passes(13 * MINUTE)

    assert settled[2:] == [*CHECK, "GiveTheBankTime", *CHECK, "GiveTheBankTime", *CHECK, "Charged", "SUCCEEDED"]
    assert (await booking(lively, passed.booking.booking_id)).status is BookingStatus.CONFIRMED
    assert (await path(lively, PAYMENT, left.payment.payment_id))[-3:] == ["AskLater", "HandedOver", "SUCCEEDED"]
    assert (await booking(lively, left.booking.booking_id)).status is BookingStatus.EXPIRED
    await lively.verified()


async def test_a_first_card_that_nobody_has_use_for_is_let_go_when_the_second_paid(lively: Market) -> None:
    hold = await lively.hold(await lively.service(lively.provider_id), lively.tomorrow())
    request = await lively.request(hold, card=CHALLENGED)
    first = await lively.app.checkout.pay(request, ADA)
    second = await lively.app.checkout.pay(replace(request, card=VISA, payment_id=lively.id("pay")), ADA)
    assert second.booking.status is BookingStatus.CONFIRMED

    await lively.passes(30 * SECOND)

    assert (await path(lively, PAYMENT, first.payment.payment_id))[2:] == [*CHECK, "LetGo", "GivenBack", "SUCCEEDED"]
    row = await lively.app.payments.payment(request.booking_id, first.payment.payment_id)
    assert row.value.state is PaymentState.CANCELLED
    assert (await booking(lively, request.booking_id)).status is BookingStatus.CONFIRMED


async def test_a_refund_is_carried_out_once_however_often_it_is_asked_for(lively: Market) -> None:
    refund = await called_off(lively)
    await lively.passes()
    first = await path(lively, PAYMENT, refund.refund_id)

    await lively.app.refunding.carry_out(refund.booking_id, refund.refund_id, SYSTEM)
    await lively.passes(HOUR)

    assert first == ["Kind", "CarryOut", "WhatTheRefundIs", "GivenBack", "SUCCEEDED"]
    assert await refunded(lively, refund) is RefundState.ISSUED
    assert given_back(lively) == 1
    await lively.verified()


async def test_a_refund_that_a_bank_takes_long_for_is_asked_after_until_it_has_it(lively: Market) -> None:
    refund = await called_off(lively, "pm_card_pendingRefund")
    await lively.passes(30 * SECOND)
    pending = await refunded(lively, refund)
    await lively.passes(10 * MINUTE)

    went = await path(lively, PAYMENT, refund.refund_id)
    assert pending is RefundState.PENDING
    assert went[1:4] == ["CarryOut", "WhatTheRefundIs", "GiveTheRefundTime"]
    assert went[-2:] == ["GivenBack", "SUCCEEDED"]
    assert await refunded(lively, refund) is RefundState.ISSUED
    assert given_back(lively) == 1


async def test_a_refund_that_the_processor_refuses_ends_as_failed_and_is_an_operators(lively: Market) -> None:
    refund = await called_off(lively)
    lively.sandbox.fail_next(Fault(what=What.REFUSE, path="/v1/refunds", status=402))

    await lively.passes(MINUTE)

    assert (await path(lively, PAYMENT, refund.refund_id))[-2:] == ["RefundFailed", "FAILED"]
    assert await refunded(lively, refund) is RefundState.FAILED


async def test_a_refund_of_a_silent_processor_goes_on_by_schedule(lively: Market) -> None:
    refund = await called_off(lively)
    lively.sandbox.fail_next(replace(SILENT, path="/v1/refunds"))
    await lively.passes(12 * MINUTE)
    assert (await path(lively, PAYMENT, refund.refund_id))[-3:] == ["AskAfterRefundLater", "HandedOver", "SUCCEEDED"]
    assert await refunded(lively, refund) is RefundState.REQUESTED

    lively.sandbox.faults.clear()
    await lively.passes(MINUTE)

    assert await refunded(lively, refund) is RefundState.ISSUED
    assert given_back(lively) == 1
    await lively.verified()


async def test_after_a_standstill_of_hours_a_payment_without_an_outcome_is_found_at_once(lively: Market) -> None:
    hold = await lively.hold(await lively.service(lively.provider_id), lively.tomorrow())
    lively.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, times=3))
    paid = await lively.app.checkout.pay(await lively.request(hold), ADA)
    await lively.passes()

    lively.clock.advance(3 * HOUR)
    await lively.passes(timedelta(minutes=1))

    assert (await booking(lively, paid.booking.booking_id)).status is BookingStatus.CONFIRMED
    await lively.verified()


async def test_what_is_none_of_its_matters_is_refused(lively: Market) -> None:
    await lively.passes()
    await lively.app.ports.workflows.start(StartExecution(machine=PAYMENT, name="odd", input={"kind": "gift"}), SYSTEM)

    await lively.passes()

    assert await path(lively, PAYMENT, "odd") == ["Kind", "UnknownKind", "FAILED"]
    assert await begun(lively, PAYMENT) == 1
