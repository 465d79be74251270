"""A booking: its states, who may move it from one to the next, and what that writes.

| from | to |
| --- | --- |
| awaiting_payment | confirmed, awaiting_provider (on request), expired, cancelled |
| awaiting_provider | confirmed, declined, expired, cancelled |
| confirmed | in_progress, completed, cancelled, no_show, disputed |
| in_progress | completed, cancelled, no_show, disputed |
| completed | disputed |
| no_show | disputed |
| disputed | completed, cancelled; confirmed, in_progress when it falls away |

Each decision of the modules beside (confirmations, cancellations, reschedules, attendance, disputes, claims) returns the
booking as it becomes and the fact that tells so; `becomes` makes the writes of both. The time a booking took is free
again once it is declined, expired or cancelled.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.booking import keys
from ecosystem.contexts.booking.events import (
    BookingFact,
)
from ecosystem.contexts.booking.holds import taking_of
from ecosystem.contexts.booking.offers import Mode, Offer
from ecosystem.contexts.booking.policies import Policy, Refund, Side
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import BPS
from ecosystem.kernel.rates import Lines, Rates
from ecosystem.kernel.refusals import Conflict, Denied, IdReused, Invalid, NotFound
from ecosystem.kernel.time import Span
from ecosystem.ports.bus import announce
from ecosystem.ports.table import Index, Key, Put, Row, Stale, Stored, Write

ANSWER = timedelta(hours=24)
COMPLETION = timedelta(hours=24)
REASON_MAX = 1_000


class BookingGone(NotFound):
    """There is no such booking."""


class BookingChanged(Stale):
    """The booking was changed meanwhile: read it again."""


class NotInThisState(Conflict):
    """The booking's state does not allow this."""


class UnderReview(Conflict):
    """We are checking the payment of this request. You can accept it as soon as that is done."""


class NotYet(Conflict):
    """It is too early for this."""


class BookingStatus(StrEnum):
    AWAITING_PAYMENT = "awaiting_payment"
    AWAITING_PROVIDER = "awaiting_provider"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    EXPIRED = "expired"
    DISPUTED = "disputed"


_S = BookingStatus
NEXT: dict[BookingStatus, frozenset[BookingStatus]] = {
    _S.AWAITING_PAYMENT: frozenset({_S.CONFIRMED, _S.AWAITING_PROVIDER, _S.EXPIRED, _S.CANCELLED}),
    _S.AWAITING_PROVIDER: frozenset({_S.CONFIRMED, _S.DECLINED, _S.EXPIRED, _S.CANCELLED}),
    _S.CONFIRMED: frozenset({_S.IN_PROGRESS, _S.COMPLETED, _S.CANCELLED, _S.NO_SHOW, _S.DISPUTED}),
    _S.IN_PROGRESS: frozenset({_S.COMPLETED, _S.CANCELLED, _S.NO_SHOW, _S.DISPUTED}),
    _S.COMPLETED: frozenset({_S.DISPUTED}),
    _S.NO_SHOW: frozenset({_S.DISPUTED}),
    _S.DISPUTED: frozenset({_S.COMPLETED, _S.CANCELLED, _S.CONFIRMED, _S.IN_PROGRESS}),
    _S.DECLINED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.CANCELLED: frozenset(),
}
FREED = frozenset({_S.DECLINED, _S.EXPIRED, _S.CANCELLED})
"""States in which the booking's time is free again."""


class Contact(Struct, frozen=True, kw_only=True):
    """Whom the booking is for, and where they are written to."""

    name: str
    email: str


class PlaceBooking(Struct, frozen=True, kw_only=True):
    """Ask for a booking from a hold. `place` is where to come, for a service done at the customer's."""

    booking_id: str
    hold_id: str
    contact: Contact
    note: str = ""
    place: str = ""


class Proposal(Struct, frozen=True, kw_only=True):
    """Another time that one side asks the other for; it is kept free until `answer_by`, and lapses then."""

    start_at: datetime
    end_at: datetime
    by: Side
    proposed_at: datetime
    answer_by: datetime


class Booking(Stored, frozen=True, kw_only=True):
    """A time booked on an offer's terms.

    Offer, policy, rates and price are copies, as they were when it was made. `customer_id` is a user, or a guest who
    may later claim it (`claim_hash`, see `claims.py`). `zone` is the one in which the customer was shown the time.
    `due_at` is when the system has to do the next thing: expire, start, complete, settle. `sequence` is that of the
    calendar entry. `accepted_by` is who accepted a request whose money is being captured. `refund_cap_bps` bounds what
    a cancellation by the customer gives back after moves. `absent` is who did not come. `settled_at` is when it came to
    stand how the booking ends, and its money was divided; a dispute that is concluded later does not change it.
    `reviewing` while the marketplace looks at its payment: until then nobody accepts it.
    """

    entity: ClassVar[str] = "booking"

    booking_id: str
    request: PlaceBooking
    status: BookingStatus
    offer: Offer
    policy: Policy
    rates: Rates
    lines: Lines
    seats: int
    customer_id: str
    guest: bool
    contact: Contact
    zone: str
    start_at: datetime
    end_at: datetime
    placed_at: datetime
    changed_at: datetime
    due_at: datetime | None
    booked_at: datetime | None = None
    sequence: int = 0
    moves: int = 0
    refund_cap_bps: int = BPS
    proposal: Proposal | None = None
    claim_hash: str | None = None
    refund: Refund | None = None
    absent: Side | None = None
    settled_at: datetime | None = None
    accepted_by: Actor | None = None
    reviewing: bool = False
    disputed_from: BookingStatus | None = None
    ended_by: Side | None = None
    reason: str = ""

    @property
    def completes_at(self) -> datetime:
        """When the service counts as done without a word from the customer."""
        return self.end_at + COMPLETION

    @property
    def provider_id(self) -> str:
        return self.offer.provider_id

    @property
    def place(self) -> str:
        return self.request.place if self.offer.mode is Mode.AT_CUSTOMER else self.offer.place

    @property
    def span(self) -> Span:
        """The time it takes, buffers included."""
        return taking_of(self.offer, self.booking_id, self.start_at, self.seats, None).span

    def open_proposal(self, at: datetime) -> Proposal | None:
        return self.proposal if self.proposal and at < self.proposal.answer_by else None

    def to(self, actor: Actor, request: PlaceBooking) -> Booking:
        """This booking, for who asks the same again. Raises `IdReused` for another actor or request."""
        if self.customer_id != actor.actor_id or self.request != request:
            raise IdReused(field="booking_id")
        return self


Changed = tuple[Booking, BookingFact]
"""The booking as it becomes, and what tells so."""


def side_of(booking: Booking, actor: Actor) -> Side:
    """On whose behalf this actor acts on the booking. Raises `Denied` for who has no part in it."""
    if actor.actor_id == booking.customer_id:
        return Side.CUSTOMER
    if actor.actor_id == booking.offer.owner_id:
        return Side.PROVIDER
    if actor.is_operator:
        return Side.OPERATOR
    if actor.is_system:
        return Side.SYSTEM
    raise Denied("This booking belongs to someone else.")


def must_act_as(booking: Booking, actor: Actor, *sides: Side) -> Side:
    """The actor's side, if it is one of these. Raises `Denied`."""
    side = side_of(booking, actor)
    if side not in sides:
        raise Denied(f"The {side} cannot do this; it is for the {' or the '.join(sides)}.")
    return side


def must_be(booking: Booking, *statuses: BookingStatus) -> None:
    """Pass if the booking is in one of these states. Raises `NotInThisState`."""
    if booking.status not in statuses:
        raise NotInThisState(f"The booking is {booking.status.replace('_', ' ')}, which does not allow this.")


def moved(booking: Booking, status: BookingStatus, at: datetime, **changes: Any) -> Booking:
    """The booking in its next state. A move outside the table above is a mistake in this code."""
    assert status is booking.status or status in NEXT[booking.status], (booking.status, status)
    return replace(booking, status=status, changed_at=at, **changes)


def told(booking: Booking, reason: str = "") -> dict[str, Any]:
    """What every fact about a booking says."""
    return {
        "booking_id": booking.booking_id,
        "service_id": booking.offer.service_id,
        "provider_id": booking.provider_id,
        "owner_id": booking.offer.owner_id,
        "customer_id": booking.customer_id,
        "start_at": booking.start_at,
        "end_at": booking.end_at,
        "reason": reason,
        "hold_id": booking.request.hold_id,
    }


def reason_of(text: str) -> str:
    """The reason somebody gave, without space around it. Raises `Invalid` when it is too long."""
    text = text.strip()
    if len(text) > REASON_MAX:
        raise Invalid(f"A reason has at most {REASON_MAX} characters.", field="reason")
    return text


def indexed(booking: Booking) -> dict[Index, Key]:
    """Where the booking is found: by status and what is due, by customer, by provider; a request by its provider."""
    due_at = booking.due_at or booking.changed_at
    asked = booking.status is BookingStatus.AWAITING_PROVIDER and not booking.offer.instant
    wants_answer = asked and booking.accepted_by is None
    request = Key(keys.requests(booking.provider_id), keys.due(due_at, booking.booking_id))
    return {
        Index.STATUS: Key(
            keys.booking_status(booking.status, keys.shard(booking.booking_id)), keys.due(due_at, booking.booking_id)
        ),
        Index.CUSTOMER: Key(keys.customer(booking.customer_id), keys.booking_at(booking.start_at, booking.booking_id)),
        Index.PROVIDER: Key(keys.provider(booking.provider_id), keys.booking_at(booking.start_at, booking.booking_id)),
        **({Index.SLUG: request} if wants_answer else {}),
    }


def becomes(
    row: Row[Booking], booking: Booking, fact: BookingFact | None, *, actor: Actor, at: datetime
) -> list[Write]:
    """What makes the booking so, expecting it unchanged since it was read; its time in the calendar stays as it is."""
    writes: list[Write] = [
        Put(
            key=row.key,
            value=booking,
            index=indexed(booking),
            counters=row.counters,
            expected=row.unchanged,
            otherwise=BookingChanged(),
        )
    ]
    if fact is not None:
        former = row.value
        previous: dict[str, Any] = {"status": former.status.value}
        if former.start_at != booking.start_at:
            previous |= {"start_at": former.start_at.isoformat(), "end_at": former.end_at.isoformat()}
        if former.customer_id != booking.customer_id:
            previous["customer_id"] = former.customer_id
        writes.append(
            announce(
                fact,
                aggregate=row.key.partition,
                sequence=row.version + 1,
                actor=actor,
                at=at,
                previous=previous,
            )
        )
    return writes
