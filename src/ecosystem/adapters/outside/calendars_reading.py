"""The busy times of an iCalendar stream (RFC 5545) within a window. A program of its own: see `calendars_process.py`."""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, cast
from zoneinfo import ZoneInfo

import icalendar
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.adapters.outside.calendars_process import CPU_S, MEMORY_BYTES_MAX, Answer, Question
from ecosystem.adapters.outside.calendars_rules import Dates, RuleUnknown, rule, starts
from ecosystem.kernel.time import Span, midnight
from ecosystem.ports.calendars import BUSY_MAX, NotACalendar, Reading

EVENTS_MAX = 5_000
COMPONENTS_MAX = 12_000
"""Events, their alarms, and what else begins and ends."""
LINES_MAX = 100_000
"""Lines once unfolded: twenty for each of the most events."""
DATES_MAX = 300_000
"""Dates that the rules of one calendar are held against: a few seconds. Rules beyond that are left out."""
DAY = timedelta(days=1)
UNREADABLE = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)
"""What the library, the zones' files and arithmetic make of values that are none."""
_FOLDED = re.compile(rb"(?<![\r\n])(?:\r?\n)+[ \t]")
_BEGINS = re.compile(rb"^[ \t]*BEGIN[ \t]*[:;]", re.IGNORECASE | re.MULTILINE)


class When(Struct, frozen=True):
    """A start as local wall time in its zone; of a whole day, midnight."""

    wall: datetime
    zone: tzinfo | None
    whole: bool


class Partly(ValueError):
    """Some of an event is not understood; `spans` is what is."""

    def __init__(self, spans: Sequence[Span]) -> None:
        super().__init__()
        self.spans = spans


def busy(content: bytes, *, window: Span, zone: str) -> Reading:
    """The busy times that touch the window. Raises `NotACalendar`.

    All-day events and times without a zone are those of `zone`.
    """
    _must_be_small(content)
    try:
        calendars = cast("list[Any]", icalendar.Calendar.from_ical(content, multiple=True))
        events = [event for each in calendars for event in each.walk("VEVENT")]
    except UNREADABLE as unread:
        raise NotACalendar from unread
    if len(events) > EVENTS_MAX:
        raise NotACalendar(f"This calendar has more than {EVENTS_MAX:,} events; publish one with fewer.")
    if not calendars or any(each.name != "VCALENDAR" for each in calendars):
        raise NotACalendar
    reader = Reader(window, zone, _moved(events, zone))
    found: list[Span] = []
    left_out = 0
    for event in events:
        try:
            found += reader.spans(event)
        except Partly as part:
            found += part.spans
            left_out += 1
        except UNREADABLE:
            left_out += 1
        if len(found) > BUSY_MAX:
            raise NotACalendar(f"This calendar has more than {BUSY_MAX:,} busy times in the time that can be booked.")
    return Reading(busy=tuple(sorted(found, key=lambda span: span.start_at)), left_out=left_out)


def _must_be_small(content: bytes) -> None:
    """Raise `NotACalendar` before a calendar is parsed that would take long."""
    lines = _FOLDED.sub(b"", content)
    if lines.count(b"\n") > LINES_MAX or len(_BEGINS.findall(lines)) > COMPONENTS_MAX:
        raise NotACalendar("This calendar has too many entries; publish one with fewer.")


class Reader:
    """What one event brings. `moved` are the instants of recurring events, by their uid, that an event replaces."""

    def __init__(self, window: Span, zone: str, moved: Mapping[str, frozenset[datetime]]) -> None:
        self._window = window
        self._zone = zone
        self._moved = moved
        self._dates = Dates(DATES_MAX)

    def spans(self, event: Any) -> list[Span]:
        """The event's busy times in the window. Raises `Partly`, and whatever values that are none do."""
        if str(event.get("STATUS", "")).upper() == "CANCELLED" or str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
            return []
        first = when(event["DTSTART"].dt, self._zone)
        length = self._length(event, first)
        if length <= timedelta(0):
            return []
        partly = False
        walls = {first.wall}
        try:
            walls |= set(self._ruled(event, first, length))
        except RuleUnknown:
            partly = True
        for each in _listed(event, "RDATE"):
            start: object = cast("tuple[object, object]", each)[0] if isinstance(each, tuple) else each
            walls.add(_wall(when(start, self._zone), first.zone))
        walls -= self._excepted(event, walls, first)
        if event.get("RECURRENCE-ID") is None:
            replaced = self._moved.get(str(event.get("UID", "")), frozenset())
            walls = {wall for wall in walls if self._instant(wall, first) not in replaced}
        found = [span for wall in walls if (span := self._span(wall, first, length)).overlaps(self._window)]
        if partly:
            raise Partly(found)
        return found

    def _length(self, event: Any, first: When) -> timedelta:
        if "DTEND" in event:
            end = when(event["DTEND"].dt, self._zone)
            if end.whole != first.whole:
                raise ValueError("a day and a time")
            if first.whole:
                return end.wall - first.wall
            return _utc(end.wall, end.zone) - _utc(first.wall, first.zone)
        if "DURATION" in event:
            return cast("timedelta", event["DURATION"].dt)
        return DAY if first.whole else timedelta(0)

    def _ruled(self, event: Any, first: When, length: timedelta) -> Iterator[datetime]:
        stated = event.get("RRULE")
        if stated is None:
            return
        if isinstance(stated, list) or not hasattr(stated, "items"):
            raise RuleUnknown("more than one rule")
        named = cast("Mapping[str, Any]", stated)
        parts: dict[str, Sequence[object]] = {
            str(name).upper(): cast("list[object]", value) if isinstance(value, list) else [value]
            for name, value in named.items()
        }
        made = rule(parts)
        if "UNTIL" in parts:
            made = replace(made, until=self._until(parts["UNTIL"][0], first))
        since = self._window.start_at.replace(tzinfo=None) - length - DAY
        end = self._window.end_at.replace(tzinfo=None) + DAY
        yield from starts(made, first.wall, since, end, self._dates)

    def _until(self, value: object, first: When) -> datetime:
        if isinstance(value, datetime):
            return _wall(when(value, self._zone), first.zone)
        if isinstance(value, date):
            return datetime.combine(value, time.max)
        raise RuleUnknown("its end is no time")

    def _excepted(self, event: Any, walls: Iterable[datetime], first: When) -> set[datetime]:
        times = {each for each in _listed(event, "EXDATE") if isinstance(each, datetime)}
        days = {each for each in _listed(event, "EXDATE") if not isinstance(each, datetime)}
        gone = {_wall(when(each, self._zone), first.zone) for each in times}
        return {wall for wall in walls if wall in gone or wall.date() in days}

    def _instant(self, wall: datetime, first: When) -> datetime:
        return midnight(wall.date(), self._zone) if first.whole else _utc(wall, first.zone)

    def _span(self, wall: datetime, first: When, length: timedelta) -> Span:
        if first.whole:
            return Span(midnight(wall.date(), self._zone), midnight((wall + length).date(), self._zone))
        start_at = _utc(wall, first.zone)
        return Span(start_at, start_at + length)


def when(value: object, zone: str) -> When:
    """A date or time of the calendar; a time without a zone is one of `zone`. Raises `ValueError`."""
    if isinstance(value, datetime):
        return When(value.replace(tzinfo=None, fold=0), value.tzinfo or ZoneInfo(zone), whole=False)
    if isinstance(value, date):
        return When(datetime.combine(value, time.min), ZoneInfo(zone), whole=True)
    raise ValueError("neither a day nor a time")


def _moved(events: Sequence[Any], zone: str) -> Mapping[str, frozenset[datetime]]:
    """The instants of recurring events that another event stands in for, by uid."""
    found: dict[str, set[datetime]] = {}
    for event in events:
        try:
            stated = event.get("RECURRENCE-ID")
            if stated is not None:
                at = when(stated.dt, zone)
                instant = midnight(at.wall.date(), zone) if at.whole else _utc(at.wall, at.zone)
                found.setdefault(str(event.get("UID", "")), set()).add(instant)
        except UNREADABLE:
            continue  # It is counted when its own times are read.
    return {uid: frozenset(instants) for uid, instants in found.items()}


def _listed(event: Any, name: str) -> list[Any]:
    """The values of a property that may be stated several times, each time with several."""
    stated = event.get(name)
    if stated is None:
        return []
    statements = cast("list[Any]", stated) if isinstance(stated, list) else [stated]
    return [each.dt for several in statements for each in several.dts]


def _utc(wall: datetime, zone: tzinfo | None) -> datetime:
    # A time that the clocks skip is read with the offset before (RFC 5545, section 3.3.5); one they repeat, the first.
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _wall(at: When, zone: tzinfo | None) -> datetime:
    """The same instant on the clocks of another zone; of a whole day, its midnight."""
    if at.whole:
        return at.wall
    return at.wall.replace(tzinfo=at.zone).astimezone(zone).replace(tzinfo=None, fold=0)


def answer(question: bytes) -> bytes:
    """What this program prints when it is asked that."""
    asked = msgspec.msgpack.decode(question, type=Question)
    try:
        found = Answer(busy(asked.content, window=asked.window, zone=asked.zone))
    except NotACalendar as no:
        found = Answer(refused=no.message)
    return msgspec.msgpack.encode(found)


def _be_modest() -> None:
    """Let the pages go first, and end by itself should nobody be left to end it."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))


if __name__ == "__main__":
    _be_modest()
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))
