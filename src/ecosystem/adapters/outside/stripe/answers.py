"""What the card API answers, read into what the port promises. Only the fields that are used are named."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from msgspec import Struct, field

from ecosystem.adapters.outside.stripe.amounts import money
from ecosystem.kernel.money import Money
from ecosystem.ports.cards import (
    ChargebackOutcome,
    ChargebackStanding,
    Decline,
    Outcome,
    RefundOutcome,
    RefundStanding,
    ShownCard,
    Standing,
)

_SENTENCES = {
    "authentication_required": "Your bank wants to know that it is you. Try again and confirm the payment there.",
    "payment_intent_authentication_failure": "Your bank could not confirm that it is you. Try again, or use another card.",
    "card_not_supported": "This card cannot pay here. Use another card.",
    "card_velocity_exceeded": "This card has reached its limit. Use another card, or try later.",
    "currency_not_supported": "This card does not pay in this currency. Use another card.",
    "expired_card": "This card has expired. Use another card.",
    "incorrect_cvc": "The security code is not right. Enter the card again.",
    "invalid_cvc": "The security code is not right. Enter the card again.",
    "incorrect_number": "The card number is not right. Enter the card again.",
    "insufficient_funds": "There is not enough money on this card. Use another card.",
    "issuer_not_available": "Your bank cannot be reached. Try again in a moment.",
    "processing_error": "Your bank could not process this payment. Try again in a moment.",
    "try_again_later": "Your bank could not process this payment. Try again in a moment.",
    "test_mode_live_card": "This is a real card, and payments here are in test mode. Use a test card.",
    "withdrawal_count_limit_exceeded": "This card has reached its limit. Use another card, or try later.",
}
# Cards reported lost or stolen, and suspected fraud, are told like any other decline: the processor's own advice.
_PLAIN = "Your card was declined. Use another card, or ask your bank."
_AGAIN = frozenset({
    "authentication_required",
    "incorrect_cvc",
    "invalid_cvc",
    "incorrect_number",
    "issuer_not_available",
    "payment_intent_authentication_failure",
    "processing_error",
    "try_again_later",
})  # fmt: skip
_STANDINGS = {
    "requires_payment_method": Standing.DECLINED,
    "requires_confirmation": Standing.PROCESSING,
    "requires_action": Standing.REQUIRES_ACTION,
    "processing": Standing.PROCESSING,
    "requires_capture": Standing.AUTHORIZED,
    "succeeded": Standing.CAPTURED,
    "canceled": Standing.CANCELLED,
}
_CHARGEBACKS = {
    "warning_needs_response": ChargebackStanding.INQUIRY,
    "warning_under_review": ChargebackStanding.INQUIRY,
    "warning_closed": ChargebackStanding.WON,
    "needs_response": ChargebackStanding.OPEN,
    "under_review": ChargebackStanding.UNDER_REVIEW,
    "won": ChargebackStanding.WON,
    "prevented": ChargebackStanding.WON,
    "lost": ChargebackStanding.LOST,
}
_REFUNDS = {
    "pending": RefundStanding.PENDING,
    "requires_action": RefundStanding.PENDING,
    "succeeded": RefundStanding.SUCCEEDED,
    "failed": RefundStanding.FAILED,
    "canceled": RefundStanding.CANCELLED,
}


class _Card(Struct):
    brand: str = ""
    last4: str = ""
    fingerprint: str | None = None
    capture_before: int | None = None


class _Method(Struct):
    card: _Card | None = None


class _Entry(Struct):
    fee: int
    currency: str


class _Charge(Struct):
    id: str
    disputed: bool = False
    payment_method_details: _Method | None = None
    balance_transaction: _Entry | str | None = None


class _Redirect(Struct):
    url: str


class Action(Struct):
    """What the customer has to do next."""

    redirect_to_url: _Redirect | None = None


class Problem(Struct):
    """Why the last attempt to charge or keep a card did not succeed."""

    code: str = ""
    decline_code: str | None = None
    payment_method: _Method | None = None


class Intent(Struct):
    """A payment intent, its latest charge expanded or named."""

    id: str
    status: str
    amount: int
    currency: str
    amount_received: int = 0
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    created: int | None = None
    customer: str | None = None
    payment_method: str | None = None
    latest_charge: _Charge | str | None = None
    next_action: Action | None = None
    last_payment_error: Problem | None = None

    def outcome(self) -> Outcome:
        standing = _STANDINGS.get(self.status, Standing.PROCESSING)
        charge = self.latest_charge if isinstance(self.latest_charge, _Charge) else None
        refusal = self.last_payment_error if standing is Standing.DECLINED else None
        method = (charge.payment_method_details if charge else None) or (refusal.payment_method if refusal else None)
        card = method.card if method else None
        entry = charge.balance_transaction if charge and isinstance(charge.balance_transaction, _Entry) else None
        redirect = self.next_action.redirect_to_url if self.next_action else None
        held_until = card.capture_before if card and standing is Standing.AUTHORIZED else None
        return Outcome(
            intent_id=self.id,
            payment_id=self.metadata.get("payment_id", ""),
            booking_id=self.metadata.get("booking_id", ""),
            standing=standing,
            amount=money(self.amount, self.currency),
            captured=money(self.amount_received, self.currency),
            charge_id=self.latest_charge.id if isinstance(self.latest_charge, _Charge) else self.latest_charge,
            card=ShownCard(brand=card.brand, last4=card.last4, fingerprint=card.fingerprint or "") if card else None,
            authorized_until=datetime.fromtimestamp(held_until, UTC) if held_until else None,
            challenge_url=redirect.url if redirect and standing is Standing.REQUIRES_ACTION else None,
            decline=decline_of(refusal) if standing is Standing.DECLINED else None,
            fee=money(entry.fee, entry.currency) if entry else None,
            disputed=charge.disputed if charge else False,
            made_at=datetime.fromtimestamp(self.created, UTC) if self.created else None,
            customer_id=self.customer,
            card_id=self.payment_method,
        )


class Refund(Struct):
    """A refund."""

    id: str
    status: str
    amount: int
    currency: str
    created: int
    payment_intent: str | None = None
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    failure_reason: str | None = None

    def outcome(self) -> RefundOutcome:
        return RefundOutcome(
            processor_id=self.id,
            refund_id=self.metadata.get("refund_id", ""),
            intent_id=self.payment_intent or "",
            amount=money(self.amount, self.currency),
            standing=_REFUNDS.get(self.status, RefundStanding.PENDING),
            made_at=datetime.fromtimestamp(self.created, UTC),
            failure=self.failure_reason,
        )


class Belonging(Struct):
    """A charge, as far as it says whose it is."""

    payment_intent: str | None = None


class RefundList(Struct):
    """Refunds, newest first."""

    data: list[Refund]


class _EvidenceDetails(Struct):
    due_by: int | None = None
    has_evidence: bool = False
    submission_count: int = 0


class _Movement(Struct):
    """Money that the dispute took (a negative amount) or gave back, and the fee of it."""

    amount: int
    fee: int
    currency: str


class Dispute(Struct):
    """A dispute, its payment intent expanded: only that knows our ids."""

    id: str
    status: str
    amount: int
    currency: str
    charge: str
    reason: str
    created: int
    payment_intent: Intent | str | None = None
    evidence_details: _EvidenceDetails | None = None
    balance_transactions: list[_Movement] = field(default_factory=list[_Movement])
    is_charge_refundable: bool = False

    def outcome(self) -> ChargebackOutcome:
        due_by = self.evidence_details.due_by if self.evidence_details else None
        intent = self.payment_intent
        ours = intent.metadata if isinstance(intent, Intent) else {}
        return ChargebackOutcome(
            chargeback_id=self.id,
            intent_id=intent.id if isinstance(intent, Intent) else intent or "",
            payment_id=ours.get("payment_id", ""),
            booking_id=ours.get("booking_id", ""),
            charge_id=self.charge,
            amount=money(self.amount, self.currency),
            reason=self.reason,
            standing=_CHARGEBACKS.get(self.status, ChargebackStanding.OPEN),
            opened_at=datetime.fromtimestamp(self.created, UTC),
            taken=money(self._taken(), self.currency),
            fee=self._fee(),
            movements=len(self.balance_transactions),
            refundable=self.is_charge_refundable,
            evidence_due_at=datetime.fromtimestamp(due_by, UTC) if due_by else None,
            evidence_sent=bool(self.evidence_details and self.evidence_details.submission_count),
        )

    def _taken(self) -> int:
        """What it has taken, in units of its currency. Where it is settled in another, all of it or nothing."""
        taken = max(0, -sum(each.amount for each in self.balance_transactions))
        if taken and any(each.currency != self.currency for each in self.balance_transactions):
            return self.amount
        return taken

    def _fee(self) -> Money:
        """What the processor charges for it, in the currency of our account there."""
        currency = self.balance_transactions[0].currency if self.balance_transactions else self.currency
        fees = sum(each.fee for each in self.balance_transactions if each.currency == currency)
        return money(max(0, fees), currency)


class Named(Struct):
    """A thing of which only the id matters."""

    id: str


class Error(Struct):
    """What an error answer says."""

    type: str
    message: str = ""
    code: str | None = None
    param: str | None = None
    payment_intent: Intent | None = None
    setup_intent: Named | None = None


class ErrorAnswer(Struct):
    """An error answer."""

    error: Error


class Failure(Exception):
    """The processor answered an error: nothing more will come of the request."""

    def __init__(self, status: int, error: Error, *, replayed: bool) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.replayed = replayed


CHARGED = msgspec.json.Decoder(Intent)


def decline_of(refusal: Problem | None) -> Decline:
    """The decline that a problem is, in words for the customer."""
    code = (refusal.decline_code or refusal.code) if refusal else ""
    return Decline(code=code or "declined", sentence=_SENTENCES.get(code, _PLAIN), same_card_may_work=code in _AGAIN)
