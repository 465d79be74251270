"""Cases that wait for a person: let through or refused, with a word why; and what became known of them later.

The decision is committed by itself, with its event. What follows from it (the money is taken and the booking confirmed,
or all goes back) is done at once, and again by `fraud-detector` when the process died in between.

Nothing waits for ever. A checkout that nobody decides within a day expires and lets the card or the debit go; a payout
that nobody decides within three goes back to the provider's balance, from where it may be asked for again. Operators
are told when a case begins to wait, and when its time was over.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from msgspec import Struct

from ecosystem.contexts import booking as booked
from ecosystem.contexts import fraud
from ecosystem.contexts.booking import Booking, Bookings, BookingStatus, NotInThisState, NotYet
from ecosystem.contexts.catalogue import Providers
from ecosystem.contexts.fraud import (
    DECIDE_WITHIN,
    NAMES,
    Assessment,
    Assessments,
    Kind,
    Label,
    LabelSource,
    PolicyBook,
    Reviewer,
    Reviewers,
    Standing,
    Subject,
)
from ecosystem.contexts.identity import NoSuchPerson, People, Profiles
from ecosystem.contexts.payments import NotHeld
from ecosystem.contexts.payouts import NoSuchPayout, PayoutNews, PayoutNotThere, PayoutStatus, PayoutUnderWay
from ecosystem.journeys.acceptance import Acceptance
from ecosystem.journeys.closing import Closing
from ecosystem.journeys.payout_passage import PayoutPassage
from ecosystem.journeys.screening import Screening
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.refusals import Denied, NotFound, Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Cursor, Page, Row, Stale, Table, Write

ACTOR = system("fraud-detector")
GRACE = timedelta(hours=1)
"""How much later than its time a checkout's case is ended here: before that its booking's own machine lets it expire."""
OVERDUE_MAX = 500

DECLINED = "The payment could not be taken."
"""What the customer is told: nothing of how it was found."""


class OwnCase(Denied):
    """This case is about you, or about a business of yours: somebody else decides it."""


class TrainedByNobodyElse(Denied):
    """Another operator says that you are trained. Only where you are the only operator may you say so yourself."""


class DecideCase(Struct, frozen=True, kw_only=True):
    """Let a case through, or refuse it. `booking_id` is empty for a payout."""

    subject_id: str
    booking_id: str = ""
    approve: bool
    note: str


class Reason(Struct, frozen=True, kw_only=True):
    """Why a score is what it is: a sentence, and how much it adds to (or takes from) the odds, in log-odds."""

    text: str
    weight: float
    rule: bool = False


class Case(Struct, frozen=True, kw_only=True):
    """An assessment with its reasons in words, the weightiest first."""

    assessment: Assessment
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Casework:
    table: Table
    clock: Clock
    bookings: Bookings
    assessments: Assessments
    policies: PolicyBook
    reviewers: Reviewers
    screening: Screening
    acceptance: Acceptance
    closing: Closing
    passage: PayoutPassage
    providers: Providers
    people: People
    profiles: Profiles

    async def waiting(self, actor: Actor, *, after: Cursor | None = None, limit: int = 50) -> Page[Assessment]:
        """What waits for a decision, the oldest first. For operators."""
        return await self.assessments.waiting(actor, after=after, limit=limit)

    async def case(self, booking_id: str, subject_id: str, actor: Actor) -> Case:
        """One case, decided or not, with its reasons. For operators. Raises `NoSuchAssessment`."""
        actor.must_operate()
        row = await self.assessments.case(booking_id, subject_id)
        return Case(assessment=row.value, reasons=tuple(await self.reasons(row.value)))

    async def reasons(self, assessment: Assessment) -> list[Reason]:
        """Why it scored so: the rules that held, then what the model went by."""
        policy = await self.policies.version(assessment.policy)
        named = {rule.rule_id: rule for rule in policy.rules}
        rules = [
            Reason(text=fraud.rule_sentence(named[rule_id]), weight=0.0, rule=True)
            for rule_id in assessment.rules
            if rule_id in named
        ]
        model = await self.screening.ready(assessment.model)
        numbers = assessment.numbers
        if len(numbers) != len(NAMES[assessment.kind]):
            return rules
        weights = self.screening.scoring.contributions(model, assessment.kind.value, numbers)
        told = fraud.explained(assessment.kind, numbers, weights)
        return [*rules, *(Reason(text=each.text, weight=each.weight) for each in told)]

    async def decide(self, request: DecideCase, actor: Actor) -> Assessment:
        """Decide a case. The same decision again by the same operator changes nothing.

        Raises `NotTrained`, `OwnCase`, `DecidedBefore`, `NoSuchAssessment`, `Invalid` for a decision without a word why.
        """
        await self.reviewers.must_decide(actor)
        row = await self.assessments.case(request.booking_id, request.subject_id)
        if await self.is_own(row.value, actor):
            raise OwnCase
        wanted = Standing.RELEASED if request.approve else Standing.BLOCKED
        if row.value.standing is wanted and row.value.decided_by == actor.actor_id:
            return row.value
        after = await self._commit(row, request, actor)
        if after.kind is Kind.CHECKOUT:
            with suppress(Unavailable):  # `fraud-detector` goes on with it.
                await self.follow(after.booking_id, after.subject_id, actor)
        return after

    async def is_own(self, case: Assessment, actor: Actor) -> bool:
        """Whether the actor has a part in it: as customer or provider, or by a card, a network, a bank account of theirs.

        Decisions teach the model: nobody teaches it to let their own money through.
        """
        if case.customer_id == actor.actor_id:
            return True
        mine = await self.providers.owned_by(actor.actor_id)
        if any(row.value.provider_id == case.provider_id for row in mine):
            return True
        known = [(Subject.CUSTOMER, actor.actor_id)]
        own = (await self.assessments.histories(known))[Subject.CUSTOMER]
        if case.card and fraud.digest(case.card) in own.cards:
            return True
        if case.network and fraud.digest(case.network) in own.networks:
            return True
        for row in mine if case.bank else ():
            paid = (await self.assessments.histories([(Subject.PROVIDER, row.value.provider_id)]))[Subject.PROVIDER]
            if fraud.digest(case.bank) in paid.cards:
                return True
        return await self._is_my_address(case, actor)

    async def train(self, operator_id: str, actor: Actor, *, trained: bool) -> Reviewer:
        """Say that an operator is trained, or is not any more. Operators only. Raises `TrainedByNobodyElse`."""
        actor.must_operate()
        if trained and operator_id == actor.actor_id and set(await self.people.operators()) - {actor.actor_id}:
            raise TrainedByNobodyElse
        return await self.reviewers.set(operator_id, actor, trained=trained)

    async def end_overdue(self) -> int:
        """End the cases whose time to be decided is over. How many there were."""
        at = self.clock.now()
        ended = 0
        for row in await self.assessments.waiting_since(at - min(DECIDE_WITHIN.values()), OVERDUE_MAX):
            case = row.value
            if at < case.decide_by + (GRACE if case.kind is Kind.CHECKOUT else timedelta()):
                continue
            with suppress(Stale, Unavailable):  # Somebody was faster, or nothing is known yet: it is found again.
                await (self._give_up_checkout(case) if case.booking_id else self._give_up_payout(case))
                await self._lapse(case)
                ended += 1
        return ended

    async def follow(self, booking_id: str, subject_id: str, actor: Actor) -> None:
        """Do what follows from a decision about a checkout; done already, nothing. Raises `ProcessorSilent`."""
        assessment = (await self.assessments.case(booking_id, subject_id)).value
        booking = (await self.bookings.row(booking_id)).value
        if booking.status is not BookingStatus.AWAITING_PROVIDER:
            return
        with suppress(NotInThisState, NotHeld):  # Too late, or let go meanwhile: it expires by itself.
            if assessment.standing is Standing.BLOCKED:
                await self.closing.decline(booking_id, DECLINED, actor)
            elif assessment.standing is Standing.RELEASED and booking.offer.instant:
                await self.acceptance.accept(booking_id, actor)

    async def label(
        self, booking_id: str, subject_id: str, label: Label, by: LabelSource, actor: Actor
    ) -> Assessment | None:
        """Take in what became known of a checkout or, with no booking, a payout: a warning, a return, a chargeback.

        None when it was never assessed. Known already, nothing changes.
        """
        actor.must_operate()
        found = await (
            self.assessments.of_checkout(booking_id, subject_id)
            if booking_id
            else self.assessments.of_payout(subject_id)
        )
        if found is None:
            return None
        at = self.clock.now()
        after = fraud.labelled(found.value, label, by, at)
        writes = fraud.becomes(found, after, actor, at)
        if writes:
            await self.table.transact(*writes)
        return after

    async def _is_my_address(self, case: Assessment, actor: Actor) -> bool:
        if not case.booking_id:
            return False
        try:
            contact = (await self.bookings.row(case.booking_id)).value.contact
            mine = await self.profiles.addressee(actor.actor_id)
        except (NotFound, NoSuchPerson):
            return False
        return contact.email.strip().casefold() == mine.email.strip().casefold()

    async def _give_up_payout(self, case: Assessment) -> None:
        """The payout's money goes back to the balance; its provider may ask for it again."""
        with suppress(NoSuchPayout, PayoutUnderWay, PayoutNotThere):  # It ended in another way.
            await self.passage.learn(case.subject_id, PayoutNews(status=PayoutStatus.CANCELLED), ACTOR)

    async def _give_up_checkout(self, case: Assessment) -> None:
        """The booking expires, should it still wait; all that is held goes back."""
        with suppress(NotFound):
            booking = (await self.bookings.row(case.booking_id)).value
            if booking.status is BookingStatus.AWAITING_PROVIDER and booking.reviewing:
                with suppress(NotInThisState, NotYet):
                    await self.closing.expire(case.booking_id, ACTOR)

    async def _lapse(self, case: Assessment) -> None:
        row = await self.assessments.case(case.booking_id, case.subject_id)
        at = self.clock.now()
        writes = fraud.becomes(row, fraud.lapse(row.value, at), ACTOR, at)
        if writes:
            await self.table.transact(*writes)

    async def _commit(self, row: Row[Assessment], request: DecideCase, actor: Actor) -> Assessment:
        at = self.clock.now()
        after = fraud.resolve(row.value, approve=request.approve, note=request.note, actor=actor, at=at)
        writes = fraud.becomes(row, after, actor, at)
        if after.kind is Kind.PAYOUT:
            await self.table.transact(*writes)
            return after

        async def act() -> None:
            await self.table.transact(*writes, *await self._reviewed(after.booking_id, actor))

        provider_id = (await self.bookings.row(after.booking_id)).value.provider_id
        await self.bookings.calendar.settle(provider_id, act)
        return after

    async def _reviewed(self, booking_id: str, actor: Actor) -> list[Write]:
        row: Row[Booking] = await self.bookings.row(booking_id)
        after = booked.reviewed(row.value, self.clock.now())
        return booked.becomes(row, after, None, actor=actor, at=after.changed_at) if after != row.value else []
