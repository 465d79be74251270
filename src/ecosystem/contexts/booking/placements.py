"""Placing a booking: a hold becomes a booking that awaits its payment."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.booking import keys
from ecosystem.contexts.booking.bookings import (
    Booking,
    BookingChanged,
    BookingStatus,
    Contact,
    PlaceBooking,
    indexed,
    must_be,
    told,
)
from ecosystem.contexts.booking.calendar import Days, convert
from ecosystem.contexts.booking.events import BookingPlaced
from ecosystem.contexts.booking.holds import Hold, HoldBooked, HoldEnded, HoldStatus
from ecosystem.contexts.booking.offers import Mode, Offer
from ecosystem.contexts.booking.policies import Policy
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.rates import Rates, quote
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.ports.bus import announce
from ecosystem.ports.table import ABSENT, Put, Write

PAYMENT = timedelta(minutes=10)
"""How long an intention to pay keeps a booking waiting."""
PAYMENT_MAX = timedelta(minutes=45)
"""How long intentions, one after another, may keep it waiting."""
NAME_MAX, EMAIL_MAX, NOTE_MAX, PLACE_MAX = 200, 254, 2_000, 500


class Placement(Struct, frozen=True, kw_only=True):
    """A booking to be placed, and the writes that do it; none when the same was placed before."""

    booking: Booking
    writes: list[Write]

    @property
    def earlier(self) -> bool:
        return not self.writes


def book(
    held: Hold,
    request: PlaceBooking,
    *,
    policy: Policy,
    rates: Rates,
    days: Days,
    actor: Actor,
    at: datetime,
    claim_hash: str | None = None,
) -> tuple[Booking, Hold, Days]:
    """Decide a booking from a hold: the booking that awaits its payment, the hold used up, the days it now stands in.

    From here on its time no longer lapses by itself; `expire` and `cancel` free it. Raises `HoldEnded` when the hold
    has run out, even by an instant, `HoldBooked` when it was used before.
    """
    ids.check("bkg", request.booking_id, field="booking_id")
    if held.owner_id != actor.actor_id:
        raise Denied("This time is held for someone else.")
    if held.status is HoldStatus.BOOKED:
        raise HoldBooked(field="hold_id")
    if held.status is not HoldStatus.HELD or at >= held.expires_at:
        raise HoldEnded(field="hold_id")
    contact = _checked(request, held.offer)
    pay_by = max(held.expires_at, at + PAYMENT)
    booking = Booking(
        booking_id=request.booking_id,
        request=request,
        status=BookingStatus.AWAITING_PAYMENT,
        offer=held.offer,
        policy=policy,
        rates=rates,
        lines=quote(price_of(held.offer, held.seats), rates, guest=actor.is_guest, step=held.offer.step),
        seats=held.seats,
        customer_id=actor.actor_id,
        guest=actor.is_guest,
        contact=contact,
        zone=held.request.zone,
        start_at=held.start_at,
        end_at=held.end_at,
        placed_at=at,
        changed_at=at,
        due_at=pay_by,
        claim_hash=claim_hash if actor.is_guest else None,
    )
    used = replace(held, status=HoldStatus.BOOKED, booking_id=booking.booking_id)
    return booking, used, convert(days, held.hold_id, booking.booking_id, at=at)


def price_of(offer: Offer, seats: int) -> Money:
    """The base price of that many seats."""
    return Money(offer.price.minor * seats, offer.price.currency)


def _checked(request: PlaceBooking, offer: Offer) -> Contact:
    name, email = request.contact.name.strip(), request.contact.email.strip()
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise Invalid(f"A name has 1 to {NAME_MAX} characters.", field="contact.name")
    local, _, domain = email.rpartition("@")
    if not (local and "." in domain.strip(".") and len(email) <= EMAIL_MAX and email.isprintable()) or " " in email:
        raise Invalid("That is not an e-mail address such as ada@example.org.", field="contact.email")
    if len(request.note) > NOTE_MAX:
        raise Invalid(f"A note has at most {NOTE_MAX} characters.", field="note")
    if len(request.place) > PLACE_MAX:
        raise Invalid(f"A place has at most {PLACE_MAX} characters.", field="place")
    if offer.mode is Mode.AT_CUSTOMER and not request.place.strip():
        raise Invalid("The provider comes to you, and needs to know where.", field="place")
    return Contact(name=name, email=email)


def await_payment(booking: Booking, at: datetime) -> Booking:
    """The booking kept waiting for another intention to pay, never past 45 minutes from when it was placed.

    No fact: nothing happened yet. Raises `NotInThisState` when it does not await payment, `HoldEnded` past that limit.
    """
    must_be(booking, BookingStatus.AWAITING_PAYMENT)
    assert booking.due_at is not None
    limit_at = booking.placed_at + PAYMENT_MAX
    if at >= limit_at:
        raise HoldEnded("The time was held for you long enough: choose it again.", field="booking_id")
    return replace(booking, due_at=min(limit_at, max(booking.due_at, at + PAYMENT)), changed_at=at)


def placed(booking: Booking, *, actor: Actor, at: datetime) -> list[Write]:
    """What makes a new booking so."""
    assert booking.due_at is not None
    key = keys.booking(booking.booking_id)
    fact = BookingPlaced(**told(booking), total=booking.lines.total, pay_by=booking.due_at)
    return [
        Put(key=key, value=booking, index=indexed(booking), expected=ABSENT, otherwise=BookingChanged()),
        announce(fact, aggregate=key.partition, sequence=1, actor=actor, at=at),
    ]
