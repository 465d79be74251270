"""`booking-processor`: takes bookings on when their time has come, each by one-time schedules of its own.

A confirmed booking has a schedule for its start, one in progress for its completion, a no-show for its settlement. Each
change of a booking plans anew by what the booking says then, whichever change is heard of first. A firing that comes to
nothing any more is over; one that comes too soon plans anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from ecosystem.app import App
from ecosystem.contexts.booking import Booking, BookingStatus, NotInThisState, NotYet
from ecosystem.kernel.actor import Actor, system
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Check, Stale, Write
from ecosystem.workflows.entries import rounds
from ecosystem.workflows.schedules import cancelled, kept, one_time
from ecosystem.workflows.triggers import Entry, Firing

ACTOR = system("booking-processor")
PLANNED = (
    "BookingCancelled",
    "BookingCompleted",
    "BookingConfirmed",
    "BookingDisputed",
    "BookingRescheduled",
    "BookingResumed",
    "BookingStarted",
    "NoShowReported",
    "NoShowSettled",
)
"""Changes after which something else is due, or nothing any more."""

START, COMPLETE, SETTLE = "start-booking", "complete-booking", "settle-no-show"
HOLDS, DUE, LEFT = "expire-holds", "due-bookings", "left-bookings"
CALENDARS = "read-calendars"
TRIES_MAX = 5

_NEXT: Mapping[str, str] = {
    BookingStatus.CONFIRMED: START,
    BookingStatus.IN_PROGRESS: COMPLETE,
    BookingStatus.NO_SHOW: SETTLE,
}
"""What is done next with a booking in that state."""


async def follow_up(market: App, event: Event) -> None:
    if event.type == "ProviderClaimed":
        # What was booked of a provider before somebody claimed it is theirs to answer and to do.
        await market.bookings.hand_over(event.detail["provider_id"], event.detail["owner_id"], ACTOR)
    else:
        # What the system did itself it did because its schedule fired: that one is gone already.
        former = None if event.actor == ACTOR else _NEXT.get(event.previous.get("status", ""))
        await plan(market, event.detail["booking_id"], former)


async def plan(market: App, booking_id: str, former: str | None = None) -> None:
    """Schedule what is due next for the booking as it stands, in place of what was `former`."""
    for _ in range(TRIES_MAX):
        row = await market.bookings.row(booking_id)
        due = due_next(row.value)
        writes: list[Write] = [kept(one_time(due[0], booking_id, due[1]))] if due else []
        if former is not None and (due is None or due[0] != former):
            writes.append(cancelled(former, booking_id))
        if not writes:
            return
        try:
            await market.ports.table.transact(*writes, Check(key=row.key, expected=row.unchanged))
        except Stale:
            continue  # The booking was changed meanwhile: what is due next may have, too.
        return
    raise Stale


def due_next(booking: Booking) -> tuple[str, datetime] | None:
    """What the system has to do next with the booking by itself, and when."""
    match booking.status:
        case BookingStatus.CONFIRMED:
            return START, booking.start_at
        case BookingStatus.IN_PROGRESS:
            return COMPLETE, booking.completes_at
        case BookingStatus.NO_SHOW if booking.settled_at is None:
            return SETTLE, booking.completes_at
        case _:
            return None


async def move_on(market: App, firing: Firing) -> None:
    acts: Mapping[str, Callable[[str, Actor], Awaitable[object]]] = {
        START: market.bookings.start,
        COMPLETE: market.closing.complete,
        SETTLE: market.closing.settle_no_show,
    }
    sweeps = {
        HOLDS: market.sweep.holds_due,
        DUE: market.sweep.bookings_due,
        LEFT: market.sweep.bookings_left,
        CALENDARS: market.outside_calendars.read_due,
    }
    if act := acts.get(firing.schedule):
        await _done(market, firing.matter, act)
    else:
        await rounds(sweeps[firing.schedule])


async def _done(market: App, booking_id: str, act: Callable[[str, Actor], Awaitable[object]]) -> None:
    try:
        await act(booking_id, ACTOR)
    except NotYet:
        await plan(market, booking_id)
    except NotInThisState:
        return  # It was called off, or somebody was faster.


ENTRY = Entry(event=follow_up, schedule=move_on)
