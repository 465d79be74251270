"""Schedules fire when the cloud's scheduler would: held to a loop over every minute, in zones that change their clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ecosystem.kernel.time import zone
from ecosystem.workflows.expressions import (
    Cron,
    Expression,
    ExpressionRefused,
    NthDay,
    at,
    first,
    following,
    latest,
    parse,
)

NEW_YORK, BERLIN, LORD_HOWE, KOLKATA = "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"
ZONES = (NEW_YORK, BERLIN, LORD_HOWE, KOLKATA)
# Days around which clocks change somewhere, and a few where nothing does.
AROUND = (
    datetime(2026, 3, 7, 12, tzinfo=UTC),
    datetime(2026, 3, 28, 12, tzinfo=UTC),
    datetime(2026, 4, 4, 0, tzinfo=UTC),
    datetime(2026, 10, 3, 0, tzinfo=UTC),
    datetime(2026, 10, 24, 12, tzinfo=UTC),
    datetime(2026, 10, 31, 12, tzinfo=UTC),
    datetime(2028, 2, 28, 12, tzinfo=UTC),
    datetime(2026, 7, 30, 12, tzinfo=UTC),
)
LOOKED_AHEAD = timedelta(days=3)


def times(expression: Expression, zone_name: str, since: datetime, until: datetime) -> list[datetime]:
    """What the expression fires at, in `(since, until]`."""
    found: list[datetime] = []
    at = since
    while (later := following(expression, zone_name, at)) is not None and later <= until:
        found.append(later)
        at = later
    return found


def by_the_minute(cron: Cron, zone_name: str, since: datetime, until: datetime) -> list[datetime]:
    """The same by looking at the wall clock each minute; the second reading of an hour counts for nothing."""
    found: list[datetime] = []
    minute = since.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while minute <= until:
        wall = minute.astimezone(zone(zone_name))
        if not wall.fold and means(cron, wall):
            found.append(minute)
        minute += timedelta(minutes=1)
    return found


def means(cron: Cron, wall: datetime) -> bool:
    if wall.minute not in cron.minutes or wall.hour not in cron.hours or wall.month not in cron.months:
        return False
    if wall.year not in cron.years:
        return False
    next_month = (wall.replace(day=28) + timedelta(days=4)).replace(day=1)
    length = (next_month - timedelta(days=1)).day
    if cron.days is not None:
        return wall.day in cron.days or (cron.last_day and wall.day == length) or nearest(cron, wall, length)
    assert cron.weekdays is not None
    number = (wall.day - 1) // 7 + 1
    return (
        wall.weekday() in cron.weekdays
        or NthDay(wall.weekday(), number) in cron.nth
        or (wall.day + 7 > length and NthDay(wall.weekday(), 0) in cron.nth)
    )


def nearest(cron: Cron, wall: datetime, length: int) -> bool:
    """Whether the day is the one among the month's weekdays that lies nearest to one that is asked for."""
    workdays = [day for day in range(1, length + 1) if wall.replace(day=day).weekday() < 5]
    asked = [day or length for day in cron.nearest if day <= length]
    return any(min(workdays, key=lambda one: (abs(one - day), one)) == wall.day for day in asked)


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> str:
    def item() -> str:
        start = draw(st.integers(low, high))
        match draw(st.sampled_from(("one", "range", "step", "every"))):
            case "one":
                return str(start)
            case "range":
                return f"{start}-{draw(st.integers(start, high))}"
            case "step":
                return f"{start}/{draw(st.integers(1, high))}"
            case _:
                return f"*/{draw(st.integers(1, high))}"

    return draw(st.sampled_from(("*", ",".join(item() for _ in range(draw(st.integers(1, 3)))))))


@st.composite
def crons(draw: st.DrawFn) -> str:
    minutes, hours, month = draw(fields(0, 59)), draw(fields(0, 23)), draw(fields(1, 12))
    month = draw(st.sampled_from(("*", "*", "MAR,APR,OCT-NOV", month)))
    hours = draw(st.sampled_from((hours, "1-3", "2", "*")))
    day, weekday = "?", "?"
    if draw(st.booleans()):
        day = draw(st.one_of(fields(1, 31), st.sampled_from(("L", "LW", "1W", "15W", "31W,L", "29", "*"))))
    else:
        weekday = draw(st.one_of(fields(1, 7), st.sampled_from(("L", "SUN", "1#1", "6L", "MON-FRI", "SAT,1#5", "*"))))
    return f"cron({minutes} {hours} {day} {month} {weekday} *)"


@settings(max_examples=60, deadline=None)
@given(crons(), st.sampled_from(ZONES), st.sampled_from(AROUND), st.integers(0, 1439))
def test_cron_fires_as_a_loop_over_every_minute_would(text: str, zone_name: str, since: datetime, more: int) -> None:
    cron = parse(text)
    assert isinstance(cron, Cron)
    begin = since + timedelta(minutes=more)
    until = begin + LOOKED_AHEAD

    assert times(cron, zone_name, begin, until) == by_the_minute(cron, zone_name, begin, until)


@pytest.mark.parametrize("zone_name", ZONES)
@pytest.mark.parametrize("text", ["cron(30 2 * * ? *)", "cron(45 1 * * ? *)", "cron(0/10 1-2 ? * SUN *)"])
def test_through_a_whole_year_nothing_is_left_out_or_twice(text: str, zone_name: str) -> None:
    cron = parse(text)
    assert isinstance(cron, Cron)
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)

    found = times(cron, zone_name, begin, end)

    walls = [each.astimezone(zone(zone_name)) for each in found]
    assert len({wall.replace(tzinfo=None) for wall in walls}) == len(found)
    assert all(means(cron, wall) and not wall.fold for wall in walls)


def test_a_time_left_out_in_spring_is_skipped_and_one_read_twice_in_autumn_fires_the_first_time() -> None:
    cron = parse("cron(30 2 * * ? *)")
    spring = times(cron, NEW_YORK, datetime(2026, 3, 7, 12, tzinfo=UTC), datetime(2026, 3, 9, 12, tzinfo=UTC))
    autumn = times(cron, BERLIN, datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, 12, tzinfo=UTC))
    half = times(
        parse("cron(45 1 * * ? *)"),
        LORD_HOWE,
        datetime(2026, 4, 4, 0, tzinfo=UTC),
        datetime(2026, 4, 5, 12, tzinfo=UTC),
    )

    assert spring == [datetime(2026, 3, 9, 6, 30, tzinfo=UTC)]
    assert autumn == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]
    # Clocks there go back by half an hour at 02:00: 01:45 is read at 14:45 and at 15:15 UTC.
    assert half == [datetime(2026, 4, 4, 14, 45, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("cron(15 10 ? * 6L 2022-2023)", ["2022-12-30", "2023-01-27"]),
        ("cron(0 10 3W * ? 2022-2023)", ["2022-12-02", "2023-01-03"]),
        ("cron(0 10 LW 12 ? *)", ["2022-12-30", "2023-12-29"]),
        ("cron(0 10 ? * TUE#2 *)", ["2022-12-13", "2023-01-10"]),
        ("cron(0 10 29 2 ? *)", ["2024-02-29", "2028-02-29"]),
        ("cron(0 10 L FEB ? *)", ["2023-02-28", "2024-02-29"]),
        ("cron(0 10 ? * 7#5 *)", ["2022-12-31", "2023-04-29"]),
    ],
)
def test_days_are_found_as_the_guide_says(text: str, days: list[str]) -> None:
    cron = parse(text)
    since = datetime(2022, 12, 1, tzinfo=UTC)

    one = following(cron, "UTC", since)
    assert one is not None
    two = following(cron, "UTC", one)

    assert two is not None
    assert [one.date().isoformat(), two.date().isoformat()] == days


@pytest.mark.parametrize(
    "text",
    [
        "rate(5)",
        "rate(1 minutes)",
        "rate(2 minute)",
        "rate(0 minutes)",
        "rate(30 seconds)",
        "every(5 minutes)",
        "at(2026-02-30T00:00:00)",
        "at(2026-11-20)",
        "cron(0 9 * * *)",
        "cron(0 9 * * * *)",
        "cron(0 9 ? * ? *)",
        "cron(60 9 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 9 32 * ? *)",
        "cron(0 9 * 13 ? *)",
        "cron(0 9 ? * 0 *)",
        "cron(0 9 ? * MON#6 *)",
        "cron(0 9 ? * FOO *)",
        "cron(0 9 20-10 * ? *)",
        "cron(0/0 9 * * ? *)",
        "cron(0 9 * * ? 2200)",
        "cron(, 9 * * ? *)",
        "cron(" + "0," * 200 + "0 9 * * ? *)",
    ],
)
def test_what_the_cloud_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(ExpressionRefused):
        parse(text)


def test_a_rate_counts_hours_and_days_whatever_clocks_do() -> None:
    start = datetime(2026, 3, 28, 1, 30, tzinfo=UTC)
    daily = parse("rate(1 day)")

    assert first(daily, BERLIN, start_at=start) == start
    assert times(daily, BERLIN, start, start + timedelta(days=2)) == [
        start + timedelta(days=1),
        start + timedelta(days=2),
    ]


def test_a_one_time_schedule_reads_the_wall_clock_of_its_zone() -> None:
    once = parse("at(2026-07-01T09:00:00)")

    assert first(once, KOLKATA, start_at=datetime(2026, 11, 1, tzinfo=UTC)) == datetime(2026, 7, 1, 3, 30, tzinfo=UTC)
    assert following(once, KOLKATA, datetime(2026, 7, 1, 3, 30, tzinfo=UTC)) is None


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_for_an_instant_is_read_as_it_and_never_sooner(instant: datetime) -> None:
    assume(1000 <= instant.year < 9999)

    read = first(parse(at(instant)), "UTC", start_at=instant)

    assert read is not None
    assert timedelta(0) <= read - instant < timedelta(seconds=1)


@given(st.integers(1, 5000), st.sampled_from(("rate(7 minutes)", "cron(0/7 * * * ? *)")))
def test_the_latest_of_many_missed_is_found_with_their_number(minutes: int, text: str) -> None:
    expression, due_at = parse(text), datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    now = due_at + timedelta(minutes=minutes)
    missed = [due_at, *times(expression, BERLIN, due_at, now)]

    assert latest(expression, BERLIN, due_at, now) == (missed[-1], len(missed) - 1)
