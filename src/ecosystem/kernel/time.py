"""Instants and spans. Instants are aware and in UTC; a local time travels with its IANA zone."""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid

DAY_S = 86_400
DAY_MIN = 1_440
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WALL = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


class Span(Struct, frozen=True):
    """A half-open stretch of time, [start_at, end_at): back-to-back spans do not overlap."""

    start_at: datetime
    end_at: datetime

    def __post_init__(self) -> None:
        if self.start_at.tzinfo is None or self.end_at.tzinfo is None:
            raise Invalid("A time needs its offset or zone.", field="start_at" if self.end_at.tzinfo else "end_at")
        if self.end_at <= self.start_at:
            raise Invalid("A span ends after it starts.", field="end_at")

    def overlaps(self, other: Span) -> bool:
        return self.start_at < other.end_at and other.start_at < self.end_at

    @property
    def length(self) -> timedelta:
        return self.end_at - self.start_at


class Offset(Struct, frozen=True):
    """A half-open stretch, in seconds since 1970, through which a zone keeps one distance from UTC."""

    start_s: int
    end_s: int
    ahead_s: int
    """What the wall clock is ahead of UTC."""


def utc(at: datetime, *, field: str = "at") -> datetime:
    """The same instant in UTC. Raises `Invalid` for a local time without a zone."""
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise Invalid("A time needs its offset or zone.", field=field)
    try:
        return at.astimezone(UTC)
    except OverflowError as beyond:
        raise Invalid("That time is beyond the calendar.", field=field) from beyond


def seconds(at: datetime) -> int:
    """Whole seconds since 1970; a part of a second is dropped."""
    passed = at - EPOCH
    return passed.days * DAY_S + passed.seconds


def instant(at_s: int) -> datetime:
    """The instant that many seconds after 1970."""
    return datetime.fromtimestamp(at_s, UTC)


@lru_cache(maxsize=1024)
def zone(name: str, *, field: str = "zone") -> ZoneInfo:
    """The IANA zone of that name. Raises `Invalid` when there is none."""
    if name not in _zones():
        raise Invalid(f"{name!r} is not an IANA time zone such as Europe/Berlin.", field=field)
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as missing:
        raise Invalid(f"{name!r} is not an IANA time zone such as Europe/Berlin.", field=field) from missing


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def local(at: datetime, zone_name: str) -> datetime:
    """The instant as the wall clock of that zone reads it."""
    return at.astimezone(zone(zone_name))


def wall_minutes(text: str, *, field: str) -> int:
    """Minutes after midnight of a wall time, `09:30` to 570; `24:00` is the day's end. Raises `Invalid`."""
    if not _WALL.fullmatch(text):
        raise Invalid(f"{text!r} is not a time of day such as 09:30.", field=field)
    return int(text[:2]) * 60 + int(text[3:])


def utc_days(span: Span) -> list[date]:
    """Each UTC day the span has a moment in: over midnight both, ending at midnight only the first."""
    first = utc(span.start_at).date()
    last = (utc(span.end_at) - timedelta(microseconds=1)).date()
    return [first + timedelta(days=count) for count in range((last - first).days + 1)]


def offsets(zone_name: str, start_s: int, end_s: int) -> list[Offset]:
    """The zone's distances from UTC through [start_s, end_s): one stretch, and one more per clock change within."""
    stretches: list[Offset] = []
    at_s = start_s
    while at_s < end_s:
        year = instant(at_s).year
        starts, aheads = _year(zone_name, year)
        place = bisect_right(starts, at_s) - 1
        until_s = min(end_s, starts[place + 1] if place + 1 < len(starts) else _year_start(year + 1))
        if stretches and stretches[-1].ahead_s == aheads[place]:
            stretches[-1] = Offset(stretches[-1].start_s, until_s, aheads[place])
        else:
            stretches.append(Offset(at_s, until_s, aheads[place]))
        at_s = until_s
    return stretches


def midnight(day: date, zone_name: str) -> datetime:
    """The first instant of a date in that zone, even where the clock never reads 00:00 or reads it twice.

    A date that a zone left out begins where the next one does.
    """
    day_s = (day - EPOCH.date()).days * DAY_S
    for stretch in offsets(zone_name, day_s - DAY_S, day_s + DAY_S):
        start_s = max(day_s - stretch.ahead_s, stretch.start_s)
        if start_s < stretch.end_s:
            return instant(start_s)
    raise AssertionError(f"{zone_name} is more than a day from UTC")


@lru_cache(maxsize=4096)
def _year(zone_name: str, year: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the zone's distances from UTC begin within that UTC year, and what they are.

    Asked once a day, then halved down to the second: no zone changes its clock and changes it back within a day.
    """
    kept = zone(zone_name)
    start_s, end_s = _year_start(year), _year_start(year + 1)
    starts, aheads = [start_s], [_ahead(kept, start_s)]
    for before_s in range(start_s, end_s, DAY_S):
        after_s = before_s + DAY_S
        ahead_s = _ahead(kept, min(after_s, end_s - 1))
        if ahead_s == aheads[-1]:
            continue
        low_s, high_s = before_s, after_s
        while high_s - low_s > 1:
            middle_s = (low_s + high_s) // 2
            low_s, high_s = (middle_s, high_s) if _ahead(kept, middle_s) == aheads[-1] else (low_s, middle_s)
        starts.append(high_s)
        aheads.append(ahead_s)
    return tuple(starts), tuple(aheads)


def _ahead(kept: ZoneInfo, at_s: int) -> int:
    ahead = instant(at_s).astimezone(kept).utcoffset()
    assert ahead is not None
    return ahead.days * DAY_S + ahead.seconds


def _year_start(year: int) -> int:
    return seconds(datetime(year, 1, 1, tzinfo=UTC))


def sortable(at: datetime) -> str:
    """The instant as text whose order is the order of time, to the microsecond: `2026-11-20T10:00:00.000000Z`."""
    return utc(at).isoformat(timespec="microseconds")[:-6] + "Z"
