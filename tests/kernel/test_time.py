from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import (
    DAY_S,
    EPOCH,
    Span,
    instant,
    local,
    midnight,
    offsets,
    seconds,
    sortable,
    utc,
    utc_days,
    wall_minutes,
    zone,
)

ZONES = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Santiago",  # changes at midnight
    "Africa/Casablanca",  # winter time in Ramadan
    "Asia/Beirut",  # skips midnight
    "Pacific/Kiritimati",
    "Etc/GMT+12",
]
INSTANTS = st.integers(1_577_836_800 * 10**6, 2_082_758_400 * 10**6).map(
    lambda passed_us: EPOCH + timedelta(microseconds=passed_us)
)


def test_back_to_back_spans_do_not_overlap() -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    morning, afternoon = Span(noon - timedelta(hours=2), noon), Span(noon, noon + timedelta(hours=2))

    assert not morning.overlaps(afternoon)
    assert morning.overlaps(Span(noon - timedelta(microseconds=1), noon))


@pytest.mark.parametrize("hours", [0, -1])
def test_a_span_ends_after_it_starts(hours: int) -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)

    with pytest.raises(Invalid) as refused:
        Span(noon, noon + timedelta(hours=hours))

    assert refused.value.field == "end_at"


def test_a_span_of_local_times_without_a_zone_is_refused() -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)

    with pytest.raises(Invalid) as refused:
        Span(noon.replace(tzinfo=None), noon)

    assert refused.value.field == "start_at"


def test_a_time_without_a_zone_names_its_field() -> None:
    with pytest.raises(Invalid) as refused:
        utc(datetime(2026, 11, 20, 12, tzinfo=UTC).replace(tzinfo=None), field="week.from")

    assert refused.value.field == "week.from"


@pytest.mark.parametrize("name", ["Europe/Berln", "", "../../etc/passwd", "\ud800", "+01:00"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        zone(name)


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("09:30", 570), ("23:59", 1439), ("24:00", 1440)])
def test_a_wall_time_is_minutes_after_midnight(text: str, minutes: int) -> None:
    assert wall_minutes(text, field="opens") == minutes


@pytest.mark.parametrize("text", ["9:30", "24:01", "12:60", "noon", "", "\u0661\u0662:\u0660\u0660", "12:00\n"])
def test_what_is_no_wall_time_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        wall_minutes(text, field="opens")

    assert refused.value.field == "opens"


@given(at=INSTANTS, length=st.timedeltas(timedelta(microseconds=1), timedelta(days=3)))
def test_a_span_touches_the_days_of_its_moments(at: datetime, length: timedelta) -> None:
    days = utc_days(Span(at, at + length))

    assert days[0] == at.date()
    assert days[-1] == (at + length - timedelta(microseconds=1)).date()
    assert [(later - earlier).days for earlier, later in pairwise(days)] == [1] * (len(days) - 1)


@given(at=INSTANTS, other=INSTANTS)
def test_text_sorts_as_time_does(at: datetime, other: datetime) -> None:
    assert (sortable(at) < sortable(other)) == (at < other)


def test_the_text_of_an_instant_is_in_utc() -> None:
    assert sortable(datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("Europe/Berlin"))) == "2026-11-20T11:00:00.000000Z"


@given(at=INSTANTS)
def test_seconds_and_instants_are_one_another(at: datetime) -> None:
    assert instant(seconds(at)) == at.replace(microsecond=0)


@pytest.mark.parametrize("name", ZONES)
@given(at=INSTANTS, days=st.integers(1, 800), offset=st.integers(0, 86_399))
def test_offsets_tell_what_the_wall_clock_reads(name: str, at: datetime, days: int, offset: int) -> None:
    start_s = seconds(at)
    end_s = start_s + days * DAY_S

    stretches = offsets(name, start_s, end_s)

    assert (stretches[0].start_s, stretches[-1].end_s) == (start_s, end_s)
    for earlier, later in pairwise(stretches):
        assert earlier.end_s == later.start_s
        assert earlier.ahead_s != later.ahead_s
    for stretch in stretches:
        for at_s in {stretch.start_s, stretch.end_s - 1, min(stretch.start_s + offset, stretch.end_s - 1)}:
            ahead = local(instant(at_s), name).utcoffset()
            assert ahead == timedelta(seconds=stretch.ahead_s)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("America/New_York", ["2026-03-08T07:00", "2026-11-01T06:00"]),
        ("Europe/Berlin", ["2026-03-29T01:00", "2026-10-25T01:00"]),
        ("Australia/Lord_Howe", ["2026-04-04T15:00", "2026-10-03T15:30"]),
        ("Asia/Kolkata", []),
    ],
)
def test_clock_changes_are_found_to_the_second(name: str, changes: list[str]) -> None:
    year = seconds(datetime(2026, 1, 1, tzinfo=UTC)), seconds(datetime(2027, 1, 1, tzinfo=UTC))

    stretches = offsets(name, *year)

    assert [f"{instant(stretch.start_s):%Y-%m-%dT%H:%M}" for stretch in stretches[1:]] == changes


@pytest.mark.parametrize("name", ZONES)
@given(day=st.dates(date(2020, 1, 1), date(2035, 1, 1)))
def test_midnight_is_the_first_instant_of_its_date(name: str, day: date) -> None:
    at = midnight(day, name)

    assert local(at, name).date() == day
    assert local(at - timedelta(seconds=1), name).date() == day - timedelta(days=1)


def test_midnight_of_a_day_that_begins_at_one() -> None:
    # Santiago skips from 24:00 on 5 September 2026 to 01:00.
    assert midnight(date(2026, 9, 6), "America/Santiago") == datetime(2026, 9, 6, 4, tzinfo=UTC)


def test_a_date_that_a_zone_left_out_begins_with_the_next() -> None:
    # Samoa crossed the date line at the end of 29 December 2011.
    assert midnight(date(2011, 12, 30), "Pacific/Apia") == midnight(date(2011, 12, 31), "Pacific/Apia")
