"""The customer's bank takes a payment back: the ledger follows it, wherever the money is, however often it is told."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from ecosystem.contexts.booking import Booking, BookingStatus, CancelBooking, ConcludeDispute
from ecosystem.contexts.payments import ChargedBack, Payment, RefundState
from ecosystem.journeys.checkout import Paid
from ecosystem.journeys.processor_fees import fee_of
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.money import Money
from journeys.test_hearing import late, payment
from market import ADA, GUEST, OPERATOR, OWNER, Market
from sandbox.calling import Listener, listening

CARD = "pm_card_createDispute"
INQUIRY = "pm_card_createDisputeInquiry"
FEE = 1500


@pytest.fixture
async def listener(shop: Market) -> AsyncIterator[Listener]:
    async with listening() as listener:
        shop.sandbox.deliver_to(listener.url)
        yield listener


async def hear(shop: Market, listener: Listener, seed: int = 1) -> None:
    """Hand on what was told, three times each and in any order."""
    arrived = (await late(shop, listener)) * 3
    random.Random(seed).shuffle(arrived)
    for body, signature in arrived:
        receipt = await shop.app.webhooks.receive(body, signature)
        await shop.app.hearing.act(receipt.hint.event_id)


async def at_desk(shop: Market, paid: Paid, evidence: str = "") -> None:
    """Answer the dispute at the processor's own desk with that evidence, or give it up."""
    headers = {"Authorization": f"Bearer {shop.sandbox.keys.secret_key}"}
    async with aiohttp.ClientSession(f"{shop.sandbox.origin}/v1/", headers=headers) as desk:
        async with desk.get("disputes", params={"payment_intent": paid.payment.intent_id or ""}) as answer:
            dispute_id = (await answer.json())["data"][0]["id"]
        path = f"disputes/{dispute_id}" if evidence else f"disputes/{dispute_id}/close"
        said = {"evidence[uncategorized_text]": evidence} if evidence else {}
        async with desk.post(path, data=said) as answer:
            assert answer.status == 200


async def balances(shop: Market, booking_id: str) -> dict[str, int]:
    """Credits less debits of each account of the sale that is not at nothing, the processor's fees for payments aside.

    Those are posted whenever its own list is read, and have tests of their own.
    """
    await shop.sequence()
    accounts = {
        "processor": "processor:EUR",
        "escrow": f"escrow:{booking_id}",
        "provider": f"provider:{shop.provider_id}:EUR",
        "commission": "commission:EUR",
        "surcharge": "surcharge:EUR",
        "costs": "costs:EUR",
    }
    found = {name: await shop.balance(account_id) for name, account_id in accounts.items()}
    fees = await fees_posted(shop)
    found["processor"] -= fees
    found["costs"] += fees
    return {name: net for name, net in found.items() if net}


async def fees_posted(shop: Market) -> int:
    """What payments cost at the processor, as far as the ledger has it."""
    entries = (await shop.app.processor_fees.transfers.balance_entries(None, since=None)).items
    posted = await shop.app.ledger.transfers([made.transfer_id for entry in entries for made in fee_of(entry)])
    return sum(fee.amount if fee.debit_account_id == "costs:EUR" else -fee.amount for fee in posted)


async def booking_of(shop: Market, paid: Paid) -> Booking:
    return (await shop.app.bookings.row(paid.booking.booking_id)).value


async def bought(shop: Market, card: str = CARD) -> Paid:
    """A guest's booking of a hundred, eleven hours away, paid with that card."""
    service_id = await shop.service(shop.provider_id)
    return await shop.book(service_id, shop.clock.now() + timedelta(hours=11), GUEST, card)


async def released(shop: Market, paid: Paid) -> None:
    shop.clock.advance(timedelta(hours=13))
    await shop.app.closing.complete(paid.booking.booking_id, OPERATOR)


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_held_is_taken_from_escrow_and_comes_back_there_when_it_is_won(
    shop: Market, listener: Listener, seed: int
) -> None:
    paid = await bought(shop)

    await hear(shop, listener, seed)

    booking_id = paid.booking.booking_id
    assert (await booking_of(shop, paid)).status is BookingStatus.DISPUTED
    assert await balances(shop, booking_id) == {"processor": FEE, "costs": -FEE}
    await shop.verified()

    await at_desk(shop, paid, "winning_evidence")
    await hear(shop, listener, seed)

    assert await balances(shop, booking_id) == {"processor": -11_000, "escrow": 11_000}
    await shop.verified()


@pytest.mark.parametrize("seed", range(4))
async def test_after_the_release_everyone_gives_their_share_and_has_it_again_when_it_is_won(
    shop: Market, listener: Listener, seed: int
) -> None:
    paid = await bought(shop)
    await released(shop, paid)
    booking_id = paid.booking.booking_id
    shares = {"processor": -11_000, "provider": 9_000, "commission": 1_000, "surcharge": 1_000}
    assert await balances(shop, booking_id) == shares

    await hear(shop, listener, seed)

    assert await balances(shop, booking_id) == {"processor": FEE, "costs": -FEE}
    await shop.verified()

    await at_desk(shop, paid, "winning_evidence")
    await hear(shop, listener, seed)

    assert await balances(shop, booking_id) == shares
    await shop.verified()


async def test_what_is_lost_stays_taken_and_the_provider_owes_what_was_paid_out_of_other_sales(
    shop: Market, listener: Listener
) -> None:
    paid = await bought(shop)
    await released(shop, paid)
    await at_desk(shop, paid)

    await hear(shop, listener)

    known = await payment(shop, paid.payment)
    assert known.chargeback
    assert (known.chargeback.is_closed, known.left.minor, known.refundable.minor) == (True, 0, 0)
    assert await balances(shop, paid.booking.booking_id) == {"processor": FEE, "costs": -FEE}
    await shop.verified()


async def test_an_inquiry_moves_nothing_until_it_becomes_a_chargeback(shop: Market, listener: Listener) -> None:
    paid = await bought(shop, INQUIRY)
    await hear(shop, listener)
    assert (await booking_of(shop, paid)).status is BookingStatus.CONFIRMED
    assert await balances(shop, paid.booking.booking_id) == {"processor": -11_000, "escrow": 11_000}

    await at_desk(shop, paid, "escalate_inquiry_evidence")
    await hear(shop, listener)

    assert (await booking_of(shop, paid)).status is BookingStatus.DISPUTED
    assert await balances(shop, paid.booking.booking_id) == {"processor": FEE, "costs": -FEE}
    await shop.verified()


async def test_what_is_taken_beyond_the_rest_of_the_price_is_the_platforms_cost(
    shop: Market, listener: Listener
) -> None:
    paid = await bought(shop, INQUIRY)
    await hear(shop, listener)
    goodwill = GiveBack(
        refund_id=shop.id("rfd"), booking_id=paid.booking.booking_id, amount=Money(1_100, "EUR"), reason="goodwill"
    )
    await shop.app.refunding.give_back(goodwill, OPERATOR)

    await at_desk(shop, paid, "escalate_inquiry_evidence")
    await hear(shop, listener)

    taken = 11_000 + 1_100 - 11_000
    assert await balances(shop, paid.booking.booking_id) == {"processor": taken + FEE, "costs": -taken - FEE}
    await shop.verified()


@pytest.mark.parametrize("share_bps", [0, 5_000, 10_000])
async def test_a_dispute_over_money_the_bank_took_is_concluded_without_a_refund(
    shop: Market, listener: Listener, share_bps: int
) -> None:
    paid = await bought(shop)
    await hear(shop, listener)

    request = ConcludeDispute(booking_id=paid.booking.booking_id, share_bps=share_bps)
    await shop.app.closing.conclude(request, OPERATOR)

    assert await shop.app.refunds.refunds_of(paid.booking.booking_id) == []
    assert await balances(shop, paid.booking.booking_id) == {"processor": FEE, "costs": -FEE}
    await shop.verified()


async def test_a_refund_decided_before_the_chargeback_was_heard_of_is_refused_and_its_money_taken_too(
    shop: Market, listener: Listener
) -> None:
    paid = await bought(shop)
    await shop.app.closing.cancel(CancelBooking(booking_id=paid.booking.booking_id, reason="ill"), OWNER)

    await hear(shop, listener)

    refunds = [row.value.state for row in await shop.app.refunds.refunds_of(paid.booking.booking_id)]
    assert refunds == [RefundState.FAILED]
    assert await balances(shop, paid.booking.booking_id) == {"processor": FEE, "costs": -FEE}
    await shop.verified()

    await at_desk(shop, paid, "winning_evidence")
    await hear(shop, listener)

    # All of it should have gone back, and the processor refunds it no more: it is kept for the customer.
    assert await balances(shop, paid.booking.booking_id) == {"processor": -11_000, "escrow": 11_000}
    await shop.verified()


async def test_money_the_bank_gave_back_is_refunded_no_more_and_kept_for_whom_it_is_owed(
    shop: Market, listener: Listener
) -> None:
    paid = await bought(shop)
    await hear(shop, listener)
    await at_desk(shop, paid, "winning_evidence")
    await hear(shop, listener)
    goodwill = GiveBack(
        refund_id=shop.id("rfd"), booking_id=paid.booking.booking_id, amount=Money(1_100, "EUR"), reason="goodwill"
    )
    with pytest.raises(ChargedBack):
        await shop.app.refunding.give_back(goodwill, OPERATOR)

    request = ConcludeDispute(booking_id=paid.booking.booking_id, share_bps=5_000)
    await shop.app.closing.conclude(request, OPERATOR)

    known: Payment = await payment(shop, paid.payment)
    assert known.owed == Money(5_500, "EUR")
    assert await balances(shop, paid.booking.booking_id) == {
        "processor": -11_000,
        "escrow": 5_500,
        "provider": 4_500,
        "commission": 500,
        "surcharge": 500,
    }
    await shop.verified()


async def test_a_chargeback_heard_of_before_its_payment_finds_the_money(shop: Market, listener: Listener) -> None:
    hold = await shop.hold(await shop.service(shop.provider_id), shop.tomorrow(), ADA)
    request = await shop.request(hold, ADA, CARD)
    await shop.app.checkout.pay(request, ADA)
    arrived = await late(shop, listener)

    for body, signature in reversed(arrived):
        receipt = await shop.app.webhooks.receive(body, signature)
        await shop.app.hearing.act(receipt.hint.event_id)

    assert await balances(shop, request.booking_id) == {"processor": FEE, "costs": -FEE}
    await shop.verified()
