"""What the processor tells reaches its end in any order, twice, and with nobody else to tell it."""

from __future__ import annotations

import hmac
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import msgspec
import pytest

from ecosystem.contexts.booking import BookingStatus, CancelBooking, ReportNoShow, Side
from ecosystem.contexts.payments import NoSuchPayment, Payment, PaymentState, WebhookState
from ecosystem.journeys.hearing import ATTEMPTS_MAX
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.money import Money
from ecosystem.sandbox import Fault, What
from market import ADA, KEYS, OPERATOR, OWNER, Market
from sandbox.calling import Listener, listening


@pytest.fixture
async def listener(shop: Market) -> AsyncIterator[Listener]:
    """Where the processor's events arrive, to be handed on by the test."""
    async with listening() as listener:
        shop.sandbox.deliver_to(listener.url)
        yield listener


async def hear(shop: Market, listener: Listener, chance: random.Random | None = None) -> list[str]:
    """Hand the events that arrived to the product: each once, or shuffled and some twice. Their types, as handed on."""
    await shop.sandbox.settled()
    arrived = list(zip(listener.raw, listener.types, strict=True))
    listener.raw.clear()
    listener.heard.clear()
    if chance:
        arrived += chance.choices(arrived, k=len(arrived))
        chance.shuffle(arrived)
    for (body, signature), _ in arrived:
        receipt = await shop.app.webhooks.receive(body, signature)
        await shop.app.hearing.act(receipt.hint.event_id)
        kept = await shop.app.webhooks.webhook(receipt.hint.event_id)
        assert kept.value.is_closed
    return [kind for _, kind in arrived]


async def late(shop: Market, listener: Listener) -> list[tuple[bytes, str]]:
    """The events that arrived, signed anew as of now."""
    await shop.sandbox.settled()
    at = int(shop.clock.now().timestamp())
    return [
        (body, f"t={at},v1={hmac.digest(KEYS.webhook_secret.encode(), f'{at}.'.encode() + body, 'sha256').hex()}")
        for body, _ in listener.raw
    ]


async def payment(shop: Market, known: Payment) -> Payment:
    return (await shop.app.payments.payment(known.booking_id, known.payment_id)).value


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("card", "instant", "ends"),
    [
        ("pm_card_visa", True, PaymentState.CAPTURED),
        ("pm_card_visa", False, PaymentState.AUTHORIZED),
        ("pm_card_chargeDeclined", True, PaymentState.FAILED),
    ],
)
async def test_events_alone_finish_a_payment_whose_answer_was_lost(
    shop: Market, listener: Listener, card: str, ends: PaymentState, seed: int, *, instant: bool
) -> None:
    service_id = await shop.service(shop.provider_id, instant=instant)
    shop.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/payment_intents", times=3))
    paid = await shop.book(service_id, shop.tomorrow(), card=card)
    assert paid.payment.state is PaymentState.INTENDED

    await hear(shop, listener, random.Random(seed))

    assert (await payment(shop, paid.payment)).state is ends
    await shop.verified()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("decision", "ends"), [("authorize", PaymentState.CAPTURED), ("fail", PaymentState.FAILED)])
async def test_events_alone_end_a_challenge_that_nobody_came_back_from(
    shop: Market, listener: Listener, decision: str, ends: PaymentState, seed: int
) -> None:
    service_id = await shop.service(shop.provider_id)
    asked = await shop.book(service_id, shop.tomorrow(), card="pm_card_authenticationRequired")
    assert asked.payment.challenge_url
    async with (
        aiohttp.ClientSession() as http,
        http.post(asked.payment.challenge_url, data={"decision": decision}) as answer,
    ):
        assert answer.status == 200

    await hear(shop, listener, random.Random(seed))

    assert (await payment(shop, asked.payment)).state is ends
    await shop.verified()


@pytest.mark.parametrize("seed", range(6))
async def test_a_life_told_backwards_after_it_was_lived_changes_nothing(
    shop: Market, listener: Listener, seed: int
) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.tomorrow(10))
    cancelled = CancelBooking(booking_id=paid.booking.booking_id, reason="ill")
    await shop.app.closing.cancel(cancelled, ADA)
    before = await payment(shop, paid.payment)

    await hear(shop, listener, random.Random(seed))

    assert await payment(shop, paid.payment) == before
    await shop.verified()


async def test_a_chargeback_freezes_what_is_held_and_reaches_its_end(shop: Market, listener: Listener) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.tomorrow(), card="pm_card_createDispute")

    told = await hear(shop, listener, random.Random(1))

    assert "charge.dispute.created" in told
    known = await payment(shop, paid.payment)
    assert known.chargeback
    assert known.chargeback.has_taken_money
    booking = (await shop.app.bookings.row(paid.booking.booking_id)).value
    assert booking.status is BookingStatus.DISPUTED
    await shop.verified()


async def test_a_chargeback_freezes_what_waits_for_a_no_show_to_settle(shop: Market, listener: Listener) -> None:
    service_id = await shop.service(shop.provider_id)
    start_at = shop.clock.now() + timedelta(minutes=60)
    paid = await shop.book(service_id, start_at, card="pm_card_createDispute")
    shop.clock.advance(timedelta(minutes=60))
    report = ReportNoShow(booking_id=paid.booking.booking_id, absent=Side.CUSTOMER)
    await shop.app.closing.report_no_show(report, OWNER)

    for body, signature in await late(shop, listener):
        receipt = await shop.app.webhooks.receive(body, signature)
        await shop.app.hearing.act(receipt.hint.event_id)

    booking = (await shop.app.bookings.row(paid.booking.booking_id)).value
    assert (booking.status, booking.disputed_from) == (BookingStatus.DISPUTED, BookingStatus.NO_SHOW)
    assert await shop.balance(f"escrow:{booking.booking_id}") == 0
    await shop.verified()


async def test_a_refund_that_comes_back_is_refundable_again(shop: Market, listener: Listener) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.tomorrow(), card="pm_card_refundFail")
    request = GiveBack(
        refund_id=shop.id("rfd"), booking_id=paid.booking.booking_id, amount=Money(4_000, "EUR"), reason="goodwill"
    )
    await shop.app.refunding.give_back(request, OPERATOR)
    assert (await payment(shop, paid.payment)).state in {PaymentState.PARTIALLY_REFUNDED, PaymentState.CAPTURED}

    told = await hear(shop, listener, random.Random(2))

    assert "refund.failed" in told
    known = await payment(shop, paid.payment)
    assert (known.state, known.refundable) == (PaymentState.CAPTURED, Money(10_000, "EUR"))
    await shop.verified()


async def test_an_event_that_is_always_refused_waits_no_longer(shop: Market) -> None:
    at = int(shop.clock.now().timestamp())
    subject = {"id": "pi_1", "object": "payment_intent", "metadata": {"payment_id": "pay_x", "booking_id": "bkg_x"}}
    event = {"id": "evt_1", "type": "payment_intent.succeeded", "created": at, "data": {"object": subject}}
    body = msgspec.json.encode(event)
    signature = hmac.digest(KEYS.webhook_secret.encode(), f"{at}.".encode() + body, "sha256").hex()
    await shop.app.webhooks.receive(body, f"t={at},v1={signature}")
    shop.clock.advance(timedelta(minutes=1))

    found = [await shop.app.sweep.webhooks_left() for _ in range(ATTEMPTS_MAX + 1)]

    known = (await shop.app.webhooks.webhook("evt_1")).value
    assert found == [1] * ATTEMPTS_MAX + [0]
    assert (known.state, known.attempts) == (WebhookState.FAILED, ATTEMPTS_MAX)
    assert known.trouble.startswith("NoSuchPayment")
    with pytest.raises(NoSuchPayment):
        await shop.app.hearing.replay("evt_1", OPERATOR)
    assert [waiting.event_id for waiting in await shop.app.hearing.waiting(OPERATOR)] == []
