"""Moving a booking to another time.

Who moves what:
- a customer moves a confirmed booking at once, until the copied policy's limit before the start, if the service is
  instant; on request, the move is proposed to the provider;
- a provider only ever proposes, and the customer answers: an agreed time does not change over a customer's head;
- an operator moves at once.
A proposal keeps the new time free until it is answered or lapses (after a day, or when either time begins). The old
time stands until then. What a cancellation by the customer gives back is bounded by what it would have been at the
move, so that moving far ahead and then cancelling does not go round the policy.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from ecosystem.contexts.booking.bookings import (
    ANSWER,
    Booking,
    BookingStatus,
    Proposal,
    moved,
    must_act_as,
    must_be,
    reason_of,
    told,
)
from ecosystem.contexts.booking.calendar import Days, convert, free, take
from ecosystem.contexts.booking.cancellations import AlreadyStarted, customer_share
from ecosystem.contexts.booking.events import BookingRescheduled, RescheduleDeclined, RescheduleProposed
from ecosystem.contexts.booking.holds import check_offered, taking_of, wanted_start
from ecosystem.contexts.booking.plans import Hours
from ecosystem.contexts.booking.policies import Side
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Denied, Invalid
from ecosystem.kernel.time import Span, utc

MOVES_MAX = 10


class TooLateToMove(Conflict):
    """It is too late to move this booking: the policy allows it until longer before the start."""


class TooManyMoves(Conflict):
    """This booking was moved as often as one may be."""


class ProposalOpen(Conflict):
    """The other side has asked for another time: answer that first."""


class ProposalGone(Conflict):
    """There is no such proposal to answer, or it has lapsed."""


class Reschedule(Struct, frozen=True, kw_only=True):
    """Ask to move a booking to another start."""

    booking_id: str
    start_at: datetime
    reason: str = ""


class AnswerProposal(Struct, frozen=True, kw_only=True):
    """Answer the proposal to move to `start_at`. Who made it may only take it back, by not agreeing."""

    booking_id: str
    start_at: datetime
    agree: bool
    reason: str = ""


def proposal_entry(booking: Booking) -> str:
    """The calendar entry of the time that a proposal keeps free."""
    return f"{booking.booking_id}:proposal"


def proposal_span(booking: Booking) -> Span | None:
    """The time a proposal keeps free, buffers included."""
    if booking.proposal is None:
        return None
    return taking_of(booking.offer, proposal_entry(booking), booking.proposal.start_at, booking.seats, None).span


def wanted_span(booking: Booking, start_at: datetime, at: datetime) -> Span:
    """The time the booking would take at another start, buffers included."""
    return taking_of(booking.offer, booking.booking_id, wanted_start(start_at, at), booking.seats, None).span


def reschedule(
    booking: Booking, request: Reschedule, hours: Hours, days: Days, *, actor: Actor, at: datetime
) -> tuple[Booking, BookingRescheduled | RescheduleProposed, Days]:
    """The booking moved, or with a proposal to move it, and the days as they become.

    `days` are those of the present time, of an earlier proposal and of the wanted time. Raises `SlotNotOffered`,
    `SlotTaken`, `TooLateToMove`, `TooManyMoves`, `ProposalOpen`, `AlreadyStarted`.
    """
    by = must_act_as(booking, actor, Side.CUSTOMER, Side.PROVIDER, Side.OPERATOR)
    must_be(booking, BookingStatus.CONFIRMED)
    start_at = wanted_start(request.start_at, at)
    if start_at == booking.start_at:
        raise Invalid("That is the time it has.", field="start_at")
    _may_move(booking, by, at)
    check_offered(hours, booking.offer, start_at, at)
    reason = reason_of(request.reason)
    days = free(days, proposal_entry(booking))
    if by is Side.OPERATOR or (by is Side.CUSTOMER and booking.offer.instant):
        wanted = taking_of(booking.offer, booking.booking_id, start_at, booking.seats, None)
        days = take(free(days, booking.booking_id), wanted, capacity=booking.offer.capacity, at=at)
        rescheduled = _at(booking, start_at, by, at)
        return rescheduled, _rescheduled(rescheduled, booking, by, reason), days
    answer_by = min(at + ANSWER, booking.start_at, start_at)
    kept = taking_of(booking.offer, proposal_entry(booking), start_at, booking.seats, answer_by)
    proposal = Proposal(start_at=start_at, end_at=kept.end_at, by=by, proposed_at=at, answer_by=answer_by)
    days = take(days, kept, capacity=booking.offer.capacity, at=at, beside=booking.booking_id)
    proposed = moved(booking, booking.status, at, proposal=proposal)
    fact = RescheduleProposed(
        **told(proposed, reason),
        by=by,
        proposed_start_at=start_at,
        proposed_end_at=kept.end_at,
        answer_by=answer_by,
    )
    return proposed, fact, days


def answer(
    booking: Booking, request: AnswerProposal, days: Days, actor: Actor, at: datetime
) -> tuple[Booking, BookingRescheduled | RescheduleDeclined, Days]:
    """The proposal agreed to, and the booking moved; or declined, or taken back, and the old time kept."""
    by = must_act_as(booking, actor, Side.CUSTOMER, Side.PROVIDER, Side.OPERATOR)
    must_be(booking, BookingStatus.CONFIRMED)
    proposal = booking.open_proposal(at)
    if proposal is None or proposal.start_at != utc(request.start_at, field="start_at"):
        raise ProposalGone(field="start_at")
    reason = reason_of(request.reason)
    if not request.agree:
        kept = moved(booking, booking.status, at, proposal=None)
        fact = RescheduleDeclined(**told(kept, reason), by=by, proposed_start_at=proposal.start_at)
        return kept, fact, free(days, proposal_entry(booking))
    if by is proposal.by:
        raise Denied("The other side answers a proposal; its maker may only take it back.")
    days = convert(free(days, booking.booking_id), proposal_entry(booking), booking.booking_id, at=at)
    rescheduled = _at(booking, proposal.start_at, proposal.by, at)
    return rescheduled, _rescheduled(rescheduled, booking, proposal.by, reason), days


def may_move(booking: Booking, actor: Actor, at: datetime) -> None:
    """Pass if the actor may ask for another time now, whichever it is. Raises as `reschedule` does."""
    by = must_act_as(booking, actor, Side.CUSTOMER, Side.PROVIDER, Side.OPERATOR)
    must_be(booking, BookingStatus.CONFIRMED)
    _may_move(booking, by, at)


def _may_move(booking: Booking, by: Side, at: datetime) -> None:
    if at >= booking.start_at:
        raise AlreadyStarted
    if booking.moves >= MOVES_MAX:
        raise TooManyMoves(field="booking_id")
    standing = booking.open_proposal(at)
    if standing and by is not Side.OPERATOR and standing.by is not by:
        raise ProposalOpen(field="booking_id")
    if by is Side.CUSTOMER and booking.start_at - at < timedelta(minutes=booking.policy.reschedule_min):
        raise TooLateToMove(field="start_at")


def _at(booking: Booking, start_at: datetime, by: Side, at: datetime) -> Booking:
    cap_bps = booking.refund_cap_bps if by is not Side.CUSTOMER else customer_share(booking, at)
    return moved(
        booking,
        booking.status,
        at,
        start_at=start_at,
        end_at=start_at + (booking.end_at - booking.start_at),
        due_at=start_at,
        proposal=None,
        moves=booking.moves + 1,
        sequence=booking.sequence + 1,
        refund_cap_bps=cap_bps,
    )


def _rescheduled(booking: Booking, former: Booking, by: Side, reason: str) -> BookingRescheduled:
    return BookingRescheduled(
        **told(booking, reason), by=by, former_start_at=former.start_at, former_end_at=former.end_at
    )
