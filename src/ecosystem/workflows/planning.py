"""What the system does next with a booking by itself, and when: one one-time schedule at a time.

A request has one for its expiry, or for the end of its acceptance, a confirmed booking for its start, one in progress
for its completion, a no-show for its settlement. It is planned by what the booking says then, whichever of its changes
is heard of first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ecosystem.app import App
from ecosystem.contexts.booking import Booking, BookingStatus
from ecosystem.ports.table import Check, Stale, Write
from ecosystem.workflows.schedules import cancelled, kept, one_time

EXPIRE, FINISH = "expire-request", "finish-acceptance"
START, COMPLETE, SETTLE = "start-booking", "complete-booking", "settle-no-show"
TRIES_MAX = 5

NEXT: Mapping[str, tuple[str, ...]] = {
    BookingStatus.AWAITING_PROVIDER: (EXPIRE, FINISH),
    BookingStatus.CONFIRMED: (START,),
    BookingStatus.IN_PROGRESS: (COMPLETE,),
    BookingStatus.NO_SHOW: (SETTLE,),
}
"""What may be done next with a booking in that state."""


async def plan(market: App, booking_id: str, former: tuple[str, ...] = ()) -> None:
    """Schedule what is due next for the booking as it stands, in place of what was `former`."""
    for _ in range(TRIES_MAX):
        row = await market.bookings.row(booking_id)
        due = due_next(row.value)
        writes: list[Write] = [kept(one_time(due[0], booking_id, due[1]))] if due else []
        writes += [cancelled(name, booking_id) for name in former if due is None or due[0] != name]
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
        case BookingStatus.AWAITING_PROVIDER if booking.due_at is not None:
            return EXPIRE if booking.accepted_by is None else FINISH, booking.due_at
        case BookingStatus.CONFIRMED:
            return START, booking.start_at
        case BookingStatus.IN_PROGRESS:
            return COMPLETE, booking.completes_at
        case BookingStatus.NO_SHOW if booking.settled_at is None:
            return SETTLE, booking.completes_at
        case _:
            return None
