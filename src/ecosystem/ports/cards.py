"""The card processor: money is authorized, captured, cancelled, refunded and charged back there.

A card number never passes here. The processor's own element in the browser takes it and hands out a card's id
(`pm_...`), which an `Order` names. Every act carries an idempotency key made from our own ids, so that an act repeated
after a silence has one effect and tells what became of the first.

A decline is an outcome, not a refusal. `ProcessorSilent` says that nothing is known: the act may have had its effect,
and the same act again will tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict, Invalid, NotFound, Unavailable
from ecosystem.ports.listing import Listed


class ProcessorSilent(Unavailable):
    """The card processor gave no answer. Nothing is known about this act; the same one again will tell."""


class OrderRefused(Invalid):
    """The card processor does not take this order. It had no effect, and the same one never will."""


class UnknownCard(OrderRefused):
    """That card is not known to the processor, or was used before. Enter it again."""


class AmountUnfit(OrderRefused):
    """The card processor does not take this amount in this currency."""


class UnknownIntent(NotFound):
    """The card processor knows nothing by that id."""


class RefundRefused(Conflict):
    """The card processor refuses this refund."""


class ChargebackDecided(Conflict):
    """The bank has our evidence or has decided: nothing more can be said."""


class Capture(StrEnum):
    """When the money moves: at once, or held on the card until it is captured."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Order(Struct, frozen=True, kw_only=True):
    """What is asked to be paid. The same order twice is one payment: `payment_id` is the idempotency key.

    `card` is the id that the processor's element handed out, or of a card that `customer_id` keeps there. `keep` has
    the card kept for that customer once it paid. `return_url` is where the browser comes back after a 3-D Secure
    challenge that took the whole page. `intended_at` is since when it may have been asked for: the processor forgets a
    key after a day, so a later order is looked for before it is given. `off_session` is a payment without its customer present: where the bank wants
    a challenge, it is declined as `authentication_required`.
    """

    payment_id: str
    booking_id: str
    amount: Money
    card: str
    capture: Capture
    return_url: str
    description: str = ""
    customer_id: str | None = None
    keep: bool = False
    off_session: bool = False
    intended_at: datetime | None = None


class Standing(StrEnum):
    """How a payment stands at the processor."""

    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    DECLINED = "declined"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    CANCELLED = "cancelled"


class Decline(Struct, frozen=True, kw_only=True):
    """Why the card was not charged: the processor's code, and a sentence for the customer."""

    code: str
    sentence: str
    same_card_may_work: bool = False


class ShownCard(Struct, frozen=True, kw_only=True):
    """What may be shown of a card.

    `fingerprint` is the processor's lasting name of the card, the same whoever enters it; empty where it tells none.
    """

    brand: str
    last4: str
    fingerprint: str = ""


class Outcome(Struct, frozen=True, kw_only=True):
    """A payment as the processor knows it now.

    `captured` is what was taken in all; refunds do not lessen it. `authorized_until` is set while money is held only,
    `challenge_url` while the customer has to pass a challenge. `made_at` is when the processor was first asked.
    `card_id` is the card it was tried with, by the id under which it is kept if it is.
    """

    intent_id: str
    payment_id: str
    booking_id: str
    standing: Standing
    amount: Money
    captured: Money
    charge_id: str | None = None
    card: ShownCard | None = None
    authorized_until: datetime | None = None
    challenge_url: str | None = None
    decline: Decline | None = None
    fee: Money | None = None
    disputed: bool = False
    made_at: datetime | None = None
    customer_id: str | None = None
    card_id: str | None = None


class RefundOrder(Struct, frozen=True, kw_only=True):
    """What is asked to be given back. `refund_id` is the idempotency key, `intended_at` as in an `Order`."""

    refund_id: str
    payment_id: str
    booking_id: str
    intent_id: str
    amount: Money
    intended_at: datetime | None = None


class RefundStanding(StrEnum):
    """How a refund stands at the processor. One that succeeded may still fail days later."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RefundOutcome(Struct, frozen=True, kw_only=True):
    """A refund as the processor knows it now.

    `refund_id` is ours, empty when the refund was not asked for by us. `made_at` is when the processor was asked.
    """

    processor_id: str
    refund_id: str
    intent_id: str
    amount: Money
    standing: RefundStanding
    made_at: datetime
    failure: str | None = None


class ChargebackStanding(StrEnum):
    """How a chargeback stands: an inquiry takes no money yet, an open one has taken it, a won one gave it back."""

    INQUIRY = "inquiry"
    OPEN = "open"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"


class ChargebackOutcome(Struct, frozen=True, kw_only=True):
    """A chargeback as the processor knows it now.

    The processor opens it, so it carries no id of ours; those here are of the payment it is about. `taken` and `fee`
    are what it has taken from us up to now, after so many `movements` of money: giving back lessens them. `refundable`
    tells whether the processor would still refund the payment. `evidence_sent`: ours is with the bank, for good.
    """

    chargeback_id: str
    intent_id: str
    payment_id: str
    booking_id: str
    charge_id: str
    amount: Money
    reason: str
    standing: ChargebackStanding
    opened_at: datetime
    taken: Money
    fee: Money
    movements: int = 0
    refundable: bool = False
    evidence_due_at: datetime | None = None
    evidence_sent: bool = False


class EvidenceKind(StrEnum):
    """What a file of evidence is."""

    RECEIPT = "receipt"
    MESSAGES = "messages"
    CANCELLATION_POLICY = "cancellation_policy"
    REFUND_POLICY = "refund_policy"
    SERVICE = "service"
    SIGNATURE = "signature"
    OTHER = "other"


class Evidence(Struct, frozen=True, kw_only=True):
    """What we tell the customer's bank: texts (150,000 characters in all), and files by the ids of `upload`.

    Texts: what the service was, by when it was rendered (`served_on`, a date as the customer would write it), how our
    policies were shown, why nothing or no more was given back, who came from where. Empty ones are not sent, and what
    was said before stays.
    """

    service: str = ""
    served_on: str = ""
    customer_name: str = ""
    customer_email: str = ""
    customer_address: str = ""
    access_log: str = ""
    cancellation_policy_shown: str = ""
    why_cancellation_unfounded: str = ""
    refund_policy_shown: str = ""
    why_not_refunded: str = ""
    note: str = ""
    files: Mapping[EvidenceKind, str] = {}


class EvidenceFile(Struct, frozen=True, kw_only=True):
    """A file of evidence: PDF, JPEG or PNG, 5 MB at most. `file_id` is ours and the idempotency key."""

    file_id: str
    name: str
    content: bytes


class FraudWarning(Struct, frozen=True, kw_only=True):
    """A card network's early word that a payment was fraud: often a chargeback follows.

    `actionable` is over once the payment was refunded or charged back.
    """

    warning_id: str
    charge_id: str
    intent_id: str | None
    kind: str
    actionable: bool
    made_at: datetime


class ReviewStanding(StrEnum):
    """How a review of the processor's stands: open, or closed because somebody thought so of the payment."""

    OPEN = "open"
    APPROVED = "approved"
    FRAUD = "fraud"
    REFUNDED = "refunded"
    DISPUTED = "disputed"


class Review(Struct, frozen=True, kw_only=True):
    """A payment that the processor asks a person to look at. Its money does not wait for that."""

    review_id: str
    intent_id: str | None
    standing: ReviewStanding
    made_at: datetime


class Happened(Struct, frozen=True, kw_only=True):
    """An event that the processor recorded, with the very body that its webhook would carry."""

    event_id: str
    kind: str
    at: datetime
    account_id: str | None
    body: bytes


class ElementOrigins(Struct, frozen=True, kw_only=True):
    """What the processor's own script needs of a page's content security policy: sources, as directives hold them."""

    scripts: tuple[str, ...]
    frames: tuple[str, ...]
    calls: tuple[str, ...]
    images: tuple[str, ...] = ()


class Element(Struct, frozen=True, kw_only=True):
    """What a page needs to show the processor's own card fields.

    With `script_url`, the page loads that script, the processor's own, and mounts its fields with `publishable_key`;
    `origins` are the only ones it may load, frame and call, and a `challenge_url` is opened as a page. Without, the page
    frames `frame_url` with `?theme=light|dark&embedder=<the page's origin>`, listens for messages from
    `origin` only, and posts `{type: "submit"}` there; the frame answers with `{type: "card", id, brand, last4}` or
    `{type: "problem", field, message}`. A `challenge_url` is framed or opened as a page; framed, it posts
    `{type: "challenge", result}`.
    """

    publishable_key: str
    origin: str
    frame_url: str = ""
    script_url: str | None = None
    origins: ElementOrigins | None = None


class Cards(Protocol):
    @property
    def element(self) -> Element:
        """What the browser needs to take a card."""
        ...

    def payable(self, amount: Money) -> None:
        """Pass if the processor takes this amount. Raises `AmountUnfit` with the limit otherwise. Makes no call."""
        ...

    def step(self, currency: str) -> Money:
        """What every amount that a card pays in the currency, or is paid back, is a multiple of. Makes no call."""
        ...

    async def authorize(self, order: Order) -> Outcome:
        """Ask for the money: authorized, and captured at once when the order says so.

        The same order again has no second effect and answers how the payment stands now; another order under that
        payment's id raises `IdReused`. Raises `OrderRefused` (`UnknownCard`, `AmountUnfit`), `ProcessorSilent`.
        """
        ...

    async def payment(self, intent_id: str) -> Outcome:
        """How the payment stands now. Raises `UnknownIntent`, `ProcessorSilent`."""
        ...

    async def charged(self, charge_id: str) -> Outcome:
        """How the payment that this charge belongs to stands now. Raises `UnknownIntent`, `ProcessorSilent`."""
        ...

    async def capture(self, intent_id: str, amount: Money | None = None) -> Outcome:
        """Take what is held, or the part `amount` of it and let the rest go.

        Answers how the payment stands afterwards, also when there was nothing left to capture: captured already,
        or cancelled. Raises `UnknownIntent`, `ProcessorSilent`.
        """
        ...

    async def cancel(self, intent_id: str) -> Outcome:
        """Let go of what is held, or of what is not paid yet.

        Answers how the payment stands afterwards: captured, when it was too late. Raises `UnknownIntent`,
        `ProcessorSilent`.
        """
        ...

    async def refund(self, order: RefundOrder) -> RefundOutcome:
        """Give money back.

        The same order again answers how the refund stands now; another order under that refund's id raises `IdReused`.
        Raises `RefundRefused` when it passes what was captured or the payment is charged back, `ProcessorSilent`.
        """
        ...

    async def refund_status(self, processor_id: str) -> RefundOutcome:
        """How the refund stands now. Raises `UnknownIntent`, `ProcessorSilent`."""
        ...

    async def refunds(self, intent_id: str) -> Sequence[RefundOutcome]:
        """Every refund of the payment, those made elsewhere too, oldest first (100 at most)."""
        ...

    async def chargeback(self, chargeback_id: str) -> ChargebackOutcome:
        """How the chargeback stands now. Raises `UnknownIntent`, `ProcessorSilent`."""
        ...

    async def payments(self, *, since: datetime | None = None, after: str | None = None) -> Listed[Outcome]:
        """Payments that the processor was asked for from then on, newest first. Raises `ProcessorSilent`."""
        ...

    async def chargebacks(
        self, *, since: datetime | None = None, after: str | None = None
    ) -> Listed[ChargebackOutcome]:
        """Chargebacks opened from then on, newest first. Raises `ProcessorSilent`."""
        ...

    async def upload(self, file: EvidenceFile) -> str:
        """Hand a file of evidence to the processor: its id there. Raises `OrderRefused`, `ProcessorSilent`."""
        ...

    async def evidence(self, chargeback_id: str, evidence: Evidence, *, submit: bool) -> ChargebackOutcome:
        """Say something to the customer's bank; with `submit` it goes there, once and for all.

        Raises `UnknownIntent`, `ChargebackDecided` when it is too late, `OrderRefused`, `ProcessorSilent`.
        """
        ...

    async def accept(self, chargeback_id: str) -> ChargebackOutcome:
        """Accept the chargeback as lost; how it stands, when the bank has decided already.

        Raises `UnknownIntent`, `ProcessorSilent`.
        """
        ...

    async def fraud_warnings(self, *, since: datetime | None = None, after: str | None = None) -> Listed[FraudWarning]:
        """Early warnings of fraud from then on, newest first. Raises `ProcessorSilent`."""
        ...

    async def fraud_warning(self, warning_id: str) -> FraudWarning:
        """How the warning stands now. Raises `UnknownIntent`, `ProcessorSilent`."""
        ...

    async def review(self, review_id: str) -> Review:
        """How the review stands now. Raises `UnknownIntent`, `ProcessorSilent`."""
        ...

    async def refunds_made(self, *, since: datetime | None = None, after: str | None = None) -> Listed[RefundOutcome]:
        """Refunds of all payments from then on, newest first. Raises `ProcessorSilent`."""
        ...

    async def events(
        self, *, since: datetime | None = None, account_id: str | None = None, after: str | None = None
    ) -> Listed[Happened]:
        """What happened from then on, newest first, as far back as the processor keeps it (30 days).

        Raises `ProcessorSilent`.
        """
        ...
