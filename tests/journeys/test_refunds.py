"""Refunds that come back days later, before and after the money of their booking was divided."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest

from ecosystem.contexts.booking import Booking, CancelBooking
from ecosystem.contexts.payments import BadSignature, RefundState
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.money import Money
from market import ADA, OPERATOR, SYSTEM, Market
from sandbox.calling import Listener, listening

REFUND_FAILS = "pm_card_refundFail"


@pytest.fixture
async def listener(shop: Market) -> AsyncIterator[Listener]:
    """Where the processor's events arrive, to be handed on by the test."""
    async with listening() as listener:
        shop.sandbox.deliver_to(listener.url)
        yield listener


async def booked(shop: Market) -> Booking:
    service_id = await shop.service(shop.provider_id)
    return (await shop.book(service_id, shop.tomorrow() + timedelta(days=3), card=REFUND_FAILS)).booking


async def gone_wrong(shop: Market, listener: Listener, booking_id: str) -> None:
    """Every refund of the booking is carried out, and comes back a little later."""
    for refund in await shop.app.refunds.refunds_of(booking_id):
        await shop.app.refunding.carry_out(booking_id, refund.value.refund_id, SYSTEM)
    await shop.sandbox.settled()
    for body, signature in listener.raw:
        with suppress(BadSignature):  # Of days ago.
            receipt = await shop.app.webhooks.receive(body, signature)
            await shop.app.hearing.act(receipt.hint.event_id)
    listener.raw.clear()
    later(shop)
    refunds = await shop.app.refunds.refunds_of(booking_id)
    assert refunds[-1].value.state is RefundState.FAILED


def later(shop: Market) -> None:
    """Verification does not judge what moved within its last minute."""
    shop.clock.advance(timedelta(minutes=3))


def back(shop: Market, booking: Booking, minor: int) -> GiveBack:
    return GiveBack(
        refund_id=shop.id("rfd"), booking_id=booking.booking_id, amount=Money(minor, "EUR"), reason="Goodwill"
    )


async def units(shop: Market, booking: Booking) -> tuple[int, int]:
    """What lies in escrow, and what is the provider's."""
    return (
        await shop.balance(f"escrow:{booking.booking_id}"),
        await shop.balance(f"provider:{shop.provider_id}:EUR"),
    )


async def test_a_refund_that_came_back_before_the_release_is_released(shop: Market, listener: Listener) -> None:
    booking = await booked(shop)
    await shop.app.refunding.give_back(back(shop, booking, 4_000), OPERATOR)
    await gone_wrong(shop, listener, booking.booking_id)

    shop.clock.advance(timedelta(days=5))
    await shop.app.closing.complete(booking.booking_id, ADA)
    later(shop)

    assert await units(shop, booking) == (0, 9_000)
    await shop.verified()


async def test_a_refund_that_came_back_after_the_release_costs_nobody_when_it_is_given_again(
    shop: Market, listener: Listener
) -> None:
    booking = await booked(shop)
    await shop.app.closing.cancel(CancelBooking(booking_id=booking.booking_id), ADA)
    await gone_wrong(shop, listener, booking.booking_id)
    assert await units(shop, booking) == (10_000, 0)
    await shop.verified()

    shown = shop.app.dossiers.returning(await shop.app.dossiers.of(booking.booking_id, OPERATOR), Money(10_000, "EUR"))
    await shop.app.refunding.give_back(back(shop, booking, 10_000), OPERATOR)
    later(shop)

    assert not shown.released
    assert await units(shop, booking) == (0, 0)
    await shop.verified()

    await gone_wrong(shop, listener, booking.booking_id)
    assert await units(shop, booking) == (10_000, 0)
    await shop.verified()


async def test_what_lies_in_escrow_is_given_back_before_anyones_share(shop: Market, listener: Listener) -> None:
    booking = await booked(shop)
    shop.clock.advance(timedelta(days=3))
    await shop.app.closing.cancel(CancelBooking(booking_id=booking.booking_id), ADA)
    await gone_wrong(shop, listener, booking.booking_id)
    assert await units(shop, booking) == (5_000, 4_500)

    await shop.app.refunding.give_back(back(shop, booking, 2_000), OPERATOR)
    later(shop)
    assert await units(shop, booking) == (3_000, 4_500)
    await shop.verified()
    shown = shop.app.dossiers.returning(await shop.app.dossiers.of(booking.booking_id, OPERATOR), Money(4_000, "EUR"))
    assert (shown.released, shown.lying.minor, shown.lines.total.minor) == (True, 3_000, 1_000)
    await shop.app.refunding.give_back(back(shop, booking, 4_000), OPERATOR)
    later(shop)

    assert await units(shop, booking) == (0, 3_600)
    await shop.verified()
