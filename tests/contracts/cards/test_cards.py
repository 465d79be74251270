"""What the card port promises, asked of each processor."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from msgspec.structs import replace

from contracts.cards.benches import Bench, account
from ecosystem.adapters.outside.stripe import Stripe
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.cards import (
    AmountUnfit,
    Capture,
    ChargebackStanding,
    Order,
    Outcome,
    ProcessorSilent,
    RefundOrder,
    RefundRefused,
    RefundStanding,
    Standing,
    UnknownCard,
    UnknownIntent,
)
from ecosystem.sandbox import Fault, What

PRICE = Money(11000, "EUR")


def order(card: str = "pm_card_visa", payment_id: str = "pay_1", **changes: object) -> Order:
    fields: dict[str, object] = {
        "payment_id": payment_id,
        "booking_id": "bkg_1",
        "amount": PRICE,
        "card": card,
        "capture": Capture.AUTOMATIC,
        "return_url": "http://127.0.0.1:8000/return",
    }
    return Order(**(fields | changes))  # pyright: ignore[reportArgumentType]


def given_back(paid: Outcome, minor: int, refund_id: str = "rfd_1") -> RefundOrder:
    return RefundOrder(
        refund_id=refund_id,
        payment_id=paid.payment_id,
        booking_id=paid.booking_id,
        intent_id=paid.intent_id,
        amount=Money(minor, paid.amount.currency),
    )


async def test_a_good_card_pays_at_once(bench: Bench) -> None:
    paid = await bench.cards.authorize(order())

    assert paid.standing is Standing.CAPTURED
    assert paid.captured == PRICE
    assert (paid.payment_id, paid.booking_id) == ("pay_1", "bkg_1")
    assert paid.card
    assert (paid.card.brand, paid.card.last4) == ("visa", "4242")
    assert paid.fee == Money(349, "EUR")
    assert await bench.cards.payment(paid.intent_id) == paid


@pytest.mark.parametrize(
    ("card", "code", "again"),
    [
        ("pm_card_visa_chargeDeclined", "generic_decline", False),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds", False),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", False),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", True),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", True),
        ("pm_card_radarBlock", "fraudulent", False),
    ],
)
async def test_a_decline_is_an_outcome_with_its_code_and_a_sentence(
    bench: Bench, card: str, code: str, *, again: bool
) -> None:
    declined = await bench.cards.authorize(order(card))

    assert declined.standing is Standing.DECLINED
    assert not declined.captured
    assert declined.decline
    assert declined.decline.code == code
    assert declined.decline.same_card_may_work is again
    assert declined.decline.sentence.endswith(".")
    assert await bench.cards.payment(declined.intent_id) == declined


async def test_a_card_reported_stolen_is_told_like_any_other_decline(bench: Bench) -> None:
    stolen = await bench.cards.authorize(order("pm_card_visa_chargeDeclinedStolenCard"))
    plain = await bench.cards.authorize(order("pm_card_visa_chargeDeclined", "pay_2"))

    assert stolen.decline
    assert plain.decline
    assert stolen.decline.sentence == plain.decline.sentence


async def test_a_charge_tells_which_payment_it_belongs_to(bench: Bench) -> None:
    paid = await bench.cards.authorize(order())
    assert paid.charge_id

    assert await bench.cards.charged(paid.charge_id) == paid
    with pytest.raises(UnknownIntent):
        await bench.cards.charged("ch_nobody")


async def test_money_is_held_and_then_captured(bench: Bench) -> None:
    held = await bench.cards.authorize(order(capture=Capture.MANUAL))

    assert held.standing is Standing.AUTHORIZED
    assert held.authorized_until
    assert not held.captured
    taken = await bench.cards.capture(held.intent_id)
    assert taken.standing is Standing.CAPTURED
    assert taken.captured == PRICE
    assert (await bench.cards.capture(held.intent_id)).captured == PRICE


async def test_a_part_may_be_captured_and_the_rest_is_let_go(bench: Bench) -> None:
    held = await bench.cards.authorize(order(capture=Capture.MANUAL))

    taken = await bench.cards.capture(held.intent_id, Money(4000, "EUR"))

    assert taken.captured == Money(4000, "EUR")


async def test_what_is_held_can_be_let_go_and_then_not_captured(bench: Bench) -> None:
    held = await bench.cards.authorize(order(capture=Capture.MANUAL))

    assert (await bench.cards.cancel(held.intent_id)).standing is Standing.CANCELLED
    assert (await bench.cards.cancel(held.intent_id)).standing is Standing.CANCELLED
    assert (await bench.cards.capture(held.intent_id)).standing is Standing.CANCELLED


async def test_it_is_too_late_to_cancel_what_was_captured_and_the_answer_says_so(bench: Bench) -> None:
    paid = await bench.cards.authorize(order())

    assert (await bench.cards.cancel(paid.intent_id)).standing is Standing.CAPTURED


async def test_the_same_order_again_is_one_payment_and_tells_how_it_stands_now(bench: Bench) -> None:
    first = await bench.cards.authorize(order(capture=Capture.MANUAL))
    await bench.cards.capture(first.intent_id)

    again = await bench.cards.authorize(order(capture=Capture.MANUAL))

    assert again.intent_id == first.intent_id
    assert again.standing is Standing.CAPTURED
    assert [one.what for one in bench.sandbox.effects("pay_1")] == ["authorized"]


async def test_a_declined_order_again_stays_declined(bench: Bench) -> None:
    first = await bench.cards.authorize(order("pm_card_visa_chargeDeclined"))

    assert await bench.cards.authorize(order("pm_card_visa_chargeDeclined")) == first


async def test_the_same_order_at_once_from_many_callers_is_one_payment(bench: Bench) -> None:
    outcomes = await asyncio.gather(*(bench.cards.authorize(order()) for _ in range(20)))

    assert len({outcome.intent_id for outcome in outcomes}) == 1
    assert [one.what for one in bench.sandbox.effects()] == ["authorized", "captured"]


async def test_another_order_under_a_used_id_is_refused(bench: Bench) -> None:
    await bench.cards.authorize(order())

    with pytest.raises(IdReused):
        await bench.cards.authorize(order(amount=Money(5000, "EUR")))


async def test_a_card_nobody_knows_is_refused_and_may_be_mended_under_the_same_id(bench: Bench) -> None:
    with pytest.raises(UnknownCard):
        await bench.cards.authorize(order("pm_nobody"))

    assert (await bench.cards.authorize(order())).standing is Standing.CAPTURED


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (Money(500, "JPY"), 500),
        (Money(500, "ISK"), 50000),
        (Money(12340, "KWD"), 12340),
        (Money(50000, "MGA"), 500),
        (Money(500, "EUR"), 500),
    ],
)
async def test_an_amount_comes_back_as_it_went_whatever_the_decimals(bench: Bench, amount: Money, units: int) -> None:
    paid = await bench.cards.authorize(order(amount=amount))

    assert paid.captured == amount
    assert bench.sandbox.effects("pay_1")[0].amount == units


@pytest.mark.parametrize("amount", [Money(49, "EUR"), Money(12345, "KWD"), Money(10**8, "EUR"), Money(0, "USD")])
async def test_an_amount_that_cards_do_not_pay_is_refused_before_any_call(bench: Bench, amount: Money) -> None:
    with pytest.raises(AmountUnfit):
        bench.cards.payable(amount)
    with pytest.raises(AmountUnfit):
        await bench.cards.authorize(order(amount=amount))


@pytest.mark.parametrize(
    ("currency", "step"),
    [
        *[(name, 1) for name in ("EUR", "JPY", "ISK", "UGX", "HUF", "TWD")],
        *[(name, 10) for name in ("BHD", "JOD", "KWD", "OMR", "TND")],
        ("MGA", 100),
    ],
)
async def test_cards_pay_multiples_of_the_currencys_step_and_nothing_between(
    bench: Bench, currency: str, step: int
) -> None:
    amount = Money(500_000, currency)

    assert bench.cards.step(currency) == Money(step, currency)
    bench.cards.payable(amount)
    if step > 1:
        with pytest.raises(AmountUnfit):
            bench.cards.payable(amount + Money(1, currency))


async def test_a_part_and_then_the_rest_are_given_back_and_no_more(bench: Bench) -> None:
    paid = await bench.cards.authorize(order())

    first = await bench.cards.refund(given_back(paid, 4000))
    second = await bench.cards.refund(given_back(paid, 7000, "rfd_2"))

    assert first.standing is second.standing is RefundStanding.SUCCEEDED
    with pytest.raises(RefundRefused):
        await bench.cards.refund(given_back(paid, 100, "rfd_3"))
    assert [one.refund_id for one in await bench.cards.refunds(paid.intent_id)] == ["rfd_1", "rfd_2"]
    assert await bench.cards.refund_status(first.processor_id) == first


async def test_the_same_refund_again_is_one_refund_and_another_under_its_id_is_refused(bench: Bench) -> None:
    paid = await bench.cards.authorize(order())
    first = await bench.cards.refund(given_back(paid, 4000))

    assert await bench.cards.refund(given_back(paid, 4000)) == first
    with pytest.raises(IdReused):
        await bench.cards.refund(given_back(paid, 5000))
    assert [one.what for one in bench.sandbox.effects("rfd_1")] == ["refunded"]


async def test_what_was_not_captured_is_not_refunded(bench: Bench) -> None:
    held = await bench.cards.authorize(order(capture=Capture.MANUAL))

    with pytest.raises(RefundRefused):
        await bench.cards.refund(given_back(held, 100))


async def test_a_refund_may_arrive_later_or_come_back(bench: Bench) -> None:
    slow = await bench.cards.authorize(order("pm_card_pendingRefund"))
    failing = await bench.cards.authorize(order("pm_card_refundFail", "pay_2"))
    await bench.sandbox.settled()

    pending = await bench.cards.refund(given_back(slow, 11000))
    gone = await bench.cards.refund(given_back(failing, 11000, "rfd_2"))
    assert pending.standing is RefundStanding.PENDING
    assert gone.standing is RefundStanding.SUCCEEDED
    await bench.sandbox.settled()

    assert (await bench.cards.refund_status(pending.processor_id)).standing is RefundStanding.SUCCEEDED
    failed = await bench.cards.refund_status(gone.processor_id)
    assert failed.standing is RefundStanding.FAILED
    assert failed.failure == "expired_or_canceled_card"


async def test_a_challenge_has_an_address_and_decides_the_payment(bench: Bench) -> None:
    asked = await bench.cards.authorize(order("pm_card_authenticationRequired"))
    refused = await bench.cards.authorize(order("pm_card_authenticationRequired", "pay_2"))
    assert asked.standing is refused.standing is Standing.REQUIRES_ACTION
    assert asked.challenge_url
    assert refused.challenge_url

    await _answer(asked.challenge_url, "authorize")
    await _answer(refused.challenge_url, "fail")

    assert (await bench.cards.payment(asked.intent_id)).standing is Standing.CAPTURED
    failed = await bench.cards.payment(refused.intent_id)
    assert failed.standing is Standing.DECLINED
    assert failed.decline
    assert failed.decline.code == "payment_intent_authentication_failure"


async def test_a_card_may_be_declined_after_its_challenge(bench: Bench) -> None:
    asked = await bench.cards.authorize(order("pm_card_threeDSecureRequiredChargeDeclined"))
    assert asked.challenge_url

    await _answer(asked.challenge_url, "authorize")

    assert (await bench.cards.payment(asked.intent_id)).standing is Standing.DECLINED


async def test_a_challenge_can_be_cancelled(bench: Bench) -> None:
    asked = await bench.cards.authorize(order("pm_card_authenticationRequired"))
    assert asked.challenge_url

    assert (await bench.cards.cancel(asked.intent_id)).standing is Standing.CANCELLED
    await _answer(asked.challenge_url, "authorize")

    assert (await bench.cards.payment(asked.intent_id)).standing is Standing.CANCELLED
    assert bench.sandbox.effects() == []


async def test_a_disputed_payment_says_so_and_is_not_refunded(bench: Bench) -> None:
    paid = await bench.cards.authorize(order("pm_card_createDispute"))
    await bench.sandbox.settled()

    assert (await bench.cards.payment(paid.intent_id)).disputed
    with pytest.raises(RefundRefused):
        await bench.cards.refund(given_back(paid, 100))
    disputed = next(one for one in bench.sandbox.effects() if one.what == "dispute_withdrawn")
    chargeback = await bench.cards.chargeback(disputed.subject)
    assert chargeback.standing is ChargebackStanding.OPEN
    assert (chargeback.intent_id, chargeback.payment_id, chargeback.booking_id) == (paid.intent_id, "pay_1", "bkg_1")
    assert chargeback.amount == PRICE
    assert chargeback.evidence_due_at


@pytest.mark.parametrize("what", [What.LOSE_REQUEST, What.LOSE_ANSWER, What.REFUSE, What.FAIL_ANSWER])
async def test_a_call_that_goes_wrong_once_is_repeated_and_has_one_effect(bench: Bench, what: What) -> None:
    bench.sandbox.fail_next(Fault(what=what))
    paid = await bench.cards.authorize(order())
    bench.sandbox.fail_next(Fault(what=what))
    refunded = await bench.cards.refund(given_back(paid, 4000))

    assert paid.standing is Standing.CAPTURED
    assert refunded.standing is RefundStanding.SUCCEEDED
    assert [one.what for one in bench.sandbox.effects()] == ["authorized", "captured", "refunded"]


@pytest.mark.parametrize("what", [What.LOSE_REQUEST, What.LOSE_ANSWER, What.REFUSE, What.DELAY_ANSWER])
async def test_a_processor_that_stays_silent_is_unavailable_and_the_same_order_finds_out_later(
    bench: Bench, what: What
) -> None:
    hasty = await Stripe.open(account(bench.sandbox, timeout_s=0.1))
    bench.sandbox.fail_next(Fault(what=what, times=3, seconds=0.3, status=503))
    with pytest.raises(ProcessorSilent):
        await hasty.cards.authorize(order())
    await hasty.close()

    paid = await bench.cards.authorize(order())

    assert paid.standing is Standing.CAPTURED
    assert [one.what for one in bench.sandbox.effects()] == ["authorized", "captured"]


async def test_a_wrong_key_or_an_address_where_nobody_is_is_unavailable(bench: Bench) -> None:
    stranger = await Stripe.open(account(bench.sandbox, secret_key="sk_test_wrong"))
    with pytest.raises(ProcessorSilent):
        await stranger.cards.authorize(order())
    await stranger.close()

    nobody = await Stripe.open(account(bench.sandbox, origin="http://127.0.0.1:9"))
    with pytest.raises(ProcessorSilent):
        await nobody.cards.payment("pi_1")
    await nobody.close()


@pytest.mark.parametrize("named", ["pi_nobody", "../refunds", "", "ch_1?x=", "é", "a" * 300])
async def test_ids_nobody_knows_are_not_found(bench: Bench, named: str) -> None:
    for ask in (
        bench.cards.payment,
        bench.cards.capture,
        bench.cards.cancel,
        bench.cards.refund_status,
        bench.cards.chargeback,
    ):
        with pytest.raises(UnknownIntent):
            await ask(named)


async def test_the_element_names_its_own_origin(bench: Bench) -> None:
    element = bench.cards.element

    assert element.frame_url.startswith(element.origin)
    assert element.publishable_key.startswith("pk_")


async def test_a_card_that_paid_is_used_up(bench: Bench) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {bench.sandbox.keys.publishable_key}"}) as http:
        form = {"type": "card", "card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "40"}
        async with http.post(f"{bench.sandbox.origin}/v1/payment_methods", data=form) as answer:
            card = (await answer.json())["id"]

    assert (await bench.cards.authorize(order(card))).standing is Standing.CAPTURED
    with pytest.raises(UnknownCard):
        await bench.cards.authorize(replace(order(card), payment_id="pay_2"))


async def _answer(challenge_url: str, decision: str) -> None:
    async with aiohttp.ClientSession() as http, http.post(challenge_url, data={"decision": decision}) as answer:
        assert answer.status == 200
