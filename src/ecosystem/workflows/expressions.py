"""When a schedule fires: `rate`, `cron` and `at`, in the language of the cloud's scheduler (Amazon EventBridge Scheduler).

Source: its user guide, "Schedule types". Times have a minute's precision. A rate counts hours of 60 minutes and days of
24 hours from its start on, whatever clocks do. Cron and one-time schedules are read by the wall clock of their zone:
a time that clocks leave out in spring is skipped, and one that they read twice in autumn fires once, the first time.
A one-time schedule whose time was left out fires when it would have been, by the clock as it stood before.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import utc, zone

YEAR_MIN, YEAR_MAX = 1970, 2199
LENGTH_MAX = 256
COUNTED_MAX = 1_000
_LOOKED_BACK = (
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(days=31),
    timedelta(days=400),
    timedelta(days=366 * 240),
)
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_RATE = re.compile(r"rate\(([1-9][0-9]{0,6}) (minute|hour|day)(s?)\)")
_AT = re.compile(r"at\(([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class ExpressionRefused(Invalid):
    """That is not a schedule such as rate(5 minutes), cron(0 9 ? * MON-FRI *) or at(2026-11-20T09:00:00)."""


class Rate(Struct, frozen=True):
    """Again and again, so long apart, from the start on."""

    every: timedelta


class Once(Struct, frozen=True):
    """At one wall time."""

    wall: datetime


class NthDay(NamedTuple):
    """A weekday of a month (Monday is 0) by its number, 1 to 5, or the last one (0)."""

    weekday: int
    number: int


class Cron(Struct, frozen=True):
    """Wall times. Of the two ways to say which days, one is None.

    `nearest` are days whose nearest weekday within the month is meant (`15W`), 0 standing for the last day (`LW`);
    `last_day` is the last of the month. Weekdays are 0 for Monday.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: tuple[int, ...]
    days: frozenset[int] | None = None
    last_day: bool = False
    nearest: frozenset[int] = frozenset()
    weekdays: frozenset[int] | None = None
    nth: frozenset[NthDay] = frozenset()


Expression = Rate | Once | Cron


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """The expression. Raises `ExpressionRefused` with the part at fault."""
    if len(text) > LENGTH_MAX:
        raise ExpressionRefused(f"A schedule has at most {LENGTH_MAX} characters.", field="expression")
    if rate := _RATE.fullmatch(text):
        count, unit, plural = int(rate[1]), rate[2], rate[3]
        if (count == 1) == bool(plural):
            raise _refused(text, f"one {unit} is rate(1 {unit}), more are rate(2 {unit}s)")
        return Rate(count * _UNITS[unit])
    if once := _AT.fullmatch(text):
        try:
            return Once(datetime.fromisoformat(once[1]))
        except ValueError as unreal:
            raise _refused(text, "there is no such date or time") from unreal
    if cron := _CRON.fullmatch(text):
        return _cron(text, cron[1].split())
    raise ExpressionRefused(field="expression")


def at(instant: datetime) -> str:
    """The one-time expression in UTC of that instant, or of the second after, so that it never fires too soon."""
    whole = utc(instant)
    if whole.microsecond:
        whole = whole.replace(microsecond=0) + timedelta(seconds=1)
    return f"at({whole:%Y-%m-%dT%H:%M:%S})"


def first(expression: Expression, zone_name: str, *, start_at: datetime) -> datetime | None:
    """The first time at or after `start_at`; for a rate that is `start_at` itself. None when there is none.

    A one-time schedule has its time, also when it is past.
    """
    match expression:
        case Rate():
            return start_at
        case Once(wall=wall):
            return _instant(wall, zone_name)
        case Cron():
            return _next(expression, zone_name, start_at - timedelta(microseconds=1))


def following(expression: Expression, zone_name: str, after: datetime) -> datetime | None:
    """The next time after one at which it fired; None when that was the last."""
    match expression:
        case Rate(every=every):
            return after + every
        case Once():
            return None
        case Cron():
            return _next(expression, zone_name, after)


def latest(expression: Expression, zone_name: str, due_at: datetime, now: datetime) -> tuple[datetime, int]:
    """The last of the times from `due_at` on that is not after `now`, and how many lie before it.

    They are counted to `COUNTED_MAX`: after years there may be millions.
    """
    if isinstance(expression, Rate):
        passed = (now - due_at) // expression.every
        return due_at + passed * expression.every, min(passed, COUNTED_MAX)
    last = _last(expression, zone_name, due_at, now)
    found, count = due_at, 0
    while found != last and count < COUNTED_MAX:
        later = following(expression, zone_name, found)
        assert later is not None
        found, count = later, count + 1
    return last, count


def _last(expression: Expression, zone_name: str, due_at: datetime, now: datetime) -> datetime:
    """The last time that is not after `now`, found without passing through all before it."""
    last = due_at
    for back in _LOOKED_BACK:
        since = max(due_at, now - back)
        later = following(expression, zone_name, since)
        while later is not None and later <= now:
            last, later = later, following(expression, zone_name, later)
        if last > due_at or since == due_at:
            break
    return last


# Cron


def _next(cron: Cron, zone_name: str, after: datetime) -> datetime | None:
    """The first time after that instant."""
    for wall in _walls(cron, after.astimezone(zone(zone_name)).replace(tzinfo=None)):
        instant = _existing(wall, zone_name)
        # In an hour that is read a second time, what follows on the wall lies before on the clock.
        if instant is not None and instant > after:
            return instant
    return None


def _walls(cron: Cron, read: datetime) -> Iterator[datetime]:
    """The wall times that the expression means after the one that is read now, in order."""
    for day in _days(cron, read.date()):
        today = day == read.date()
        for hour in cron.hours[bisect_left(cron.hours, read.hour) if today else 0 :]:
            now = today and hour == read.hour
            for minute in cron.minutes[bisect_right(cron.minutes, read.minute) if now else 0 :]:
                yield datetime.combine(day, time(hour, minute))


def _days(cron: Cron, since: date) -> Iterator[date]:
    """The days that the expression means, in order."""
    for year in cron.years[bisect_left(cron.years, since.year) :]:
        for month in range(1, 13):
            if month in cron.months and (year, month) >= (since.year, since.month):
                for day in _of_month(cron, year, month):
                    if (year, month, day) >= (since.year, since.month, since.day):
                        yield date(year, month, day)


@lru_cache(maxsize=1024)
def _of_month(cron: Cron, year: int, month: int) -> tuple[int, ...]:
    """The days of that month that the expression means."""
    first_weekday, length = monthrange(year, month)
    found: set[int] = set()
    if cron.days is not None:
        found = {day for day in cron.days if day <= length}
        if cron.last_day:
            found.add(length)
        found |= {_nearest(day or length, first_weekday, length) for day in cron.nearest if day <= length}
    if cron.weekdays is not None:
        found = {day for day in range(1, length + 1) if (first_weekday + day - 1) % 7 in cron.weekdays}
        for weekday, number in cron.nth:
            those = [day for day in range(1, length + 1) if (first_weekday + day - 1) % 7 == weekday]
            if number == 0:
                found.add(those[-1])
            elif number <= len(those):
                found.add(those[number - 1])
    return tuple(sorted(found))


def _nearest(day: int, first_weekday: int, length: int) -> int:
    """The weekday (Monday to Friday) of the month that is nearest to that day."""
    weekday = (first_weekday + day - 1) % 7
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < length else day - 2
    return day


def _existing(wall: datetime, zone_name: str) -> datetime | None:
    """The first instant at which clocks of the zone read that; None when they leave it out."""
    instant = wall.replace(tzinfo=zone(zone_name), fold=0).astimezone(UTC)
    return instant if instant.astimezone(zone(zone_name)).replace(tzinfo=None) == wall else None


def _instant(wall: datetime, zone_name: str) -> datetime:
    """When clocks of the zone first read that, or would have if they had not been put forward."""
    return wall.replace(tzinfo=zone(zone_name), fold=0).astimezone(UTC)


# Reading cron


def _cron(text: str, parts: list[str]) -> Cron:
    if len(parts) != 6:
        raise _refused(text, "cron has six fields: minutes, hours, day of month, month, day of week, year")
    minutes, hours, day, month, weekday, year = (part.upper() for part in parts)
    if (day == "?") == (weekday == "?"):
        raise _refused(text, "one of day of month and day of week is ?, and only one")
    read = _Reader(text)
    cron = Cron(
        minutes=tuple(sorted(read.numbers(minutes, "minutes", 0, 59))),
        hours=tuple(sorted(read.numbers(hours, "hours", 0, 23))),
        months=frozenset(read.numbers(month, "month", 1, 12, _MONTHS)),
        years=tuple(sorted(read.numbers(year, "year", YEAR_MIN, YEAR_MAX))),
    )
    return read.days(cron, day) if weekday == "?" else read.weekdays(cron, weekday)


class _Reader(NamedTuple):
    """Reads the fields of one expression."""

    text: str

    def numbers(self, field: str, name: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
        """What a list of values, ranges and steps means."""
        return {number for item in field.split(",") for number in self.item(item, name, low, high, names)}

    def item(self, item: str, name: str, low: int, high: int, names: tuple[str, ...]) -> range:
        span, slash, step = item.partition("/")
        every = self.number(step, name, 1, high) if slash else 1
        if span == "*":
            return range(low, high + 1, every)
        begin, dash, end = span.partition("-")
        start = self.number(begin, name, low, high, names)
        if dash:
            stop = self.number(end, name, low, high, names)
            if stop < start:
                raise _refused(self.text, f"in {name}, {span} ends before it begins")
            return range(start, stop + 1, every)
        return range(start, high + 1, every) if slash else range(start, start + 1)

    def number(self, text: str, name: str, low: int, high: int, names: tuple[str, ...] = ()) -> int:
        if text in names:
            return names.index(text) + low
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise _refused(self.text, f"{text or 'nothing'} is not one of {name}, {low} to {high}")
        return int(text)

    def days(self, cron: Cron, field: str) -> Cron:
        days: set[int] = set()
        nearest: set[int] = set()
        last = False
        for item in field.split(","):
            if item == "L":
                last = True
            elif item == "LW":
                nearest.add(0)
            elif item.endswith("W"):
                nearest.add(self.number(item[:-1], "days of month", 1, 31))
            else:
                days.update(self.item(item, "days of month", 1, 31, ()))
        return replace(cron, days=frozenset(days), last_day=last, nearest=frozenset(nearest))

    def weekdays(self, cron: Cron, field: str) -> Cron:
        weekdays: set[int] = set()
        nth: set[NthDay] = set()
        for item in field.split(","):
            day, hash_, number = item.partition("#")
            if hash_:
                which = self.number(number, "numbers of a weekday", 1, 5)
                nth.add(NthDay(_monday_first(self.number(day, "days of week", 1, 7, _DAYS)), which))
            elif item == "L":
                weekdays.add(_monday_first(7))
            elif item.endswith("L"):
                nth.add(NthDay(_monday_first(self.number(item[:-1], "days of week", 1, 7, _DAYS)), 0))
            else:
                weekdays.update(map(_monday_first, self.item(item, "days of week", 1, 7, _DAYS)))
        return replace(cron, weekdays=frozenset(weekdays), nth=frozenset(nth))


def _monday_first(number: int) -> int:
    """The weekday as Python counts, of one that counts from Sunday as 1."""
    return (number - 2) % 7


def _refused(text: str, reason: str) -> ExpressionRefused:
    return ExpressionRefused(f"{text!r} is no schedule: {reason}.", field="expression")
