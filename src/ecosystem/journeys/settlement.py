"""What news of a payment or a refund does to the booking and to the ledger, in one commit.

Every way in which news arrives ends here: the answer of a call, a webhook, the sweep. Learning it twice has one effect.

| the payment becomes | ledger | booking |
| --- | --- | --- |
| authorized | the price is pending in escrow | with the provider, who is asked |
| captured | the price is in escrow | confirmed, or with the provider; a request being accepted is confirmed |
| captured, but the booking ended or was paid before | in, and out again as a refund | stays as it is |
| cancelled after it was authorized | what was pending is voided | stays as it is |
| failed | - | waits for another card until it expires |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from ecosystem.contexts import booking as booked
from ecosystem.contexts import disputes as disputing
from ecosystem.contexts import ledger as books
from ecosystem.contexts import payments as paying
from ecosystem.contexts.booking import Booking, BookingFact, Bookings, BookingStatus
from ecosystem.contexts.disputes import BankNews, Disputes, Parties
from ecosystem.contexts.ledger import Ledger, Transfer, Whereabouts, Withdrawn, chart
from ecosystem.contexts.payments import (
    Chargeback,
    IssueRefund,
    NoSuchRefund,
    Payment,
    Payments,
    PaymentState,
    Refund,
    RefundId,
    Refunds,
    RefundState,
)
from ecosystem.journeys import given_back
from ecosystem.journeys.given_back import in_escrow, is_released, sale_of
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.cards import ChargebackOutcome, Outcome, RefundOutcome
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Check, Row, Table, Write


class RefundUnderway(Unavailable):
    """A refund was decided and the processor's answer is awaited: then the chargeback can be taken in."""


def parties_of(booking: Booking) -> Parties:
    """Between whom a dispute over the booking is."""
    return Parties(provider_id=booking.provider_id, owner_id=booking.offer.owner_id, customer_id=booking.customer_id)


def automatic_refund_id(payment_id: str) -> RefundId:
    """The id of the refund of a payment that came too late: made from the payment's, so that there is only one."""
    return RefundId(f"rfd_{payment_id.partition('_')[2]}")


def dispute_id_of(known: Chargeback) -> str:
    """The id of the dispute that a chargeback is: made from the processor's, so that there is only one."""
    random = sha256(known.chargeback_id.encode()).digest()[: ids.RANDOM_BYTES]
    return ids.make("dsp", known.opened_at, random)


@dataclass(frozen=True, slots=True)
class Settlement:
    table: Table
    clock: Clock
    bookings: Bookings
    payments: Payments
    refunds: Refunds
    disputes: Disputes
    ledger: Ledger

    async def learn(self, booking_id: str, payment_id: str, outcome: Outcome, actor: Actor, *also: Write) -> Payment:
        """Take in how the payment stands at the processor; `also` is committed with it, news or not."""

        async def act() -> Payment:
            row = await self.payments.payment(booking_id, payment_id)
            at = self.clock.now()
            after = paying.settle(row.value, outcome, at)
            if after == row.value:
                if also:
                    await self.table.transact(*also)
                return after
            booking = await self.bookings.row(booking_id)
            after, writes = await self._consequences(row, after, booking, actor, at)
            await self.table.transact(*paying.becomes(row, after, actor, at), *writes, *also)
            return after

        provider_id = (await self.bookings.row(booking_id)).value.provider_id
        return await self.bookings.calendar.settle(provider_id, act)

    async def learn_refund(
        self, booking_id: str, refund_id: str, outcome: RefundOutcome | str, actor: Actor, *also: Write
    ) -> Refund:
        """Take in how the refund stands at the processor, or why the processor refused it (a text).

        A refund that failed puts its money back where it was taken from.
        """

        async def act() -> Refund:
            known = await self._refund(booking_id, refund_id)
            payment = await self.payments.payment(booking_id, known.value.payment_id)
            at = self.clock.now()
            if isinstance(outcome, str):
                paid, after = paying.give_up_refund(payment.value, known.value, outcome, at)
            else:
                paid, after = paying.settle_refund(payment.value, known.value, outcome, at)
            writes = [
                *paying.becomes(payment, paid, actor, at),
                *paying.refund_becomes(known, after, actor, at),
                *also,
            ]
            if after.state is RefundState.FAILED and known.value.state is not RefundState.FAILED:
                writes += await self._taken_back(after)
            if writes:
                await self.table.transact(*writes)
            return after

        provider_id = (await self.bookings.row(booking_id)).value.provider_id
        return await self.bookings.calendar.settle(provider_id, act)

    async def learn_chargeback(
        self, booking_id: str, payment_id: str, outcome: ChargebackOutcome, actor: Actor, *also: Write
    ) -> Payment:
        """Take in a chargeback: what it moved is posted, and what is still held for the booking is frozen by a dispute.

        Raises `RefundUnderway` while a refund was decided that the processor may refuse for the chargeback's sake.
        """

        async def act() -> Payment:
            row = await self.payments.payment(booking_id, payment_id)
            booking = await self.bookings.row(booking_id)
            at = self.clock.now()
            after = paying.charge_back(row.value, outcome, at)
            if after == row.value:
                if also:
                    await self.table.transact(*also)
                return after
            writes = [*paying.becomes(row, after, actor, at), *also]
            known = after.chargeback_by(outcome.chargeback_id)
            assert known is not None
            if known.has_taken_money and _is_held(booking.value):
                frozen = booked.dispute(booking.value, "The customer's bank asks for the money back.", actor, at)
                writes += self._changed(booking, frozen, actor, at)
            else:
                # Whether the money is still in escrow is what the booking says: it must still say so at the commit.
                writes.append(Check(key=booking.key, expected=booking.unchanged))
            writes += await self._withdrawn(booking.value, row.value, known)
            writes += await self._recorded(booking.value, after, known, actor, at)
            await self.table.transact(*writes)
            return after

        provider_id = (await self.bookings.row(booking_id)).value.provider_id
        return await self.bookings.calendar.settle(provider_id, act)

    async def given_back(
        self,
        payment: Payment,
        booking: Booking,
        request: IssueRefund,
        actor: Actor,
        at: datetime,
        *,
        elsewhere: bool = False,
    ) -> tuple[Payment, list[Write], list[Transfer]]:
        """Decide a refund: the payment, the refund's writes, and its transfers.

        `booking` is as it was before; `at` is the instant of the whole decision: what ends a booking and refunds it
        happens at one time. `elsewhere`: it was paid by other means than the card. Raises `ExceedsCharge`, `ChargedBack`.
        """
        decide = paying.paid_elsewhere if elsewhere else paying.refund
        paid, requested = decide(payment, request, actor, at)
        source = chart.bank(request.amount.currency) if elsewhere else ""
        postings = await given_back.postings(self.ledger, booking, payment, request.amount, request.refund_id, source)
        return paid, paying.refund_made(requested, actor, at), postings

    async def _consequences(
        self, row: Row[Payment], after: Payment, booking: Row[Booking], actor: Actor, at: datetime
    ) -> tuple[Payment, list[Write]]:
        """The payment, which may already be on its way back, and what else its news writes."""
        before, held = row.value, booking.value
        sale, lines = sale_of(held, after), held.lines
        if after.took_money and not before.took_money:
            was_held = before.state is PaymentState.AUTHORIZED
            postings = chart.captured(sale, lines) if was_held else chart.charged(sale, lines)
            changed = _after_payment(held, at)
            if changed is None:
                request = IssueRefund(
                    refund_id=automatic_refund_id(after.payment_id),
                    payment_id=after.payment_id,
                    booking_id=held.booking_id,
                    amount=after.captured,
                    reason="The booking was no longer there.",
                )
                # Whatever became of the booking: it takes what this payment brings, and nobody's share.
                paid, requested = paying.refund(after, request, actor, at)
                back = chart.refunded(sale, lines, request.refund_id)
                writes = paying.refund_made(requested, actor, at)
                return paid, [*writes, *await self.ledger.writes(*postings, *back)]
            return after, [*self._changed(booking, changed, actor, at), *await self.ledger.writes(*postings)]
        if after.state is PaymentState.AUTHORIZED and before.state is not PaymentState.AUTHORIZED:
            changed = _after_payment(held, at, reviewing=after.review)
            writes = self._changed(booking, changed, actor, at) if changed else []
            return after, [*writes, *await self.ledger.writes(*chart.authorized(sale, lines))]
        if before.state is PaymentState.AUTHORIZED and after.state is PaymentState.CANCELLED:
            return after, await self.ledger.writes(*chart.voided(sale, lines))
        return after, []

    def _changed(
        self, row: Row[Booking], changed: tuple[Booking, BookingFact], actor: Actor, at: datetime
    ) -> list[Write]:
        return booked.becomes(row, *changed, actor=actor, at=at)

    async def _withdrawn(self, booking: Booking, before: Payment, known: Chargeback) -> list[Write]:
        """The writes of the transfers that follow what the chargeback moved."""
        now = _taken_by(known)
        earlier = before.chargeback_by(known.chargeback_id)
        former = _taken_by(earlier) if earlier else books.nothing_of(now)
        if now.movements == former.movements:
            return []
        refunds = [refund.value for refund in await self.refunds.refunds_of(booking.booking_id)]
        if any(refund.state is RefundState.REQUESTED for refund in refunds if refund.payment_id == before.payment_id):
            raise RefundUnderway
        lying, released = zero(before.amount.currency), is_released(booking)
        if released:
            lying = Money(await in_escrow(self.ledger, booking.booking_id), before.amount.currency)
        where = Whereabouts(
            charged=booking.lines,
            rates=booking.rates,
            gone=before.gone,
            released=released,
            lying=lying,
            owed=_owed(booking, before.gone + now.of_sale - former.of_sale + lying),
        )
        return await self.ledger.writes(*books.withdrawn(sale_of(booking, before), where, former, now))

    async def _recorded(
        self, booking: Booking, payment: Payment, known: Chargeback, actor: Actor, at: datetime
    ) -> list[Write]:
        """The writes of the chargeback's dispute."""
        news = BankNews(
            chargeback_id=known.chargeback_id,
            payment_id=payment.payment_id,
            dispute_id=dispute_id_of(known),
            booking_id=booking.booking_id,
            amount=known.amount,
            reason=known.reason,
            inquiry=known.is_inquiry,
            opened_at=known.opened_at,
            evidence_due_at=known.evidence_due_at,
            taken=known.taken,
            won=known.is_won if known.is_closed else None,
        )
        row = await self.disputes.find(booking.booking_id, news.dispute_id)
        known_now = row.value if row else None
        changed, fact = disputing.of_bank(known_now, news, parties_of(booking), payment.captured, actor, at)
        if row is None:
            return disputing.made(changed, fact, actor, at)
        return disputing.becomes(row, changed, fact, actor, at)

    async def _refund(self, booking_id: str, refund_id: str) -> Row[Refund]:
        row = await self.refunds.refund(booking_id, refund_id)
        if row is None:
            raise NoSuchRefund
        return row

    async def _taken_back(self, refund: Refund) -> list[Write]:
        """The reversal of every transfer that the refund made."""
        caused = await self.ledger.transfers(chart.refund_ids(refund.refund_id))
        reversals = [books.reverse(recorded, f"{recorded.transfer_id}.failed") for recorded in caused]
        return await self.ledger.writes(*books.linked(reversals)) if reversals else []


def _taken_by(known: Chargeback) -> Withdrawn:
    return Withdrawn(
        chargeback_id=known.chargeback_id,
        movements=known.movements,
        of_sale=known.of_sale,
        beyond=known.beyond,
        fee=known.fee,
    )


def _owed(booking: Booking, had: Money) -> Money:
    """What the customer should get by how the booking ended, and has not had."""
    due = booking.refund.amount if booking.refund else zero(had.currency)
    return due - had if had < due else zero(had.currency)


def _is_held(booking: Booking) -> bool:
    """Whether the booking's money is still held, and a dispute would keep it so."""
    if booking.status is BookingStatus.NO_SHOW:
        return booking.settled_at is None
    return booking.status in {BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS}


def _after_payment(booking: Booking, at: datetime, *, reviewing: bool = False) -> tuple[Booking, BookingFact] | None:
    """The booking now that its money is there; None when it has no more use for it."""
    if booking.status is BookingStatus.AWAITING_PAYMENT:
        return booked.confirm(booking, at, reviewing=reviewing)
    if booking.status is BookingStatus.AWAITING_PROVIDER and booking.accepted_by is not None:
        return booked.accept(booking, booking.accepted_by, at)
    return None
