"""`booking-processor`: takes bookings on when their time has come, and answers what machines ask about them.

Each change of a booking plans anew what is next (`planning`). A firing that comes to nothing any more is over; one that
comes too soon plans anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ecosystem.app import App
from ecosystem.contexts.booking import NotInThisState, NotYet
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows import charges, holds, planning
from ecosystem.workflows.entries import rounds
from ecosystem.workflows.schedules import kept, one_time
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

EXPIRE, FINISH = planning.EXPIRE, planning.FINISH
START, COMPLETE, SETTLE = planning.START, planning.COMPLETE, planning.SETTLE
EXPIRE_HOLD, ASK_PAYMENT = holds.EXPIRE, charges.ASK
LEFT_BOOKINGS, LEFT_PAYMENTS, CALENDARS = "left-bookings", "left-payments", "read-calendars"


async def follow_up(market: App, event: Event) -> None:
    if event.type == "ProviderClaimed":
        # What was booked of a provider before somebody claimed it is theirs to answer and to do.
        await market.bookings.hand_over(event.detail["provider_id"], event.detail["owner_id"], ACTOR)
    else:
        # What the system did itself it did because its schedule fired: that one is gone already.
        former = () if event.actor == ACTOR else planning.NEXT.get(event.previous.get("status", ""), ())
        await planning.plan(market, event.detail["booking_id"], former)


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
        await planning.plan(market, firing.matter)
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
