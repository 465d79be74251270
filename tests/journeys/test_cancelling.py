"""Calling off, where it meets a payment that nobody knew of, and who is told."""

import pytest

from ecosystem.contexts.booking import BookingStatus, CancelBooking
from ecosystem.contexts.payments import PaymentState
from ecosystem.kernel.money import Money
from ecosystem.sandbox import Fault, What
from ecosystem.workflows.wiring import Wiring
from market import ADA, OWNER, SYSTEM, Market


@pytest.mark.parametrize("lost", [What.LOSE_REQUEST, What.LOSE_ANSWER])
async def test_whoever_calls_off_before_it_is_paid_gets_all_back_though_the_money_came(
    shop: Market, lost: What
) -> None:
    service_id = await shop.service(shop.provider_id, policy="strict")
    request = await shop.request(await shop.hold(service_id, shop.tomorrow()))
    shop.sandbox.fail_next(Fault(what=lost, times=3))
    paid = await shop.app.checkout.pay(request, ADA)
    preview = await shop.app.closing.preview(request.booking_id, ADA)

    cancelled = await shop.app.closing.cancel(CancelBooking(booking_id=request.booking_id), ADA)

    assert paid.payment.state is PaymentState.INTENDED
    assert cancelled.status is BookingStatus.CANCELLED
    assert cancelled.refund is not None
    assert cancelled.refund.amount == preview.amount == Money(10_000, "EUR")
    for refund in await shop.app.refunds.refunds_of(request.booking_id):
        await shop.app.refunding.carry_out(request.booking_id, refund.value.refund_id, SYSTEM)
    assert await shop.balance(f"escrow:{request.booking_id}") == 0
    assert await shop.balance(f"provider:{shop.provider_id}:EUR") == 0
    await shop.verified()


async def test_an_order_that_the_processor_never_takes_does_not_keep_anyone_from_calling_off(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    request = await shop.request(await shop.hold(service_id, shop.tomorrow()), card="pm_nobody")
    shop.sandbox.fail_next(Fault(what=What.LOSE_REQUEST, times=3))
    await shop.app.checkout.pay(request, ADA)

    cancelled = await shop.app.closing.cancel(CancelBooking(booking_id=request.booking_id), ADA)

    payment = (await shop.app.payments.payment(request.booking_id, request.payment_id)).value
    assert (cancelled.status, payment.state) == (BookingStatus.CANCELLED, PaymentState.FAILED)
    await shop.verified()


async def test_the_provider_is_not_told_that_a_booking_is_off_which_was_never_on(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    request = await shop.request(await shop.hold(service_id, shop.tomorrow()), card="pm_card_chargeDeclined")
    await shop.app.checkout.pay(request, ADA)

    await shop.app.closing.cancel(CancelBooking(booking_id=request.booking_id), ADA)
    await Wiring.of(shop.app).settled()

    told = await shop.app.notifications.board.latest(OWNER.actor_id, OWNER)
    assert told.notices == []
