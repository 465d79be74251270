"""What a provider may do with a booking now, found by asking each decision."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct

from ecosystem.contexts import booking as booked
from ecosystem.contexts.booking import Booking, BookingStatus, Proposal, Refund, ReportNoShow, Side
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Refusal

T = TypeVar("T")


class Deeds(Struct, frozen=True, kw_only=True):
    """`cancel` is what that would give back to the customer. `proposed` is another time that waits for an answer.

    `reported` says that the customer reported the provider absent, and this does not stand yet.
    """

    answer: bool
    cancel: Refund | None
    move: bool
    no_show: bool
    reported: bool
    proposed: Proposal | None

    @property
    def any(self) -> bool:
        return self.cancel is not None or self.move or self.no_show


def deeds(booking: Booking, actor: Actor, at: datetime) -> Deeds:
    """What the decisions would let the provider do at that instant."""
    report = ReportNoShow(booking_id=booking.booking_id, absent=Side.CUSTOMER)
    proposed = booking.open_proposal(at) if booking.status is BookingStatus.CONFIRMED else None
    return Deeds(
        answer=booking.accepted_by is None and _passes(lambda: booked.intend_acceptance(booking, actor, at)),
        cancel=_tried(lambda: booked.preview(booking, Side.PROVIDER, at)),
        move=_passes(lambda: booked.may_move(booking, actor, at)),
        no_show=_passes(lambda: booked.report_no_show(booking, report, actor, at)),
        reported=booking.absent is Side.PROVIDER and _passes(lambda: booked.dispute(booking, "", actor, at)),
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
