"""What changes of payments and payouts tell of fraud: declined, paid, over, or taken back by the customer's bank as fraud."""

from __future__ import annotations

from ecosystem.contexts.fraud import LabelSource, News
from ecosystem.contexts.payments import Chargeback, Payment, PaymentState
from ecosystem.contexts.payouts import Payout, PayoutStatus
from ecosystem.ports.table import Change
from ecosystem.ports.table_codec import decoded

FRAUD_REASONS = frozenset({"fraudulent", "unrecognized"})
"""What banks call it when their customer says that it was not them."""

UNAUTHORIZED_RETURNS = frozenset({"R05", "R07", "R10", "R11", "R29"})
"""Returns of debits that the account's holder says they did not authorize (NACHA Operating Rules, appendix four)."""

_UNPAID = frozenset({PaymentState.FAILED, PaymentState.CANCELLED})
_ENDED = _UNPAID | {PaymentState.CAPTURED, PaymentState.REFUNDED}


def read(change: Change) -> News | None:
    """What the change tells; None for most. An inquiry tells nothing: the bank only asks."""
    if change.new is None or change.old is None:
        return None
    if change.new.entity == Payout.entity:
        return _of_payout(decoded(change.old, Payout), decoded(change.new, Payout))
    if change.new.entity != Payment.entity:
        return None
    before, after = decoded(change.old, Payment), decoded(change.new, Payment)
    declined = after.state is PaymentState.FAILED and before.state is not PaymentState.FAILED
    paid = after.took_money and not before.took_money
    ended = after.state in _ENDED and before.state not in _ENDED
    fraud = _as_fraud(after) if _as_fraud(before) is None else None
    card = after.shown_card.fingerprint if after.shown_card else ""
    is_new_card = bool(card) and before.shown_card is None
    if not (declined or paid or ended or fraud or is_new_card):
        return None
    chargeback = after.chargeback if fraud else None
    at = chargeback.opened_at if chargeback else after.closed_at or after.captured_at or after.intended_at
    return News(
        booking_id=after.booking_id,
        payment_id=after.payment_id,
        at=at,
        declined=declined,
        paid=paid,
        ended=ended,
        unpaid=ended and after.state in _UNPAID,
        fraud=fraud,
        card=card if is_new_card else "",
    )


def _of_payout(before: Payout, after: Payout) -> News | None:
    """A payout that was called off needs no decision any more."""
    if after.status is not PayoutStatus.CANCELLED or before.status is PayoutStatus.CANCELLED:
        return None
    return News(
        booking_id="", payment_id=after.payout_id, at=after.ended_at or after.intended_at, ended=True, unpaid=True
    )


def _as_fraud(payment: Payment) -> LabelSource | None:
    if any(_is_unauthorized(payment, each) for each in payment.chargebacks):
        return LabelSource.RETURN
    if any(each.reason in FRAUD_REASONS and not each.is_inquiry for each in payment.chargebacks):
        return LabelSource.CHARGEBACK
    return None


def _is_unauthorized(payment: Payment, chargeback: Chargeback) -> bool:
    """Whether it is the return of a debit under one of those codes, which stands at the end of its reason."""
    return payment.debit is not None and chargeback.reason[-4:-1] in UNAUTHORIZED_RETURNS
