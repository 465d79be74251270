"""On which dates a recurrence rule falls (RFC 5545, section 3.3.10), by looking at each date of a bounded stretch.

Looking at every date costs the same for any rule: one that never falls on a date cannot keep anybody waiting.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

DAYS_MAX = 366 * 60
"""Rules that began longer ago are not followed from their beginning."""

_WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class RuleUnknown(ValueError):
    """A rule that is not understood here."""


class Every(StrEnum):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


class Rule(Struct, frozen=True, kw_only=True):
    """A rule for dates. `by_day` pairs an ordinal, 0 for every one, with a weekday, 0 being Monday.

    `until` is a local wall time like the starts it bounds.
    """

    every: Every
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    by_month: frozenset[int] = frozenset()
    by_month_day: frozenset[int] = frozenset()
    by_year_day: frozenset[int] = frozenset()
    by_day: tuple[tuple[int, int], ...] = ()
    by_place: tuple[int, ...] = ()
    week_starts: int = 0


class Dates:
    """How many dates may still be looked at."""

    def __init__(self, left: int) -> None:
        self._left = left

    def look(self, count: int) -> None:
        """Look at so many more. Raises `RuleUnknown` when there were too many."""
        self._left -= count
        if self._left < 0:
            raise RuleUnknown("there are too many rules")


def starts(
    rule: Rule, first: datetime, since: datetime, end: datetime, dates: Dates | None = None
) -> Iterator[datetime]:
    """Local wall times at which the rule that begins with `first` falls, in [since, end), in order.

    Raises `RuleUnknown` when it counts its times and began too long ago, or looks at more `dates` than are left.
    """
    if rule.count is not None and (end - first).days > DAYS_MAX:
        raise RuleUnknown("it began too long ago")
    found = 0
    last = min(end, rule.until) if rule.until else end
    for day in _dates(rule, first.date(), since.date(), last.date(), dates or Dates(DAYS_MAX)):
        start = datetime.combine(day, first.time())
        if start < first or (start < since and rule.count is None):
            continue
        if start >= end or (rule.until and start > rule.until) or (rule.count is not None and found >= rule.count):
            return
        found += 1
        if start >= since:
            yield start


def _dates(rule: Rule, first: date, since: date, last: date, dates: Dates) -> Iterator[date]:
    """The dates that the rule falls on, of each of its periods; some before `first` or `since` among them."""
    for begin, end in _periods(rule, first, first if rule.count is not None else max(first, since), last):
        dates.look((end - begin).days)
        days = [day for at in range((end - begin).days) if _falls(rule, day := begin + timedelta(days=at), first)]
        if rule.by_place:
            count = len(days)
            places = {place - 1 if place > 0 else count + place for place in rule.by_place}
            days = [day for at, day in enumerate(days) if at in places]
        yield from days


def _periods(rule: Rule, first: date, since: date, last: date) -> Iterator[tuple[date, date]]:
    """The days, weeks, months or years that the rule looks at, each from its first date to the next one's.

    They are counted from `first`, and begin with the one that `since` lies in or after.
    """
    interval = rule.interval
    match rule.every:
        case Every.DAILY:
            for at in range((since - first).days // interval * interval, (last - first).days + 1, interval):
                day = first + timedelta(days=at)
                yield day, day + timedelta(days=1)
        case Every.WEEKLY:
            week = first - timedelta(days=(first.weekday() - rule.week_starts) % 7)
            week += timedelta(days=(since - week).days // (7 * interval) * 7 * interval)
            while week <= last:
                yield week, week + timedelta(days=7)
                week += timedelta(days=7 * interval)
        case Every.MONTHLY:
            month = first.year * 12 + first.month - 1
            month += (since.year * 12 + since.month - 1 - month) // interval * interval
            while (begin := date(month // 12, month % 12 + 1, 1)) <= last:
                yield begin, begin + timedelta(days=monthrange(begin.year, begin.month)[1])
                month += interval
        case Every.YEARLY:
            for year in range(first.year + (since.year - first.year) // interval * interval, last.year + 1, interval):
                yield date(year, 1, 1), date(year + 1, 1, 1)


def _falls(rule: Rule, day: date, first: date) -> bool:
    if rule.by_month and day.month not in rule.by_month:
        return False
    if rule.by_year_day:
        length = 366 if isleap(day.year) else 365
        place = day.timetuple().tm_yday
        if place not in rule.by_year_day and place - length - 1 not in rule.by_year_day:
            return False
    if rule.by_month_day:
        length = monthrange(day.year, day.month)[1]
        if day.day not in rule.by_month_day and day.day - length - 1 not in rule.by_month_day:
            return False
    if rule.by_day:
        return _on_weekday(rule, day)
    return _by_first(rule, day, first)


def _by_first(rule: Rule, day: date, first: date) -> bool:
    """What the rule leaves open is as at its first date."""
    if rule.by_month_day or rule.by_year_day or rule.every is Every.DAILY:
        return True
    if rule.every is Every.WEEKLY:
        return day.weekday() == first.weekday()
    if day.day != first.day:
        return False
    return rule.every is Every.MONTHLY or bool(rule.by_month) or day.month == first.month


def _on_weekday(rule: Rule, day: date) -> bool:
    for ordinal, weekday in rule.by_day:
        if weekday != day.weekday():
            continue
        if ordinal == 0 or rule.every in {Every.DAILY, Every.WEEKLY}:
            return True
        if rule.every is Every.YEARLY and not rule.by_month:
            at, length = day.timetuple().tm_yday, 366 if isleap(day.year) else 365
        else:
            at, length = day.day, monthrange(day.year, day.month)[1]
        place = (at - 1) // 7 + 1 if ordinal > 0 else -((length - at) // 7 + 1)
        if place == ordinal:
            return True
    return False


def weekday(text: str) -> tuple[int, int]:
    """`-1FR` is (-1, 4). Raises `RuleUnknown`."""
    ordinal, name = text[:-2], text[-2:].upper()
    if name not in _WEEK or (ordinal and not ordinal.lstrip("+-").isdigit()):
        raise RuleUnknown(f"{text!r} is no weekday")
    return int(ordinal or 0), _WEEK.index(name)


def rule(parts: dict[str, Sequence[object]]) -> Rule:
    """The rule of these parts, as the calendar library reads them. Raises `RuleUnknown`; `until` is left to the caller."""
    unknown = parts.keys() - {
        "FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYDAY", "BYSETPOS", "WKST",
    }  # fmt: skip
    if unknown:
        raise RuleUnknown(f"{min(unknown)} is not followed here")
    try:
        made = Rule(
            every=Every(str(parts["FREQ"][0]).upper()),
            interval=int(str(parts.get("INTERVAL", ["1"])[0])),
            count=int(str(parts["COUNT"][0])) if "COUNT" in parts else None,
            by_month=_numbers(parts, "BYMONTH"),
            by_month_day=_numbers(parts, "BYMONTHDAY"),
            by_year_day=_numbers(parts, "BYYEARDAY"),
            by_day=tuple(weekday(str(each)) for each in parts.get("BYDAY", ())),
            by_place=tuple(sorted(_numbers(parts, "BYSETPOS"))),
            week_starts=weekday(str(parts.get("WKST", ["MO"])[0]))[1],
        )
    except (ValueError, KeyError, IndexError) as unread:
        raise RuleUnknown(str(unread)) from unread
    if made.interval < 1:
        raise RuleUnknown("its interval is less than one")
    return made


def _numbers(parts: dict[str, Sequence[object]], name: str) -> frozenset[int]:
    return frozenset(int(str(each)) for each in parts.get(name, ()))
