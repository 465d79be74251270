"""Payments that stand at the card processor and not in our books: taken in where they are ours, else given back.

One that bears the ids of a payment of ours was never heard of: it enters our books by the way its news would have taken.
Any other was made at the processor's desk, or by who has our keys: no booking is behind it, so its money goes back, and
both ways are posted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from hashlib import sha256

from msgspec import Struct

from ecosystem.contexts.booking import BookingGone
from ecosystem.contexts.payments import NoSuchPayment, Payments, PaymentState
from ecosystem.contexts.reconciliation import Discrepancy
from ecosystem.journeys.settlement import Settlement
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.cards import Cards, Outcome, RefundOrder, RefundOutcome, RefundStanding

_STANDS = frozenset({RefundStanding.PENDING, RefundStanding.SUCCEEDED})
_TAKEN = frozenset({PaymentState.CAPTURED, PaymentState.PARTIALLY_REFUNDED, PaymentState.REFUNDED})


class OursToTakeIn(Conflict):
    """This payment is one of ours: take it in, and give it back from its booking."""


class NothingLeft(Conflict):
    """All of this payment went back already: correct our books by each of its movements."""


class GivenBack(Struct, frozen=True, kw_only=True):
    """What a payment brought in, and the refund that took what was left of it out again."""

    captured: Money
    refund: RefundOutcome


@dataclass(frozen=True, slots=True)
class UnheardPayments:
    cards: Cards
    payments: Payments
    settlement: Settlement

    async def adopt(self, charge_id: str, actor: Actor) -> bool:
        """Take in the payment that the charge belongs to; False when it is none of ours, or brought nothing.

        Raises `UnknownIntent`, `ProcessorSilent`.
        """
        outcome = await self.cards.charged(charge_id)
        if not await self._is_ours(outcome):
            return False
        payment = await self.settlement.learn(outcome.booking_id, outcome.payment_id, outcome, actor)
        return payment.state in _TAKEN

    async def give_back(self, known: Discrepancy, asked_at: datetime) -> GivenBack:
        """Have the processor send back what is left of the payment: the same discrepancy again, the same refund.

        `asked_at` is when that was first decided. Raises `OursToTakeIn`, `NothingLeft`, `RefundRefused`,
        `UnknownIntent`, `ProcessorSilent`.
        """
        outcome = await self.cards.charged(known.key)
        if await self._is_ours(outcome):
            raise OursToTakeIn
        refund_id = _refund_id(known)
        made = await self.cards.refunds(outcome.intent_id)
        earlier = next((each for each in made if each.refund_id == refund_id), None)
        if earlier is not None:
            return GivenBack(captured=outcome.captured, refund=earlier)
        gone = zero(outcome.captured.currency)
        for each in made:
            gone += each.amount if each.standing in _STANDS else zero(each.amount.currency)
        if not gone < outcome.captured:
            raise NothingLeft
        order = RefundOrder(
            refund_id=refund_id,
            payment_id="",
            booking_id="",
            intent_id=outcome.intent_id,
            amount=outcome.captured - gone,
            intended_at=asked_at,
        )
        return GivenBack(captured=outcome.captured, refund=await self.cards.refund(order))

    async def _is_ours(self, outcome: Outcome) -> bool:
        if not (outcome.booking_id and outcome.payment_id):
            return False
        try:
            await self.settlement.bookings.row(outcome.booking_id)
            await self.payments.payment(outcome.booking_id, outcome.payment_id)
        except (NoSuchPayment, BookingGone):
            return False
        return True


def _refund_id(known: Discrepancy) -> str:
    """The id of the refund: made of the movement's key, so that there is only one."""
    day = datetime.combine(known.moved_on, time(), UTC)
    return ids.make("rfd", day, sha256(known.key.encode()).digest()[: ids.RANDOM_BYTES])
