"""What a customer may do with a booking now, found by asking each decision."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from msgspec import Struct

from ecosystem.contexts import booking as booked
from ecosystem.contexts.booking import Booking, BookingStatus, Proposal, Refund, ReportNoShow, Side
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Refusal

T = TypeVar("T")


class Deeds(Struct, frozen=True, kw_only=True):
    """`cancel` is what that would give back. `proposed` is another time that waits for an answer, by `proposed.by`."""

    cancel: Refund | None
    move: bool
    move_until: datetime
    complete: bool
    no_show: bool
    dispute: bool
    pay: bool
    proposed: Proposal | None

    @property
    def any(self) -> bool:
        return self.cancel is not None or self.move or self.complete or self.no_show


def deeds(booking: Booking, actor: Actor, at: datetime) -> Deeds:
    """What the decisions would let the customer do at that instant."""
    report = ReportNoShow(booking_id=booking.booking_id, absent=Side.PROVIDER)
    proposed = booking.open_proposal(at) if booking.status is BookingStatus.CONFIRMED else None
    return Deeds(
        cancel=_tried(lambda: booked.preview(booking, Side.CUSTOMER, at)),
        move=_passes(lambda: booked.may_move(booking, actor, at)) and not (proposed and proposed.by is Side.PROVIDER),
        move_until=booking.start_at - timedelta(minutes=booking.policy.reschedule_min),
        complete=_passes(lambda: booked.complete(booking, actor, at)),
        no_show=_passes(lambda: booked.report_no_show(booking, report, actor, at)),
        dispute=_passes(lambda: booked.dispute(booking, "", actor, at)),
        pay=booking.status is BookingStatus.AWAITING_PAYMENT,
        proposed=proposed,
    )


def _tried(decide: Callable[[], T]) -> T | None:
    try:
        return decide()
    except Refusal:
        return None


def _passes(decide: Callable[[], Any]) -> bool:
    try:
        decide()
    except Refusal:
        return False
    return True
