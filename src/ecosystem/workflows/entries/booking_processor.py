"""`booking-processor`: takes bookings on when their time has come, and answers what machines ask about them.

A booking has one one-time schedule of its own for what the system does next with it: a request for its expiry, or for
the end of its acceptance, a confirmed one for its start, one in progress for its completion, a no-show for its
settlement. Each change of a booking plans anew by what the booking says then, whichever change is heard of first. A
firing that comes to nothing any more is over; one that comes too soon plans anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from ecosystem.app import App
from ecosystem.contexts.booking import Booking, BookingStatus, NotInThisState, NotYet
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Check, Stale, Write
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows import charges, holds
from ecosystem.workflows.entries import rounds
from ecosystem.workflows.schedules import cancelled, kept, one_time
from ecosystem.workflows.triggers import Entry, Firing

ACTOR = system("booking-processor")
PLANNED = (
    "BookingCancelled",
    "BookingCompleted",
    "BookingConfirmed",
    "BookingDeclined",
    "BookingDisputed",
    "BookingExpired",
    "BookingRequested",
    "BookingRescheduled",
    "BookingResumed",
    "BookingStarted",
    "NoShowReported",
    "NoShowSettled",
    "RequestAccepted",
)
"""Changes after which something else is due, or nothing any more."""

EXPIRE, FINISH = "expire-request", "finish-acceptance"
START, COMPLETE, SETTLE = "start-booking", "complete-booking", "settle-no-show"
EXPIRE_HOLD, ASK_PAYMENT = holds.EXPIRE, charges.ASK
LEFT_BOOKINGS, LEFT_PAYMENTS, CALENDARS = "left-bookings", "left-payments", "read-calendars"
TRIES_MAX = 5

_NEXT: Mapping[str, tuple[str, ...]] = {
    BookingStatus.AWAITING_PROVIDER: (EXPIRE, FINISH),
    BookingStatus.CONFIRMED: (START,),
    BookingStatus.IN_PROGRESS: (COMPLETE,),
    BookingStatus.NO_SHOW: (SETTLE,),
}
"""What may be done next with a booking in that state."""


async def follow_up(market: App, event: Event) -> None:
    if event.type == "ProviderClaimed":
        # What was booked of a provider before somebody claimed it is theirs to answer and to do.
        await market.bookings.hand_over(event.detail["provider_id"], event.detail["owner_id"], ACTOR)
    else:
        # What the system did itself it did because its schedule fired: that one is gone already.
        former = () if event.actor == ACTOR else _NEXT.get(event.previous.get("status", ""), ())
        await plan(market, event.detail["booking_id"], former)


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


async def move_on(market: App, firing: Firing) -> None:
    acts: Mapping[str, Callable[[str, Actor], Awaitable[object]]] = {
        EXPIRE: market.closing.expire,
        FINISH: market.sweep.finish_acceptance,
        START: market.bookings.start,
        COMPLETE: market.closing.complete,
        SETTLE: market.closing.settle_no_show,
    }
    sweeps = {
        LEFT_BOOKINGS: market.sweep.bookings_left,
        LEFT_PAYMENTS: market.sweep.payments_left,
        CALENDARS: market.outside_calendars.read_due,
    }
    if act := acts.get(firing.schedule):
        await _done(market, firing, act)
    elif firing.schedule == EXPIRE_HOLD:
        await holds.expire(market, firing.matter, ACTOR)
    elif firing.schedule == ASK_PAYMENT:
        await charges.ask(market, firing.input["booking_id"], firing.matter, ACTOR)
    else:
        await rounds(sweeps[firing.schedule])


async def _done(market: App, firing: Firing, act: Callable[[str, Actor], Awaitable[object]]) -> None:
    try:
        await act(firing.matter, ACTOR)
    except NotYet:
        await plan(market, firing.matter)
    except NotInThisState:
        return  # It was called off, or somebody was faster.
    except Unavailable:
        # The processor is silent: that may last longer than an event is delivered again.
        later = market.ports.clock.now() + holds.AGAIN
        await market.ports.table.transact(kept(one_time(firing.schedule, firing.matter, later)))


async def check_payment(market: App, call: TaskCall) -> dict[str, Any]:
    return await charges.check(market, call, ACTOR)


ENTRY = Entry(
    event=follow_up,
    schedule=move_on,
    tasks={
        "ask-payment-later": charges.ask_later,
        "await-payment": holds.await_payment,
        "check-payment": check_payment,
        "expire-later": holds.expire_later,
        "standing": holds.look,
    },
)
