"""Bookings as calendar entries: a download, a feed, an invitation by mail (RFC 5545, RFC 5546).

The entry of a booking keeps its UID for life; SEQUENCE grows with each change of its time and with its end, so that a
calendar tells the newer message from the older. Times are written in their zone, with the zone's clock changes beside
them (VTIMEZONE), so that a program without our zone data reads them right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from ecosystem.contexts.booking.bookings import FREED, Booking, BookingStatus, Contact
from ecosystem.contexts.booking.calendar_lines import component, line, moment, offset, text, wall, written
from ecosystem.contexts.booking.offers import Mode
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import instant, local, offsets, seconds

MIME = "text/calendar; charset=utf-8"
FEED_MAX = 1_000
_PRODUCT = "-//Ecosystem//Booking//EN"
_SHOWN = frozenset(
    {
        BookingStatus.AWAITING_PROVIDER,
        BookingStatus.CONFIRMED,
        BookingStatus.IN_PROGRESS,
        BookingStatus.COMPLETED,
        BookingStatus.DISPUTED,
        BookingStatus.NO_SHOW,
    }
)


class Method(StrEnum):
    """What a calendar message is for (RFC 5546): to show, to invite or update, to call off."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


class Host(Struct, frozen=True, kw_only=True):
    """Who sends calendar entries: organizer, the domain that makes UIDs unique, and the page of a booking.

    `{booking_id}` in `url` stands for the booking's id.
    """

    organizer: Contact
    domain: str
    url: str = ""


def invitation(booking: Booking, attendee: Contact, host: Host, at: datetime) -> bytes:
    """The message, sent at `at`, that puts the booking into the attendee's calendar or takes it out.

    Its method is that of `method_of`; mail it as `text/calendar` with the same `method` parameter.
    """
    method = method_of(booking)
    return _calendar([_event(booking, host, method, attendee, at)], method, [booking])


def method_of(booking: Booking) -> Method:
    """REQUEST while the booking stands, CANCEL once its time is free again."""
    return Method.CANCEL if booking.status in FREED else Method.REQUEST


def download(booking: Booking, host: Host, at: datetime) -> bytes:
    """The booking as a file that any calendar opens. Names no attendee: publishing has none (RFC 5546, 3.2.1)."""
    return _calendar([_event(booking, host, Method.PUBLISH, None, at)], Method.PUBLISH, [booking])


def feed(bookings: Sequence[Booking], host: Host, at: datetime, *, name: str) -> bytes:
    """The bookings that stand, as a calendar to subscribe to. Raises `Invalid` past 1,000 bookings."""
    if len(bookings) > FEED_MAX:
        raise Invalid(f"A feed holds at most {FEED_MAX} bookings.", field="bookings")
    shown = [booking for booking in bookings if booking.status in _SHOWN]
    events = [_event(booking, host, Method.PUBLISH, None, at) for booking in shown]
    return _calendar(events, Method.PUBLISH, shown, name=name)


def uid(booking: Booking, host: Host) -> str:
    return f"{booking.booking_id}@{host.domain}"


def zone_of(booking: Booking) -> str:
    """The zone an entry is written in: the place's, or the customer's own for a service done from afar."""
    return booking.zone if booking.offer.mode is Mode.REMOTE else booking.offer.zone


def _calendar(events: Iterable[Sequence[str]], method: Method, bookings: Sequence[Booking], *, name: str = "") -> bytes:
    head = [
        line("PRODID", _PRODUCT),
        line("VERSION", "2.0"),
        line("CALSCALE", "GREGORIAN"),
        line("METHOD", method.value),
    ]
    if name:
        head += [text("NAME", name), text("X-WR-CALNAME", name)]
    spans: dict[str, tuple[datetime, datetime]] = {}
    for booking in bookings:
        first, last = spans.get(zone_of(booking), (booking.start_at, booking.end_at))
        spans[zone_of(booking)] = min(first, booking.start_at), max(last, booking.end_at)
    zones = (_timezone(zone_name, first, last) for zone_name, (first, last) in sorted(spans.items()))
    listed = written(each for event in events for each in event)
    return b"".join((written(["BEGIN:VCALENDAR", *head]), *zones, listed, written(["END:VCALENDAR"])))


def _event(booking: Booking, host: Host, method: Method, attendee: Contact | None, at: datetime) -> list[str]:
    place_zone = zone_of(booking)
    lines = [
        line("UID", uid(booking, host)),
        moment("DTSTAMP", at),
        moment("CREATED", booking.placed_at),
        moment("LAST-MODIFIED", booking.changed_at),
        line("SEQUENCE", str(booking.sequence)),
        wall("DTSTART", local(booking.start_at, place_zone), place_zone),
        wall("DTEND", local(booking.end_at, place_zone), place_zone),
        text("SUMMARY", booking.offer.title),
        line("STATUS", _status(booking)),
        line("TRANSP", "TRANSPARENT" if booking.status in FREED else "OPAQUE"),
    ]
    if booking.place:
        lines.append(text("LOCATION", booking.place))
    if host.url:
        lines.append(line("URL", host.url.replace("{booking_id}", booking.booking_id)))
    lines.append(_address("ORGANIZER", host.organizer))
    if attendee is not None:
        partstat = "TENTATIVE" if booking.status is BookingStatus.AWAITING_PROVIDER else "ACCEPTED"
        asked = (("PARTSTAT", partstat), ("RSVP", "FALSE")) if method is Method.REQUEST else ()
        lines.append(_address("ATTENDEE", attendee, ("ROLE", "REQ-PARTICIPANT"), *asked))
    return component("VEVENT", lines)


def _status(booking: Booking) -> str:
    if booking.status in FREED:
        return "CANCELLED"
    waiting = {BookingStatus.AWAITING_PAYMENT, BookingStatus.AWAITING_PROVIDER}
    return "TENTATIVE" if booking.status in waiting else "CONFIRMED"


def _address(name: str, contact: Contact, *parameters: tuple[str, str]) -> str:
    return line(name, f"mailto:{contact.email}", (("CN", contact.name), *parameters))


def _timezone(zone_name: str, first: datetime, last: datetime) -> bytes:
    """The zone's observances through those instants."""
    start_s = seconds(datetime(first.year, 1, 1, tzinfo=UTC) - timedelta(days=1))
    stretches = offsets(zone_name, start_s, seconds(last) + 1)
    return _observances(zone_name, tuple((stretch.start_s, stretch.ahead_s) for stretch in stretches))


@lru_cache(maxsize=1024)
def _observances(zone_name: str, changes: tuple[tuple[int, int], ...]) -> bytes:
    """Each observance begins at the wall time read before its change (3.6.5)."""
    observances: list[list[str]] = []
    before: timedelta | None = None
    for start_s, ahead_s in changes:
        ahead = timedelta(seconds=ahead_s)
        onset_at = instant(start_s)
        inside = local(onset_at, zone_name)
        lines = [
            line("DTSTART", f"{onset_at + (ahead if before is None else before):%Y%m%dT%H%M%S}"),
            offset("TZOFFSETFROM", ahead if before is None else before),
            offset("TZOFFSETTO", ahead),
            text("TZNAME", inside.tzname() or zone_name),
        ]
        observances.append(component("DAYLIGHT" if inside.dst() else "STANDARD", lines))
        before = ahead
    return written(component("VTIMEZONE", [line("TZID", zone_name)], *observances))
