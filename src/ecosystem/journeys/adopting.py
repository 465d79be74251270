"""Refunds that were made at the card processor's own desk: they enter our records once we hear of them."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.contexts import payments as paying
from ecosystem.contexts.booking import Bookings
from ecosystem.contexts.ledger import Ledger
from ecosystem.contexts.payments import Payments, Refund, RefundId, Refunds, RefundState
from ecosystem.journeys import given_back
from ecosystem.journeys.settlement import Settlement
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.cards import Cards, RefundOutcome
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Check, Table, Write


@dataclass(frozen=True, slots=True)
class Adopting:
    table: Table
    clock: Clock
    cards: Cards
    bookings: Bookings
    payments: Payments
    refunds: Refunds
    ledger: Ledger
    settlement: Settlement

    async def learn(self, outcome: RefundOutcome, booking_id: str, actor: Actor, *also: Write) -> Refund | None:
        """Take in news of a refund; None when it is of no payment of ours. `also` is committed with it.

        `booking_id` is the booking that the refund itself names: those of ours do, and are known. Of any other the first
        news of it adopts it, with its postings; later news only moves it on, in whatever order it comes.
        Raises `ExceedsCharge` while refunds of ours that the processor will refuse stand in its way.
        """
        if booking_id and await self.refunds.refund(booking_id, outcome.refund_id):
            return await self.settlement.learn_refund(booking_id, outcome.refund_id, outcome, actor, *also)
        intent = await self.cards.payment(outcome.intent_id)
        booking_id, payment_id = intent.booking_id, intent.payment_id
        if not (booking_id and payment_id):
            if also:
                await self.table.transact(*also)
            return None
        # The money may go back before we heard that it came.
        await self.settlement.learn(booking_id, payment_id, intent, actor)
        refund_id = RefundId(outcome.refund_id) if outcome.refund_id else paying.found_id(outcome)
        if await self.refunds.refund(booking_id, refund_id) is None:
            provider_id = (await self.bookings.row(booking_id)).value.provider_id
            try:
                return await self.bookings.calendar.settle(
                    provider_id, lambda: self._adopt(booking_id, payment_id, refund_id, outcome, actor, *also)
                )
            except IdReused:
                pass  # Another event about it was heard at the same moment.
        return await self.settlement.learn_refund(booking_id, refund_id, outcome, actor, *also)

    async def _adopt(
        self, booking_id: str, payment_id: str, refund_id: RefundId, outcome: RefundOutcome, actor: Actor, *also: Write
    ) -> Refund:
        booking = await self.bookings.row(booking_id)
        row = await self.payments.payment(booking_id, payment_id)
        at = self.clock.now()
        paid, adopted = paying.adopt(row.value, outcome, refund_id, at)
        transfers = []
        if adopted.state is not RefundState.FAILED:
            transfers = await given_back.postings(self.ledger, booking.value, row.value, adopted.amount, refund_id)
        await self.table.transact(
            *paying.becomes(row, paid, actor, at),
            *paying.refund_made(adopted, actor, at),
            *await self.ledger.writes(*transfers),
            *also,
            # Where the money is taken from rests on what the booking says: it must still say so at the commit.
            Check(key=booking.key, expected=booking.unchanged),
        )
        return adopted
