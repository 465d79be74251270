"""Bookings as calendar entries: a download, a feed, an invitation by mail (RFC 5545, RFC 5546).

The entry of a booking keeps its UID for life; SEQUENCE grows with each change of its time and with its end, so that a
calendar tells the newer message from the older. Times are written in their zone, with the zone's clock changes beside
them (VTIMEZONE), so that a program without our zone data reads them right. `icalendar` writes a format and does
nothing else, which is why a context may use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from icalendar import Calendar, Component, Event, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress
from msgspec import Struct

from ecosystem.contexts.booking.bookings import FREED, Booking, BookingStatus, Contact
from ecosystem.contexts.booking.offers import Mode
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import instant, local, offsets, seconds, zone

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


def _calendar(events: Iterable[Event], method: Method, bookings: Sequence[Booking], *, name: str = "") -> bytes:
    calendar = Calendar()
    _add(calendar, "prodid", _PRODUCT)
    _add(calendar, "version", "2.0")
    _add(calendar, "calscale", "GREGORIAN")
    _add(calendar, "method", method.value)
    if name:
        _add(calendar, "name", name)
        _add(calendar, "x-wr-calname", name)
    spans: dict[str, tuple[datetime, datetime]] = {}
    for booking in bookings:
        first, last = spans.get(zone_of(booking), (booking.start_at, booking.end_at))
        spans[zone_of(booking)] = min(first, booking.start_at), max(last, booking.end_at)
    for zone_name, (first, last) in sorted(spans.items()):
        if zone_name != "UTC":
            calendar.add_component(_timezone(zone_name, first, last))
    for event in events:
        calendar.add_component(event)
    return calendar.to_ical()


def _event(booking: Booking, host: Host, method: Method, attendee: Contact | None, at: datetime) -> Event:
    event = Event()
    written = zone_of(booking)
    _add(event, "uid", uid(booking, host))
    _add(event, "dtstamp", at)
    _add(event, "created", booking.placed_at)
    _add(event, "last-modified", booking.changed_at)
    _add(event, "sequence", booking.sequence)
    _add(event, "dtstart", _wall(booking.start_at, written))
    _add(event, "dtend", _wall(booking.end_at, written))
    _add(event, "summary", booking.offer.title)
    _add(event, "status", _status(booking))
    _add(event, "transp", "TRANSPARENT" if booking.status in FREED else "OPAQUE")
    if booking.place:
        _add(event, "location", booking.place)
    if host.url:
        _add(event, "url", host.url.replace("{booking_id}", booking.booking_id))
    _add(event, "organizer", _address(host.organizer))
    if attendee is not None:
        address = _address(attendee)
        address.params["ROLE"] = "REQ-PARTICIPANT"
        if method is Method.REQUEST:
            accepted = booking.status is not BookingStatus.AWAITING_PROVIDER
            address.params["PARTSTAT"] = "ACCEPTED" if accepted else "TENTATIVE"
            address.params["RSVP"] = "FALSE"
        _add(event, "attendee", address)
    return event


def _status(booking: Booking) -> str:
    if booking.status in FREED:
        return "CANCELLED"
    return (
        "TENTATIVE"
        if booking.status in {BookingStatus.AWAITING_PAYMENT, BookingStatus.AWAITING_PROVIDER}
        else "CONFIRMED"
    )


def _wall(at: datetime, zone_name: str) -> datetime:
    return at if zone_name == "UTC" else local(at, zone_name)


def _address(contact: Contact) -> vCalAddress:
    address = vCalAddress(f"mailto:{contact.email}")
    # A quotation mark cannot stand in a parameter (RFC 5545, 3.2).
    address.params["CN"] = "".join(mark for mark in contact.name if mark.isprintable() and mark != '"')
    return address


def _add(component: Component, name: str, value: object) -> None:
    # The library leaves the value's type open; this says so once.
    cast("Any", component).add(name, value)


def _timezone(zone_name: str, first: datetime, last: datetime) -> Timezone:
    """The zone's observances through those instants: each begins at the wall time read before its change (3.6.5)."""
    timezone = Timezone()
    _add(timezone, "tzid", zone_name)
    start_s = seconds(datetime(first.year, 1, 1, tzinfo=UTC) - timedelta(days=1))
    ahead_before_s: int | None = None
    for stretch in offsets(zone_name, start_s, seconds(last) + 1):
        before_s = stretch.ahead_s if ahead_before_s is None else ahead_before_s
        inside = instant(stretch.start_s).astimezone(zone(zone_name))
        observance = TimezoneDaylight() if inside.dst() else TimezoneStandard()
        _add(observance, "dtstart", instant(stretch.start_s + before_s).replace(tzinfo=None))
        _add(observance, "tzoffsetfrom", timedelta(seconds=before_s))
        _add(observance, "tzoffsetto", timedelta(seconds=stretch.ahead_s))
        _add(observance, "tzname", inside.tzname() or zone_name)
        timezone.add_component(observance)
        ahead_before_s = stretch.ahead_s
    return timezone
