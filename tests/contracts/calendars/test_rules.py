"""Recurrence rules fall on the dates that another implementation finds, whatever the rule."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosystem.adapters.outside.calendars_rules import Rule, RuleUnknown, rule, starts


def wall(*parts: int) -> datetime:
    """A time as clocks on a wall show it: rules know no zone."""
    return datetime(*parts)  # noqa: DTZ001 — on purpose


DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


# Rules that fall on some date every year: the other implementation looks for the rest until the year 9999.
@st.composite
def texts(draw: st.DrawFn) -> str:
    every = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={every}", f"INTERVAL={draw(st.integers(1, 4))}"]
    by = False
    if draw(st.booleans()):
        months = draw(st.sets(st.integers(1, 12), min_size=1, max_size=3))
        parts.append(f"BYMONTH={','.join(map(str, sorted(months)))}")
    if every != "WEEKLY" and draw(st.booleans()):
        days = draw(st.sets(st.integers(1, 28) | st.integers(-28, -1), min_size=1, max_size=3))
        parts.append(f"BYMONTHDAY={','.join(map(str, sorted(days)))}")
        by = True
    if not by and draw(st.booleans()):
        counted = every in {"MONTHLY", "YEARLY"} and draw(st.booleans())
        ordinals = st.sampled_from(["1", "2", "-1", "-2", "4"]) if counted else st.just("")
        days = draw(st.lists(st.tuples(ordinals, st.sampled_from(DAYS)), min_size=1, max_size=3, unique=True))
        parts.append(f"BYDAY={','.join(a + b for a, b in days)}")
        by = True
    if by and every in {"MONTHLY", "YEARLY"} and draw(st.booleans()):
        parts.append(f"BYSETPOS={draw(st.sampled_from([1, -1]))}")
    if every == "WEEKLY" and draw(st.booleans()):
        parts.append(f"WKST={draw(st.sampled_from(DAYS))}")
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 40))}")
    return ";".join(parts)


def parsed(text: str) -> Rule:
    return rule({name: value.split(",") for name, _, value in (part.partition("=") for part in text.split(";"))})


@settings(max_examples=120, deadline=None)
@given(
    texts(),
    st.datetimes(wall(2015, 1, 1), wall(2026, 12, 31)).map(lambda at: at.replace(microsecond=0)),
    st.integers(0, 700),
)
def test_a_rule_falls_where_another_implementation_says(text: str, first: datetime, after: int) -> None:
    end = first + timedelta(days=900)

    expected = list(rrulestr(text, dtstart=first).between(first - timedelta(1), end - timedelta(microseconds=1)))

    assert list(starts(parsed(text), first, first, end)) == expected
    later = first + timedelta(days=after)
    assert list(starts(parsed(text), first, later, end)) == [at for at in expected if at >= later]


def test_a_rule_that_never_falls_ends_all_the_same() -> None:
    never = parsed("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")

    assert list(starts(never, wall(1990, 1, 1), wall(1990, 1, 1), wall(2027, 1, 1))) == []


def test_an_until_is_the_last_start_itself() -> None:
    daily = Rule(every=parsed("FREQ=DAILY").every, until=wall(2026, 1, 3, 9))

    assert [at.day for at in islice(starts(daily, wall(2026, 1, 1, 9), wall(2026, 1, 1), wall(2027, 1, 1)), 9)] == [
        1,
        2,
        3,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=SECONDLY",
        "FREQ=HOURLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=x",
        "FREQ=YEARLY;BYWEEKNO=3",
        "INTERVAL=2",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=DAILY;BYHOUR=3",
    ],
)
def test_what_is_not_understood_is_said(text: str) -> None:
    with pytest.raises(RuleUnknown):
        parsed(text)


def test_a_rule_of_long_ago_is_not_followed() -> None:
    with pytest.raises(RuleUnknown):
        next(starts(parsed("FREQ=DAILY;COUNT=9"), wall(1900, 1, 1), wall(2026, 1, 1), wall(2027, 1, 1)))
