"""Reactions to what is told of payments: how they stand, what was given back, charged back, or looks like fraud."""

from __future__ import annotations

from ecosystem.contexts import payments as paying
from ecosystem.contexts.fraud import Label, LabelSource
from ecosystem.contexts.notifications import Kind
from ecosystem.contexts.payments import Hint, NoSuchPayment
from ecosystem.journeys.hearing.reach import ACTOR, Reach
from ecosystem.ports.cards import Outcome, ReviewStanding
from ecosystem.ports.table import Put

_LABELS = {ReviewStanding.APPROVED: Label.GENUINE, ReviewStanding.FRAUD: Label.FRAUD}


async def settle_payment(reach: Reach, hint: Hint, done: Put) -> None:
    """Take in how the payment stands, with its postings and its booking."""
    if hint.booking_id and hint.payment_id:
        payment = await reach.payments.payment(hint.booking_id, hint.payment_id)
        if paying.says_nothing_new(payment.value, hint):
            await reach.table.transact(done)
            return
        if not hint.intent_id:
            raise NoSuchPayment
    if not hint.intent_id:
        await reach.table.transact(done)
        return
    outcome = await reach.cards.payment(hint.intent_id)
    if outcome.booking_id and outcome.payment_id:
        await reach.settlement.learn(outcome.booking_id, outcome.payment_id, outcome, ACTOR, done)
    else:
        await reach.table.transact(done)


async def settle_refund(reach: Reach, hint: Hint, done: Put) -> None:
    """Take in how the refund stands; one of the processor's own desk is adopted with its postings."""
    outcome = await reach.cards.refund_status(hint.subject_id)
    await reach.adopting.learn(outcome, hint.booking_id, ACTOR, done)


async def settle_refunds(reach: Reach, hint: Hint, done: Put) -> None:
    """Take in every refund of the payment."""
    if hint.intent_id:
        for outcome in await reach.cards.refunds(hint.intent_id):
            await reach.adopting.learn(outcome, hint.booking_id, ACTOR)
    await reach.table.transact(done)


async def settle_chargeback(reach: Reach, hint: Hint, done: Put) -> None:
    """Take in how the chargeback stands: what it moved is posted, what is held is frozen, its dispute follows it.

    It is opened elsewhere and names no id of ours: whose payment it is, the processor tells. What it takes is measured
    by what is left of the payment: first we hear of the money, and of refunds under way.
    """
    outcome = await reach.cards.chargeback(hint.subject_id)
    if outcome.booking_id and outcome.payment_id:
        payment = (await reach.payments.payment(outcome.booking_id, outcome.payment_id)).value
        if outcome.movements and not payment.took_money:
            stands = await reach.cards.payment(outcome.intent_id)
            await reach.settlement.learn(outcome.booking_id, outcome.payment_id, stands, ACTOR)
        if outcome.movements:
            await reach.refunding.carry_out_all(outcome.booking_id, ACTOR)
        await reach.settlement.learn_chargeback(outcome.booking_id, outcome.payment_id, outcome, ACTOR, done)
    else:
        await reach.table.transact(done)


async def heed_warning(reach: Reach, hint: Hint, done: Put) -> None:
    """Label the checkout as fraud, and tell operators while a refund would still prevent a chargeback."""
    warning = await reach.cards.fraud_warning(hint.subject_id)
    paid = await _ours(reach, warning.intent_id)
    if paid:
        await reach.casework.label(paid.booking_id, paid.payment_id, Label.FRAUD, LabelSource.WARNING, ACTOR)
        if warning.actionable:
            await reach.alarms.of_payment(Kind.FRAUD_WARNED, paid.booking_id, warning.warning_id, warning.made_at)
    await reach.table.transact(done)


async def heed_review(reach: Reach, hint: Hint, done: Put) -> None:
    """Tell operators of an open review; of a closed one take in what was thought of the payment, and its refunds."""
    review = await reach.cards.review(hint.subject_id)
    paid = await _ours(reach, review.intent_id)
    if paid and review.standing is ReviewStanding.OPEN:
        await reach.alarms.of_payment(Kind.REVIEW_OPENED, paid.booking_id, review.review_id, review.made_at)
    elif paid:
        for outcome in await reach.cards.refunds(paid.intent_id):
            await reach.adopting.learn(outcome, paid.booking_id, ACTOR)
        if label := _LABELS.get(review.standing):
            await reach.casework.label(paid.booking_id, paid.payment_id, label, LabelSource.DECISION, ACTOR)
    await reach.table.transact(done)


async def _ours(reach: Reach, intent_id: str | None) -> Outcome | None:
    """The payment, known to our books before anything is said about it; None when it is none of ours."""
    if not intent_id:
        return None
    outcome = await reach.cards.payment(intent_id)
    if not (outcome.booking_id and outcome.payment_id):
        return None
    await reach.settlement.learn(outcome.booking_id, outcome.payment_id, outcome, ACTOR)
    return outcome
