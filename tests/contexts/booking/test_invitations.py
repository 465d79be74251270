from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar, Event
from msgspec.structs import replace

from contexts.booking.scene import ADA, CONTACT, OWNER, TEN, Scene, offer
from ecosystem.contexts.booking import (
    Booking,
    BookingStatus,
    CancelBooking,
    Contact,
    Host,
    Method,
    Mode,
    Reschedule,
    cancel,
    download,
    feed,
    invitation,
    method_of,
    uid,
)
from ecosystem.contexts.booking.calendar_lines import component, line, text, written
from ecosystem.kernel.refusals import Invalid

HOST = Host(
    organizer=Contact(name="Ecosystem", email="bookings@example.org"),
    domain="example.org",
    url="https://example.org/bookings/{booking_id}",
)
HOUR = timedelta(hours=1)
ZONES = {
    "Europe/Berlin": datetime(2026, 3, 29, 12, tzinfo=UTC),
    "America/New_York": datetime(2026, 11, 1, 12, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 10, 4, 12, tzinfo=UTC),
    "Asia/Kolkata": datetime(2026, 11, 1, 12, tzinfo=UTC),
    "Africa/Casablanca": datetime(2026, 2, 20, 12, tzinfo=UTC),
    "America/Santiago": datetime(2026, 12, 31, 23, 30, tzinfo=UTC),
    "Europe/Dublin": datetime(2026, 7, 1, 12, tzinfo=UTC),
}


def event_of(body: bytes) -> Any:
    calendar = Calendar.from_ical(body)
    assert len(calendar.events) == 1
    return calendar.events[0]


def timezone_of(body: bytes) -> Any:
    return next(part for part in Calendar.from_ical(body).walk("VTIMEZONE"))


@pytest.fixture
async def booking(scene: Scene) -> Booking:
    return await scene.booked()


async def test_an_invitation_asks_the_attendee_with_all_that_a_calendar_needs(scene: Scene, booking: Booking) -> None:
    body = invitation(booking, CONTACT, HOST, scene.clock.now())

    event = event_of(body)
    assert Calendar.from_ical(body)["METHOD"] == "REQUEST"
    assert event["UID"] == f"{booking.booking_id}@example.org" == uid(booking, HOST)
    assert (event["SEQUENCE"], event["STATUS"]) == (0, "CONFIRMED")
    assert (event.start, event.end) == (TEN, TEN + HOUR)
    assert event["DTSTART"].params["TZID"] == "Europe/Berlin"
    assert event["ORGANIZER"] == "mailto:bookings@example.org"
    assert event["ATTENDEE"] == "mailto:ada@example.org"
    assert event["ATTENDEE"].params["CN"] == "Ada Lovelace"
    assert (event["SUMMARY"], event["LOCATION"]) == ("Massage", "Torstraße 1, Berlin")
    assert event["URL"] == f"https://example.org/bookings/{booking.booking_id}"
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))


async def test_a_moved_booking_keeps_its_uid_and_counts_its_sequence(scene: Scene, booking: Booking) -> None:
    moved = await scene.bookings.reschedule(Reschedule(booking_id=booking.booking_id, start_at=TEN + 2 * HOUR), ADA)

    before, after = (event_of(invitation(each, CONTACT, HOST, scene.clock.now())) for each in (booking, moved))

    assert before["UID"] == after["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (0, 1)
    assert after.start == TEN + 2 * HOUR


async def test_a_cancelled_booking_leaves_the_calendar(scene: Scene, booking: Booking) -> None:
    gone, _ = cancel(booking, CancelBooking(booking_id=booking.booking_id), OWNER, scene.clock.now())

    body = invitation(gone, CONTACT, HOST, scene.clock.now())

    assert Calendar.from_ical(body)["METHOD"] == method_of(gone) == Method.CANCEL
    event = event_of(body)
    assert (event["STATUS"], event["SEQUENCE"], event["UID"]) == ("CANCELLED", 1, uid(booking, HOST))


async def test_a_download_names_no_attendee(scene: Scene, booking: Booking) -> None:
    body = download(booking, HOST, scene.clock.now())

    assert Calendar.from_ical(body)["METHOD"] == "PUBLISH"
    assert "ATTENDEE" not in event_of(body)


async def test_a_request_not_yet_answered_is_tentative(scene: Scene) -> None:
    asked = await scene.booked(of=offer(instant=False))

    event = event_of(invitation(asked, CONTACT, HOST, scene.clock.now()))

    assert event["STATUS"] == "TENTATIVE"
    assert event["ATTENDEE"].params["PARTSTAT"] == "TENTATIVE"


async def test_a_service_from_afar_is_written_in_the_customers_zone(scene: Scene, booking: Booking) -> None:
    remote = replace(booking, zone="America/New_York", offer=offer(mode=Mode.REMOTE, place=""))

    event = event_of(download(remote, HOST, scene.clock.now()))

    assert event["DTSTART"].params["TZID"] == "America/New_York"
    assert event.start == TEN
    assert "LOCATION" not in event


@pytest.mark.parametrize("name", ZONES)
async def test_times_are_read_right_from_the_zone_rules_in_the_file_alone(booking: Booking, name: str) -> None:
    start_at = ZONES[name]
    there = replace(booking, offer=offer(zone=name), start_at=start_at, end_at=start_at + 2 * HOUR)

    body = download(there, HOST, start_at)

    for at in (start_at, start_at + 2 * HOUR, start_at.replace(month=1, day=1)):
        wall = at.astimezone(ZoneInfo(name))
        onset = [
            (part["DTSTART"].dt, part["TZOFFSETFROM"].td, part["TZOFFSETTO"].td, str(part["TZNAME"]))
            for part in timezone_of(body).subcomponents
        ]
        # RFC 5545, 3.6.5: an observance begins at the wall time read before it, so the last onset that is past decides.
        past = [each for each in onset if each[0] - each[1] <= at.replace(tzinfo=None)]
        _, _, ahead, tzname = max(past, key=lambda each: each[0] - each[1])
        assert (wall.utcoffset(), wall.tzname()) == (ahead, tzname)
    assert event_of(body).start == start_at


async def test_clock_changes_begin_at_the_wall_time_before_them(booking: Booking) -> None:
    start_at = datetime(2026, 12, 1, 12, tzinfo=UTC)
    there = replace(booking, offer=offer(zone="America/New_York"), start_at=start_at, end_at=start_at + HOUR)

    parts = timezone_of(download(there, HOST, start_at)).subcomponents

    assert [(part.name, f"{part['DTSTART'].dt:%m-%d %H:%M}") for part in parts[1:]] == [
        ("DAYLIGHT", "03-08 02:00"),
        ("STANDARD", "11-01 02:00"),
    ]


async def test_a_name_cannot_break_out_of_its_line(scene: Scene, booking: Booking) -> None:
    nasty = Contact(name='Eve";X="\r\nATTENDEE:mailto:all@example.org', email="eve@example.org")
    titled = replace(booking, offer=offer(title="Cut; colour, dry\nBEGIN:VALARM"))

    event = event_of(invitation(titled, nasty, HOST, scene.clock.now()))

    assert event["ATTENDEE"] == "mailto:eve@example.org"
    assert event["SUMMARY"] == "Cut; colour, dry\nBEGIN:VALARM"
    assert not event.subcomponents


@given(title=st.text(max_size=200), name=st.text(st.characters(exclude_characters="\\^"), max_size=100))
@example(title="", name=", ")
@example(title="é" * 60 + "\\n;,:" + "漢" * 60, name='";:,')
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_back_as_it_was(title: str, name: str) -> None:
    kept = "".join(mark for mark in title if (mark >= " " and mark != "\x7f") or mark in "\n\t")

    body = written(
        component("VEVENT", [text("SUMMARY", title), line("ATTENDEE", "mailto:a@example.org", (("CN", name),))])
    )

    event = Event.from_ical(body)
    assert event["SUMMARY"] == kept
    assert event["ATTENDEE"] == "mailto:a@example.org"
    # Space around a name is kept between quotation marks, and dropped by the reader where there are none.
    named = "".join(mark for mark in name if mark.isprintable() and mark != '"').strip()
    assert event["ATTENDEE"].params.get("CN", "").strip() == named
    assert all(len(each) <= 75 for each in body.split(b"\r\n"))


async def test_an_address_cannot_begin_another_property(scene: Scene, booking: Booking) -> None:
    nasty = Contact(name="Eve", email="eve@example.org\r\nATTENDEE:mailto:all@example.org")

    event = event_of(invitation(booking, nasty, HOST, scene.clock.now()))

    assert not isinstance(event["ATTENDEE"], list)


async def test_a_feed_shows_what_stands(scene: Scene, booking: Booking) -> None:
    other = await scene.booked(TEN + 2 * HOUR)
    gone, _ = cancel(other, CancelBooking(booking_id=other.booking_id), ADA, scene.clock.now())
    waiting = await scene.place(await scene.hold(TEN + 4 * HOUR))
    asked = replace(booking, booking_id="bkg_asked", status=BookingStatus.AWAITING_PROVIDER)

    body = feed([booking, gone, waiting, asked], HOST, scene.clock.now(), name="Work")

    calendar = Calendar.from_ical(body)
    assert [event["UID"].split("@")[0] for event in calendar.events] == [booking.booking_id, "bkg_asked"]
    assert calendar["X-WR-CALNAME"] == "Work"
    assert len(list(calendar.walk("VTIMEZONE"))) == 1
    with pytest.raises(Invalid):
        feed([booking] * 1001, HOST, scene.clock.now(), name="Work")


async def test_an_empty_feed_is_a_calendar_too(scene: Scene) -> None:
    assert Calendar.from_ical(feed([], HOST, scene.clock.now(), name="Work")).events == []
