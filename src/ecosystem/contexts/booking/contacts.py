"""What a provider may know of a customer: enough to decide, and once it is booked, enough to meet.

Before a booking is paid and accepted nobody is led around the marketplace: no address, no number. Afterwards the
contact stays for as long as the booking may still be disputed.
"""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct

from ecosystem.contexts.booking.bookings import Booking, BookingStatus
from ecosystem.contexts.booking.disputes import DISPUTABLE

MASK = "\N{BULLET}" * 5
_EMAIL = re.compile(r"[^\s@<>()]+@[^\s@<>()]+\.[^\s@<>()]+")
# Seven digits or more, however they are set apart: a telephone number, not a price or a time.
_NUMBER = re.compile(r"\+?\d(?:[\s().\-/]{0,2}\d){6,}")
_OPEN = frozenset({BookingStatus.AWAITING_PAYMENT, BookingStatus.AWAITING_PROVIDER})
_MEETING = frozenset({BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS, BookingStatus.DISPUTED})
_OVER = frozenset({BookingStatus.COMPLETED, BookingStatus.NO_SHOW})


class Seen(Struct, frozen=True, kw_only=True):
    """The customer as the provider sees them. `email` and `place` are empty where they are not shown.

    `in_full` says whether all of it is shown now.
    """

    name: str
    email: str
    place: str
    note: str
    in_full: bool


def seen_by_provider(booking: Booking, at: datetime) -> Seen:
    """What the provider may know at that instant."""
    over = booking.status in _OVER and at < booking.end_at + DISPUTABLE
    in_full = booking.status in _MEETING or over
    request, contact = booking.request, booking.contact
    return Seen(
        name=contact.name if in_full else short_name(contact.name),
        email=contact.email if in_full else "",
        place=request.place if in_full else "",
        note=request.note if in_full else masked(request.note) if booking.status in _OPEN else "",
        in_full=in_full,
    )


def short_name(name: str) -> str:
    """The first name, and the initial of the last: `Ada L.` for Ada Lovelace."""
    first, *others = name.split() or [name]
    return f"{first} {others[-1][0].upper()}." if others else first


def masked(text: str) -> str:
    """The text without e-mail addresses and telephone numbers."""
    return _NUMBER.sub(MASK, _EMAIL.sub(MASK, text))
