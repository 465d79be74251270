"""`refund-processor`: gives money back; what was paid, and what a card still holds for a booking without use for it."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.contexts.booking import BookingStatus
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.workflows.entries import rounds
from ecosystem.workflows.triggers import Entry, Firing

ACTOR = system("refund-processor")
AWAITING = frozenset({BookingStatus.AWAITING_PAYMENT, BookingStatus.AWAITING_PROVIDER})
"""Bookings that have use for money that a card holds."""
UNANSWERED = "unanswered-refunds"
LEFT = "left-authorizations"


async def give_back(market: App, event: Event) -> None:
    booking_id = event.detail["booking_id"]
    if event.type == "RefundRequested":
        await market.refunding.carry_out(booking_id, event.detail["refund_id"], ACTOR)
    elif (await market.bookings.row(booking_id)).value.status not in AWAITING:
        await market.checkout.let_go(booking_id, ACTOR)


async def finish(market: App, firing: Firing) -> None:
    await rounds(market.sweep.refunds_due if firing.schedule == UNANSWERED else market.sweep.authorizations_left)


ENTRY = Entry(event=give_back, schedule=finish)
