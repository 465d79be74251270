"""The sweep: finds what machines and one-time schedules should have done long ago, and does it.

They see to everything in its time. The sweep comes by every few minutes for what became a dead letter, for what an
execution could not hand over because its own time ran out while everything stood still, and for what was begun before
there were machines. Each part finds candidates in an index and calls the act that decides; a candidate that needs
nothing any more costs a read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from ecosystem.contexts import payments as paying
from ecosystem.contexts.booking import Bookings, BookingStatus, Holds
from ecosystem.contexts.disputes import Dispute, DisputeElsewhere, DisputeOver, Disputes, NotDueYet, State
from ecosystem.contexts.payments import NotHeld, Payment, Payments, Refund, Refunds, Webhooks
from ecosystem.contexts.payouts import Payout, asked_later
from ecosystem.journeys.acceptance import Acceptance
from ecosystem.journeys.alarms import Alarms
from ecosystem.journeys.checkout import ANSWER_WITHIN, AUTHORIZATION_LIFE, Checkout
from ecosystem.journeys.closing import Closing
from ecosystem.journeys.disputes import Disputing
from ecosystem.journeys.evidence import EvidenceBundling
from ecosystem.journeys.hearing import Hearing
from ecosystem.journeys.payout_passage import PayoutPassage
from ecosystem.journeys.payout_processor import ProcessorPayouts
from ecosystem.journeys.refunding import Refunding
from ecosystem.journeys.withdrawals import Withdrawing
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Row, Stale, Table

T = TypeVar("T")
Act = Callable[[str, Actor], Awaitable[object]]
log = logging.getLogger(__name__)
ACTOR = system("sweep")
AT_ONCE = 16
PIECE = 100
"""How many candidates are dealt with side by side."""

UNHEARD_FOR = timedelta(seconds=30)
"""A stored event that no function took up for this long is taken up by the sweep."""

FOLLOWED = (
    State.REVIEW,
    State.ACCEPTED,
    State.OFFERED,
    State.CONTESTED,
    State.ESCALATED,
    State.BANK_DECIDED,
)
"""States of a dispute in which the system has something to do once it is due."""

LEFT_FOR = timedelta(minutes=10)
"""What has been due for so long nobody sees to any more."""

HELD_MAX = timedelta(hours=25)
"""A request is answered within a day: what is held on a card for longer was left behind."""


@dataclass(frozen=True, slots=True)
class Sweep:
    table: Table
    clock: Clock
    holds: Holds
    bookings: Bookings
    payments: Payments
    refunds: Refunds
    webhooks: Webhooks
    checkout: Checkout
    acceptance: Acceptance
    closing: Closing
    refunding: Refunding
    hearing: Hearing
    disputes: Disputes
    disputing: Disputing
    alarms: Alarms
    processor_payouts: ProcessorPayouts
    payout_passage: PayoutPassage
    withdrawing: Withdrawing
    evidence: EvidenceBundling

    async def payments_left(self) -> int:
        """Learn what became of payments that nobody asks about any more."""
        before = self.clock.now() - LEFT_FOR
        return await _each(await self.payments.overdue(before), self._payment)

    async def authorizations_left(self) -> int:
        """Let go of what is held on cards for bookings that have no use for it any more."""
        before = self.clock.now() + AUTHORIZATION_LIFE - HELD_MAX
        return await _each(await self.payments.lapsing(before), self._held)

    async def refunds_left(self) -> int:
        """Carry out refunds that the processor has not confirmed."""
        return await _each(await self.refunds.unanswered(self.clock.now() - LEFT_FOR), self._refund)

    async def webhooks_left(self) -> int:
        """Act upon events that nobody took up."""
        waiting = await self.webhooks.waiting(self.clock.now() - UNHEARD_FOR)
        return await _each(waiting, lambda row: self.hearing.act(row.value.event_id))

    async def bookings_left(self) -> int:
        """Take holds and bookings on whose time has come, and whose schedule did not see to it."""
        holds = await _each(await self.holds.due(), lambda hold_id: self.holds.expire(hold_id, ACTOR))
        acts: Mapping[BookingStatus, Act] = {
            BookingStatus.AWAITING_PAYMENT: self.closing.expire,
            BookingStatus.AWAITING_PROVIDER: self.finish_acceptance,
            BookingStatus.CONFIRMED: self.bookings.start,
            BookingStatus.IN_PROGRESS: self.closing.complete,
            BookingStatus.NO_SHOW: self.closing.settle_no_show,
        }
        return holds + sum([await self._booked(status, act) for status, act in acts.items()])

    async def disputes_left(self) -> int:
        """Do what is due in disputes: what nobody answered, what is decided by rule, by the bank, or by nobody."""
        at = self.clock.now() - LEFT_FOR
        sending = await _each(await self.evidence.left(at), self._evidence)
        return sending + sum([await _each(await self.disputes.due(state, at), self._dispute) for state in FOLLOWED])

    async def payouts_left(self) -> int:
        """Take on payouts that nobody asks about any more."""
        left = await self.processor_payouts.left(self.clock.now() - LEFT_FOR, PIECE)
        return await _each(left, self._payout)

    async def withdrawals_left(self) -> int:
        """Carry out withdrawals of our own money, and learn what became of them."""
        watched = await self.withdrawing.book.watched(self.clock.now())
        await _each(watched, lambda each: self.withdrawing.carry_out(each.withdrawal_id, ACTOR))
        return 0

    async def payouts_paid(self) -> int:
        """Learn whether payouts that were paid have come back."""
        paid = await self.processor_payouts.lately_paid()
        await _each(paid, lambda payout: self.processor_payouts.carry_out(payout.payout_id, ACTOR))
        return 0

    async def finish_acceptance(self, booking_id: str, actor: Actor) -> object:
        """Carry out an acceptance that was begun; a request that nobody accepted, or whose money is gone, expires."""
        booking = (await self.bookings.row(booking_id)).value
        if booking.accepted_by is not None:
            try:
                return await self.acceptance.finish(booking_id, actor)
            except NotHeld:
                # The customer's bank let go of the money before it was captured: there is nothing to confirm with.
                log.info("an accepted request has lost its money", extra={"booking_id": booking_id})
        return await self.closing.expire(booking_id, actor)

    async def _dispute(self, dispute: Dispute) -> None:
        """Take it on. What will not go its way however often it is tried is an operator's."""
        try:
            await self.disputing.follow(dispute.booking_id, dispute.dispute_id)
        except (Unavailable, Stale, DisputeElsewhere, DisputeOver, NotDueYet):
            raise
        except Refusal as refused:
            await self.alarms.dispute_stuck(dispute, refused.message)
            raise

    async def _evidence(self, dispute: Dispute) -> None:
        await self.evidence.carry_out(dispute.booking_id, dispute.dispute_id, ACTOR)

    async def _booked(self, status: BookingStatus, act: Act) -> int:
        return await _each(await self.bookings.due(status), lambda booking_id: act(booking_id, ACTOR))

    async def _payment(self, row: Row[Payment]) -> None:
        payment = await self.checkout.ask(row.value, ACTOR)
        if payment.is_open:
            # Still with the customer's bank, or the processor is silent: not found again at once.
            current = await self.payments.payment(payment.booking_id, payment.payment_id)
            later = paying.ask_payment_later(current.value, self.clock.now() + ANSWER_WITHIN)
            await self.table.transact(*paying.becomes(current, later, ACTOR, self.clock.now()))

    async def _held(self, row: Row[Payment]) -> None:
        booking = (await self.bookings.row(row.value.booking_id)).value
        if booking.status is not BookingStatus.AWAITING_PROVIDER:
            await self.checkout.let_go(booking.booking_id, ACTOR)

    async def _payout(self, payout: Payout) -> None:
        known = await self.processor_payouts.carry_out(payout.payout_id, ACTOR)
        if known.is_open or known.is_stranded:
            await self.payout_passage.note(payout.payout_id, asked_later, ACTOR)

    async def _refund(self, row: Row[Refund]) -> None:
        refund = await self.refunding.carry_out(row.value.booking_id, row.value.refund_id, ACTOR)
        current = await self.refunds.refund(refund.booking_id, refund.refund_id)
        if current and current.value.is_open:
            later = paying.ask_later(current.value, self.clock.now())
            await self.table.transact(*paying.refund_becomes(current, later, ACTOR, self.clock.now()))


async def _each(candidates: Sequence[T], act: Callable[[T], Awaitable[object]]) -> int:
    """Deal with each candidate, a few side by side; one that is refused holds up no other."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(candidate: T) -> None:
        async with turns:
            try:
                await act(candidate)
            except Refusal as refused:
                # Somebody was faster, or the processor is silent: the next sweep finds it again if it must.
                log.info("left for the next sweep", extra={"refusal": refused.name, "reason": refused.message})

    await asyncio.gather(*map(one, candidates))
    return len(candidates)
