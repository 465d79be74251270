"""Refunds carried out at the card processor, and refunds that an operator decides on."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from ecosystem.contexts import payments as paying
from ecosystem.contexts.booking import Bookings
from ecosystem.contexts.ledger import Ledger
from ecosystem.contexts.payments import IssueRefund, NoSuchRefund, Payment, Payments, Refund, RefundId, Refunds
from ecosystem.journeys.bank_debits import BankDebits
from ecosystem.journeys.settlement import Settlement
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, decimal_text
from ecosystem.kernel.refusals import Conflict, Invalid
from ecosystem.ports.cards import Cards, RefundRefused
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Check, Row, Table


class NothingPaid(Conflict):
    """Nothing was paid for this booking that could be given back."""


class UnevenAmount(Invalid):
    """The card processor does not give back such an amount: its steps in this currency are larger."""


class GiveBack(Struct, frozen=True, kw_only=True):
    """An operator's request to give back part of what was paid, whatever the policy says."""

    refund_id: str
    booking_id: str
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class Refunding:
    table: Table
    clock: Clock
    cards: Cards
    bookings: Bookings
    payments: Payments
    refunds: Refunds
    ledger: Ledger
    settlement: Settlement
    debits: BankDebits

    async def give_back(self, request: GiveBack, actor: Actor) -> Refund:
        """Refund an amount, once per id, taken from where `given_back` says.

        The provider's balance may fall below nothing by that, and is recovered from later sales. For operators.
        Raises `ExceedsCharge`, `ChargedBack`, `NothingPaid`, `IdReused`.
        """
        actor.must_operate()
        ids.check("rfd", request.refund_id)
        provider_id = (await self.bookings.row(request.booking_id)).value.provider_id
        await self.bookings.calendar.settle(provider_id, lambda: self._decide(request, actor))
        return await self.carry_out(request.booking_id, request.refund_id, actor)

    async def carry_out(self, booking_id: str, refund_id: str, actor: Actor) -> Refund:
        """Have the processor give the money back, or learn what became of it. Raises `ProcessorSilent`."""
        row = await self.refunds.refund(booking_id, refund_id)
        if row is None:
            raise NoSuchRefund
        if not row.value.is_open:
            return row.value
        payment = (await self.payments.payment(booking_id, row.value.payment_id)).value
        if payment.debit is not None:
            return await self.debits.give_back(row.value, payment, actor)
        if row.value.processor_id:
            # Asked for before, or made at the processor's own desk: asking for it again could make another.
            outcome = await self.cards.refund_status(row.value.processor_id)
            return await self.settlement.learn_refund(booking_id, refund_id, outcome, actor)
        try:
            outcome = await self.cards.refund(row.value.order)
        except RefundRefused as refused:
            return await self.settlement.learn_refund(booking_id, refund_id, refused.message, actor)
        return await self.settlement.learn_refund(booking_id, refund_id, outcome, actor)

    async def carry_out_all(self, booking_id: str, actor: Actor) -> None:
        """Carry out every refund of the booking whose end is not known. Raises `ProcessorSilent`."""
        for row in await self.refunds.refunds_of(booking_id):
            if row.value.is_open:
                await self.carry_out(booking_id, row.value.refund_id, actor)

    async def _decide(self, request: GiveBack, actor: Actor) -> None:
        booking = await self.bookings.row(request.booking_id)
        row = await charge_of(self.payments, request.booking_id)
        if row.value.debit is None:
            self._must_be_whole(request.amount)
        wanted = IssueRefund(
            refund_id=RefundId(request.refund_id),
            payment_id=row.value.payment_id,
            booking_id=request.booking_id,
            amount=request.amount,
            reason=request.reason,
        )
        if earlier := await self.refunds.refund(request.booking_id, request.refund_id):
            earlier.value.to(actor, wanted)
            return
        at = self.clock.now()
        paid, writes, postings = await self.settlement.given_back(row.value, booking.value, wanted, actor, at)
        await self.table.transact(
            *paying.becomes(row, paid, actor, at),
            *writes,
            *await self.ledger.writes(*postings),
            # Whether the money is still in escrow is what the booking says: it must still say so at the commit.
            Check(key=booking.key, expected=booking.unchanged),
        )

    def _must_be_whole(self, amount: Money) -> None:
        """Pass if the processor can give back that much. Raises `UnevenAmount`: nothing is intended then."""
        step = self.cards.step(amount.currency)
        if amount.minor % step.minor:
            raise UnevenAmount(
                f"Cards are paid back {amount.currency} in steps of {decimal_text(step)}.", field="amount"
            )


async def charge_of(payments: Payments, booking_id: str) -> Row[Payment]:
    """The payment that the booking's money came from. Raises `NothingPaid`."""
    for row in await payments.payments_of(booking_id):
        if row.value.took_money and row.value.left:
            return row
    raise NothingPaid
