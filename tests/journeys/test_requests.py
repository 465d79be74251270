"""Requests, and what cards hold for them: nothing stays held that nobody has use for."""

from datetime import timedelta

import aiohttp
from msgspec.structs import replace

from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.payments import PaymentState
from ecosystem.journeys.sweep import HELD_MAX
from ecosystem.sandbox import Fault, What
from ecosystem.workflows.wiring import Wiring
from market import ADA, OWNER, Market


async def states(shop: Market, booking_id: str) -> list[PaymentState]:
    return [row.value.state for row in await shop.app.payments.payments_of(booking_id)]


async def test_a_second_card_that_holds_money_is_let_go_of_once_the_request_is_accepted(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id, instant=False)
    hold = await shop.hold(service_id, shop.tomorrow() + timedelta(days=2))
    first = await shop.request(hold, card="pm_card_authenticationRequired")
    challenged = await shop.app.checkout.pay(first, ADA)
    await shop.app.checkout.pay(replace(first, payment_id=shop.id("pay"), card="pm_card_visa"), ADA)
    assert challenged.payment.challenge_url
    async with (
        aiohttp.ClientSession() as http,
        http.post(challenged.payment.challenge_url, data={"decision": "authorize"}) as answer,
    ):
        assert answer.status == 200
    await shop.app.checkout.standing(first.booking_id, first.payment_id, ADA)
    assert await states(shop, first.booking_id) == [PaymentState.AUTHORIZED, PaymentState.AUTHORIZED]

    accepted = await shop.app.acceptance.accept(first.booking_id, OWNER)
    await Wiring.of(shop.app).settled()

    assert accepted.status is BookingStatus.CONFIRMED
    assert sorted(await states(shop, first.booking_id)) == [PaymentState.CANCELLED, PaymentState.CAPTURED]
    assert await shop.balance(f"escrow:{first.booking_id}") == 10_000
    shop.clock.advance(timedelta(minutes=3))
    await shop.verified()


async def test_what_a_card_holds_for_a_declined_request_is_let_go_of_however_long_the_processor_was_away(
    shop: Market,
) -> None:
    service_id = await shop.service(shop.provider_id, instant=False)
    asked = await shop.book(service_id, shop.tomorrow() + timedelta(days=2))
    booking_id = asked.booking.booking_id
    await shop.app.closing.decline(booking_id, "On holiday", OWNER)
    shop.sandbox.fail_next(Fault(what=What.LOSE_REQUEST, times=1_000))
    wiring = Wiring.of(shop.app)
    for _ in range(20):
        await wiring.settled()
        shop.clock.advance(timedelta(minutes=5))
    shop.sandbox.faults.clear()
    assert await states(shop, booking_id) == [PaymentState.AUTHORIZED]

    shop.clock.advance(HELD_MAX)
    await shop.app.sweep.authorizations_left()

    assert await states(shop, booking_id) == [PaymentState.CANCELLED]
    shop.clock.advance(timedelta(minutes=3))
    await shop.verified()


async def test_what_a_card_holds_for_a_request_that_waits_is_not_touched(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id, instant=False)
    asked = await shop.book(service_id, shop.tomorrow() + timedelta(days=3))
    await shop.app.acceptance.accept(asked.booking.booking_id, OWNER)
    waiting = await shop.book(service_id, shop.tomorrow(14) + timedelta(days=3))

    shop.clock.advance(timedelta(hours=23))
    await shop.app.sweep.authorizations_left()

    assert await states(shop, waiting.booking.booking_id) == [PaymentState.AUTHORIZED]
