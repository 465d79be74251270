"""A month of days to choose from: weeks from Monday, past weeks left out, and how many times each day has."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, timedelta

from msgspec import Struct

from ecosystem.kernel.display import day_text
from ecosystem.kernel.refusals import Invalid

YEARS = range(1970, 2200)
"""Months that are shown: within them every date has a day before and after it, in every zone."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Day(Struct, frozen=True, kw_only=True):
    """One day of the month shown. `times` counts the free ones."""

    iso: str
    number: int
    label: str
    times: int
    chosen: bool
    today: bool


class Month(Struct, frozen=True, kw_only=True):
    """A month as shown. `before` and `after` are keys of the months beside it, empty where there is nothing to see."""

    key: str
    title: str
    weeks: tuple[tuple[Day | None, ...], ...]
    before: str
    after: str
    weekdays: tuple[str, ...] = WEEKDAYS


def month_key(day: date) -> str:
    return f"{day:%Y-%m}"


def first_of(key: str) -> date:
    """The first day of the month that a key such as `2026-11` names. Raises `Invalid`."""
    try:
        first = date.fromisoformat(f"{key}-01")
    except ValueError:
        raise Invalid("A month is written like 2026-11.", field="month") from None
    if first.year not in YEARS:
        raise Invalid("That month is too far away to show.", field="month")
    return first


def days_of(first: date) -> tuple[date, date]:
    """The first day of the month, and the first of the next."""
    return first, first + timedelta(days=calendar.monthrange(first.year, first.month)[1])


def month(first: date, free: Mapping[date, int], *, today: date, last: date, chosen: date | None) -> Month:
    """The month that begins on `first`, for choosing a day between today and `last`; `free` counts each day's times."""
    start, end = days_of(first)
    weeks: list[tuple[Day | None, ...]] = []
    monday = start - timedelta(days=start.weekday())
    while monday < end:
        week = [monday + timedelta(days=at) for at in range(7)]
        if week[-1] >= today:
            weeks.append(
                tuple(
                    _day(day, free.get(day, 0), today=today, chosen=chosen) if start <= day < end else None
                    for day in week
                )
            )
        monday += timedelta(days=7)
    return Month(
        key=month_key(first),
        title=f"{first:%B %Y}",
        weeks=tuple(weeks),
        before=month_key(start - timedelta(days=1)) if start > today else "",
        after=month_key(end) if end <= last else "",
    )


def _day(day: date, times: int, *, today: date, chosen: date | None) -> Day:
    return Day(
        iso=day.isoformat(),
        number=day.day,
        label=day_text(day, seen_in=today.year) + (", today" if day == today else ""),
        times=times,
        chosen=day == chosen,
        today=day == today,
    )
