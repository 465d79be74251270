"""A dispute over a booking: what is wanted back, what the provider says to it, and how it ends.

| state | until | what follows |
| --- | --- | --- |
| `review` | the provider answers, within 24 hours | `accepted`, `offered` or `contested`; no answer: by rule |
| `accepted` | at once | by rule |
| `offered` | the customer answers, within 24 hours | accepted: `decided`; declined or no answer: `contested` |
| `contested` | at once | up to the limit: by rule; else `escalated` |
| `escalated` | an operator decides, within 7 days of the opening | `decided`; no decision: refunded, with an alarm |
| `at_bank` | the bank decides (a chargeback) | `bank_decided` |
| `bank_decided` | at once | `decided` |
| `decided`, `withdrawn` | | nothing: it is over |

By rule means that the customer gets what they want back. A customer may withdraw as long as it is not over. What a
provider disputes, a report of their absence, and what an operator opens, is escalated at once.

Each decision takes the dispute and gives it back with the fact that tells so; asked for what already is, it gives the
same dispute and no fact.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, NewType

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.disputes.bundles import Bundle, Submission
from ecosystem.contexts.disputes.events import (
    DisputeAnswered,
    DisputeDecided,
    DisputeEscalated,
    DisputeFact,
    DisputeOpened,
    DisputeOverdue,
    DisputeWithdrawn,
    OfferDeclined,
)
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict, Denied, IdReused, Invalid, NotFound
from ecosystem.ports.table import Stored

DisputeId = NewType("DisputeId", str)

ANSWER = timedelta(hours=24)
"""How long the provider has to answer, and then the customer to answer an offer."""

DECIDE = timedelta(days=7) - timedelta(hours=1)
"""How long after its opening a dispute may be undecided. Within seven days the customer has been refunded then, with
all the tries that this may take."""

TEXT_MAX = 1_000


class NoSuchDispute(NotFound):
    """There is no such dispute."""


class DisputeOver(Conflict):
    """The dispute is over."""


class DisputeElsewhere(Conflict):
    """The dispute is not in a state that allows this."""


class NotDueYet(Conflict):
    """Somebody still has time to answer."""


class DisputedBefore(Conflict):
    """This booking was disputed before, and that was decided."""


class Kind(StrEnum):
    """What it is: a complaint of one side to us, or the customer's bank taking the money back."""

    COMPLAINT = "complaint"
    CHARGEBACK = "chargeback"


class Cause(StrEnum):
    """Why a customer disputes a booking."""

    NOT_DONE = "not_done"
    NOT_AS_AGREED = "not_as_agreed"
    POOR_QUALITY = "poor_quality"
    CUT_SHORT = "cut_short"
    OVERCHARGED = "overcharged"
    OTHER = "other"


class Party(StrEnum):
    """Who opens, or who decides."""

    CUSTOMER = "customer"
    PROVIDER = "provider"
    OPERATOR = "operator"
    RULE = "rule"
    BANK = "bank"


class State(StrEnum):
    REVIEW = "review"
    ACCEPTED = "accepted"
    OFFERED = "offered"
    CONTESTED = "contested"
    ESCALATED = "escalated"
    AT_BANK = "at_bank"
    BANK_DECIDED = "bank_decided"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


OVER = frozenset({State.DECIDED, State.WITHDRAWN})


class Answer(StrEnum):
    """What a provider says."""

    ACCEPTED = "accepted"
    OFFERED = "offered"
    CONTESTED = "contested"


class OpenDispute(Struct, frozen=True, kw_only=True):
    """Dispute a booking: why, in whose words, and how much is wanted back of what is left (all, when left out).

    A provider names no amount: they say that they came, and what the customer gets if nobody decides is all.
    """

    dispute_id: str
    booking_id: str
    cause: Cause = Cause.OTHER
    text: str
    wanted: Money | None = None


class AnswerDispute(Struct, frozen=True, kw_only=True):
    """The provider's answer. An offer names its amount; a contest says why in its text."""

    booking_id: str
    dispute_id: str
    answer: Answer
    text: str = ""
    offered: Money | None = None


class DecideDispute(Struct, frozen=True, kw_only=True):
    """An operator's decision: how much goes back of what is left, and why.

    `elsewhere`: the operator paid it by other means, for instance because the card processor refunds it no more.
    """

    booking_id: str
    dispute_id: str
    refund: Money
    reason: str
    elsewhere: bool = False


class Said(Struct, frozen=True, kw_only=True):
    """What the provider answered."""

    answer: Answer
    text: str
    offered: Money | None
    at: datetime


class Verdict(Struct, frozen=True, kw_only=True):
    """How it was decided. `refund` goes back besides what went before, or of a chargeback stays with the bank."""

    by: Party
    decider: str
    refund: Money
    reason: str
    at: datetime
    elsewhere: bool = False


class Parties(Struct, frozen=True, kw_only=True):
    """Between whom it is, by the booking as it was when this was last decided on: see `as_of_now`."""

    provider_id: str
    owner_id: str
    customer_id: str


class Dispute(Stored, frozen=True, kw_only=True):
    """A dispute as it stands. `paid` is what was paid for the booking, `given` what refunds gave back of it besides.

    What is wanted, offered and decided comes on top of what was given.

    `due_at` is when the next thing is due in its state, `decide_by` when somebody has to have decided. Of a chargeback
    `due_at` is when the bank wants its evidence, `payment_id` and `chargeback_id` say what it is about. `bundles` are the
    versions of the evidence, `submission` is what became of the one that was sent.
    """

    entity: ClassVar[str] = "dispute"

    dispute_id: DisputeId
    booking_id: str
    parties: Parties
    kind: Kind
    request: OpenDispute
    opened_by: Party
    opener: str
    opened_at: datetime
    changed_at: datetime
    state: State
    paid: Money
    wanted: Money
    due_at: datetime | None
    decide_by: datetime
    said: Said | None = None
    escalated_at: datetime | None = None
    overdue: bool = False
    verdict: Verdict | None = None
    payment_id: str = ""
    chargeback_id: str = ""
    given: Money | None = None
    bundles: tuple[Bundle, ...] = ()
    submission: Submission | None = None

    @property
    def left(self) -> Money:
        """What may still be given back."""
        return self.paid - self.given if self.given else self.paid

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def cause(self) -> Cause:
        return self.request.cause

    @property
    def text(self) -> str:
        return self.request.text

    @property
    def offered(self) -> Money | None:
        """What the provider offers, or offered."""
        return self.said.offered if self.said else None

    def to(self, actor: Actor, request: OpenDispute) -> Dispute:
        """This dispute, if the same actor asks the same again. Raises `IdReused` otherwise."""
        if self.opener != actor.actor_id or self.request != replace(request, text=request.text.strip()):
            raise IdReused(field="dispute_id")
        return self


Changed = tuple[Dispute, DisputeFact | None]
"""The dispute as it becomes, and what tells so; nothing to tell when it was so already."""


def as_of_now(dispute: Dispute, parties: Parties, given: Money) -> Dispute:
    """The dispute between those whose booking it is now, with what refunds have given back by now.

    A guest may have claimed the booking since, an owner their provider, and an operator may have given something back.
    """
    return replace(dispute, parties=parties, given=dispute.given if dispute.is_over else given)


def opened(
    request: OpenDispute,
    parties: Parties,
    paid: Money,
    earlier: list[Dispute],
    by: Party,
    actor: Actor,
    at: datetime,
    *,
    given: Money | None = None,
) -> Changed:
    """Decide a new dispute over a booking for which `paid` was paid, and which had these `earlier` ones.

    `given` is what refunds gave back before. Whether the booking may be disputed at all is the booking's to say. Raises `DisputedBefore`, `Invalid`.
    """
    if by is Party.CUSTOMER and any(each.opened_by is Party.CUSTOMER for each in earlier):
        raise DisputedBefore
    text = _text(request.text, "Say what happened: the other side reads it.", field="text")
    if by is Party.PROVIDER and request.wanted is not None:
        raise Invalid("How much is wanted back is the customer's to say.", field="wanted")
    left = paid - given if given else paid
    wanted = left if request.wanted is None else request.wanted
    _must_be_within(wanted, left, field="wanted")
    reviewed = by is Party.CUSTOMER
    made = Dispute(
        dispute_id=DisputeId(request.dispute_id),
        booking_id=request.booking_id,
        parties=parties,
        kind=Kind.COMPLAINT,
        request=replace(request, text=text),
        opened_by=by,
        opener=actor.actor_id,
        opened_at=at,
        changed_at=at,
        state=State.REVIEW if reviewed else State.ESCALATED,
        paid=paid,
        wanted=wanted,
        due_at=at + (ANSWER if reviewed else DECIDE),
        decide_by=at + DECIDE,
        escalated_at=None if reviewed else at,
        given=given,
    )
    return made, DisputeOpened(**named(made), by=by, answer_by=made.due_at if reviewed else None)


def answered(dispute: Dispute, request: AnswerDispute, actor: Actor, at: datetime) -> Changed:
    """The dispute with the provider's answer. An acceptance is only noted here: what follows it is decided `by_rule`.

    Raises `Denied`, `DisputeElsewhere`, `DisputeOver`, `Invalid`.
    """
    if actor.actor_id != dispute.parties.owner_id:
        raise Denied("The provider answers a dispute.")
    said = _said(dispute, request, at)
    if dispute.said and (dispute.said.answer, dispute.said.text, dispute.said.offered) == (
        said.answer,
        said.text,
        said.offered,
    ):
        return dispute, None
    must_be(dispute, State.REVIEW)
    if request.answer is Answer.ACCEPTED:
        after = moved(dispute, State.ACCEPTED, at, due_at=at, said=said)
    elif request.answer is Answer.OFFERED:
        after = moved(dispute, State.OFFERED, at, due_at=min(at + ANSWER, dispute.decide_by), said=said)
    else:
        after = moved(dispute, State.CONTESTED, at, due_at=at, said=said)
    answer_by = after.due_at if after.state is State.OFFERED else None
    return after, DisputeAnswered(**named(after), answer=said.answer, offered=said.offered, answer_by=answer_by)


def accepted(dispute: Dispute, actor: Actor, at: datetime) -> Changed:
    """The dispute decided by the customer, who takes what the provider offers."""
    _must_be_customer(dispute, actor)
    if dispute.verdict and dispute.verdict.by is Party.CUSTOMER:
        return dispute, None
    must_be(dispute, State.OFFERED)
    assert dispute.offered is not None
    return concluded(
        dispute,
        Party.CUSTOMER,
        actor,
        min(dispute.offered, dispute.left),
        "The customer took the provider's offer.",
        at,
    )


def declined(dispute: Dispute, actor: Actor, at: datetime) -> Changed:
    """The dispute without the provider's offer, which the customer does not take, or did not answer in time."""
    if not actor.is_system:
        _must_be_customer(dispute, actor)
    if dispute.state in {State.CONTESTED, State.ESCALATED} and dispute.offered is not None:
        return dispute, None
    must_be(dispute, State.OFFERED)
    if actor.is_system and dispute.due_at and at < dispute.due_at:
        raise NotDueYet
    assert dispute.offered is not None
    after = moved(dispute, State.CONTESTED, at, due_at=at)
    return after, OfferDeclined(**named(after), offered=dispute.offered)


def withdrawn(dispute: Dispute, actor: Actor, at: datetime) -> Changed:
    """The dispute taken back by the customer who opened it."""
    _must_be_customer(dispute, actor)
    if dispute.state is State.WITHDRAWN:
        return dispute, None
    if dispute.opened_by is not Party.CUSTOMER:
        raise Denied("Who opened it can take it back.")
    _must_not_be_over(dispute)
    after = moved(dispute, State.WITHDRAWN, at, due_at=None)
    return after, DisputeWithdrawn(**named(after))


def by_rule(dispute: Dispute, limit: Money | None, actor: Actor, at: datetime) -> Changed:
    """The dispute decided by rule: what is wanted goes back. For the system and operators.

    When the provider accepted it; when they did not answer in time; when it is contested and no more than the limit is
    wanted. Raises `NotDueYet`, `DisputeElsewhere`.
    """
    actor.must_operate()
    if dispute.verdict and dispute.verdict.by in {Party.RULE, Party.PROVIDER}:
        return dispute, None
    must_be(dispute, State.REVIEW, State.ACCEPTED, State.CONTESTED)
    wanted = min(dispute.wanted, dispute.left)
    if dispute.state is State.ACCEPTED:
        return concluded(dispute, Party.PROVIDER, actor, wanted, "The provider accepted it.", at)
    if dispute.state is State.REVIEW:
        if dispute.due_at and at < dispute.due_at:
            raise NotDueYet
        return concluded(dispute, Party.RULE, actor, wanted, "The provider did not answer in time.", at)
    if not is_small(dispute, limit):
        raise DisputeElsewhere("More is wanted than the rule gives: an operator decides.")
    return concluded(dispute, Party.RULE, actor, wanted, "Small amounts are given back by rule.", at)


def escalated(dispute: Dispute, actor: Actor, at: datetime) -> Changed:
    """The contested dispute before an operator. For the system and operators."""
    actor.must_operate()
    if dispute.state is State.ESCALATED:
        return dispute, None
    must_be(dispute, State.CONTESTED)
    after = moved(dispute, State.ESCALATED, at, due_at=dispute.decide_by, escalated_at=at)
    return after, DisputeEscalated(**named(after), decide_by=after.decide_by)


def decided(dispute: Dispute, request: DecideDispute, actor: Actor, at: datetime) -> Changed:
    """The dispute as an operator decides it, in any state of it."""
    actor.must_operate()
    reason = _text(request.reason, "Say why: both sides read it.", field="reason")
    verdict = dispute.verdict
    if verdict and (verdict.decider, verdict.refund, verdict.reason, verdict.elsewhere) == (
        actor.actor_id,
        request.refund,
        reason,
        request.elsewhere,
    ):
        return dispute, None
    _must_be_within(request.refund, dispute.left, field="refund", at_least=0)
    if dispute.kind is Kind.CHARGEBACK:
        raise DisputeElsewhere("The customer's bank decides this one.")
    _must_not_be_over(dispute)
    return concluded(dispute, Party.OPERATOR, actor, request.refund, reason, at, elsewhere=request.elsewhere)


def overdue(dispute: Dispute, actor: Actor, at: datetime) -> Changed:
    """The dispute that nobody decided in seven days: the customer is refunded. For the system."""
    actor.must_operate()
    if dispute.overdue:
        return dispute, None
    must_be(dispute, State.REVIEW, State.ACCEPTED, State.OFFERED, State.CONTESTED, State.ESCALATED)
    if at < dispute.decide_by:
        raise NotDueYet
    wanted = min(dispute.wanted, dispute.left)
    after, _ = concluded(dispute, Party.RULE, actor, wanted, "It was not decided in time.", at)
    after = replace(after, overdue=True)
    return after, DisputeOverdue(**named(after), decide_by=after.decide_by)


def is_small(dispute: Dispute, limit: Money | None) -> bool:
    """Whether no more is wanted than what is given back by rule; without a limit for its currency nothing is."""
    return limit is not None and dispute.wanted <= limit


def _said(dispute: Dispute, request: AnswerDispute, at: datetime) -> Said:
    text = request.text.strip()
    if len(text) > TEXT_MAX:
        raise Invalid(f"At most {TEXT_MAX} characters.", field="text")
    if request.answer is Answer.CONTESTED and not text:
        raise Invalid("Say how you see it: it is read when the dispute is decided.", field="text")
    if request.answer is not Answer.OFFERED:
        return Said(answer=request.answer, text=text, offered=None, at=at)
    if request.offered is None:
        raise Invalid("Say how much you offer.", field="offered")
    _must_be_within(request.offered, dispute.left, field="offered")
    return Said(answer=request.answer, text=text, offered=request.offered, at=at)


def concluded(
    dispute: Dispute, by: Party, actor: Actor, refund: Money, reason: str, at: datetime, *, elsewhere: bool = False
) -> Changed:
    """The dispute decided, with the fact that tells so."""
    verdict = Verdict(by=by, decider=actor.actor_id, refund=refund, reason=reason, at=at, elsewhere=elsewhere)
    after = moved(dispute, State.DECIDED, at, due_at=None, verdict=verdict)
    return after, DisputeDecided(**named(after), by=by, refund=refund)


def moved(dispute: Dispute, state: State, at: datetime, **changes: Any) -> Dispute:
    """The dispute in another state."""
    return replace(dispute, state=state, changed_at=at, **changes)


def named(dispute: Dispute) -> dict[str, Any]:
    """What every fact about the dispute names."""
    return {
        "dispute_id": dispute.dispute_id,
        "booking_id": dispute.booking_id,
        "provider_id": dispute.parties.provider_id,
        "owner_id": dispute.parties.owner_id,
        "customer_id": dispute.parties.customer_id,
        "kind": dispute.kind,
        "wanted": dispute.wanted,
    }


def must_be(dispute: Dispute, *states: State) -> None:
    """Pass if the dispute is in one of these states. Raises `DisputeOver`, `DisputeElsewhere`."""
    _must_not_be_over(dispute)
    if dispute.state not in states:
        raise DisputeElsewhere(f"The dispute is {dispute.state.replace('_', ' ')}, which does not allow this.")


def _must_not_be_over(dispute: Dispute) -> None:
    if dispute.is_over:
        raise DisputeOver


def _must_be_customer(dispute: Dispute, actor: Actor) -> None:
    if actor.actor_id != dispute.parties.customer_id:
        raise Denied("This is for the customer.")


def _must_be_within(amount: Money, left: Money, *, field: str, at_least: int = 1) -> None:
    if amount.currency != left.currency:
        raise Invalid(f"The booking was paid in {left.currency}.", field=field)
    if amount.minor < at_least or left < amount:
        raise Invalid("The amount lies within what is left of what was paid.", field=field)


def _text(text: str, ask: str, *, field: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid(ask, field=field)
    if len(text) > TEXT_MAX:
        raise Invalid(f"At most {TEXT_MAX} characters.", field=field)
    return text
