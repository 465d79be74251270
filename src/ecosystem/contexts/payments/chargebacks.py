"""Chargebacks: the customer's bank asks the card processor for the money back."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ecosystem.kernel.money import Money
from ecosystem.ports.cards import ChargebackOutcome, ChargebackStanding

_RANK = {
    ChargebackStanding.INQUIRY: 0,
    ChargebackStanding.OPEN: 1,
    ChargebackStanding.UNDER_REVIEW: 2,
    ChargebackStanding.WON: 3,
    ChargebackStanding.LOST: 3,
}
"""The order in which a chargeback moves. Won and lost both end it."""
_CLOSED = frozenset({ChargebackStanding.WON, ChargebackStanding.LOST})


class Chargeback(Struct, frozen=True, kw_only=True):
    """A chargeback of one payment, as last heard of."""

    chargeback_id: str
    amount: Money
    reason: str
    standing: ChargebackStanding
    opened_at: datetime
    evidence_due_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def is_inquiry(self) -> bool:
        """Whether the bank only asks: no money was taken yet."""
        return self.standing is ChargebackStanding.INQUIRY

    @property
    def is_won(self) -> bool:
        return self.standing is ChargebackStanding.WON

    @property
    def is_closed(self) -> bool:
        return self.standing in _CLOSED

    @property
    def has_taken_money(self) -> bool:
        """Whether the processor holds the disputed amount, or gave it to the customer for good."""
        return not (self.is_inquiry or self.is_won)

    def same_as(self, other: Chargeback) -> bool:
        return self.chargeback_id == other.chargeback_id


def advanced(known: Chargeback | None, outcome: ChargebackOutcome, at: datetime) -> Chargeback:
    """The chargeback after news of it. News older than what is known changes nothing.

    A payment may be charged back more than once; the one opened last is kept, the others stand in the events.
    """
    if known and not _newer(known, outcome):
        return known
    return Chargeback(
        chargeback_id=outcome.chargeback_id,
        amount=outcome.amount,
        reason=outcome.reason,
        standing=outcome.standing,
        opened_at=outcome.opened_at,
        evidence_due_at=outcome.evidence_due_at,
        closed_at=at if outcome.standing in _CLOSED else None,
    )


def _newer(known: Chargeback, outcome: ChargebackOutcome) -> bool:
    if known.chargeback_id == outcome.chargeback_id:
        return _RANK[outcome.standing] > _RANK[known.standing]
    return (outcome.opened_at, outcome.chargeback_id) > (known.opened_at, known.chargeback_id)
