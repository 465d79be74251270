"""Verification: the ledger's invariants, held against the bookings and their payments.

Reads the stored items and nothing else, page by page, and says what it read. Runs beside a serving process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from msgspec import Struct

from ecosystem.contexts import ledger as books
from ecosystem.contexts.booking import Booking, BookingGone, Bookings, BookingStatus
from ecosystem.contexts.ledger import Finding, Ledger, Verified
from ecosystem.contexts.payments import Payment, Payments, Refund, Refunds, RefundState
from ecosystem.contexts.payouts import GIVEN_BACK, Payout, PayoutBook, PayoutStatus
from ecosystem.journeys.given_back import is_released
from ecosystem.kernel.money import Money, zero
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Table, every

READS_MAX = 3
"""How often a booking's payments are read again that changed while they were read."""
PENDING_FOR = timedelta(days=8)
"""An authorization lasts seven days: nothing may be pending for longer, plus a day for the sweep."""

_BACK = frozenset({BookingStatus.DECLINED, BookingStatus.EXPIRED})
"""Bookings that never came about: nothing of what was paid for them may be kept."""

_KEPT = frozenset({BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS})
"""Bookings whose whole price must have been taken."""


class Verification(Struct, kw_only=True):
    """What was read of bookings, payments and refunds, and the ledger's own report."""

    ledger: Verified
    bookings: int = 0
    payments: int = 0
    refunds: int = 0
    unreleased: int = 0
    payouts: int = 0

    @property
    def holds(self) -> bool:
        return self.ledger.holds

    @property
    def findings(self) -> list[Finding]:
        return self.ledger.findings


@dataclass(frozen=True, slots=True)
class Verifying:
    table: Table
    clock: Clock
    bookings: Bookings
    payments: Payments
    refunds: Refunds
    ledger: Ledger
    payouts: PayoutBook

    async def verify(self) -> Verification:
        """Hold the ledger to its own rules, and escrow to what bookings and payments say is unreleased."""
        began_at = self.clock.now()
        report = Verification(ledger=Verified(at=began_at))
        held = await self._held(report)
        await self._returned(report, held)
        troubles = report.ledger.findings
        report.ledger = await books.verify(
            self.table, self.clock, held=held, held_at=began_at, pending_before=began_at - PENDING_FOR
        )
        for trouble in troubles:
            report.ledger.find(trouble.rule, trouble.about, trouble.detail)
        await self._payments(report)
        await self._payouts(report)
        return report

    async def _held(self, report: Verification) -> dict[str, Money]:
        """What each unreleased booking should have in escrow."""
        held: dict[str, Money] = {}
        async for row in every(self.table, Booking):
            booking = row.value
            report.bookings += 1
            if is_released(booking):
                continue
            paid = [payment.value for payment in await self.payments.payments_of(booking.booking_id)]
            left = zero(booking.lines.currency)
            for payment in paid:
                left += payment.left
            if left:
                held[booking.booking_id] = left
                report.unreleased += 1
            if booking.status in _KEPT and not any(payment.took_money for payment in paid):
                report.ledger.find("paid", booking.booking_id, f"it is {booking.status}, and nothing was paid for it")
        return held

    async def _returned(self, report: Verification, held: dict[str, Money]) -> None:
        """What lies in escrow after the release: what payments have left and is nobody's share.

        It came back with refunds that failed, or is owed. No instants are compared: a refund may come back in the one of
        the release.
        """
        touched: dict[str, None] = {}
        async for row in every(self.table, Refund):
            report.refunds += 1
            touched[row.value.booking_id] = None
        async for row in every(self.table, Payment):
            if row.value.owed or row.value.chargebacks or row.value.debit:
                touched[row.value.booking_id] = None
        for booking_id in touched:
            booking = (await self.bookings.row(booking_id)).value
            if is_released(booking):
                await self._lying(report, held, booking)

    async def _lying(self, report: Verification, held: dict[str, Money], booking: Booking) -> None:
        paid = await self._paid(booking.booking_id)
        for _ in range(READS_MAX):
            shares, before = await self._shares(booking.booking_id, paid), paid
            paid = await self._paid(booking.booking_id)
            if paid == before:
                break
        else:
            return  # It changes all the time: what is read of it would not fit together.
        units = sum(payment.left.minor for payment in paid) - shares
        if units < 0:
            detail = f"{-units} {booking.lines.currency} more are shared than are left"
            report.ledger.find("returned", booking.booking_id, detail)
        elif units:
            held[booking.booking_id] = Money(units, booking.lines.currency)

    async def _paid(self, booking_id: str) -> list[Payment]:
        return [row.value for row in await self.payments.payments_of(booking_id) if row.value.took_money]

    async def _shares(self, booking_id: str, paid: Sequence[Payment]) -> int:
        """What provider and platform have of the booking: released, less what refunds and chargebacks took from it."""
        ids = books.chart.release_ids(booking_id)
        for refund in await self.refunds.refunds_of(booking_id):
            # One that failed put back what it had taken.
            if refund.value.state is not RefundState.FAILED:
                ids += books.chart.refund_ids(refund.value.refund_id)
        for payment in paid:
            for chargeback in payment.chargebacks:
                ids += books.share_ids(chargeback.chargeback_id, chargeback.movements)
        return sum(books.chart.to_shares(recorded) for recorded in await self.ledger.transfers(ids))

    async def _payments(self, report: Verification) -> None:
        """Every captured payment belongs to a booking that has use for it, in the amount agreed."""
        async for row in every(self.table, Payment):
            report.payments += 1
            payment = row.value
            if not payment.took_money:
                continue
            try:
                booking = (await self.bookings.row(payment.booking_id)).value
            except BookingGone:
                report.ledger.find("booking", payment.payment_id, "money was taken for a booking that is not there")
                continue
            if booking.status in _BACK and payment.refundable and not await self._came_back(payment):
                report.ledger.find("kept", payment.payment_id, f"its booking is {booking.status}; money was kept")
            if payment.captured != booking.lines.total:
                report.ledger.find("amount", payment.payment_id, "what was taken is not the booking's price")

    async def _payouts(self, report: Verification) -> None:
        """The account of a payout holds its amount while it waits to be sent, and nothing before and after.

        What it moved in all is what its status says: off the balance, to the rail, or all the way back.
        """
        unknown = report.ledger.payouts
        async for row in every(self.table, Payout):
            report.payouts += 1
            unknown.discard(row.value.payout_id)
            await self._payout(report, row.value)
        for payout_id in sorted(unknown):
            report.ledger.find("payout", payout_id, "it has an account in the ledger, and no record")

    async def _payout(self, report: Verification, payout: Payout) -> None:
        account_id = books.chart.payout(payout.payout_id)
        lines = books.disbursement_ids(payout.payout_id)
        for _ in range(READS_MAX):
            positions = await self.ledger.positions([account_id])
            caused = await self.ledger.transfers([*lines, *(f"{line}.back" for line in lines)])
            row = await self.table.get(self.payouts.key(payout.payout_id), Payout)
            if row is None or row.value == payout:
                break
            payout = row.value
        else:
            return  # It changes all the time: what is read of it would not fit together.
        held = positions[account_id].balances.net if account_id in positions else 0
        waits = payout.status is PayoutStatus.INTENDED
        if held != (payout.amount.minor if waits else 0):
            detail = f"it is {payout.status}, and its account holds {held} of {payout.amount.minor}"
            report.ledger.find("payout", payout.payout_id, detail)
        provider = books.chart.provider(payout.provider_id, payout.amount.currency)
        off = sum(
            each.amount * ((each.debit_account_id == provider) - (each.credit_account_id == provider))
            for each in caused
        )
        if off != (0 if payout.status in GIVEN_BACK else payout.amount.minor):
            report.ledger.find("payout", payout.payout_id, f"it is {payout.status}, and {off} is off the balance")

    async def _came_back(self, payment: Payment) -> bool:
        """Whether a refund of it failed: then what is kept waits for an operator."""
        refunds = await self.refunds.refunds_of(payment.booking_id)
        return any(
            refund.value.payment_id == payment.payment_id and refund.value.state is RefundState.FAILED
            for refund in refunds
        )
