"""What changes of payments tell of fraud: declined, paid, over, or taken back by the customer's bank as fraud."""

from __future__ import annotations

from ecosystem.contexts.fraud import News
from ecosystem.contexts.payments import Payment, PaymentState
from ecosystem.ports.table import Change
from ecosystem.ports.table_codec import decoded

FRAUD_REASONS = frozenset({"fraudulent", "unrecognized"})
"""What banks call it when their customer says that it was not them."""

_ENDED = frozenset({PaymentState.FAILED, PaymentState.CANCELLED, PaymentState.CAPTURED, PaymentState.REFUNDED})


def read(change: Change) -> News | None:
    """What the change tells; None for most. An inquiry tells nothing: the bank only asks."""
    if change.new is None or change.new.entity != Payment.entity or change.old is None:
        return None
    before, after = decoded(change.old, Payment), decoded(change.new, Payment)
    declined = after.state is PaymentState.FAILED and before.state is not PaymentState.FAILED
    paid = after.took_money and not before.took_money
    ended = after.state in _ENDED and before.state not in _ENDED
    fraud = _as_fraud(after) and not _as_fraud(before)
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
        fraud=fraud,
        card=card if is_new_card else "",
    )


def _as_fraud(payment: Payment) -> bool:
    return any(each.reason in FRAUD_REASONS and not each.is_inquiry for each in payment.chargebacks)
