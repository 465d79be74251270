"""Verification: the ledger's invariants, held against the bookings and their payments.

Reads the stored items and nothing else, page by page, and says what it read. Runs beside a serving process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Struct

from ecosystem.contexts import ledger as books
from ecosystem.contexts.booking import Booking, BookingGone, Bookings, BookingStatus
from ecosystem.contexts.ledger import Finding, Ledger, Verified
from ecosystem.contexts.payments import Chargeback, Payment, Payments, Refund, Refunds, RefundState
from ecosystem.journeys.given_back import in_escrow, is_released
from ecosystem.journeys.settlement import automatic_refund_id
from ecosystem.kernel.money import Money, zero
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Cursor, Row, Stored, Table

S = TypeVar("S", bound=Stored)
PAGE = 1000
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
        return report

    async def _held(self, report: Verification) -> dict[str, Money]:
        """What each unreleased booking should have in escrow."""
        held: dict[str, Money] = {}
        async for row in self._scan(Booking):
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
        """What lies in escrow after the release: what is owed, and refunds that failed, less what went from there since."""
        returned: Counter[tuple[str, str]] = Counter()
        at_once: Counter[str] = Counter()
        async for row in self._scan(Refund):
            report.refunds += 1
            refund = row.value
            booking = (await self.bookings.row(refund.booking_id)).value
            if not is_released(booking):
                continue
            released_at = booking.settled_at or booking.changed_at
            sign = _after_the_release(refund, released_at)
            if sign or refund.failed_at == released_at:
                units = await self._out_of_escrow(refund)
                returned[booking.booking_id, refund.amount.currency] += sign * units
                at_once[booking.booking_id] += units * (refund.failed_at == released_at)
        await self._kept_back(returned)
        for (booking_id, currency), expected in returned.items():
            units = expected
            if at_once[booking_id] and units - at_once[booking_id] == await in_escrow(self.ledger, booking_id):
                units -= at_once[booking_id]  # At one instant it came back and was then released with the rest.
            if units < 0:
                report.ledger.find(
                    "returned", booking_id, f"{-units} {currency} more went out of escrow than came back"
                )
            elif units:
                held[booking_id] = Money(units, currency)

    async def _kept_back(self, returned: Counter[tuple[str, str]]) -> None:
        """Add what is owed to customers, and what chargebacks brought to escrow after the release or took from there."""
        async for row in self._scan(Payment):
            if row.value.owed:
                returned[row.value.booking_id, row.value.owed.currency] += row.value.owed.minor
            for chargeback in row.value.chargebacks:
                currency = chargeback.amount.currency
                returned[row.value.booking_id, currency] += await self._into_escrow(chargeback)

    async def _out_of_escrow(self, refund: Refund) -> int:
        """What the refund took out of escrow when it was asked for."""
        return sum(
            recorded.amount
            for recorded in await self.ledger.transfers(books.chart.refund_ids(refund.refund_id))
            if recorded.debit_account_id == books.chart.escrow(refund.booking_id)
        )

    async def _into_escrow(self, chargeback: Chargeback) -> int:
        """What the chargeback brought to escrow after the release, less what it took from there."""
        ids = books.lying_ids(chargeback.chargeback_id, chargeback.movements)
        return sum(
            recorded.amount if recorded.debit_is_summed else -recorded.amount
            for recorded in (await self.ledger.transfers(ids) if ids else [])
        )

    async def _payments(self, report: Verification) -> None:
        """Every captured payment belongs to a booking that has use for it, in the amount agreed."""
        async for row in self._scan(Payment):
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

    async def _came_back(self, payment: Payment) -> bool:
        """Whether a refund of it failed: then what is kept waits for an operator."""
        refunds = await self.refunds.refunds_of(payment.booking_id)
        return any(
            refund.value.payment_id == payment.payment_id and refund.value.state is RefundState.FAILED
            for refund in refunds
        )

    async def _scan(self, kind: type[S]) -> AsyncIterator[Row[S]]:
        after: Cursor | None = None
        while True:
            page = await self.table.scan(kind, after=after, limit=PAGE)
            for row in page.rows:
                yield row
            if page.next is None:
                return
            after = page.next


def _after_the_release(refund: Refund, released_at: datetime) -> int:
    """What the refund did to escrow after the release: put back what it had taken (1), taken it (-1), both or neither."""
    came_back = refund.failed_at is not None and refund.failed_at >= released_at
    # The refund of a payment that came too late takes what that payment brought.
    too_late = refund.refund_id == automatic_refund_id(refund.payment_id)
    return came_back - (refund.requested_at > released_at and not too_late)
