"""The sweep: finds what is due, or was left behind by a process that died, and does it.

Each part finds candidates in an index and calls the act that decides; a candidate that needs nothing any more costs a
read. With the processor reachable, a checkout that was interrupted anywhere is finished or let go within fifteen
minutes, with no browser.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from ecosystem.contexts import payments as paying
from ecosystem.contexts.booking import Bookings, BookingStatus, Holds
from ecosystem.contexts.disputes import Disputes, State
from ecosystem.contexts.payments import NotHeld, Payment, Payments, Refund, Refunds, Webhooks
from ecosystem.journeys.acceptance import Acceptance
from ecosystem.journeys.checkout import ANSWER_WITHIN, AUTHORIZATION_LIFE, Checkout
from ecosystem.journeys.closing import Closing
from ecosystem.journeys.disputes import Disputing
from ecosystem.journeys.hearing import Hearing
from ecosystem.journeys.refunding import Refunding
from ecosystem.kernel.actor import system
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Row, Table

T = TypeVar("T")
log = logging.getLogger(__name__)
ACTOR = system("sweep")
AT_ONCE = 16
"""How many candidates are dealt with side by side."""

UNHEARD_FOR = timedelta(seconds=30)
"""A stored event that no reaction took up for this long is taken up by the sweep."""

FOLLOWED = (
    State.REVIEW,
    State.ACCEPTED,
    State.OFFERED,
    State.CONTESTED,
    State.ESCALATED,
    State.BANK_DECIDED,
)
"""States of a dispute in which the system has something to do once it is due."""

LEFT_AFTER = timedelta(hours=25)
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

    async def holds_due(self) -> int:
        """Let holds expire whose fifteen minutes are over."""
        return await _each(await self.holds.due(), lambda hold_id: self.holds.expire(hold_id, ACTOR))

    async def payments_due(self) -> int:
        """Learn what became of payments that had no outcome in time."""
        return await _each(await self.payments.overdue(self.clock.now()), self._payment)

    async def authorizations_left(self) -> int:
        """Let go of what is held on cards for bookings that have no use for it any more, if nobody else did."""
        before = self.clock.now() + AUTHORIZATION_LIFE - LEFT_AFTER
        return await _each(await self.payments.lapsing(before), self._held)

    async def refunds_due(self) -> int:
        """Carry out refunds that the processor has not confirmed."""
        return await _each(await self.refunds.unanswered(self.clock.now()), self._refund)

    async def webhooks_due(self) -> int:
        """Act upon events that nobody took up."""
        waiting = await self.webhooks.waiting(self.clock.now() - UNHEARD_FOR)
        return await _each(waiting, lambda row: self.hearing.act(row.value.event_id))

    async def bookings_due(self) -> int:
        """Let bookings expire that nobody paid for or answered in time."""
        return await self._booked(
            (BookingStatus.AWAITING_PAYMENT, lambda booking_id: self.closing.expire(booking_id, ACTOR)),
            (BookingStatus.AWAITING_PROVIDER, self._unanswered),
        )

    async def bookings_left(self) -> int:
        """Start, complete and settle bookings whose time has come, and whose schedule did not see to it."""
        return await self._booked(
            (BookingStatus.CONFIRMED, lambda booking_id: self.bookings.start(booking_id, ACTOR)),
            (BookingStatus.IN_PROGRESS, lambda booking_id: self.closing.complete(booking_id, ACTOR)),
            (BookingStatus.NO_SHOW, lambda booking_id: self.closing.settle_no_show(booking_id, ACTOR)),
        )

    async def disputes_due(self) -> int:
        """Do what is due in disputes: what nobody answered, what is decided by rule, by the bank, or by nobody."""
        at = self.clock.now()
        return sum(
            [
                await _each(
                    await self.disputes.due(state, at),
                    lambda dispute: self.disputing.follow(dispute.booking_id, dispute.dispute_id),
                )
                for state in FOLLOWED
            ]
        )

    async def all(self) -> int:
        """Every part once, in the order in which one may need the other; how much was found."""
        parts = (
            self.webhooks_due,
            self.payments_due,
            self.refunds_due,
            self.holds_due,
            self.bookings_due,
            self.bookings_left,
            self.disputes_due,
            self.authorizations_left,
        )
        return sum([await part() for part in parts])

    async def _booked(self, *acts: tuple[BookingStatus, Callable[[str], Awaitable[object]]]) -> int:
        return sum([await _each(await self.bookings.due(status), act) for status, act in acts])

    async def _payment(self, row: Row[Payment]) -> None:
        payment = await self.checkout.ask(row.value, ACTOR)
        if payment.is_open:
            # Still with the customer's bank, or the processor is silent: ask again later, not at every sweep.
            current = await self.payments.payment(payment.booking_id, payment.payment_id)
            later = paying.ask_payment_later(current.value, self.clock.now() + ANSWER_WITHIN)
            await self.table.transact(*paying.becomes(current, later, ACTOR, self.clock.now()))

    async def _held(self, row: Row[Payment]) -> None:
        booking = (await self.bookings.row(row.value.booking_id)).value
        if booking.status is not BookingStatus.AWAITING_PROVIDER:
            await self.checkout.let_go(booking.booking_id, ACTOR)

    async def _refund(self, row: Row[Refund]) -> None:
        refund = await self.refunding.carry_out(row.value.booking_id, row.value.refund_id, ACTOR)
        current = await self.refunds.refund(refund.booking_id, refund.refund_id)
        if current and current.value.is_open:
            later = paying.ask_later(current.value, self.clock.now())
            await self.table.transact(*paying.refund_becomes(current, later, ACTOR, self.clock.now()))

    async def _unanswered(self, booking_id: str) -> object:
        booking = (await self.bookings.row(booking_id)).value
        if booking.accepted_by is not None:
            try:
                return await self.acceptance.finish(booking_id, ACTOR)
            except NotHeld:
                # The customer's bank let go of the money before it was captured: there is nothing to confirm with.
                log.info("an accepted request has lost its money", extra={"booking_id": booking_id})
        return await self.closing.expire(booking_id, ACTOR)


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
