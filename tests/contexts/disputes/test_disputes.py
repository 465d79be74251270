"""A dispute moves along its table only, and each step is safe to repeat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosystem.contexts.disputes import (
    ANSWER,
    DECIDE,
    Answer,
    AnswerDispute,
    BankNews,
    Cause,
    Changed,
    DecideDispute,
    Dispute,
    DisputeAnswered,
    DisputedBefore,
    DisputeDecided,
    DisputeElsewhere,
    DisputeEscalated,
    DisputeOpened,
    DisputeOver,
    DisputeOverdue,
    DisputeWithdrawn,
    NotDueYet,
    OfferDeclined,
    OpenDispute,
    Parties,
    Party,
    State,
    accepted,
    answered,
    as_of_now,
    by_bank,
    by_rule,
    decided,
    declined,
    escalated,
    of_bank,
    opened,
    overdue,
    withdrawn,
)
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, IdReused, Invalid, Refusal

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADA = Actor(actor_id="usr_ada")
PAULA = Actor(actor_id="usr_paula")
OSCAR = Actor(actor_id="usr_oscar", groups=(Group.ADMINS,))
SYSTEM = system("dispute-workflow")
PARTIES = Parties(provider_id="prv_1", owner_id="usr_paula", customer_id="usr_ada")
PAID = Money(11_000, "EUR")
LIMIT = Money(2_500, "EUR")


def request(wanted: int | None = 6_000, text: str = "Half of it was missing.") -> OpenDispute:
    return OpenDispute(
        dispute_id="dsp_1",
        booking_id="bkg_1",
        cause=Cause.NOT_AS_AGREED,
        text=text,
        wanted=None if wanted is None else Money(wanted, "EUR"),
    )


def dispute(wanted: int | None = 6_000, by: Party = Party.CUSTOMER, actor: Actor = ADA) -> Dispute:
    return opened(request(None if by is Party.PROVIDER else wanted), PARTIES, PAID, [], by, actor, NOON)[0]


def says(answer: Answer, text: str = "It was all there.", offered: int | None = None) -> AnswerDispute:
    amount = None if offered is None else Money(offered, "EUR")
    return AnswerDispute(booking_id="bkg_1", dispute_id="dsp_1", answer=answer, text=text, offered=amount)


def decides(refund: int, reason: str = "The pictures show it.") -> DecideDispute:
    return DecideDispute(booking_id="bkg_1", dispute_id="dsp_1", refund=Money(refund, "EUR"), reason=reason)


def contested(wanted: int = 6_000) -> Dispute:
    return answered(dispute(wanted), says(Answer.CONTESTED), PAULA, NOON)[0]


def offer(amount: int = 3_000) -> Dispute:
    return answered(dispute(), says(Answer.OFFERED, offered=amount), PAULA, NOON)[0]


def test_a_customers_dispute_gives_the_provider_a_day_and_an_operator_seven() -> None:
    made, fact = opened(request(None), PARTIES, PAID, [], Party.CUSTOMER, ADA, NOON)

    assert (made.state, made.wanted, made.due_at, made.decide_by) == (
        State.REVIEW,
        PAID,
        NOON + ANSWER,
        NOON + DECIDE,
    )
    assert isinstance(fact, DisputeOpened)
    assert fact.answer_by == NOON + ANSWER


def test_what_a_provider_or_an_operator_opens_is_before_an_operator_at_once() -> None:
    made = dispute(None, Party.PROVIDER, PAULA)

    assert (made.state, made.due_at) == (State.ESCALATED, NOON + DECIDE)


def test_a_customer_disputes_a_booking_once() -> None:
    earlier = withdrawn(dispute(), ADA, NOON)[0]

    with pytest.raises(DisputedBefore):
        opened(request(), PARTIES, PAID, [earlier], Party.CUSTOMER, ADA, NOON)


@pytest.mark.parametrize("wrong", [request(0), request(11_001), request(text="  "), request(text="x" * 1_001)])
def test_an_amount_beyond_the_price_or_no_word_is_refused(wrong: OpenDispute) -> None:
    with pytest.raises(Invalid):
        opened(wrong, PARTIES, PAID, [], Party.CUSTOMER, ADA, NOON)


def test_the_same_request_again_is_the_first_dispute_and_another_is_refused() -> None:
    made = dispute()

    assert made.to(ADA, request()) is made
    with pytest.raises(IdReused):
        made.to(ADA, request(5_000))
    with pytest.raises(IdReused):
        made.to(OSCAR, request())


def test_what_the_provider_accepts_goes_back_by_rule() -> None:
    known, fact = answered(dispute(), says(Answer.ACCEPTED, text=""), PAULA, NOON)

    after, told = by_rule(known, LIMIT, SYSTEM, NOON)

    assert isinstance(fact, DisputeAnswered)
    assert isinstance(told, DisputeDecided)
    assert after.verdict
    assert (after.state, after.verdict.by, after.verdict.refund) == (State.DECIDED, Party.PROVIDER, known.wanted)


def test_what_nobody_answers_goes_back_by_rule_and_not_a_moment_sooner() -> None:
    with pytest.raises(NotDueYet):
        by_rule(dispute(), LIMIT, SYSTEM, NOON + ANSWER - timedelta(seconds=1))

    after, _ = by_rule(dispute(), None, SYSTEM, NOON + ANSWER)

    assert after.verdict
    assert (after.verdict.by, after.verdict.refund) == (Party.RULE, Money(6_000, "EUR"))


def test_a_small_contested_amount_goes_back_by_rule_and_a_large_one_to_an_operator() -> None:
    small, large = contested(2_500), contested(2_501)

    assert by_rule(small, LIMIT, SYSTEM, NOON)[0].state is State.DECIDED
    with pytest.raises(DisputeElsewhere):
        by_rule(large, LIMIT, SYSTEM, NOON)
    with pytest.raises(DisputeElsewhere):
        by_rule(small, None, SYSTEM, NOON)
    after, fact = escalated(large, SYSTEM, NOON)
    assert (after.state, after.due_at) == (State.ESCALATED, NOON + DECIDE)
    assert isinstance(fact, DisputeEscalated)


def test_an_offer_is_accepted_declined_or_lapses() -> None:
    known = offer()
    assert (known.state, known.due_at, known.offered) == (State.OFFERED, NOON + ANSWER, Money(3_000, "EUR"))

    taken = accepted(known, ADA, NOON)[0]
    refused, fact = declined(known, ADA, NOON)

    assert taken.verdict
    assert (taken.verdict.by, taken.verdict.refund) == (Party.CUSTOMER, Money(3_000, "EUR"))
    assert refused.state is State.CONTESTED
    assert isinstance(fact, OfferDeclined)
    with pytest.raises(NotDueYet):
        declined(known, SYSTEM, NOON)
    assert declined(known, SYSTEM, NOON + ANSWER)[0].state is State.CONTESTED


def test_a_customer_withdraws_until_it_is_over() -> None:
    after, fact = withdrawn(contested(), ADA, NOON)

    assert (after.state, after.due_at) == (State.WITHDRAWN, None)
    assert isinstance(fact, DisputeWithdrawn)
    with pytest.raises(DisputeOver):
        withdrawn(by_rule(contested(1), LIMIT, SYSTEM, NOON)[0], ADA, NOON)


def test_an_operator_decides_any_amount_of_what_was_paid_with_a_reason() -> None:
    known = escalated(contested(), SYSTEM, NOON)[0]

    for refund in (0, 4_000, 11_000):
        after = decided(known, decides(refund), OSCAR, NOON)[0]
        assert after.verdict
        assert (after.verdict.refund.minor, after.verdict.reason) == (refund, "The pictures show it.")
    with pytest.raises(Invalid):
        decided(known, decides(11_001), OSCAR, NOON)
    with pytest.raises(Invalid):
        decided(known, decides(1, reason=" "), OSCAR, NOON)
    with pytest.raises(Denied):
        decided(known, decides(1), PAULA, NOON)


def test_what_nobody_decides_in_seven_days_is_refunded_with_an_alarm() -> None:
    known = escalated(contested(), SYSTEM, NOON)[0]
    with pytest.raises(NotDueYet):
        overdue(known, SYSTEM, NOON + DECIDE - timedelta(seconds=1))

    after, fact = overdue(known, SYSTEM, NOON + DECIDE)

    assert after.verdict
    assert (after.overdue, after.verdict.refund) == (True, known.wanted)
    assert isinstance(fact, DisputeOverdue)


@pytest.mark.parametrize("actor", [ADA, OSCAR, SYSTEM])
def test_nobody_answers_for_the_provider(actor: Actor) -> None:
    with pytest.raises(Denied):
        answered(dispute(), says(Answer.CONTESTED), actor, NOON)


@pytest.mark.parametrize("actor", [PAULA, OSCAR])
def test_nobody_takes_an_offer_for_the_customer(actor: Actor) -> None:
    with pytest.raises(Denied):
        accepted(offer(), actor, NOON)
    with pytest.raises(Denied):
        withdrawn(offer(), actor, NOON)


def bank(*, won: bool | None, taken: int = 11_000) -> BankNews:
    return BankNews(
        chargeback_id="dp_1",
        payment_id="pay_1",
        dispute_id="dsp_2",
        booking_id="bkg_1",
        amount=PAID,
        reason="product_not_received",
        inquiry=False,
        opened_at=NOON,
        evidence_due_at=NOON + timedelta(days=9),
        taken=Money(taken, "EUR"),
        won=won,
    )


def test_a_chargeback_waits_for_the_bank_and_ends_as_the_bank_decides() -> None:
    known, fact = of_bank(None, bank(won=None), PARTIES, PAID, SYSTEM, NOON)
    assert (known.state, known.due_at) == (State.AT_BANK, NOON + timedelta(days=9))
    assert isinstance(fact, DisputeOpened)
    with pytest.raises(DisputeElsewhere):
        decided(known, decides(0), OSCAR, NOON)

    lost, nothing = of_bank(known, bank(won=False), PARTIES, PAID, SYSTEM, NOON)
    over, told = by_bank(lost, PAID, SYSTEM, NOON)

    assert (lost.state, nothing) == (State.BANK_DECIDED, None)
    assert isinstance(told, DisputeDecided)
    assert over.verdict
    assert (over.verdict.by, over.verdict.refund) == (Party.BANK, PAID)
    assert of_bank(over, bank(won=False), PARTIES, PAID, SYSTEM, NOON) == (over, None)
    assert of_bank(over, bank(won=True, taken=0), PARTIES, PAID, SYSTEM, NOON)[0].state is State.BANK_DECIDED


NEXT = {
    State.REVIEW: {State.ACCEPTED, State.OFFERED, State.CONTESTED, State.DECIDED, State.WITHDRAWN},
    State.ACCEPTED: {State.DECIDED, State.WITHDRAWN},
    State.OFFERED: {State.CONTESTED, State.DECIDED, State.WITHDRAWN},
    State.CONTESTED: {State.ESCALATED, State.DECIDED, State.WITHDRAWN},
    State.ESCALATED: {State.DECIDED, State.WITHDRAWN},
    State.DECIDED: set[State](),
    State.WITHDRAWN: set[State](),
}
ACTS: list[Callable[[Dispute, Actor, datetime], Changed]] = [
    lambda known, actor, at: answered(known, says(Answer.ACCEPTED), actor, at),
    lambda known, actor, at: answered(known, says(Answer.OFFERED, offered=3_000), actor, at),
    lambda known, actor, at: answered(known, says(Answer.CONTESTED), actor, at),
    accepted,
    declined,
    withdrawn,
    lambda known, actor, at: by_rule(known, LIMIT, actor, at),
    escalated,
    lambda known, actor, at: decided(known, decides(4_000), actor, at),
    overdue,
]


@given(
    st.sampled_from([500, 2_500, 6_000, 11_000]),
    st.lists(
        st.tuples(st.sampled_from(ACTS), st.sampled_from([ADA, PAULA, OSCAR, SYSTEM]), st.sampled_from([0, 1, 24, 72])),
        max_size=12,
    ),
)
@settings(max_examples=200, deadline=None)
def test_any_acts_in_any_order_move_along_the_table_and_repeat_without_effect(
    wanted: int, acts: list[tuple[Callable[[Dispute, Actor, datetime], Changed], Actor, int]]
) -> None:
    known, at = dispute(wanted), NOON
    for act, actor, hours in acts:
        at += timedelta(hours=hours)
        try:
            after, fact = act(known, actor, at)
        except Refusal:
            continue

        assert (fact is None) == (after == known)
        assert after.state is known.state or after.state in NEXT[known.state]
        assert after.is_over == (after.due_at is None)
        assert (after.verdict is not None) == (after.state is State.DECIDED)
        if after.verdict:
            assert after.verdict.refund <= PAID
        assert act(after, actor, at) == (after, None)
        known = after


def test_a_provider_names_no_amount() -> None:
    with pytest.raises(Invalid) as refused:
        opened(request(1), PARTIES, PAID, [], Party.PROVIDER, PAULA, NOON)

    assert refused.value.field == "wanted"
    assert dispute(None, Party.PROVIDER, PAULA).wanted == PAID


def test_what_is_wanted_and_decided_comes_on_top_of_what_was_given() -> None:
    given = Money(3_000, "EUR")
    made, _ = opened(request(None), PARTIES, PAID, [], Party.CUSTOMER, ADA, NOON, given=given)
    with pytest.raises(Invalid):
        opened(request(8_001), PARTIES, PAID, [], Party.CUSTOMER, ADA, NOON, given=given)

    later = as_of_now(made, PARTIES, Money(10_000, "EUR"))
    after, _ = overdue(later, SYSTEM, NOON + DECIDE)

    assert (made.wanted, made.left) == (Money(8_000, "EUR"), Money(8_000, "EUR"))
    assert after.verdict
    assert after.verdict.refund == Money(1_000, "EUR")
    with pytest.raises(Invalid):
        decided(later, decides(1_001), OSCAR, NOON)


def test_a_request_is_the_same_whatever_white_surrounds_its_text() -> None:
    asked = request(text=" Half of it was missing.\n")
    made, _ = opened(asked, PARTIES, PAID, [], Party.CUSTOMER, ADA, NOON)

    assert made.to(ADA, asked) is made
    assert made.to(ADA, request()) is made
