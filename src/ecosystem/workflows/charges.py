"""What became of a payment, as `ecosystem-payment-processing` asks, and asking on when that is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ecosystem.app import App
from ecosystem.contexts.booking import Booking, BookingStatus, NotInThisState, NotYet
from ecosystem.contexts.payments import Payment, PaymentState
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Unavailable
from ecosystem.kernel.time import sortable
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows.schedules import kept, one_time

ASK = "ask-payment"
PATIENCE = timedelta(minutes=4)
"""How long after the intention an execution asks by itself: its ten minutes are enough for the last turn
with all its tries, and for handing the matter over. A test adds them up."""

AGAIN = timedelta(minutes=1)


def standing(payment: Payment, booking: Booking, at: datetime) -> str:
    """`settled`: its end is known. `open`: it may still be used. `unused`: nobody has use for it any more."""
    holds_money = payment.is_open or payment.state is PaymentState.AUTHORIZED
    if not holds_money:
        return "settled"
    match booking.status:
        case BookingStatus.AWAITING_PAYMENT:
            over = booking.due_at is not None and booking.due_at <= at
            return "unused" if over else "open"
        case BookingStatus.AWAITING_PROVIDER:
            return "open" if payment.is_open else "settled"
        case _:
            return "unused"


async def check(market: App, call: TaskCall, actor: Actor) -> dict[str, Any]:
    """Ask what became of the payment. Fails as `ProcessorSilent` when it has to be repeated."""
    booking_id, payment_id = call.input["booking_id"], call.input["payment_id"]
    payment = await market.checkout.check(booking_id, payment_id, actor)
    if not (payment.is_open or payment.state is PaymentState.AUTHORIZED):
        return {"standing": "settled", "state": payment.state.value}
    booking = (await market.bookings.row(booking_id)).value
    until = payment.intended_at + PATIENCE
    if booking.due_at is not None:
        until = min(until, booking.due_at)
    found = standing(payment, booking, market.ports.clock.now())
    return {"standing": found, "state": payment.state.value, "until": sortable(until)}


async def let_go(market: App, booking_id: str, actor: Actor) -> BookingStatus:
    """End what is open or held for a booking that has no use for it; one whose time to be paid is over expires.

    Raises `ProcessorSilent`.
    """
    booking = (await market.bookings.row(booking_id)).value
    if booking.status is BookingStatus.AWAITING_PAYMENT:
        return (await market.closing.expire(booking_id, actor)).status
    return await market.checkout.let_go(booking_id, actor)


async def ask_later(market: App, call: TaskCall) -> dict[str, Any]:
    """Have the processor be asked again in a while."""
    at = market.ports.clock.now() + AGAIN
    await _put(market, call.input["booking_id"], call.input["payment_id"], at)
    return {"at": sortable(at)}


async def ask(market: App, booking_id: str, payment_id: str, actor: Actor) -> None:
    """Ask once more, and again in a while unless its end is known."""
    try:
        payment = await market.checkout.check(booking_id, payment_id, actor)
        booking = (await market.bookings.row(booking_id)).value
        found = standing(payment, booking, market.ports.clock.now())
        if found == "unused":
            await let_go(market, booking_id, actor)
    except (NotInThisState, NotYet):
        found = "open"  # Something else has just happened to the booking.
    except Unavailable:
        found = "open"
    if found == "open":
        await _put(market, booking_id, payment_id, market.ports.clock.now() + AGAIN)


async def _put(market: App, booking_id: str, payment_id: str, at: datetime) -> None:
    await market.ports.table.transact(kept(one_time(ASK, payment_id, at, booking_id=booking_id)))
