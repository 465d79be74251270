"""Bookings as a provider's lists show them, and the way to one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from msgspec import Struct

from ecosystem.contexts.booking import FREED, Booking, BookingGone, BookingStatus, Seen, seen_by_provider
from ecosystem.kernel import ids
from ecosystem.kernel.display import day_text
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.kernel.time import local
from ecosystem.web.provider.area import Area

STANDING = frozenset({BookingStatus.AWAITING_PROVIDER, BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS})


class Entry(Struct, frozen=True, kw_only=True):
    """One booking: what is known of the customer, and the share it brings; none once it came to nothing."""

    booking: Booking
    seen: Seen
    share: Money | None


class OnDay(Struct, frozen=True, kw_only=True):
    """The bookings that begin on one date, in order."""

    day: date
    heading: str
    entries: Sequence[Entry]


def entry(booking: Booking, at: datetime) -> Entry:
    share = None if booking.status in FREED else booking.lines.provider_share
    return Entry(booking=booking, seen=seen_by_provider(booking, at), share=share)


def by_day(bookings: Iterable[Booking], zone: str, at: datetime) -> Sequence[OnDay]:
    """The bookings under the dates on which they begin, in the order they come in."""
    today = local(at, zone).date()
    days: dict[date, list[Entry]] = {}
    for booking in bookings:
        days.setdefault(local(booking.start_at, zone).date(), []).append(entry(booking, at))
    return [OnDay(day=day, heading=_heading(day, today), entries=entries) for day, entries in days.items()]


async def theirs(here: Area, booking_id: str) -> Booking:
    """The booking, if it is this provider's and was paid or reserved. Raises `BookingGone` for any other, and for none."""
    try:
        ids.check("bkg", booking_id)
        booking = await here.request.market.bookings.get(booking_id, here.request.actor)
    except (Invalid, Denied):
        raise BookingGone(field="booking_id") from None
    if booking.provider_id != here.provider_id or booking.booked_at is None:
        raise BookingGone(field="booking_id")
    return booking


def _heading(day: date, today: date) -> str:
    named = {0: "Today, ", 1: "Tomorrow, ", -1: "Yesterday, "}.get((day - today).days, "")
    return f"{named}{day_text(day, seen_in=today.year)}"
