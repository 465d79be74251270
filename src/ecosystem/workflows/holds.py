"""What a hold became, as `ecosystem-booking-lifecycle` asks, and its end at its own time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ecosystem.app import App
from ecosystem.contexts.booking import Booking, BookingStatus, Hold, HoldStatus, NotInThisState, NotYet
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Unavailable
from ecosystem.kernel.time import sortable
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows.schedules import kept, one_time
from ecosystem.workflows.waits import Waits, waiting

EXPIRE = "expire-hold"
WAITS = timedelta(minutes=15)
AGAIN = timedelta(minutes=1)
"""How long after a refusal for now the same is tried again."""

_TOLD = {BookingStatus.CONFIRMED: "BookingConfirmed", BookingStatus.AWAITING_PROVIDER: "BookingRequested"}
PENDING = frozenset({"held", "unpaid"})
AWAITED = (
    "BookingCancelled",
    "BookingConfirmed",
    "BookingExpired",
    "BookingRequested",
    "HoldExpired",
    "HoldReleased",
)
"""The events that end the wait."""


def standing(held: Hold, booking: Booking | None) -> str:
    """What became of the hold: `held`, `unpaid` (booked, not paid), `booked`, `requested`, `released`, `expired`."""
    if booking is None:
        return held.status.value
    if booking.booked_at is not None:
        return "booked" if booking.offer.instant else "requested"
    if booking.status is BookingStatus.AWAITING_PAYMENT:
        return "unpaid"
    return "expired" if booking.status is BookingStatus.EXPIRED else "released"


async def await_payment(market: App, call: TaskCall) -> dict[str, Any]:
    """Keep the step's token until the hold became something, and answer at once if it has."""
    assert call.token is not None
    ports, found = market.ports, await look(market, call)
    if found["standing"] in PENDING:
        until = ports.clock.now() + WAITS
        await ports.table.transact(waiting(call.input["hold_id"], call.token, AWAITED, until=until))
        # What happened before the token could be found is seen now; what happens later finds the token.
        found = await look(market, call)
    if found["standing"] not in PENDING:
        await Waits(ports.table, ports.workflows).succeed(call.token, found)
    return found


async def look(market: App, call: TaskCall) -> dict[str, Any]:
    """What became of the hold, and which booking."""
    held = (await market.holds.row(call.input["hold_id"])).value
    if held.booking_id is None:
        return {"standing": standing(held, None), "booking_id": "", "event_id": ""}
    row = await market.bookings.row(held.booking_id)
    # What told so, if nothing has happened to the booking since: whoever finds no such event looks for it.
    told = _TOLD.get(row.value.status)
    return {
        "standing": standing(held, row.value),
        "booking_id": held.booking_id,
        "event_id": f"{row.key.partition}:{row.version}:{told}" if told else "",
    }


async def expire_later(market: App, call: TaskCall) -> dict[str, Any]:
    """Have the hold, or its booking, expire when its time is over."""
    held, booking = await _found(market, call.input["hold_id"])
    at = booking.due_at if booking and booking.due_at else held.expires_at
    await _put(market, held.hold_id, at)
    return {"at": sortable(at)}


async def expire(market: App, hold_id: str, actor: Actor) -> None:
    """Let the hold, or its booking that nobody paid for, expire if its time is over; else when it is."""
    held, booking = await _found(market, hold_id)
    try:
        if booking is None:
            after = await market.holds.expire(hold_id, actor)
            if after.status is HoldStatus.HELD:
                await _put(market, hold_id, after.expires_at)
        elif booking.status is BookingStatus.AWAITING_PAYMENT:
            await market.closing.expire(booking.booking_id, actor)
    except NotYet:
        # Another card was tried meanwhile, which prolongs it.
        later = (await market.bookings.row(booking.booking_id)).value.due_at if booking else held.expires_at
        await _put(market, hold_id, later or held.expires_at)
    except NotInThisState:
        return  # Somebody was faster.
    except Unavailable:
        await _put(market, hold_id, market.ports.clock.now() + AGAIN)


async def _found(market: App, hold_id: str) -> tuple[Hold, Booking | None]:
    held = (await market.holds.row(hold_id)).value
    return held, (await market.bookings.row(held.booking_id)).value if held.booking_id else None


async def _put(market: App, hold_id: str, at: datetime) -> None:
    await market.ports.table.transact(kept(one_time(EXPIRE, hold_id, at)))
