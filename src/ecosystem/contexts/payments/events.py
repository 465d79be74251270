"""What payments publishes, source `payment`. Amounts are in minor units of the payment's currency."""

from __future__ import annotations

from typing import ClassVar

from ecosystem.ports.audit import AuditKind
from ecosystem.ports.bus import Fact


class PaymentFact(Fact, frozen=True, kw_only=True):
    """What every fact about a payment names."""

    source: ClassVar[str] = "payment"

    payment_id: str
    booking_id: str
    amount_minor: int
    currency: str


class PaymentIntended(PaymentFact, frozen=True, kw_only=True):
    """Somebody means to pay; the card processor is asked next."""


class ChallengeRequired(PaymentFact, frozen=True, kw_only=True):
    """The customer's bank wants to know that it is the customer."""


class PaymentAuthorized(PaymentFact, frozen=True, kw_only=True):
    """The money is held on the card until it is captured or let go."""


class PaymentCaptured(PaymentFact, frozen=True, kw_only=True):
    """The money was taken. `amount_minor` is what was captured."""


class PaymentDeclined(PaymentFact, frozen=True, kw_only=True):
    """The card was not charged."""

    code: str


class PaymentCancelled(PaymentFact, frozen=True, kw_only=True):
    """The payment will not happen; what was held, if anything was, is let go."""

    was_authorized: bool


class CardOffered(PaymentFact, frozen=True, kw_only=True):
    """A card paid whose owner wants it kept; the card processor is asked about it next."""

    person_id: str


class CardFact(Fact, frozen=True, kw_only=True):
    """What every fact about a kept card names: the processor's id of it, and its last digits."""

    source: ClassVar[str] = "payment"
    audited: ClassVar[AuditKind | None] = AuditKind.CONSENT

    person_id: str
    card_id: str
    last4: str


class CardKept(CardFact, frozen=True, kw_only=True):
    """A card is kept to pay with again, as its owner agreed to."""


class CardForgotten(CardFact, frozen=True, kw_only=True):
    """A card is kept no more; the card processor forgets it next."""


class ChargebackOpened(PaymentFact, frozen=True, kw_only=True):
    """The customer's bank takes the money back, or asks about it (`inquiry`). `amount_minor` is what is disputed."""

    chargeback_id: str
    reason: str
    inquiry: bool


class ChargebackMoved(PaymentFact, frozen=True, kw_only=True):
    """The customer's bank took money, or gave it back: `taken_minor` is what it has now, `before_minor` what it had."""

    chargeback_id: str
    taken_minor: int
    before_minor: int


class ChargebackClosed(PaymentFact, frozen=True, kw_only=True):
    """The chargeback was decided. `amount_minor` is what was disputed."""

    chargeback_id: str
    won: bool


class DebitAuthorized(PaymentFact, frozen=True, kw_only=True):
    """The customer authorized one debit of their bank account. The text they agreed to is kept, `text_sha256` names it."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONSENT

    text_sha256: str
    last4: str


class DebitSettled(PaymentFact, frozen=True, kw_only=True):
    """The bank's statement shows the money of a bank debit."""


class DebitPresentedAgain(PaymentFact, frozen=True, kw_only=True):
    """A bank debit came back for want of money; it is presented once more."""


class DebitReturned(PaymentFact, frozen=True, kw_only=True):
    """The customer's bank sent a bank debit back for good. `reason` is what it says."""

    audited: ClassVar[AuditKind | None] = AuditKind.MONEY

    reason: str


class RefundFact(PaymentFact, frozen=True, kw_only=True):
    """What every fact about a refund names. `amount_minor` is what is given back."""

    refund_id: str


class RefundRequested(RefundFact, frozen=True, kw_only=True):
    """A refund was decided; the card processor is asked next."""


class RefundFound(RefundFact, frozen=True, kw_only=True):
    """A refund that was made at the processor's own desk entered our records."""

    processor_id: str


class RefundIssued(RefundFact, frozen=True, kw_only=True):
    """The money was given back: to the card, or `elsewhere`, by other means than the card processor."""

    elsewhere: bool = False


class RefundFailed(RefundFact, frozen=True, kw_only=True):
    """The money could not be given back. `was_issued` tells that it came back to us afterwards."""

    was_issued: bool


class RefundFollowed(RefundFact, frozen=True, kw_only=True):
    """An operator said what follows a refund that failed: `how`, and the refund that takes its place, if one does."""

    how: str
    by_refund_id: str


class PayoutAccountFact(Fact, frozen=True, kw_only=True):
    """What every fact about a payout account names."""

    source: ClassVar[str] = "payment"

    provider_id: str


class PayoutAccountRequested(PayoutAccountFact, frozen=True, kw_only=True):
    """A payout account was decided on; the payment processor is asked next."""

    audited: ClassVar[AuditKind | None] = AuditKind.APPROVAL


class PayoutAccountChanged(PayoutAccountFact, frozen=True, kw_only=True):
    """The payment processor sees the payout account differently. `reasons` say what stands in the way now."""

    audited: ClassVar[AuditKind | None] = AuditKind.APPROVAL

    state: str
    was: str
    reasons: list[str]


class WebhookStored(Fact, frozen=True, kw_only=True):
    """An event of the card processor was stored, to be acted upon."""

    source: ClassVar[str] = "payment"

    processor_event_id: str
    processor_type: str
