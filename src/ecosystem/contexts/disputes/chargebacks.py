"""Chargebacks as disputes: the customer's bank asks for the money, waits for evidence, and decides."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.disputes.disputes import (
    DECIDE,
    Changed,
    Dispute,
    DisputeId,
    Kind,
    OpenDispute,
    Parties,
    Party,
    State,
    concluded,
    moved,
    must_be,
    named,
)
from ecosystem.contexts.disputes.events import DisputeOpened
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, zero


class BankNews(Struct, frozen=True, kw_only=True):
    """A chargeback as it stands: `taken` is what the bank has now; `won` is None until it decided."""

    chargeback_id: str
    payment_id: str
    dispute_id: str
    booking_id: str
    amount: Money
    reason: str
    inquiry: bool
    opened_at: datetime
    evidence_due_at: datetime | None
    taken: Money
    won: bool | None

    @property
    def kept(self) -> Money:
        """What the bank keeps, now that it has decided."""
        return zero(self.amount.currency) if self.won else self.taken


def of_bank(
    known: Dispute | None, news: BankNews, parties: Parties, paid: Money, actor: Actor, at: datetime
) -> Changed:
    """The record of a chargeback after news of it: made when first heard of, at an end when the bank has decided."""
    if known is None:
        return _from_bank(news, parties, paid, actor, at)
    if news.won is None:
        moves = known.state is State.AT_BANK and known.due_at != news.evidence_due_at
        return (replace(known, due_at=news.evidence_due_at) if moves else known), None
    if known.verdict is not None and known.verdict.refund == news.kept:
        return known, None
    return moved(known, State.BANK_DECIDED, at, due_at=at), None


def by_bank(dispute: Dispute, kept: Money, actor: Actor, at: datetime) -> Changed:
    """The dispute as the bank decided it, which keeps that much. For the system."""
    actor.must_operate()
    if dispute.verdict is not None and dispute.verdict.refund == kept and dispute.is_over:
        return dispute, None
    must_be(dispute, State.BANK_DECIDED)
    reason = "The bank decided for the customer." if kept else "The bank decided for the provider."
    return concluded(dispute, Party.BANK, actor, kept, reason, at)


def _from_bank(news: BankNews, parties: Parties, paid: Money, actor: Actor, at: datetime) -> Changed:
    request = OpenDispute(
        dispute_id=news.dispute_id,
        booking_id=news.booking_id,
        text=f"The customer's bank {'asks about' if news.inquiry else 'took back'} the payment: "
        f"{news.reason.replace('_', ' ')}.",
        wanted=news.amount,
    )
    made = Dispute(
        dispute_id=DisputeId(news.dispute_id),
        booking_id=news.booking_id,
        parties=parties,
        kind=Kind.CHARGEBACK,
        request=request,
        opened_by=Party.BANK,
        opener=actor.actor_id,
        opened_at=at,
        changed_at=at,
        state=State.AT_BANK if news.won is None else State.BANK_DECIDED,
        paid=paid,
        wanted=news.amount,
        due_at=news.evidence_due_at if news.won is None else at,
        decide_by=news.evidence_due_at or at + DECIDE,
        payment_id=news.payment_id,
        chargeback_id=news.chargeback_id,
    )
    return made, DisputeOpened(**named(made), by=Party.BANK, answer_by=news.evidence_due_at)
