"""Refunds that failed, and what an operator has follow them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from msgspec import Struct

from ecosystem.contexts import payments as paying
from ecosystem.contexts.booking import Booking, Bookings
from ecosystem.contexts.ledger import Ledger
from ecosystem.contexts.payments import (
    Follow,
    FollowRefund,
    IssueRefund,
    NoSuchRefund,
    NothingLeft,
    Payments,
    Refund,
    RefundId,
    Refunds,
)
from ecosystem.journeys.refunding import Refunding
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Check, Row, Table, Write

SHOWN_MAX = 100


class Owed(Struct, frozen=True, kw_only=True):
    """A refund that failed, its booking, and how much of it may still be given back."""

    refund: Refund
    booking: Booking
    left: Money


@dataclass(frozen=True, slots=True)
class FailedRefunds:
    """For operators."""

    table: Table
    clock: Clock
    bookings: Bookings
    payments: Payments
    refunds: Refunds
    ledger: Ledger
    refunding: Refunding

    async def waiting(self, actor: Actor, limit: int = SHOWN_MAX) -> Sequence[Owed]:
        """Failed refunds that nobody dealt with yet, the one that failed first coming first."""
        actor.must_operate()
        return [await self._owed(refund) for refund in await self.refunds.failed(limit)]

    async def of(self, booking_id: str, refund_id: str, actor: Actor) -> Owed:
        """One refund that failed, dealt with or not. Raises `NoSuchRefund`."""
        actor.must_operate()
        return await self._owed((await self._refund(booking_id, refund_id)).value)

    async def follow(self, request: FollowRefund, actor: Actor) -> Refund:
        """Have something follow a refund that failed, once: the failed refund, with what follows it.

        Raises `NotFailed`, `AlreadyFollowed`, `NothingLeft`, `IdReused`, and what a refund is refused for.
        """
        actor.must_operate()
        provider_id = (await self.bookings.row(request.booking_id)).value.provider_id
        followed = await self.bookings.calendar.settle(provider_id, lambda: self._follow(request, actor))
        if request.how is Follow.TRIED_AGAIN:
            with suppress(Unavailable):  # It is asked for again until the processor has answered.
                await self.refunding.carry_out(request.booking_id, request.by_refund_id, actor)
        return followed

    async def _follow(self, request: FollowRefund, actor: Actor) -> Refund:
        known = await self._refund(request.booking_id, request.refund_id)
        if paying.follows(known.value, request, actor):
            return known.value
        at = self.clock.now()
        followed = paying.follow(known.value, request, actor, at)
        writes = paying.refund_becomes(known, followed, actor, at)
        if request.how is not Follow.CLOSED:
            writes += await self._another(request, known.value, actor)
        await self.table.transact(*writes)
        return followed

    async def _another(self, request: FollowRefund, known: Refund, actor: Actor) -> list[Write]:
        """The writes of the refund that takes the place of the failed one, as far as the payment has it left."""
        ids.check("rfd", request.by_refund_id, field="by_refund_id")
        booking = await self.bookings.row(request.booking_id)
        payment = await self.payments.payment(request.booking_id, known.payment_id)
        elsewhere = request.how is Follow.PAID_ELSEWHERE
        amount = min(known.amount, payment.value.left if elsewhere else payment.value.refundable)
        if not amount:
            raise NothingLeft
        wanted = IssueRefund(
            refund_id=RefundId(request.by_refund_id),
            payment_id=known.payment_id,
            booking_id=known.booking_id,
            amount=amount,
            reason=known.reason,
        )
        at = self.clock.now()
        paid, writes, transfers = await self.refunding.settlement.given_back(
            payment.value, booking.value, wanted, actor, at, elsewhere=elsewhere
        )
        return [
            *paying.becomes(payment, paid, actor, at),
            *writes,
            *await self.ledger.writes(*transfers),
            Check(key=booking.key, expected=booking.unchanged),
        ]

    async def _owed(self, refund: Refund) -> Owed:
        booking = (await self.bookings.row(refund.booking_id)).value
        payment = (await self.payments.payment(refund.booking_id, refund.payment_id)).value
        return Owed(refund=refund, booking=booking, left=min(refund.amount, payment.refundable))

    async def _refund(self, booking_id: str, refund_id: str) -> Row[Refund]:
        row = await self.refunds.refund(booking_id, refund_id)
        if row is None:
            raise NoSuchRefund
        return row
