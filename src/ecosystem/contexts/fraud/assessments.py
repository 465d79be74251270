"""An assessment: what was thought of a checkout or a payout before its money moved, and what became of it.

| verdict | what it means |
| --- | --- |
| approve | the money moves |
| review | the money waits until a person has decided |
| decline | it is refused |

The score is the model's probability of fraud in thousandths, with the points of the rules that held. A rule that refuses
outweighs one that approves, that one outweighs one that asks for a look, and each of them outweighs the thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.fraud import keys
from ecosystem.contexts.fraud.events import (
    AssessmentFact,
    FraudLabelled,
    HeldForReview,
    RefusedForFraud,
    ReviewApproved,
    ReviewDeclined,
    ReviewLapsed,
)
from ecosystem.contexts.fraud.features import Kind
from ecosystem.contexts.fraud.policies import SCORE_MAX, Policy
from ecosystem.contexts.fraud.rules import Effect, Listing, Rule
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Invalid, NotFound
from ecosystem.ports.bus import announce
from ecosystem.ports.scoring import ModelId
from ecosystem.ports.table import ABSENT, Index, Key, Put, Row, Stale, Stored, Write

NOTE_MAX = 1_000
DECIDE_WITHIN = {Kind.CHECKOUT: timedelta(hours=24), Kind.PAYOUT: timedelta(hours=72)}
"""How long a case waits for its decision. Then a checkout expires, and a payout goes back to the provider's balance."""


class NoSuchAssessment(NotFound):
    """Nothing was assessed by that name."""


class AssessmentChanged(Stale):
    """The case changed meanwhile: look at it again."""


class DecidedBefore(Conflict):
    """This case is decided."""


class Verdict(StrEnum):
    APPROVE = "approve"
    REVIEW = "review"
    DECLINE = "decline"


class Standing(StrEnum):
    """Where it stands: settled by itself, waiting for a person, or decided by one; lapsed when there was no more need."""

    APPROVED = "approved"
    WAITING = "waiting"
    REFUSED = "refused"
    RELEASED = "released"
    BLOCKED = "blocked"
    LAPSED = "lapsed"


class Label(StrEnum):
    FRAUD = "fraud"
    GENUINE = "genuine"


class LabelSource(StrEnum):
    """From where it is known. A later one that is surer replaces an earlier one (`_SURENESS`)."""

    DECISION = "decision"
    WARNING = "warning"
    RETURN = "return"
    CHARGEBACK = "chargeback"


_SURENESS = {LabelSource.DECISION: 0, LabelSource.WARNING: 1, LabelSource.RETURN: 2, LabelSource.CHARGEBACK: 3}
_FIRST = {Verdict.APPROVE: Standing.APPROVED, Verdict.REVIEW: Standing.WAITING, Verdict.DECLINE: Standing.REFUSED}


class Assessment(Stored, frozen=True, kw_only=True):
    """What was thought. `subject_id` is the payment's or the payout's; `numbers` are in the order of the kind's features.

    `chance` is the model's own, before rules; `shadow` the challenger's, when there was one. `names` say who was who,
    networks and bank accounts as digests. `amount` is in hundredths of its currency, `worth` in hundredths of a euro.
    `unpaid`: no money ever moved for it, so nobody can call it fraud later.
    """

    entity: ClassVar[str] = "fraud_assessment"

    kind: Kind
    subject_id: str
    booking_id: str = ""
    at: datetime
    customer_id: str = ""
    provider_id: str
    card: str = ""
    network: str = ""
    bank: str = ""
    amount: int
    currency: str
    worth: int | None = None
    numbers: tuple[float, ...]
    model: ModelId
    policy: int
    chance: float
    score: int
    verdict: Verdict
    standing: Standing
    rules: tuple[str, ...] = ()
    challenger: ModelId = ModelId("")
    shadow: float | None = None
    decided_at: datetime | None = None
    decided_by: str = ""
    note: str = ""
    label: Label | None = None
    labelled_by: LabelSource | None = None
    labelled_at: datetime | None = None
    unpaid: bool = False

    @property
    def decide_by(self) -> datetime:
        """Until when somebody has to decide it; a booking that begins before then expires with its start."""
        return self.at + DECIDE_WITHIN[self.kind]

    @property
    def is_telling(self) -> bool:
        """Whether silence says that it was genuine: money moved, and its owner's bank never asked for it."""
        return not self.unpaid and self.standing in {Standing.APPROVED, Standing.RELEASED}

    @property
    def names(self) -> dict[Listing, str]:
        return {
            Listing.CUSTOMER: self.customer_id,
            Listing.PROVIDER: self.provider_id,
            Listing.CARD: self.card,
            Listing.NETWORK: self.network,
            Listing.BANK: self.bank,
            Listing.CURRENCY: self.currency,
        }


class Decision(Struct, frozen=True, kw_only=True):
    """What model, rules and thresholds make of it together."""

    score: int
    verdict: Verdict
    rules: tuple[str, ...]


def decide(chance: float, held: Sequence[Rule], policy: Policy, *, young: bool = False) -> Decision:
    """The decision on a probability (0 to 1) with the rules that held.

    In a `young` marketplace a policy that is `sparing` lets rules decide: there everybody is new, and the score alone
    has a person look at most, from the points on which it would refuse elsewhere.
    """
    advises = young and policy.sparing
    points = sum(rule.points for rule in held if rule.effect is Effect.POINTS)
    score = min(SCORE_MAX, max(0, round(chance * SCORE_MAX) + points))
    effects = {rule.effect for rule in held}
    if Effect.DECLINE in effects:
        verdict = Verdict.DECLINE
    elif Effect.APPROVE in effects:
        verdict = Verdict.APPROVE
    elif score >= policy.decline_at and not advises:
        verdict = Verdict.DECLINE
    elif Effect.REVIEW in effects or score >= (policy.decline_at if advises else policy.review_at):
        verdict = Verdict.REVIEW
    else:
        verdict = Verdict.APPROVE
    return Decision(score=score, verdict=verdict, rules=tuple(rule.rule_id for rule in held))


def unheld(decision: Decision) -> Decision:
    """The decision on what cannot wait for a person: what would have to be looked at is refused."""
    return replace(decision, verdict=Verdict.DECLINE) if decision.verdict is Verdict.REVIEW else decision


def first_standing(verdict: Verdict) -> Standing:
    return _FIRST[verdict]


def resolve(assessment: Assessment, *, approve: bool, note: str, actor: Actor, at: datetime) -> Assessment:
    """The case as a person decided it. Raises `DecidedBefore`, `Invalid` for a decision without a word why."""
    if assessment.standing is not Standing.WAITING:
        raise DecidedBefore
    note = note.strip()
    if not 0 < len(note) <= NOTE_MAX:
        raise Invalid(f"Say in 1 to {NOTE_MAX} characters what decided it.", field="note")
    decided = replace(
        assessment,
        standing=Standing.RELEASED if approve else Standing.BLOCKED,
        decided_at=at,
        decided_by=actor.actor_id,
        note=note,
    )
    return labelled(decided, Label.GENUINE if approve else Label.FRAUD, LabelSource.DECISION, at)


def lapse(assessment: Assessment, at: datetime) -> Assessment:
    """The case that nobody has to decide any more, since what it was about has ended."""
    if assessment.standing is not Standing.WAITING:
        return assessment
    return replace(assessment, standing=Standing.LAPSED, decided_at=at)


def labelled(assessment: Assessment, label: Label, by: LabelSource, at: datetime) -> Assessment:
    """The assessment now that it is known what it was; the same value when something surer is known already."""
    if assessment.labelled_by and _SURENESS[by] < _SURENESS[assessment.labelled_by]:
        return assessment
    if assessment.label is label and assessment.labelled_by is by:
        return assessment
    return replace(assessment, label=label, labelled_by=by, labelled_at=at)


def key_of(assessment: Assessment) -> Key:
    if assessment.kind is Kind.PAYOUT:
        return keys.payout(assessment.subject_id)
    return keys.checkout(assessment.booking_id, assessment.subject_id)


def indexed(assessment: Assessment) -> dict[Index, Key]:
    """Where it is found: what waits, in order; what was stopped, and all else, by time."""
    match assessment.standing:
        case Standing.WAITING:
            partition = keys.queue()
        case Standing.APPROVED:
            partition = keys.assessed(keys.shard(assessment.subject_id))
        case _:
            partition = keys.stopped()
    return {Index.STATUS: Key(partition, keys.place(assessment.at, assessment.subject_id))}


def made(assessment: Assessment, actor: Actor) -> list[Write]:
    """The writes of a new assessment; told only when somebody has to know."""
    put = Put(
        key=key_of(assessment),
        value=assessment,
        index=indexed(assessment),
        expected=ABSENT,
        otherwise=AssessmentChanged(),
    )
    match assessment.standing:
        case Standing.WAITING:
            return [put, _told(HeldForReview(**_named(assessment)), assessment, 1, actor, assessment.at)]
        case Standing.REFUSED:
            return [put, _told(RefusedForFraud(**_named(assessment)), assessment, 1, actor, assessment.at)]
        case _:
            return [put]


def becomes(row: Row[Assessment], after: Assessment, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a change, with the events it makes; none for the very same value.

    Numbers that are not known are equal to nothing, so two values are never compared: decisions hand back what they
    were given when nothing changes.
    """
    before = row.value
    if after is before:
        return []
    put = Put(key=row.key, value=after, index=indexed(after), expected=row.unchanged, otherwise=AssessmentChanged())
    facts: list[AssessmentFact] = []
    if after.standing is Standing.LAPSED and before.standing is not Standing.LAPSED:
        facts.append(ReviewLapsed(**_named(after), waited_s=max(0, int((at - after.at).total_seconds()))))
    if after.standing is not before.standing and after.standing in {Standing.RELEASED, Standing.BLOCKED}:
        kind = ReviewApproved if after.standing is Standing.RELEASED else ReviewDeclined
        facts.append(kind(**_named(after)))
    if after.label is not before.label and after.label and after.labelled_by:
        facts.append(FraudLabelled(**_named(after), label=after.label, by=after.labelled_by))
    previous = {"standing": before.standing.value, "label": before.label.value if before.label else ""}
    return [put, *(_told(fact, after, row.version + 1, actor, at, previous) for fact in facts)]


def _named(assessment: Assessment) -> dict[str, Any]:
    return {
        "kind": assessment.kind.value,
        "subject_id": assessment.subject_id,
        "booking_id": assessment.booking_id,
        "provider_id": assessment.provider_id,
        "score": assessment.score,
    }


def _told(
    fact: AssessmentFact,
    assessment: Assessment,
    sequence: int,
    actor: Actor,
    at: datetime,
    previous: dict[str, Any] | None = None,
) -> Put:
    timeline = keys.timeline(assessment.subject_id)
    return announce(fact, aggregate=timeline, sequence=sequence, actor=actor, at=at, previous=previous)
