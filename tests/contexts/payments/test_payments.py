"""A payment moves by what the processor says, however the news arrives."""

from __future__ import annotations

import itertools
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given

from contexts.payments.payment_news import CUSTOMER, NOON, PRICE, intended, news, request, told
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.payments import (
    AlreadyAsked,
    ChallengeRequired,
    ChargedBack,
    IssueRefund,
    NoSuchPayment,
    NotHeld,
    OtherPayment,
    Payment,
    PaymentAuthorized,
    PaymentCancelled,
    PaymentCaptured,
    PaymentChanged,
    PaymentDeclined,
    PaymentId,
    Payments,
    PaymentState,
    RefundId,
    becomes,
    charge_back,
    give_up,
    made,
    must_be_held,
    refund,
    settle,
)
from ecosystem.contexts.payments.payments import facts
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import IdReused, Invalid
from ecosystem.ports.bus import Event
from ecosystem.ports.cards import Capture, ChargebackOutcome, ChargebackStanding, Decline, Outcome, Standing
from ecosystem.ports.table import Table

LATER = NOON + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("standing", "state", "fact"),
    [
        (Standing.REQUIRES_ACTION, PaymentState.REQUIRES_ACTION, ChallengeRequired),
        (Standing.AUTHORIZED, PaymentState.AUTHORIZED, PaymentAuthorized),
        (Standing.DECLINED, PaymentState.FAILED, PaymentDeclined),
        (Standing.CANCELLED, PaymentState.CANCELLED, PaymentCancelled),
        (Standing.CAPTURED, PaymentState.CAPTURED, PaymentCaptured),
    ],
)
def test_each_standing_makes_its_state_and_its_fact(
    standing: Standing, state: PaymentState, fact: type[object]
) -> None:
    before = intended()

    after = settle(before, news(standing), LATER)

    assert after.state is state
    assert after.intent_id == "pi_1"
    assert [type(told) for told in facts(before, after)] == [fact]


def test_a_payment_still_processing_stays_an_intention_but_is_known_to_the_processor() -> None:
    after = settle(intended(), news(Standing.PROCESSING), LATER)

    assert after.state is PaymentState.INTENDED
    assert after.intent_id == "pi_1"


@given(told())
def test_news_in_any_order_and_twice_reaches_the_same_payment(news_of: tuple[list[Outcome], list[Outcome]]) -> None:
    history, arrivals = news_of
    in_order = as_it_came = intended()

    for outcome in history:
        in_order = settle(in_order, outcome, LATER)
    for outcome in arrivals:
        as_it_came = settle(as_it_came, outcome, LATER)

    assert as_it_came.state is in_order.state
    assert as_it_came.captured == in_order.captured
    assert as_it_came.intent_id == in_order.intent_id
    assert as_it_came.decline == in_order.decline


@given(told())
def test_news_already_told_changes_nothing_at_all(news_of: tuple[list[Outcome], list[Outcome]]) -> None:
    history, arrivals = news_of
    payment = intended()
    for outcome in history:
        payment = settle(payment, outcome, LATER)

    for outcome in arrivals:
        assert settle(payment, outcome, LATER + timedelta(days=3)) is payment


def test_a_challenge_told_late_does_not_bring_a_captured_payment_back() -> None:
    captured = settle(intended(), news(Standing.CAPTURED), LATER)

    assert settle(captured, news(Standing.REQUIRES_ACTION), LATER) is captured
    assert settle(captured, news(Standing.DECLINED), LATER) is captured


def test_money_taken_after_the_payment_was_given_up_is_still_recorded() -> None:
    failed = give_up(intended(), Decline(code="unknown_card", sentence="Enter the card again."), LATER)

    after = settle(failed, news(Standing.CAPTURED), LATER)

    assert after.state is PaymentState.CAPTURED
    assert after.refundable == PRICE


def test_a_payment_the_processor_knows_is_not_given_up() -> None:
    asked = settle(intended(), news(Standing.PROCESSING), LATER)

    with pytest.raises(AlreadyAsked):
        give_up(asked, Decline(code="silence", sentence="No answer."), LATER)


@pytest.mark.parametrize(
    "other",
    [
        news(Standing.CAPTURED, payment_id="pay_2"),
        news(Standing.CAPTURED, amount=Money(1, "EUR"), captured=Money(1, "EUR")),
        news(Standing.CAPTURED, captured=Money(11001, "EUR")),
    ],
)
def test_news_of_another_payment_or_amount_is_refused(other: Outcome) -> None:
    with pytest.raises(OtherPayment):
        settle(intended(), other, LATER)


def test_a_part_may_be_captured_and_only_that_part_is_refundable() -> None:
    held = settle(intended(capture=Capture.MANUAL), news(Standing.AUTHORIZED), LATER)

    after = settle(held, news(Standing.CAPTURED, captured=Money(4000, "EUR")), LATER)

    assert after.captured == Money(4000, "EUR")
    assert after.refundable == Money(4000, "EUR")


def test_only_held_money_is_captured_and_only_in_time() -> None:
    held = settle(intended(capture=Capture.MANUAL), news(Standing.AUTHORIZED), LATER)

    assert must_be_held(held, LATER) == "pi_1"
    with pytest.raises(NotHeld):
        must_be_held(held, NOON + timedelta(days=7))
    with pytest.raises(NotHeld):
        must_be_held(intended(), LATER)


def test_a_payment_of_nothing_is_refused() -> None:
    with pytest.raises(Invalid):
        intended(amount=Money(0, "EUR"))


def test_the_same_request_of_the_same_person_finds_its_payment_and_others_are_refused() -> None:
    payment = intended()

    assert payment.to(CUSTOMER, request()) is payment
    with pytest.raises(IdReused):
        payment.to(CUSTOMER, request(amount=Money(1, "EUR")))
    with pytest.raises(IdReused):
        payment.to(Actor(actor_id="usr_9"), request())


def chargeback(standing: ChargebackStanding, **changes: object) -> ChargebackOutcome:
    fields: dict[str, object] = {
        "chargeback_id": "dp_1",
        "intent_id": "pi_1",
        "payment_id": "pay_1",
        "booking_id": "bkg_1",
        "charge_id": "ch_1",
        "amount": PRICE,
        "reason": "fraudulent",
        "standing": standing,
        "opened_at": NOON,
        "taken": Money(0, "EUR"),
        "fee": Money(0, "EUR"),
    }
    return ChargebackOutcome(**(fields | changes))  # pyright: ignore[reportArgumentType]


def test_a_chargeback_moves_forward_only_and_tells_each_step_once() -> None:
    captured = settle(intended(), news(Standing.CAPTURED), LATER)

    opened = charge_back(captured, chargeback(ChargebackStanding.OPEN, taken=PRICE, movements=1), LATER)
    lost = charge_back(opened, chargeback(ChargebackStanding.LOST, taken=PRICE, movements=1), LATER)
    late = charge_back(lost, chargeback(ChargebackStanding.UNDER_REVIEW), LATER)

    assert [type(fact).__name__ for fact in facts(captured, opened)] == ["ChargebackOpened", "ChargebackMoved"]
    assert [type(fact).__name__ for fact in facts(opened, lost)] == ["ChargebackClosed"]
    assert late is lost
    assert lost.chargeback
    assert lost.chargeback.has_taken_money


def test_a_chargeback_first_heard_of_when_it_was_over_tells_both_steps() -> None:
    captured = settle(intended(), news(Standing.CAPTURED), LATER)

    won = charge_back(captured, chargeback(ChargebackStanding.WON), LATER)

    assert [type(fact).__name__ for fact in facts(captured, won)] == ["ChargebackOpened", "ChargebackClosed"]
    assert won.chargeback
    assert not won.chargeback.has_taken_money


def test_what_a_chargeback_took_is_left_of_the_payment_no_more_and_never_refundable() -> None:
    captured = settle(intended(), news(Standing.CAPTURED), LATER)
    part = Money(4_000, "EUR")

    asked = charge_back(captured, chargeback(ChargebackStanding.INQUIRY, refundable=True), LATER)
    opened = charge_back(asked, chargeback(ChargebackStanding.OPEN, taken=part, movements=1), LATER)
    won = charge_back(opened, chargeback(ChargebackStanding.WON, movements=2), LATER)
    back = IssueRefund(
        refund_id=RefundId("rfd_1"), payment_id=won.payment_id, booking_id="bkg_1", amount=part, reason="goodwill"
    )

    assert asked.refundable == PRICE
    assert (opened.left, opened.charged_back, opened.refundable.minor) == (PRICE - part, part, 0)
    assert (won.left, won.charged_back.minor, won.refundable.minor) == (PRICE, 0, 0)
    with pytest.raises(ChargedBack):
        refund(won, back, CUSTOMER, LATER)


def test_what_a_network_takes_beyond_the_price_is_told_apart_and_comes_back_first() -> None:
    captured = settle(intended(), news(Standing.CAPTURED), LATER)
    more = PRICE + Money(500, "EUR")

    opened = charge_back(captured, chargeback(ChargebackStanding.OPEN, taken=more, movements=1), LATER)
    lessened = charge_back(opened, chargeback(ChargebackStanding.OPEN, taken=Money(700, "EUR"), movements=2), LATER)

    assert opened.chargeback
    assert lessened.chargeback
    assert (opened.chargeback.of_sale, opened.chargeback.beyond.minor) == (PRICE, 500)
    assert (lessened.chargeback.of_sale.minor, lessened.chargeback.beyond.minor) == (700, 0)


def test_money_and_standing_of_a_chargeback_may_be_heard_of_in_any_order() -> None:
    captured = settle(intended(), news(Standing.CAPTURED), LATER)
    lived = [
        chargeback(ChargebackStanding.INQUIRY, refundable=True),
        chargeback(ChargebackStanding.OPEN),
        chargeback(ChargebackStanding.OPEN, taken=PRICE, fee=Money(1_500, "EUR"), movements=1),
        chargeback(ChargebackStanding.WON, taken=PRICE, fee=Money(1_500, "EUR"), movements=1),
        chargeback(ChargebackStanding.WON, movements=2),
    ]

    for heard in itertools.permutations(lived):
        after = captured
        for outcome in (*heard, *heard):
            after = charge_back(after, outcome, LATER)

        assert after.chargeback
        assert (after.chargeback.standing, after.left, after.chargeback.fee.minor) == (
            ChargebackStanding.WON,
            PRICE,
            0,
        )


def test_a_second_chargeback_stands_beside_the_first() -> None:
    captured = settle(intended(), news(Standing.CAPTURED), LATER)
    half = Money(PRICE.minor // 2, "EUR")

    first = charge_back(captured, chargeback(ChargebackStanding.LOST, taken=half, movements=1), LATER)
    second = charge_back(
        first,
        chargeback(ChargebackStanding.OPEN, chargeback_id="dp_2", taken=half, movements=1, opened_at=LATER),
        LATER,
    )

    assert second.left.minor == PRICE.minor - 2 * half.minor
    assert second.chargeback
    assert second.chargeback.chargeback_id == "dp_2"


def test_a_payment_stored_with_its_one_chargeback_is_read_with_several() -> None:
    opened = charge_back(settle(intended(), news(Standing.CAPTURED), LATER), chargeback(ChargebackStanding.OPEN), LATER)
    fields = msgspec.to_builtins(opened)
    known = fields.pop("chargebacks")[0]
    for added in ("of_sale", "beyond", "fee", "movements", "refundable"):
        del known[added]

    lifted = Payment.upgraded(fields | {"chargeback": known}, 1)

    assert msgspec.convert(lifted, Payment) == opened


async def test_an_open_payment_past_its_deadline_is_found_and_a_settled_one_is_not(
    table: Table, clock: VirtualClock
) -> None:
    payments = Payments(table)
    first, second = intended(payment_id=PaymentId("pay_1")), intended(payment_id=PaymentId("pay_2"))
    await table.transact(*made(first, CUSTOMER, NOON), *made(second, CUSTOMER, NOON))
    row = await payments.payment("bkg_1", "pay_2")
    paid = settle(row.value, news(Standing.CAPTURED, payment_id="pay_2"), LATER)
    await table.transact(*becomes(row, paid, system("test"), LATER))

    before = await payments.overdue(NOON + timedelta(minutes=14))
    after = await payments.overdue(NOON + timedelta(minutes=16))

    assert [row.value.payment_id for row in before] == []
    assert [row.value.payment_id for row in after] == ["pay_1"]
    assert [row.value.payment_id for row in await payments.payments_of("bkg_1")] == ["pay_1", "pay_2"]


async def test_a_held_payment_is_found_before_its_authorization_ends(table: Table) -> None:
    payments = Payments(table)
    await table.transact(*made(intended(), CUSTOMER, NOON))
    row = await payments.payment("bkg_1", "pay_1")
    held = settle(row.value, news(Standing.AUTHORIZED), LATER)

    await table.transact(*becomes(row, held, system("test"), LATER))

    assert await payments.lapsing(NOON + timedelta(days=6)) == []
    assert len(await payments.lapsing(NOON + timedelta(days=8))) == 1
    assert await payments.overdue(NOON + timedelta(days=8)) == []


async def test_a_change_decided_on_an_old_reading_is_refused(table: Table) -> None:
    payments = Payments(table)
    await table.transact(*made(intended(), CUSTOMER, NOON))
    row = await payments.payment("bkg_1", "pay_1")
    await table.transact(*becomes(row, settle(row.value, news(Standing.CAPTURED), LATER), CUSTOMER, LATER))

    with pytest.raises(PaymentChanged):
        await table.transact(*becomes(row, settle(row.value, news(Standing.CANCELLED), LATER), CUSTOMER, LATER))


async def test_a_taken_payment_id_is_refused_and_the_events_stand_in_its_timeline(table: Table) -> None:
    await table.transact(*made(intended(), CUSTOMER, NOON))

    with pytest.raises(IdReused):
        await table.transact(*made(intended(), CUSTOMER, NOON))

    told = await table.query("PAYMENT#pay_1", Event, prefix="EVENT#")
    assert [event.type for event in told.values] == ["PaymentIntended"]


async def test_a_payment_nobody_made_is_not_found(table: Table) -> None:
    with pytest.raises(NoSuchPayment):
        await Payments(table).payment("bkg_1", "pay_1")
