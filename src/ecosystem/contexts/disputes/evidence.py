"""Evidence in a dispute: assembled as often as there is something new to tell, sent to the customer's bank once."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.disputes.bundles import Bundle, NoSuchBundle, Submission, SubmissionState
from ecosystem.contexts.disputes.disputes import Changed, Dispute, DisputeElsewhere, Kind, State, must_be, named
from ecosystem.contexts.disputes.events import EvidenceAssembled, EvidenceIntended, EvidenceRefused, EvidenceSent
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Denied, Invalid

BUNDLES_MAX = 50
NOTE_MAX = 20_000
"""Characters that the card processor takes for one text."""


class EvidenceTooLate(Conflict):
    """The time in which the bank takes evidence is over."""


class EvidenceSentBefore(Conflict):
    """The evidence is with the bank, or on its way there: it is sent once and for all."""


class TooManyBundles(Conflict):
    """This evidence was assembled fifty times: send one of them."""


class SendEvidence(Struct, frozen=True, kw_only=True):
    """Send that version of the evidence to the customer's bank, with what we say to it in our own words."""

    booking_id: str
    dispute_id: str
    version: int
    note: str = ""


def latest(dispute: Dispute) -> Bundle | None:
    return dispute.bundles[-1] if dispute.bundles else None


def bundle_of(dispute: Dispute, version: int, actor: Actor) -> Bundle:
    """That version, for operators and the provider concerned. Raises `Denied`, `NoSuchBundle`."""
    if actor.actor_id != dispute.parties.owner_id and not (actor.is_operator or actor.is_system):
        raise Denied("The evidence is for the provider concerned and for operators.")
    found = next((each for each in dispute.bundles if each.version == version), None)
    if found is None:
        raise NoSuchBundle
    return found


def assembled(dispute: Dispute, bundle: Bundle, actor: Actor) -> Changed:
    """The dispute with one more version, which gets the next number; as it was when it tells the same as the last.

    Raises `Denied`, `TooManyBundles`.
    """
    actor.must_operate()
    last = latest(dispute)
    if last and last.case_sha256 == bundle.case_sha256:
        return dispute, None
    if len(dispute.bundles) >= BUNDLES_MAX:
        raise TooManyBundles
    kept = replace(bundle, version=len(dispute.bundles) + 1)
    after = replace(dispute, bundles=(*dispute.bundles, kept))
    return after, EvidenceAssembled(**named(after), version=kept.version, sha256=kept.sha256)


def intended(dispute: Dispute, request: SendEvidence, actor: Actor, at: datetime) -> Changed:
    """The dispute whose evidence is on its way from now on. What was refused may be sent again, and no other.

    Raises `Denied`, `Invalid`, `NoSuchBundle`, `DisputeElsewhere`, `DisputeOver`, `EvidenceSentBefore`,
    `EvidenceTooLate`.
    """
    actor.must_operate()
    note = request.note.strip()
    if len(note) > NOTE_MAX:
        raise Invalid(f"At most {NOTE_MAX:,} characters.", field="note")
    if dispute.kind is not Kind.CHARGEBACK:
        raise DisputeElsewhere("Evidence goes to the customer's bank, and no bank has asked.")
    bundle = bundle_of(dispute, request.version, actor)
    before = dispute.submission
    if before and before.state is not SubmissionState.REFUSED:
        if (before.version, before.note) == (bundle.version, note):
            return dispute, None
        raise EvidenceSentBefore
    must_be(dispute, State.AT_BANK)
    if dispute.due_at is None or at >= dispute.due_at:
        raise EvidenceTooLate
    submission = Submission(
        version=bundle.version, note=note, by=actor.actor_id, intended_at=at, state=SubmissionState.SENDING
    )
    after = replace(dispute, submission=submission)
    return after, EvidenceIntended(**named(after), version=bundle.version, sha256=bundle.sha256)


def sent(dispute: Dispute, actor: Actor, at: datetime) -> Changed:
    """The dispute whose evidence the bank has. For the system and operators."""
    submission = _on_its_way(dispute, actor)
    if submission is None:
        return dispute, None
    after = replace(dispute, submission=replace(submission, state=SubmissionState.SENT, settled_at=at))
    return after, EvidenceSent(**named(after), version=submission.version)


def refused(dispute: Dispute, reason: str, actor: Actor, at: datetime) -> Changed:
    """The dispute whose evidence the card processor did not take, for that reason."""
    submission = _on_its_way(dispute, actor)
    if submission is None:
        return dispute, None
    failed = replace(submission, state=SubmissionState.REFUSED, settled_at=at, reason=reason[:500])
    after = replace(dispute, submission=failed)
    return after, EvidenceRefused(**named(after), version=submission.version)


def _on_its_way(dispute: Dispute, actor: Actor) -> Submission | None:
    actor.must_operate()
    submission = dispute.submission
    return submission if submission and submission.state is SubmissionState.SENDING else None
