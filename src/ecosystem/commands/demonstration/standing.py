"""What came of it: everything there is, counted by how it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

from ecosystem.app import App
from ecosystem.contexts.booking import Booking, BookingStatus, Hold
from ecosystem.contexts.disputes import Dispute
from ecosystem.contexts.fraud import Assessment, Standing
from ecosystem.contexts.payments import Payment, PayoutAccount, Refund
from ecosystem.contexts.payouts import Payout, Receivable, Withdrawal
from ecosystem.ports.table import Stored, every
from ecosystem.workflows.wiring import Wiring

T = TypeVar("T", bound=Stored)
Counts = Mapping[str, Counter[str]]


async def counted(market: App, wiring: Wiring) -> Counts:
    """By kind, how many stand how."""
    told: dict[str, Counter[str]] = {
        kind: Counter()
        for kind in (
            "holds",
            "bookings",
            "payments",
            "refunds",
            "disputes",
            "chargebacks",
            "payout accounts",
            "payouts",
            "debts of providers",
            "withdrawals",
            "cases of fraud",
            "executions",
            "dead letters",
        )
    }
    for hold in await _all(market, Hold):
        told["holds"][hold.status] += 1
    for booking in await _all(market, Booking):
        told["bookings"][_booking(booking)] += 1
    for payment in await _all(market, Payment):
        told["payments"][payment.state] += 1
        for chargeback in payment.chargebacks:
            told["chargebacks"][chargeback.standing] += 1
    for refund in await _all(market, Refund):
        told["refunds"][refund.state] += 1
    for dispute in await _all(market, Dispute):
        told["disputes"][_dispute(dispute)] += 1
    for account in await _all(market, PayoutAccount):
        told["payout accounts"][account.state] += 1
    await _paid_out(market, told)
    await _executions(market, told["executions"])
    for letter in (await wiring.deliveries.dead()).rows:
        told["dead letters"][letter.value.rule] += 1
    return told


async def _paid_out(market: App, told: Mapping[str, Counter[str]]) -> None:
    for payout in await _all(market, Payout):
        told["payouts"]["in review" if payout.in_review and payout.is_open else payout.status] += 1
    for debt in await _all(market, Receivable):
        told["debts of providers"][debt.owed.currency] += 1
    for case in await _all(market, Assessment):
        if case.standing is not Standing.APPROVED:
            told["cases of fraud"][case.standing] += 1
    for withdrawal in await _all(market, Withdrawal):
        told["withdrawals"][withdrawal.status] += 1


async def _executions(market: App, told: Counter[str]) -> None:
    after = None
    while True:
        page = await market.ports.workflows.listed(after=after, limit=100)
        told.update(f"{each.machine} {each.status}" for each in page.executions)
        after = page.next
        if after is None:
            return


async def _all(market: App, kind: type[T]) -> list[T]:
    return [row.value async for row in every(market.ports.table, kind)]


def _booking(booking: Booking) -> str:
    if booking.status is BookingStatus.NO_SHOW:
        return f"no_show of the {booking.absent}"
    if booking.status is BookingStatus.CANCELLED and booking.ended_by:
        return f"cancelled by the {booking.ended_by}"
    return booking.status


def _dispute(dispute: Dispute) -> str:
    of = f"{dispute.kind} {dispute.state}"
    if dispute.overdue:
        return f"{of} after seven days"
    return f"{of} by the {dispute.verdict.by}" if dispute.verdict else of


def lines(counts: Counts) -> list[str]:
    """As they are printed."""
    told: list[str] = []
    for kind, of in counts.items():
        if of:
            shown = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(of.items()))
            told.append(f"{sum(of.values())} {kind}: {shown}")
    return told
