"""Refunds together never pass what was captured, whatever becomes of each."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contexts.payments.payment_news import CUSTOMER, NOON, NOTHING, PRICE, intended, news
from ecosystem.contexts.payments import (
    ExceedsCharge,
    IssueRefund,
    OtherPayment,
    Payment,
    PaymentId,
    Payments,
    PaymentState,
    Refund,
    RefundId,
    Refunds,
    RefundState,
    adopt,
    becomes,
    give_up_refund,
    made,
    refund,
    refund_becomes,
    refund_made,
    settle,
    settle_refund,
)
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import IdReused, Invalid
from ecosystem.ports.bus import Event
from ecosystem.ports.cards import RefundOutcome, RefundStanding, Standing
from ecosystem.ports.table import Table

LATER = NOON + timedelta(minutes=1)


def captured() -> Payment:
    return settle(intended(), news(Standing.CAPTURED), LATER)


def asked(amount: int, refund_id: str = "rfd_1") -> IssueRefund:
    return IssueRefund(
        refund_id=RefundId(refund_id),
        payment_id=PaymentId("pay_1"),
        booking_id="bkg_1",
        amount=Money(amount, "EUR"),
        reason="cancelled in time",
    )


def answer(known: Refund, standing: RefundStanding) -> RefundOutcome:
    return RefundOutcome(
        processor_id=f"re_{known.refund_id}",
        refund_id=known.refund_id,
        intent_id="pi_1",
        amount=known.amount,
        standing=standing,
        made_at=LATER,
        failure="expired_or_canceled_card" if standing is RefundStanding.FAILED else None,
    )


def test_a_part_and_then_the_rest_are_given_back() -> None:
    payment, first = refund(captured(), asked(4000), CUSTOMER, LATER)
    payment, first = settle_refund(payment, first, answer(first, RefundStanding.SUCCEEDED), LATER)
    assert payment.state is PaymentState.PARTIALLY_REFUNDED

    payment, second = refund(payment, asked(7000, "rfd_2"), CUSTOMER, LATER)
    payment, second = settle_refund(payment, second, answer(second, RefundStanding.SUCCEEDED), LATER)

    assert payment.state is PaymentState.REFUNDED
    assert payment.refunded == PRICE
    assert not payment.refundable
    assert first.state is second.state is RefundState.ISSUED


def test_refunds_together_cannot_exceed_the_charge_even_while_unanswered() -> None:
    payment, _ = refund(captured(), asked(11000), CUSTOMER, LATER)

    with pytest.raises(ExceedsCharge):
        refund(payment, asked(1, "rfd_2"), CUSTOMER, LATER)


def test_a_refund_that_fails_after_it_was_issued_gives_the_amount_back_to_the_charge() -> None:
    payment, known = refund(captured(), asked(11000), CUSTOMER, LATER)
    payment, known = settle_refund(payment, known, answer(known, RefundStanding.SUCCEEDED), LATER)

    payment, known = settle_refund(payment, known, answer(known, RefundStanding.FAILED), LATER)

    assert payment.state is PaymentState.CAPTURED
    assert payment.refundable == PRICE
    assert known.failure == "expired_or_canceled_card"


def test_a_refund_the_processor_refused_gives_the_amount_back_to_the_charge() -> None:
    payment, known = refund(captured(), asked(11000), CUSTOMER, LATER)

    payment, known = give_up_refund(payment, known, "The payment is charged back.", LATER)

    assert known.state is RefundState.FAILED
    assert payment.refundable == PRICE


def test_nothing_is_refunded_of_a_payment_that_took_no_money() -> None:
    with pytest.raises(ExceedsCharge):
        refund(intended(), asked(1), CUSTOMER, LATER)
    with pytest.raises(Invalid):
        refund(captured(), asked(0), CUSTOMER, LATER)
    with pytest.raises(OtherPayment):
        refund(captured(), replace(asked(1), payment_id=PaymentId("pay_2")), CUSTOMER, LATER)


def test_a_refund_made_at_the_processor_enters_our_records() -> None:
    outcome = RefundOutcome(
        processor_id="re_9",
        refund_id="",
        intent_id="pi_1",
        amount=Money(500, "EUR"),
        standing=RefundStanding.SUCCEEDED,
        made_at=LATER,
    )

    payment, known = adopt(captured(), outcome, RefundId("rfd_9"), LATER)

    assert payment.refunded == Money(500, "EUR")
    assert known.state is RefundState.ISSUED
    assert known.processor_id == "re_9"


def test_the_same_request_of_the_same_person_finds_its_refund_and_others_are_refused() -> None:
    _, known = refund(captured(), asked(500), CUSTOMER, LATER)

    assert known.to(CUSTOMER, asked(500)) is known
    with pytest.raises(IdReused):
        known.to(CUSTOMER, asked(501))
    with pytest.raises(IdReused):
        known.to(Actor(actor_id="usr_9"), asked(500))


@given(
    st.lists(st.integers(1, 11000), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(RefundStanding)), max_size=30),
)
def test_whatever_becomes_of_refunds_the_sums_add_up(
    amounts: list[int], arrivals: list[tuple[int, RefundStanding]]
) -> None:
    payment, known = _requested(amounts)

    for which, standing in arrivals:
        if which < len(known):
            payment, known[which] = settle_refund(payment, known[which], answer(known[which], standing), LATER)

    in_state = {state: sum(one.amount.minor for one in known if one.state is state) for state in RefundState}
    assert payment.refunding.minor == in_state[RefundState.REQUESTED] + in_state[RefundState.PENDING]
    assert payment.refunded.minor == in_state[RefundState.ISSUED]
    assert payment.refunded.minor + payment.refunding.minor <= payment.captured.minor


@given(st.permutations([RefundStanding.PENDING, RefundStanding.SUCCEEDED, RefundStanding.FAILED] * 2))
def test_news_of_a_refund_in_any_order_and_twice_reaches_the_same_end(order: list[RefundStanding]) -> None:
    payment, known = refund(captured(), asked(4000), CUSTOMER, LATER)

    for standing in order:
        payment, known = settle_refund(payment, known, answer(known, standing), LATER)

    assert known.state is RefundState.FAILED
    assert (payment.refunding, payment.refunded) == (NOTHING, NOTHING)


def _requested(amounts: list[int]) -> tuple[Payment, list[Refund]]:
    payment, known = captured(), []
    for number, amount in enumerate(amounts):
        try:
            payment, one = refund(payment, asked(amount, f"rfd_{number}"), CUSTOMER, LATER)
        except ExceedsCharge:
            continue
        known.append(one)
    return payment, known


async def test_a_refund_and_what_it_leaves_of_the_payment_are_written_together(table: Table) -> None:
    row = await _paid(table)
    payment, known = refund(row.value, asked(4000), CUSTOMER, LATER)
    await table.transact(*becomes(row, payment, CUSTOMER, LATER), *refund_made(known, CUSTOMER, LATER))

    await _answered(table, RefundStanding.SUCCEEDED, LATER)

    kept = await Payments(table).payment("bkg_1", "pay_1")
    assert kept.value.refunded == Money(4000, "EUR")
    told = await table.query("REFUND#rfd_1", Event, prefix="EVENT#")
    assert [event.type for event in told.values] == ["RefundRequested", "RefundIssued"]


async def test_an_unanswered_refund_is_found_when_it_is_due_and_an_answered_one_is_not(table: Table) -> None:
    row = await _paid(table)
    payment, known = refund(row.value, asked(4000), CUSTOMER, LATER)
    await table.transact(*becomes(row, payment, CUSTOMER, LATER), *refund_made(known, CUSTOMER, LATER))
    refunds = Refunds(table)

    assert await refunds.unanswered(LATER) == []
    assert len(await refunds.unanswered(LATER + timedelta(minutes=6))) == 1
    await _answered(table, RefundStanding.SUCCEEDED, LATER)

    assert await refunds.unanswered(LATER + timedelta(minutes=6)) == []
    assert len(await refunds.refunds_of("bkg_1")) == 1


async def _paid(table: Table):  # noqa: ANN202 — the row of a captured payment
    await table.transact(*made(intended(), CUSTOMER, NOON))
    payments = Payments(table)
    row = await payments.payment("bkg_1", "pay_1")
    await table.transact(*becomes(row, settle(row.value, news(Standing.CAPTURED), LATER), CUSTOMER, LATER))
    return await payments.payment("bkg_1", "pay_1")


async def _answered(table: Table, standing: RefundStanding, at: datetime) -> None:
    row = await Payments(table).payment("bkg_1", "pay_1")
    refund_row = await Refunds(table).refund("bkg_1", "rfd_1")
    assert refund_row
    payment, known = settle_refund(row.value, refund_row.value, answer(refund_row.value, standing), at)
    await table.transact(*becomes(row, payment, CUSTOMER, at), *refund_becomes(refund_row, known, CUSTOMER, at))
