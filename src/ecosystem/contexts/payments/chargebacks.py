"""Chargebacks: the customer's bank asks the card processor for the money back.

How a chargeback stands and what money it moved are two things, and news of each may be newer than the other. A standing
only moves up the ranks below; of the money the news with more movements counts, since the processor only ever adds one.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ecosystem.kernel.money import Money, zero
from ecosystem.ports.cards import ChargebackOutcome, ChargebackStanding

_RANK = {
    ChargebackStanding.INQUIRY: 0,
    ChargebackStanding.OPEN: 1,
    ChargebackStanding.UNDER_REVIEW: 2,
    ChargebackStanding.LOST: 3,
    ChargebackStanding.WON: 4,
}
"""The order in which a chargeback moves. Won and lost both end it; the bank may yet let go of one that was lost."""
_CLOSED = frozenset({ChargebackStanding.WON, ChargebackStanding.LOST})


class Chargeback(Struct, frozen=True, kw_only=True):
    """A chargeback of one payment, as last heard of.

    `of_sale` is what it has taken of what was left of the payment, `beyond` what it has taken on top of that, `fee` what
    the processor charges for it: all three as they are now, after so many `movements` of money. `refundable` tells
    whether the processor would still refund the payment.
    """

    chargeback_id: str
    amount: Money
    reason: str
    standing: ChargebackStanding
    opened_at: datetime
    of_sale: Money
    beyond: Money
    fee: Money
    movements: int = 0
    refundable: bool = False
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
    def taken(self) -> Money:
        """What the processor holds, or gave to the customer for good."""
        return self.of_sale + self.beyond

    @property
    def has_taken_money(self) -> bool:
        return bool(self.taken)


def advanced(known: Chargeback | None, outcome: ChargebackOutcome, left: Money, at: datetime) -> Chargeback:
    """The chargeback after news of it; the very same value when the news is old. `left` is what it may take of the sale."""
    is_newer = known is None or _RANK[outcome.standing] > _RANK[known.standing]
    has_moved = known is None or outcome.movements > known.movements
    if known and not (is_newer or has_moved):
        return known
    before = known or _opened(outcome)
    of_sale, beyond = _divided(before, outcome.taken, left) if has_moved else (before.of_sale, before.beyond)
    standing = outcome.standing if is_newer else before.standing
    return Chargeback(
        chargeback_id=outcome.chargeback_id,
        amount=outcome.amount,
        reason=outcome.reason,
        standing=standing,
        opened_at=outcome.opened_at,
        of_sale=of_sale,
        beyond=beyond,
        fee=outcome.fee if has_moved else before.fee,
        movements=max(outcome.movements, before.movements),
        refundable=outcome.refundable if is_newer else before.refundable,
        evidence_due_at=outcome.evidence_due_at,
        closed_at=(before.closed_at or at) if standing in _CLOSED else None,
    )


def _opened(outcome: ChargebackOutcome) -> Chargeback:
    nothing = zero(outcome.amount.currency)
    return Chargeback(
        chargeback_id=outcome.chargeback_id,
        amount=outcome.amount,
        reason=outcome.reason,
        standing=outcome.standing,
        opened_at=outcome.opened_at,
        of_sale=nothing,
        beyond=nothing,
        fee=zero(outcome.fee.currency),
    )


def _divided(before: Chargeback, taken: Money, left: Money) -> tuple[Money, Money]:
    """What is taken of the sale and beyond it, now that so much is taken in all. What lies beyond comes back first."""
    if before.taken < taken:
        more = taken - before.taken
        of_sale = min(more, left)
        return before.of_sale + of_sale, before.beyond + (more - of_sale)
    back = before.taken - taken
    beyond = min(back, before.beyond)
    return before.of_sale - (back - beyond), before.beyond - beyond
