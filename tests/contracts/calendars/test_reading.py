"""What a calendar says of its owner's time: zones, days, repetitions and exceptions, and nonsense of every kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosystem.adapters.outside.calendars_reading import EVENTS_MAX, busy
from ecosystem.kernel.refusals import Refusal
from ecosystem.kernel.time import Span
from ecosystem.ports.calendars import NotACalendar, Reading

LISBON = "Europe/Lisbon"
WINDOW = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 11, 1, tzinfo=UTC))


def calendar(*events: str, head: str = "") -> bytes:
    blocks = "".join(f"BEGIN:VEVENT\r\nUID:{n}@x\r\n{each}\r\nEND:VEVENT\r\n" for n, each in enumerate(events))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{head}{blocks}END:VCALENDAR\r\n".encode()


def read(*events: str, zone: str = LISBON, window: Span = WINDOW) -> list[tuple[str, str]]:
    reading = busy(calendar(*(event.replace("\n", "\r\n") for event in events)), window=window, zone=zone)
    assert reading.left_out == 0
    return [(f"{span.start_at:%m-%d %H:%M}", f"{span.end_at:%m-%d %H:%M}") for span in reading.busy]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("DTSTART:20261201T090000Z\nDTEND:20261201T100000Z", ("12-01 09:00", "12-01 10:00")),
        ("DTSTART;TZID=Europe/Berlin:20261201T090000\nDURATION:PT90M", ("12-01 08:00", "12-01 09:30")),
        ("DTSTART;TZID=W. Europe Standard Time:20261201T090000\nDURATION:PT1H", ("12-01 08:00", "12-01 09:00")),
        ("DTSTART:20261201T090000\nDTEND:20261201T100000", ("12-01 14:00", "12-01 15:00")),  # as New York's clocks show
        ("DTSTART;VALUE=DATE:20261201", ("12-01 05:00", "12-02 05:00")),
        ("DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261204", ("12-01 05:00", "12-04 05:00")),
        # Over the end of summer time, a day of 25 hours.
        ("DTSTART;VALUE=DATE:20261101", ("11-01 04:00", "11-02 05:00")),
    ],
)
def test_a_time_is_read_in_its_zone_or_the_providers(event: str, expected: tuple[str, str]) -> None:
    assert read(event, zone="America/New_York") == [expected]


@pytest.mark.parametrize(
    "event",
    [
        "DTSTART:20261201T090000Z\nDTEND:20261201T100000Z\nTRANSP:TRANSPARENT",
        "DTSTART:20261201T090000Z\nDTEND:20261201T100000Z\nSTATUS:CANCELLED",
        "DTSTART:20261201T090000Z",
        "DTSTART:20261201T090000Z\nDTEND:20261201T090000Z",
        "DTSTART:20250101T090000Z\nDTEND:20250101T100000Z",
        "DTSTART:20300101T090000Z\nDTEND:20300101T100000Z",
    ],
)
def test_what_is_free_called_off_empty_or_far_away_is_not_busy(event: str) -> None:
    assert read(event) == []


def test_a_weekly_event_keeps_its_wall_time_over_a_clock_change() -> None:
    weekly = "DTSTART;TZID=Europe/Lisbon:20261012T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=4"

    assert [start for start, _ in read(weekly)] == ["10-12 09:00", "10-19 09:00", "10-26 10:00", "11-02 10:00"]


def test_a_rule_without_an_end_is_followed_to_the_end_of_the_window_only() -> None:
    daily = "DTSTART;TZID=Europe/Lisbon:20200101T230000\nDURATION:PT2H\nRRULE:FREQ=DAILY"

    found = read(daily)

    assert found[0] == ("09-30 22:00", "10-01 00:00") or found[0][1] > "10-01 00:00"
    assert len(found) == pytest.approx(WINDOW.length.days, abs=2)


def test_exceptions_additions_and_moved_ones_are_followed() -> None:
    series = (
        "DTSTART;TZID=Europe/Lisbon:20261201T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20261205T100000Z\n"
        "EXDATE;TZID=Europe/Lisbon:20261202T100000\nRDATE;TZID=Europe/Lisbon:20261220T100000"
    )
    moved = "UID:0@x\nRECURRENCE-ID;TZID=Europe/Lisbon:20261203T100000\nDTSTART:20261203T150000Z\nDURATION:PT1H"
    off = "UID:0@x\nRECURRENCE-ID:20261204T100000Z\nDTSTART:20261204T100000Z\nDURATION:PT1H\nSTATUS:CANCELLED"
    content = calendar(series.replace("\n", "\r\n"))
    for each in (moved, off):
        block = f"BEGIN:VEVENT\r\n{each}\r\nEND:VEVENT\r\n".replace("\n", "\r\n").replace("\r\r", "\r")
        content = content.replace(b"END:VCALENDAR", block.encode() + b"END:VCALENDAR")

    reading = busy(content, window=WINDOW, zone=LISBON)

    starts = [f"{span.start_at:%m-%d %H:%M}" for span in reading.busy]
    assert starts == ["12-01 10:00", "12-03 15:00", "12-05 10:00", "12-20 10:00"]


def test_a_time_that_the_clocks_skip_is_read_with_the_offset_before() -> None:
    """Lisbon, 2027-03-28: 01:00 becomes 02:00."""
    event = "DTSTART;TZID=Europe/Lisbon:20270328T013000\nDURATION:PT1H"

    assert read(event) == [("03-28 01:30", "03-28 02:30")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"<html><body>Sign in</body></html>",
        b"\x00\xff" * 400,
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VEVENT\r\nDTSTART:20261201T090000Z\r\nEND:VEVENT\r\n",
    ],
)
def test_what_is_no_calendar_is_refused(content: bytes) -> None:
    with pytest.raises(NotACalendar):
        busy(content, window=WINDOW, zone=LISBON)


@pytest.mark.parametrize(
    "zone",
    ["America", "America/", "Etc", "posix", "..", "/", "", "a" * 300, "\0", ".", "zone.tab", "US/", "Europe/Berlin/x"],
)
@pytest.mark.parametrize("name", ["DTSTART", "EXDATE", "RECURRENCE-ID", "RDATE"])
def test_a_zone_that_is_none_is_read_refused_or_left_out(name: str, zone: str) -> None:
    start = "" if name == "DTSTART" else "DTSTART:20261201T090000Z\r\n"

    try:
        reading = busy(
            calendar(f"{start}{name};TZID={zone}:20261201T100000\r\nDURATION:PT1H"), window=WINDOW, zone=LISBON
        )
    except NotACalendar:
        return
    assert len(reading.busy) + reading.left_out > 0


@pytest.mark.parametrize(
    "entries",
    [
        b"X:1\r\n" * 400_000,
        b"\n" * 2_000_000,
        b"BEGIN:VTODO\r\nEND:VTODO\r\n" * 13_000,
        b"begin:vevent\r\nend:vevent\r\n" * (EVENTS_MAX + 1),
        b"BEG\r\n IN:VEVENT\r\nEND:VEVENT\r\n" * 13_000,
        b"BEGIN;X=1:VEVENT\r\nEND:VEVENT\r\n" * 13_000,
        b"BEGIN:X\r\n" * 12_000,
    ],
    ids=["lines", "blank", "tasks", "lower-case", "folded", "parameters", "nested"],
)
def test_what_would_take_long_to_read_is_refused_soon(entries: bytes) -> None:
    began = process_time()

    with pytest.raises(NotACalendar):
        busy(b"BEGIN:VCALENDAR\r\n" + entries + b"END:VCALENDAR\r\n", window=WINDOW, zone=LISBON)

    assert process_time() - began < 2


def test_many_rules_of_a_real_calendar_are_all_followed() -> None:
    past = "DTSTART:20150105T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY;COUNT=20"
    ended = "DTSTART:20150105T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;UNTIL=20200101T090000Z"
    weekly = "DTSTART:20200106T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY"

    reading = busy(calendar(*[past, ended] * 500, *[weekly] * 200), window=WINDOW, zone=LISBON)

    assert reading.left_out == 0
    assert len(reading.busy) == 200 * 56


@pytest.mark.parametrize(
    "event",
    [
        "DTSTART:nonsense\r\nDTEND:20261201T100000Z",
        "SUMMARY:no start at all",
        "DTSTART:20261201T090000Z\r\nDTEND;VALUE=DATE:20261202",
        "DTSTART:20261201T090000Z\r\nDURATION:forever",
    ],
)
def test_an_event_that_is_none_is_left_out_and_counted(event: str) -> None:
    good = "DTSTART:20261201T090000Z\r\nDTEND:20261201T100000Z"

    reading = busy(calendar(event, good), window=WINDOW, zone=LISBON)

    assert (len(reading.busy), reading.left_out) == (1, 1)


def test_of_a_rule_that_is_not_followed_the_first_time_is_taken_and_it_is_counted() -> None:
    event = "DTSTART:20261201T090000Z\r\nDTEND:20261201T100000Z\r\nRRULE:FREQ=HOURLY"

    reading = busy(calendar(event), window=WINDOW, zone=LISBON)

    assert (len(reading.busy), reading.left_out) == (1, 1)


def test_too_many_events_or_times_are_refused() -> None:
    with pytest.raises(NotACalendar):
        busy(calendar(*["DTSTART:20261201T090000Z"] * (EVENTS_MAX + 1)), window=WINDOW, zone=LISBON)
    with pytest.raises(NotACalendar):
        busy(
            calendar(*["DTSTART:20200101T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY"] * 60),
            window=WINDOW,
            zone=LISBON,
        )


def test_the_worst_that_a_rule_can_cost_is_bounded() -> None:
    never = "DTSTART:19700101T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=9;BYMONTH=2;BYMONTHDAY=30"
    began = process_time()

    reading = busy(calendar(*[never] * 400), window=WINDOW, zone=LISBON)

    assert reading.left_out > 300
    assert process_time() - began < 8


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30) | st.sampled_from(
    ["20261201T090000Z", "20261201", "PT1H", "P-1D", "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO;COUNT=-3", "99999999T999999"]
)
NAMES = st.sampled_from(
    "DTSTART DTEND DURATION RRULE RDATE EXDATE RECURRENCE-ID TRANSP STATUS UID BEGIN END X-😀".split()
    + "DTSTART;VALUE=DATE DTSTART;TZID=Nowhere/Land".split()
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=12))
def test_nonsense_is_read_refused_or_left_out_and_nothing_else(lines: list[tuple[str, str]]) -> None:
    content = calendar("\r\n".join(f"{name}:{value}" for name, value in lines))

    try:
        reading = busy(content, window=WINDOW, zone=LISBON)
    except Refusal:
        return
    assert isinstance(reading, Reading)
    assert all(span.length > timedelta(0) and span.overlaps(WINDOW) for span in reading.busy)
