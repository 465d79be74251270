"""What becomes of a booking once its time has come: started, completed, or one side did not come.

Who says that the other did not come may be wrong, so it settles only a day after the end, and until then the other
side may dispute it; the side said to be absent may let it settle sooner, and so may an operator.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

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
from ecosystem.contexts.booking.events import BookingCompleted, BookingStarted, NoShowReported, NoShowSettled
from ecosystem.contexts.booking.policies import Side, refund_of
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import BPS
from ecosystem.kernel.refusals import Denied, Invalid


class ReportNoShow(Struct, frozen=True, kw_only=True):
    """Say that the customer, or the provider, did not come."""

    booking_id: str
    absent: Side
    reason: str = ""


def start(booking: Booking, actor: Actor, at: datetime) -> Changed:
    """The booking in progress, from its start on. Raises `NotYet` before that."""
    must_act_as(booking, actor, Side.PROVIDER, Side.OPERATOR, Side.SYSTEM)
    must_be(booking, BookingStatus.CONFIRMED)
    _begun(booking, at)
    started = moved(booking, BookingStatus.IN_PROGRESS, at, due_at=booking.completes_at, proposal=None)
    return started, BookingStarted(**told(started))


def complete(booking: Booking, actor: Actor, at: datetime, reason: str = "") -> Changed:
    """The booking completed: by the customer or an operator from the start on, by the system a day after the end.

    An operator says for which `reason`.
    """
    by = must_act_as(booking, actor, Side.CUSTOMER, Side.OPERATOR, Side.SYSTEM)
    must_be(booking, BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS)
    _begun(booking, at)
    if by is Side.SYSTEM and at < booking.completes_at:
        raise NotYet
    completed = moved(booking, BookingStatus.COMPLETED, at, due_at=None, proposal=None, settled_at=at, ended_by=by)
    return completed, BookingCompleted(**told(completed, reason_of(reason)), by=by)


def report_no_show(booking: Booking, request: ReportNoShow, actor: Actor, at: datetime) -> Changed:
    """The booking as one to which one side did not come, as the other says, or an operator.

    From the start until a day after the end. Nothing is given back when the customer is absent, all when the provider
    is, as soon as it settles.
    """
    by = must_act_as(booking, actor, Side.CUSTOMER, Side.PROVIDER, Side.OPERATOR)
    if request.absent not in {Side.CUSTOMER, Side.PROVIDER}:
        raise Invalid("Absent is the customer or the provider.", field="absent")
    if request.absent is by:
        raise Denied("A no-show is reported by the other side.")
    must_be(booking, BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS)
    _begun(booking, at)
    if at >= booking.completes_at:
        raise NotInThisState("It is too late to report a no-show.")
    reason = reason_of(request.reason)
    absent = moved(
        booking,
        BookingStatus.NO_SHOW,
        at,
        due_at=booking.completes_at,
        proposal=None,
        absent=request.absent,
        ended_by=by,
        reason=reason,
    )
    return absent, NoShowReported(**told(absent, reason), by=by, absent=request.absent, settles_at=booking.completes_at)


def settle_no_show(booking: Booking, actor: Actor, at: datetime, reason: str = "") -> Changed:
    """The no-show as it stands for good, with its `refund`. Raises `NotYet` while the other side may still dispute.

    An operator says for which `reason`.
    """
    by = must_act_as(booking, actor, Side.CUSTOMER, Side.PROVIDER, Side.OPERATOR, Side.SYSTEM)
    must_be(booking, BookingStatus.NO_SHOW)
    assert booking.absent is not None
    if booking.settled_at is not None:
        raise NotInThisState("This no-show has settled.")
    if at < booking.completes_at and by not in {booking.absent, Side.OPERATOR}:
        raise NotYet
    refund = refund_of(booking.lines, booking.rates, BPS if booking.absent is Side.PROVIDER else 0)
    settled = replace(booking, due_at=None, settled_at=at, refund=refund, changed_at=at)
    return settled, NoShowSettled(
        **told(settled, reason_of(reason)),
        absent=booking.absent,
        refund_bps=refund.share_bps,
        refund=refund.lines.total,
    )


def _begun(booking: Booking, at: datetime) -> None:
    if at < booking.start_at:
        raise NotYet("The time has not begun.")
