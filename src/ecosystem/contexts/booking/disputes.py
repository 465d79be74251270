"""A booking in dispute: what is still held stays so until it is concluded. The dispute's own course is kept elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from ecosystem.contexts.booking.bookings import (
    Booking,
    BookingStatus,
    Changed,
    NotInThisState,
    NotYet,
    moved,
    must_act_as,
    must_be,
    reason_of,
    told,
)
from ecosystem.contexts.booking.events import BookingDisputed, BookingResumed, DisputeConcluded
from ecosystem.contexts.booking.policies import Side, refund_amounting, refund_of
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import BPS, Money
from ecosystem.kernel.refusals import Invalid

DISPUTABLE = timedelta(days=14)


class ConcludeDispute(Struct, frozen=True, kw_only=True):
    """Decide a dispute: the share of what was paid that is given back, or the very `amount`, in all.

    `elsewhere`: what goes back now was paid by other means than the card.
    """

    booking_id: str
    share_bps: int = 0
    amount: Money | None = None
    reason: str = ""
    elsewhere: bool = False


def dispute(booking: Booking, reason: str, actor: Actor, at: datetime) -> Changed:
    """The booking in dispute. What was written about it stays in the record, out of the event.

    A customer may from the start until 14 days after the end; a provider only against a report of their absence that
    has not settled; an operator and the system (for a chargeback) at any time once it has begun.
    """
    by = must_act_as(booking, actor, Side.CUSTOMER, Side.PROVIDER, Side.OPERATOR, Side.SYSTEM)
    must_be(booking, BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS, BookingStatus.COMPLETED, BookingStatus.NO_SHOW)
    if at < booking.start_at and by is not Side.SYSTEM:
        raise NotYet("The time has not begun: it can be cancelled.")
    if by is Side.CUSTOMER and at >= booking.end_at + DISPUTABLE:
        raise NotInThisState("A booking can be disputed until 14 days after its end.")
    if by is Side.PROVIDER and not (booking.absent is Side.PROVIDER and booking.settled_at is None):
        raise NotInThisState("A provider disputes a report that they did not come, before it settles.")
    if booking.absent is Side.PROVIDER and booking.settled_at is not None:
        raise NotInThisState("All was given back already.")
    reason = reason_of(reason)
    disputed = moved(
        booking, BookingStatus.DISPUTED, at, due_at=None, proposal=None, disputed_from=booking.status, reason=reason
    )
    return disputed, BookingDisputed(**told(disputed), by=by, was=booking.status)


def conclude(booking: Booking, request: ConcludeDispute, actor: Actor, at: datetime) -> Changed:
    """The dispute decided: cancelled when all is given back, completed otherwise; with its `refund`."""
    by = must_act_as(booking, actor, Side.OPERATOR, Side.SYSTEM)
    must_be(booking, BookingStatus.DISPUTED)
    if not 0 <= request.share_bps <= BPS:
        raise Invalid(f"A share lies between 0 and {BPS} basis points.", field="share_bps")
    reason = reason_of(request.reason)
    if request.amount is None:
        refund = refund_of(booking.lines, booking.rates, request.share_bps)
    else:
        refund = refund_amounting(booking.lines, booking.rates, request.amount)
    status = BookingStatus.CANCELLED if refund.amount == booking.lines.total else BookingStatus.COMPLETED
    settled_at = booking.settled_at or at
    concluded = moved(
        booking, status, at, due_at=None, refund=refund, settled_at=settled_at, ended_by=by, reason=reason
    )
    return concluded, DisputeConcluded(
        **told(concluded),
        refund_bps=refund.share_bps,
        refund=refund.lines.total,
    )


def resume(booking: Booking, actor: Actor, at: datetime) -> Changed:
    """The booking as it was before the dispute, which is over with nothing given back; its money stays held.

    For one disputed before it was done, until a day after its end. Raises `NotInThisState` otherwise: it is concluded.
    """
    must_act_as(booking, actor, Side.CUSTOMER, Side.OPERATOR, Side.SYSTEM)
    must_be(booking, BookingStatus.DISPUTED)
    if not may_resume(booking, at):
        raise NotInThisState("The booking is over: the dispute is concluded.")
    begun = at >= booking.start_at
    resumed = moved(
        booking,
        BookingStatus.IN_PROGRESS if begun else BookingStatus.CONFIRMED,
        at,
        due_at=booking.completes_at if begun else booking.start_at,
        disputed_from=None,
        reason="",
    )
    return resumed, BookingResumed(**told(resumed))


def may_resume(booking: Booking, at: datetime) -> bool:
    """Whether the booking goes on when the dispute over it falls away."""
    unfinished = booking.disputed_from in {BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS}
    return booking.status is BookingStatus.DISPUTED and unfinished and at < booking.completes_at
