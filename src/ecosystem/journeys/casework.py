"""Cases that wait for a person: let through or refused, with a word why; and what became known of them later.

The decision is committed by itself, with its event. What follows from it (the money is taken and the booking confirmed,
or all goes back) is done at once, and again by `fraud-detector` when the process died in between.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from msgspec import Struct

from ecosystem.contexts import booking as booked
from ecosystem.contexts import fraud
from ecosystem.contexts.booking import Booking, Bookings, BookingStatus, NotInThisState
from ecosystem.contexts.fraud import (
    NAMES,
    Assessment,
    Assessments,
    Kind,
    Label,
    LabelSource,
    PolicyBook,
    Reviewers,
    Standing,
)
from ecosystem.contexts.payments import NotHeld
from ecosystem.journeys.acceptance import Acceptance
from ecosystem.journeys.closing import Closing
from ecosystem.journeys.screening import Screening
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Cursor, Page, Row, Table, Write

DECLINED = "The payment could not be taken."
"""What the customer is told: nothing of how it was found."""


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

        Raises `NotTrained`, `DecidedBefore`, `NoSuchAssessment`, `Invalid` for a decision without a word why.
        """
        await self.reviewers.must_decide(actor)
        row = await self.assessments.case(request.booking_id, request.subject_id)
        wanted = Standing.RELEASED if request.approve else Standing.BLOCKED
        if row.value.standing is wanted and row.value.decided_by == actor.actor_id:
            return row.value
        after = await self._commit(row, request, actor)
        if after.kind is Kind.CHECKOUT:
            with suppress(Unavailable):  # `fraud-detector` goes on with it.
                await self.follow(after.booking_id, after.subject_id, actor)
        return after

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
