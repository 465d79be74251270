"""A dispute from its opening to its end, with the booking and its money.

The acts of people: `open`, `answer`, `accept_offer`, `decline_offer`, `withdraw`, `decide`. The steps of the system, each
safe to repeat: `resolve_by_rule`, `escalate`, `lapse_offer`, `overdue`, `conclude_bank`; `follow` does the one that is
due. What ends a dispute ends it together with the booking's, in one commit with the division of the money.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ecosystem.contexts import booking as booked
from ecosystem.contexts import disputes as disputing
from ecosystem.contexts.booking import Booking, Bookings, BookingStatus, ConcludeDispute, Side
from ecosystem.contexts.disputes import (
    AnswerDispute,
    Changed,
    DecideDispute,
    Dispute,
    DisputeChanged,
    Disputes,
    Kind,
    OpenDispute,
    Party,
    RuleBook,
    State,
)
from ecosystem.contexts.payments import Payments
from ecosystem.journeys.closing import Closing
from ecosystem.journeys.refunding import UnevenAmount, charge_of
from ecosystem.journeys.settlement import parties_of
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.money import Money, decimal_text, zero
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.cards import Cards
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Check, Row, Table, Write

ATTEMPTS_MAX = 8
ACTOR = system("dispute-workflow")
"""Who ends a booking when a dispute over it is decided by rule, or between the two sides."""

_PARTY = {
    Side.CUSTOMER: Party.CUSTOMER,
    Side.PROVIDER: Party.PROVIDER,
    Side.OPERATOR: Party.OPERATOR,
    Side.SYSTEM: Party.OPERATOR,
}

Decision = Callable[[Dispute, datetime], Changed]
Step = Callable[[str, str, Actor], Awaitable[Dispute]]


@dataclass(frozen=True, slots=True)
class Disputing:
    table: Table
    clock: Clock
    cards: Cards
    bookings: Bookings
    payments: Payments
    disputes: Disputes
    rules: RuleBook
    closing: Closing

    async def open(self, request: OpenDispute, actor: Actor) -> Dispute:
        """Dispute a booking, once per id: what is still held for it stays so until this is over.

        Raises `NotInThisState`, `NotYet`, `DisputedBefore`, `NothingPaid`, `UnevenAmount`, `IdReused`.
        """
        ids.check("dsp", request.dispute_id)
        booking = (await self.bookings.row(request.booking_id)).value
        by = _PARTY[booked.side_of(booking, actor)]
        if known := await self._same(request, actor):
            return known
        if request.wanted:
            self._must_be_whole(request.wanted, "wanted")

        async def also(at: datetime) -> Sequence[Write]:
            earlier = await self.disputes.of_booking(request.booking_id)
            parties, given = parties_of(booking), await self._given(booking)
            await charge_of(self.payments, request.booking_id)
            made, fact = disputing.opened(request, parties, booking.lines.total, earlier, by, actor, at, given=given)
            return disputing.made(made, fact, actor, at)

        try:
            await self.closing.dispute(request.booking_id, request.text, actor, also=also)
        except Conflict:
            if known := await self._same(request, actor):  # It was asked for twice at the same moment.
                return known
            raise
        return (await self.disputes.row(request.booking_id, request.dispute_id)).value

    async def of(self, booking_id: str, dispute_id: str, actor: Actor) -> Dispute:
        """The dispute, for both sides and operators. Raises `NoSuchDispute`, `Denied`."""
        await self.bookings.get(booking_id, actor)
        return (await self.disputes.row(booking_id, dispute_id)).value

    async def over(self, booking_id: str, actor: Actor) -> list[Dispute]:
        """The disputes over a booking, oldest first, for both sides and operators. Raises `BookingGone`, `Denied`."""
        await self.bookings.get(booking_id, actor)
        return await self.disputes.of_booking(booking_id)

    async def left(self, booking_id: str, actor: Actor) -> Money:
        """What refunds have left of what was paid for the booking: what may be wanted back. Raises `BookingGone`, `Denied`."""
        booking = await self.bookings.get(booking_id, actor)
        return booking.lines.total - await self._given(booking)

    async def answer(self, request: AnswerDispute, actor: Actor) -> Dispute:
        """Answer as the provider: accept, offer a part, or contest. What is accepted goes back at once."""
        if request.offered:
            self._must_be_whole(request.offered, "offered")
        after = await self._moves(
            request.booking_id,
            request.dispute_id,
            lambda known, at: disputing.answered(known, request, actor, at),
            actor,
        )
        if after.state is State.ACCEPTED:
            return await self.resolve_by_rule(request.booking_id, request.dispute_id)
        return after

    async def accept_offer(self, booking_id: str, dispute_id: str, actor: Actor) -> Dispute:
        """Take the provider's offer, as the customer."""
        return await self._ends(booking_id, dispute_id, lambda known, at: disputing.accepted(known, actor, at), actor)

    async def decline_offer(self, booking_id: str, dispute_id: str, actor: Actor) -> Dispute:
        """Do not take the provider's offer, as the customer: then it goes its way as if it was contested."""
        return await self._moves(booking_id, dispute_id, lambda known, at: disputing.declined(known, actor, at), actor)

    async def withdraw(self, booking_id: str, dispute_id: str, actor: Actor) -> Dispute:
        """Take the dispute back, as the customer: the booking goes on where it still can, else it is completed."""
        return await self._ends(booking_id, dispute_id, lambda known, at: disputing.withdrawn(known, actor, at), actor)

    async def decide(self, request: DecideDispute, actor: Actor) -> Dispute:
        """Decide, as an operator: all, a part or nothing of what was paid goes back, with the reason."""
        actor.must_operate()
        self._must_be_whole(request.refund, "refund")
        return await self._ends(
            request.booking_id,
            request.dispute_id,
            lambda known, at: disputing.decided(known, request, actor, at),
            actor,
        )

    async def must_be_decidable(self, request: DecideDispute, actor: Actor) -> None:
        """Pass if an operator could decide it so now, as far as the dispute says. Raises what `decide` would."""
        self._must_be_whole(request.refund, "refund")
        _, known = await self._known(request.booking_id, request.dispute_id)
        disputing.decided(known, request, actor, self.clock.now())

    async def resolve_by_rule(self, booking_id: str, dispute_id: str, actor: Actor = ACTOR) -> Dispute:
        """Give back what is wanted: it was accepted, nobody answered, or it is no more than the limit.

        Raises `NotDueYet`, `DisputeElsewhere`.
        """
        known = await self.disputes.row(booking_id, dispute_id)
        limit = (await self.rules.current()).limit(known.value.paid.currency)
        return await self._ends(
            booking_id, dispute_id, lambda known, at: disputing.by_rule(known, limit, actor, at), actor
        )

    async def escalate(self, booking_id: str, dispute_id: str, actor: Actor = ACTOR) -> Dispute:
        """Put a contested dispute before an operator. Raises `DisputeElsewhere`."""
        return await self._moves(booking_id, dispute_id, lambda known, at: disputing.escalated(known, actor, at), actor)

    async def lapse_offer(self, booking_id: str, dispute_id: str, actor: Actor = ACTOR) -> Dispute:
        """Let an offer lapse that the customer did not answer in time. Raises `NotDueYet`."""
        return await self._moves(booking_id, dispute_id, lambda known, at: disputing.declined(known, actor, at), actor)

    async def overdue(self, booking_id: str, dispute_id: str, actor: Actor = ACTOR) -> Dispute:
        """Refund the customer because nobody decided within seven days. Raises `NotDueYet`."""
        return await self._ends(booking_id, dispute_id, lambda known, at: disputing.overdue(known, actor, at), actor)

    async def conclude_bank(self, booking_id: str, dispute_id: str, actor: Actor = ACTOR) -> Dispute:
        """End a chargeback as the bank decided it, and what it froze with it. Raises `DisputeElsewhere`."""
        known = (await self.disputes.row(booking_id, dispute_id)).value
        payment = (await self.payments.payment(booking_id, known.payment_id)).value
        chargeback = payment.chargeback_by(known.chargeback_id)
        assert chargeback is not None
        return await self._ends(
            booking_id, dispute_id, lambda known, at: disputing.by_bank(known, chargeback.taken, actor, at), actor
        )

    async def is_small(self, dispute: Dispute) -> bool:
        """Whether it is decided by rule when it is contested."""
        return disputing.is_small(dispute, (await self.rules.current()).limit(dispute.paid.currency))

    async def follow(self, booking_id: str, dispute_id: str, actor: Actor = ACTOR) -> Dispute:
        """Do what is due now; the dispute as it is when nothing is."""
        known = (await self.disputes.row(booking_id, dispute_id)).value
        if known.due_at is None or self.clock.now() < known.due_at:
            return known
        steps: Mapping[State, Step] = {
            State.REVIEW: self.resolve_by_rule,
            State.ACCEPTED: self.resolve_by_rule,
            State.OFFERED: self.lapse_offer,
            State.CONTESTED: self.resolve_by_rule if await self.is_small(known) else self.escalate,
            State.ESCALATED: self.overdue,
            State.BANK_DECIDED: self.conclude_bank,
        }
        step = steps.get(known.state)
        return await step(booking_id, dispute_id, actor) if step else known

    async def _moves(self, booking_id: str, dispute_id: str, decide: Decision, actor: Actor) -> Dispute:
        """Decide and commit what changes the dispute alone."""
        await self.bookings.get(booking_id, actor)
        for _ in range(ATTEMPTS_MAX):
            row, known = await self._known(booking_id, dispute_id)
            at = self.clock.now()
            after, fact = decide(known, at)
            try:
                if fact is not None:
                    await self.table.transact(*disputing.becomes(row, after, fact, actor, at))
            except DisputeChanged:
                continue
            return after
        raise DisputeChanged

    async def _ends(self, booking_id: str, dispute_id: str, decide: Decision, actor: Actor) -> Dispute:
        """Decide and commit what ends the dispute, and the booking's with it."""
        await self.bookings.get(booking_id, actor)
        for _ in range(ATTEMPTS_MAX):
            try:
                return await self._end(booking_id, dispute_id, decide, actor)
            except DisputeChanged:
                continue
        raise DisputeChanged

    async def _end(self, booking_id: str, dispute_id: str, decide: Decision, actor: Actor) -> Dispute:
        row, known = await self._known(booking_id, dispute_id)
        after, fact = decide(known, self.clock.now())
        if fact is None:
            return after

        async def also(at: datetime) -> Sequence[Write]:
            changed, told = decide(known, at)
            return disputing.becomes(row, changed, told, actor, at)

        status = (await self.bookings.row(booking_id)).value.status
        if status is not BookingStatus.DISPUTED:
            await self.table.transact(*await also(self.clock.now()))
        elif others := await self._goes_on(after):
            # Two that end at one moment must not leave it to each other.
            still = [Check(key=row.key, expected=row.unchanged, otherwise=DisputeChanged()) for row in others]
            await self.table.transact(*await also(self.clock.now()), *still)
        elif after.verdict is None or (after.kind is Kind.CHARGEBACK and not after.verdict.refund):
            await self.closing.lift(booking_id, actor, also=also)
        else:
            request = ConcludeDispute(
                booking_id=booking_id,
                amount=after.verdict.refund,
                reason=after.verdict.reason,
                elsewhere=after.verdict.elsewhere,
            )
            ends_it = actor if actor.is_operator else ACTOR
            await self.closing.conclude(request, ends_it, also=also)
        return (await self.disputes.row(booking_id, dispute_id)).value

    async def _known(self, booking_id: str, dispute_id: str) -> tuple[Row[Dispute], Dispute]:
        """The dispute as it is stored, and as it is decided on now."""
        row = await self.disputes.row(booking_id, dispute_id)
        booking = (await self.bookings.row(booking_id)).value
        return row, disputing.as_of_now(row.value, parties_of(booking), await self._given(booking))

    async def _given(self, booking: Booking) -> Money:
        """What refunds gave back, or are giving back, of what the booking is paid with."""
        nothing = zero(booking.lines.currency)
        paid = [row.value for row in await self.payments.payments_of(booking.booking_id) if row.value.took_money]
        given = [payment.refunded + payment.refunding for payment in paid]
        # Of two payments one came too late, and went back whole.
        return min(given, default=nothing)

    async def _same(self, request: OpenDispute, actor: Actor) -> Dispute | None:
        """The dispute that the same request opened before. Raises `IdReused`."""
        known = await self.disputes.find(request.booking_id, request.dispute_id)
        return known.value.to(actor, request) if known else None

    async def _goes_on(self, ended: Dispute) -> list[Row[Dispute]]:
        """Disputes for whose sake the booking stays disputed although this one is over: they decide how it ends.

        A chargeback leaves that to any other; a complaint that gives nothing back to chargebacks that took money.
        """
        others = [
            await self.disputes.row(each.booking_id, each.dispute_id)
            for each in await self.disputes.of_booking(ended.booking_id)
            if each.dispute_id != ended.dispute_id and not each.is_over
        ]
        if ended.kind is Kind.CHARGEBACK:
            return others
        if ended.verdict and ended.verdict.refund:
            return []
        return [row for row in others if row.value.kind is Kind.CHARGEBACK and await self._took_money(row.value)]

    async def _took_money(self, dispute: Dispute) -> bool:
        payment = (await self.payments.payment(dispute.booking_id, dispute.payment_id)).value
        chargeback = payment.chargeback_by(dispute.chargeback_id)
        return chargeback is not None and chargeback.has_taken_money

    def _must_be_whole(self, amount: Money, field: str) -> None:
        """Pass if the processor can give back that much. Raises `UnevenAmount`."""
        step = self.cards.step(amount.currency)
        if amount.minor % step.minor:
            raise UnevenAmount(f"Cards are paid back {amount.currency} in steps of {decimal_text(step)}.", field=field)
