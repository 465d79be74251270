"""What fraud publishes, source `fraud`. Facts name ids and scores; why something was thought stands beside it."""

from __future__ import annotations

from typing import ClassVar

from ecosystem.ports.audit import AuditKind
from ecosystem.ports.bus import Fact


class AssessmentFact(Fact, frozen=True, kw_only=True):
    """Base of what happens to an assessment. `booking_id` is empty for a payout, whose id is `subject_id`."""

    source: ClassVar[str] = "fraud"

    kind: str
    subject_id: str
    booking_id: str
    provider_id: str
    score: int


class HeldForReview(AssessmentFact, frozen=True, kw_only=True):
    """A person has to look before the money moves on."""


class RefusedForFraud(AssessmentFact, frozen=True, kw_only=True):
    """It was refused before any money moved."""


class ReviewApproved(AssessmentFact, frozen=True, kw_only=True):
    """An operator let it pass: it goes on."""

    audited: ClassVar[AuditKind | None] = AuditKind.APPROVAL


class ReviewDeclined(AssessmentFact, frozen=True, kw_only=True):
    """An operator refused it."""

    audited: ClassVar[AuditKind | None] = AuditKind.APPROVAL


class ReviewLapsed(AssessmentFact, frozen=True, kw_only=True):
    """It waited so many seconds and needs no decision any more: its time was over, or what it was about has ended."""

    waited_s: int


class FraudLabelled(AssessmentFact, frozen=True, kw_only=True):
    """It became known what it was: `label` is fraud or genuine, `by` says from where that is known."""

    label: str
    by: str


class FraudPolicySet(Fact, frozen=True, kw_only=True):
    """Thresholds, rules or models were changed for what is assessed from now on."""

    source: ClassVar[str] = "fraud"
    audited: ClassVar[AuditKind | None] = AuditKind.RULES

    version: int
    review_at: int
    decline_at: int
    rules: int
    champion: str
    challenger: str


class ReviewerSet(Fact, frozen=True, kw_only=True):
    """Whether an operator may decide cases was changed."""

    source: ClassVar[str] = "fraud"
    audited: ClassVar[AuditKind | None] = AuditKind.PRIVILEGE

    operator_id: str
    trained: bool


class ScoresDrifted(Fact, frozen=True, kw_only=True):
    """Scores or features of a day lie otherwise than where the model learned.

    `index_milli` is the score's stability index in thousandths; `feature` has moved the furthest.
    """

    source: ClassVar[str] = "fraud"
    schema: ClassVar[int] = 2

    day: str
    kind: str
    feature: str
    index_milli: int
    model: str
