"""`booking-processor`: takes bookings on when their time has come: holds run out, unanswered requests expire."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.workflows.entries import rounds
from ecosystem.workflows.triggers import Entry, Firing

ACTOR = system("booking-processor")
HOLDS = "expire-holds"
DUE = "due-bookings"


async def follow_up(market: App, event: Event) -> None:
    """What was booked of a provider before somebody claimed it is theirs to answer and to do."""
    await market.bookings.hand_over(event.detail["provider_id"], event.detail["owner_id"], ACTOR)


async def move_on(market: App, firing: Firing) -> None:
    await rounds(market.sweep.holds_due if firing.schedule == HOLDS else market.sweep.bookings_due)


ENTRY = Entry(event=follow_up, schedule=move_on)
