"""Calling a booking off, and what is given back."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ecosystem.contexts.booking.bookings import (
    Booking,
    BookingStatus,
    Changed,
    NotInThisState,
    moved,
    must_act_as,
    must_be,
    reason_of,
    told,
)
from ecosystem.contexts.booking.events import BookingCancelled
from ecosystem.contexts.booking.policies import Refund, Side, refund_of, refund_share
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import BPS
from ecosystem.kernel.refusals import Conflict, Denied, Invalid


class AlreadyStarted(Conflict):
    """The time has begun: report a no-show, or open a dispute."""


class CancelBooking(Struct, frozen=True, kw_only=True):
    """Ask to call a booking off. Only an operator sets `share_bps`, the share given back; left out, all is."""

    booking_id: str
    reason: str = ""
    share_bps: int | None = None


def preview(booking: Booking, by: Side, at: datetime) -> Refund:
    """What calling off now would give back. Raises as `cancel` does."""
    _may(booking, by, at)
    return refund_of(booking.lines, booking.rates, _share(booking, by, at))


def cancel(
    booking: Booking, request: CancelBooking, actor: Actor, at: datetime, *, was_unpaid: bool = False
) -> Changed:
    """The booking called off, and its `refund`.

    Until it is confirmed all is given back: nothing was captured, or the request was not yet answered. So it is when
    this was asked while nothing was paid (`was_unpaid`), and the payment came in between. A customer then gets what the
    copied policy gives, bounded by earlier moves; when provider or operator call off, all is given back. Raises
    `AlreadyStarted` for a customer once the time has begun.
    """
    by = must_act_as(booking, actor, Side.CUSTOMER, Side.PROVIDER, Side.OPERATOR, Side.SYSTEM)
    _may(booking, by, at)
    if request.share_bps is None:
        share_bps = BPS if was_unpaid else _share(booking, by, at)
    elif by is not Side.OPERATOR:
        raise Denied("Only an operator decides what is given back.")
    elif not 0 <= request.share_bps <= BPS:
        raise Invalid(f"A share lies between 0 and {BPS} basis points.", field="share_bps")
    else:
        share_bps = request.share_bps
    reason, refund = reason_of(request.reason), refund_of(booking.lines, booking.rates, share_bps)
    cancelled = moved(
        booking,
        BookingStatus.CANCELLED,
        at,
        due_at=None,
        proposal=None,
        refund=refund,
        settled_at=at,
        ended_by=by,
        reason=reason,
        sequence=booking.sequence + 1,
    )
    return cancelled, BookingCancelled(
        **told(cancelled, reason),
        by=by,
        was=booking.status,
        refund_bps=refund.share_bps,
        refund=refund.lines.total,
    )


def _may(booking: Booking, by: Side, at: datetime) -> None:
    waiting = (BookingStatus.AWAITING_PAYMENT, BookingStatus.AWAITING_PROVIDER)
    if by is Side.CUSTOMER:
        must_be(booking, *waiting, BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS)
        if booking.status is BookingStatus.IN_PROGRESS or (
            booking.status is BookingStatus.CONFIRMED and at >= booking.start_at
        ):
            raise AlreadyStarted
        return
    if by is Side.PROVIDER and booking.status is BookingStatus.AWAITING_PROVIDER:
        raise NotInThisState("A request is declined, not cancelled.")
    must_be(booking, *waiting, BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS)


def _share(booking: Booking, by: Side, at: datetime) -> int:
    if booking.status in {BookingStatus.AWAITING_PAYMENT, BookingStatus.AWAITING_PROVIDER}:
        return BPS
    return customer_share(booking, at) if by is Side.CUSTOMER else BPS


def customer_share(booking: Booking, at: datetime) -> int:
    """The share that a customer who calls off a confirmed booking now gets back."""
    assert booking.booked_at is not None
    share_bps = refund_share(
        booking.policy, start_at=booking.start_at, booked_at=booking.booked_at, at=at, by=Side.CUSTOMER
    )
    return min(share_bps, booking.refund_cap_bps)
