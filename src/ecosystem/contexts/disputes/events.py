"""What happened to disputes, source `dispute`. What people wrote stays in the dispute itself."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from ecosystem.kernel.money import Money
from ecosystem.ports.audit import AuditKind
from ecosystem.ports.bus import Fact


class DisputeFact(Fact, frozen=True, kw_only=True):
    """What every fact about a dispute names. `wanted` is what the customer, or their bank, wants back."""

    source: ClassVar[str] = "dispute"

    dispute_id: str
    booking_id: str
    provider_id: str
    owner_id: str
    customer_id: str
    kind: str
    wanted: Money


class DisputeOpened(DisputeFact, frozen=True, kw_only=True):
    """Somebody disputes a booking. `answer_by` is when the provider has answered, or the rule applies.

    Of a chargeback it is when the bank wants its evidence.
    """

    by: str
    answer_by: datetime | None


class DisputeAnswered(DisputeFact, frozen=True, kw_only=True):
    """The provider answered: `answer` is accepted, offered (with what), or contested."""

    answer: str
    offered: Money | None
    answer_by: datetime | None


class OfferDeclined(DisputeFact, frozen=True, kw_only=True):
    """The customer does not take what the provider offered, or did not answer."""

    offered: Money


class DisputeWithdrawn(DisputeFact, frozen=True, kw_only=True):
    """The customer took it back."""


class DisputeEscalated(DisputeFact, frozen=True, kw_only=True):
    """An operator has to decide, by `decide_by`."""

    decide_by: datetime


class DisputeOverdue(DisputeFact, frozen=True, kw_only=True):
    """No operator decided in time: the customer is refunded, and operators are alarmed."""

    decide_by: datetime


class DisputeDecided(DisputeFact, frozen=True, kw_only=True):
    """It is decided: `refund` goes back besides what went before, or stays with the bank; `by` names who decided."""

    audited: ClassVar[AuditKind | None] = AuditKind.APPROVAL

    schema: ClassVar[int] = 2

    by: str
    refund: Money


class EvidenceAssembled(DisputeFact, frozen=True, kw_only=True):
    """An operator assembled the evidence: a version, by the hash of its file."""

    audited: ClassVar[AuditKind | None] = AuditKind.ACCESS

    version: int
    sha256: str


class EvidenceIntended(DisputeFact, frozen=True, kw_only=True):
    """An operator sends that version to the customer's bank, through the card processor."""

    audited: ClassVar[AuditKind | None] = AuditKind.APPROVAL

    version: int
    sha256: str


class EvidenceSent(DisputeFact, frozen=True, kw_only=True):
    """The customer's bank has the evidence: nothing more can be said."""

    audited: ClassVar[AuditKind | None] = AuditKind.APPROVAL

    version: int


class EvidenceRefused(DisputeFact, frozen=True, kw_only=True):
    """The card processor did not take the evidence. Why is kept with the dispute."""

    version: int


class DisputeRulesSet(Fact, frozen=True, kw_only=True):
    """The rules were changed for disputes from now on."""

    audited: ClassVar[AuditKind | None] = AuditKind.RULES

    source: ClassVar[str] = "dispute"

    version: int
