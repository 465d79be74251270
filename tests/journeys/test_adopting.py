"""Refunds made at the card processor's own desk enter our records once, in whatever order they are heard of."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from ecosystem.contexts.booking import Booking
from ecosystem.contexts.payments import PaymentState, RefundState
from ecosystem.kernel.money import Money
from ecosystem.sandbox import Fault, What
from ecosystem.workflows.wiring import Wiring
from market import ADA, KEYS, OPERATOR, Market
from sandbox.calling import Caller, Listener, Said, listening


@pytest.fixture
async def listener(shop: Market) -> AsyncIterator[Listener]:
    async with listening() as listener:
        shop.sandbox.deliver_to(listener.url)
        yield listener


async def at_the_desk(shop: Market, intent_id: str, minor: int, **form: str) -> Said:
    """Somebody refunds at the processor's own desk: it knows no id of ours."""
    async with aiohttp.ClientSession() as http:
        api = Caller(shop.sandbox.origin, http, KEYS.secret_key)
        return await api("POST", "/v1/refunds", {"payment_intent": intent_id, "amount": str(minor), **form})


async def hear(shop: Market, listener: Listener, chance: random.Random | None = None) -> None:
    await shop.sandbox.settled()
    arrived = list(listener.raw)
    listener.raw.clear()
    if chance:
        arrived = [*arrived, *arrived]
        chance.shuffle(arrived)
    for body, signature in arrived:
        receipt = await shop.app.webhooks.receive(body, signature)
        await shop.app.hearing.act(receipt.hint.event_id)


async def paid(shop: Market, card: str = "pm_card_visa") -> tuple[Booking, str]:
    service_id = await shop.service(shop.provider_id)
    made = await shop.book(service_id, shop.tomorrow() + timedelta(days=3), card=card)
    return made.booking, made.payment.intent_id or ""


@pytest.mark.parametrize("seed", range(4))
async def test_a_refund_at_the_desk_is_adopted_once_with_its_postings(
    shop: Market, listener: Listener, seed: int
) -> None:
    booking, intent_id = await paid(shop)
    await at_the_desk(shop, intent_id, 3_000)
    await at_the_desk(shop, intent_id, 1_000)

    await hear(shop, listener, random.Random(seed))

    refunds = [row.value for row in await shop.app.refunds.refunds_of(booking.booking_id)]
    assert sorted(refund.amount.minor for refund in refunds) == [1_000, 3_000]
    assert {refund.state for refund in refunds} == {RefundState.ISSUED}
    assert {refund.requested_by for refund in refunds} == {"system:processor"}
    assert await shop.balance(f"escrow:{booking.booking_id}") == 6_000
    await shop.verified()


async def test_nothing_is_asked_of_the_processor_for_what_it_did_itself(shop: Market, listener: Listener) -> None:
    booking, intent_id = await paid(shop, "pm_card_pendingRefund")
    await at_the_desk(shop, intent_id, 3_000)
    pending = list(listener.raw)

    await hear(shop, listener)
    await Wiring.of(shop.app).settled()
    await shop.passes(timedelta(minutes=10))

    assert pending is not None
    assert [one.amount for one in shop.sandbox.effects() if one.what == "refunded"] == [3_000]
    refunds = [row.value for row in await shop.app.refunds.refunds_of(booking.booking_id)]
    assert [refund.state for refund in refunds] == [RefundState.ISSUED]
    told = [letter.kind for letter in await shop.app.notifications.outbox.to("ada@example.org", OPERATOR)]
    assert told.count("refund-issued") == 1
    await shop.verified()


@pytest.mark.parametrize("seed", range(3))
async def test_one_that_failed_by_now_leaves_the_books_as_if_it_had_been_heard_in_order(
    shop: Market, listener: Listener, seed: int
) -> None:
    booking, intent_id = await paid(shop, "pm_card_refundFail")
    await at_the_desk(shop, intent_id, 3_000)

    await hear(shop, listener, random.Random(seed))

    refund = (await shop.app.refunds.refunds_of(booking.booking_id))[0].value
    payment = (await shop.app.payments.payments_of(booking.booking_id))[0].value
    assert (refund.state, payment.refundable) == (RefundState.FAILED, Money(10_000, "EUR"))
    assert await shop.balance(f"escrow:{booking.booking_id}") == 10_000
    await shop.verified()


async def test_after_the_release_everyone_gives_back_their_share(shop: Market, listener: Listener) -> None:
    booking, intent_id = await paid(shop)
    shop.clock.advance(timedelta(days=5))
    await shop.app.closing.complete(booking.booking_id, ADA)
    shop.clock.advance(timedelta(minutes=3))
    listener.raw.clear()

    await at_the_desk(shop, intent_id, 2_000)
    await hear(shop, listener)

    await shop.sequence()
    assert await shop.balance(f"provider:{shop.provider_id}:EUR") == 7_200
    assert await shop.balance("processor:EUR") == -8_000
    shop.clock.advance(timedelta(minutes=3))
    await shop.verified()


async def test_one_heard_of_before_the_payment_itself_brings_the_payment_along(
    shop: Market, listener: Listener
) -> None:
    shop.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/payment_intents", times=3))
    booking, _ = await paid(shop)
    async with aiohttp.ClientSession() as http:
        api = Caller(shop.sandbox.origin, http, KEYS.secret_key)
        intent_id = (await api("GET", "/v1/payment_intents"))["data"][0]["id"]
    await shop.sandbox.settled()
    listener.raw.clear()
    await at_the_desk(shop, intent_id, 4_000)

    await hear(shop, listener)

    payment = (await shop.app.payments.payments_of(booking.booking_id))[0].value
    assert (payment.state, payment.refunded) == (PaymentState.PARTIALLY_REFUNDED, Money(4_000, "EUR"))
    assert await shop.balance(f"escrow:{booking.booking_id}") == 6_000
    await shop.verified()


async def test_a_refund_of_a_payment_that_is_not_ours_is_let_be(shop: Market, listener: Listener) -> None:
    async with aiohttp.ClientSession() as http:
        api = Caller(shop.sandbox.origin, http, KEYS.secret_key)
        intent = await api.pay()
        await api("POST", "/v1/refunds", {"payment_intent": intent["id"], "amount": "500"})

    await hear(shop, listener)

    assert await shop.app.sweep.webhooks_left() == 0
    assert await shop.app.hearing.waiting(OPERATOR) == []
