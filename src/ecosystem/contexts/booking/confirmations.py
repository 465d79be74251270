"""Whether a booking comes about: confirmed by its payment or by the provider, declined, or expired."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from ecosystem.contexts.booking.bookings import (
    ANSWER,
    Booking,
    BookingStatus,
    Changed,
    NotInThisState,
    NotYet,
    UnderReview,
    moved,
    must_act_as,
    must_be,
    reason_of,
    told,
)
from ecosystem.contexts.booking.events import (
    BookingConfirmed,
    BookingDeclined,
    BookingExpired,
    BookingRequested,
    RequestAccepted,
)
from ecosystem.contexts.booking.policies import Side
from ecosystem.kernel.actor import Actor

CAPTURE_WITHIN = timedelta(minutes=1)
"""After this long without an outcome the system asks what became of an acceptance."""


def confirm(booking: Booking, at: datetime, *, reviewing: bool = False) -> Changed:
    """The booking once its payment is there: confirmed, or with the provider when it is on request.

    `reviewing`: the marketplace looks at the payment first, and the booking waits for it as for its provider.

    Whether a payment is there is for the caller to know. A payment that arrives after `due_at`, but before anyone let
    the booking expire, still counts: the time is still kept.
    """
    must_be(booking, BookingStatus.AWAITING_PAYMENT)
    if booking.offer.instant and not reviewing:
        confirmed = moved(booking, BookingStatus.CONFIRMED, at, booked_at=at, due_at=booking.start_at)
        return confirmed, BookingConfirmed(**told(confirmed), accepted=False)
    answer_by = max(at, min(at + ANSWER, booking.start_at))
    asked = moved(booking, BookingStatus.AWAITING_PROVIDER, at, booked_at=at, due_at=answer_by, reviewing=reviewing)
    unasked = reviewing and booking.offer.instant
    return asked, BookingRequested(**told(asked), answer_by=answer_by, reviewing=unasked)


def reviewed(booking: Booking, at: datetime) -> Booking:
    """The booking that the marketplace need not look at any more. No fact: what was decided is told by who decided."""
    return replace(booking, reviewing=False, changed_at=at) if booking.reviewing else booking


def intend_acceptance(booking: Booking, actor: Actor, at: datetime) -> tuple[Booking, RequestAccepted | None]:
    """The request that the provider accepts, while its money is captured; accepted before, it stays so, without a fact.

    From now on whoever learns of the capture confirms it; `due_at` is when the system looks after it. Raises
    `NotInThisState` once the time to answer is over.
    """
    must_act_as(booking, actor, Side.PROVIDER, Side.OPERATOR)
    must_be(booking, BookingStatus.AWAITING_PROVIDER)
    if booking.accepted_by is not None:
        return booking, None
    if booking.reviewing:
        raise UnderReview
    _in_time(booking, at)
    look_at = at + CAPTURE_WITHIN
    accepted = replace(booking, accepted_by=actor, due_at=look_at, changed_at=at)
    return accepted, RequestAccepted(**told(accepted), look_at=look_at)


def accept(booking: Booking, actor: Actor, at: datetime) -> Changed:
    """The request accepted by the provider: confirmed, now that its money is there.

    What was accepted in time is confirmed however long the money took. Raises `NotInThisState` when it was not.
    """
    must_act_as(booking, actor, Side.PROVIDER, Side.OPERATOR)
    must_be(booking, BookingStatus.AWAITING_PROVIDER)
    if booking.accepted_by is None:
        _in_time(booking, at)
    confirmed = moved(booking, BookingStatus.CONFIRMED, at, due_at=booking.start_at)
    return confirmed, BookingConfirmed(**told(confirmed), accepted=True)


def decline(booking: Booking, reason: str, actor: Actor, at: datetime) -> Changed:
    """The request declined by the provider, who has not accepted it before."""
    side = must_act_as(booking, actor, Side.PROVIDER, Side.OPERATOR)
    must_be(booking, BookingStatus.AWAITING_PROVIDER)
    if booking.accepted_by is not None:
        raise NotInThisState("This request was accepted; its payment is being taken.")
    reason = reason_of(reason)
    declined = moved(
        booking, BookingStatus.DECLINED, at, due_at=None, ended_by=side, reason=reason, sequence=booking.sequence + 1
    )
    return declined, BookingDeclined(**told(declined, reason))


def expire(booking: Booking, at: datetime) -> Changed:
    """The booking that nobody paid for, or that the provider did not answer, in time. Raises `NotYet` before that."""
    must_be(booking, BookingStatus.AWAITING_PAYMENT, BookingStatus.AWAITING_PROVIDER)
    assert booking.due_at is not None
    if at < booking.due_at:
        raise NotYet
    expired = moved(
        booking, BookingStatus.EXPIRED, at, due_at=None, ended_by=Side.SYSTEM, sequence=booking.sequence + 1
    )
    return expired, BookingExpired(**told(expired), was=booking.status)


def _in_time(booking: Booking, at: datetime) -> None:
    assert booking.due_at is not None
    if at >= booking.due_at:
        raise NotInThisState("The time to answer this request is over.")
