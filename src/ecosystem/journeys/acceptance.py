"""A provider accepts a request: what was held on the card is captured, and the booking confirmed.

The acceptance is committed as an intention before the processor is asked. From then on news of the capture, by
whichever way it comes, confirms the booking in the provider's name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ecosystem.contexts import booking as booked
from ecosystem.contexts import payments as paying
from ecosystem.contexts.booking import Booking, Bookings, BookingStatus
from ecosystem.contexts.payments import NotHeld, Payment, Payments
from ecosystem.journeys.bank_debits import BankDebits, DebitRefused
from ecosystem.journeys.refunding import NothingPaid, charge_of
from ecosystem.journeys.settlement import Settlement
from ecosystem.kernel.actor import Actor
from ecosystem.ports.cards import Cards
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Table


@dataclass(frozen=True, slots=True)
class Acceptance:
    table: Table
    clock: Clock
    cards: Cards
    bookings: Bookings
    payments: Payments
    settlement: Settlement
    debits: BankDebits

    async def accept(self, booking_id: str, actor: Actor) -> Booking:
        """Accept the request and take the money. Accepted already, it stays so.

        Raises `NotHeld` when the customer's bank no longer holds the money, `ProcessorSilent` when nothing is known
        yet: a schedule of its own then finishes what was begun.
        """
        booking = await self.bookings.get(booking_id, actor)
        if booking.status is BookingStatus.CONFIRMED:
            return booking
        await self._intend(booking_id, actor)
        return await self.finish(booking_id, actor)

    async def finish(self, booking_id: str, actor: Actor) -> Booking:
        """Carry an intended acceptance out: capture what is held, or confirm what was captured at once."""
        try:
            await charge_of(self.payments, booking_id)
        except NothingPaid:
            await self._capture(await self._held(booking_id), actor)
        else:
            await self._confirm(booking_id, actor)
        return (await self.bookings.row(booking_id)).value

    async def _capture(self, payment: Payment, actor: Actor) -> None:
        held = paying.must_be_held(payment, self.clock.now())
        if payment.debit is None:
            outcome = await self.cards.capture(held)
            await self.settlement.learn(payment.booking_id, payment.payment_id, outcome, actor)
            return
        try:
            await self.debits.carry_out(payment, actor)
        except DebitRefused as refused:
            raise NotHeld(refused.message) from refused

    async def _intend(self, booking_id: str, actor: Actor) -> None:
        async def act() -> None:
            row = await self.bookings.row(booking_id)
            at = self.clock.now()
            intended, fact = booked.intend_acceptance(row.value, actor, at)
            if fact is not None:
                await self.table.transact(*booked.becomes(row, intended, fact, actor=actor, at=at))

        await self._settle(booking_id, act)

    async def _confirm(self, booking_id: str, actor: Actor) -> None:
        async def act() -> None:
            row = await self.bookings.row(booking_id)
            if row.value.status is not BookingStatus.AWAITING_PROVIDER:
                return
            assert row.value.accepted_by is not None
            at = self.clock.now()
            confirmed, fact = booked.accept(row.value, row.value.accepted_by, at)
            await self.table.transact(*booked.becomes(row, confirmed, fact, actor=actor, at=at))

        await self._settle(booking_id, act)

    async def _held(self, booking_id: str) -> Payment:
        for row in await self.payments.payments_of(booking_id):
            if row.value.state is paying.PaymentState.AUTHORIZED:
                return row.value
        raise NotHeld

    async def _settle(self, booking_id: str, act: Callable[[], Awaitable[None]]) -> None:
        provider_id = (await self.bookings.row(booking_id)).value.provider_id
        await self.bookings.calendar.settle(provider_id, act)
