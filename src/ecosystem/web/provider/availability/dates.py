"""Dates on which the week does not hold: time off, and other hours; as forms, in words, and in a month."""

from __future__ import annotations

import calendar as months
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.contexts.booking import DatedHours, Plan, SetPlan, TimeOff, Window
from ecosystem.kernel.display import day_text
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import Span, local, midnight, utc, zone
from ecosystem.web.calendar import YEARS

Wall = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="A time of day, such as 09:30.", max_length=5)
]
Note = Annotated[str, Meta(max_length=120)]
OFF_DAYS_MAX = 366


class NoSuchDate(Invalid):
    """There is no such date in the plan any more."""


class Off(Struct, kw_only=True):
    """Time off: whole days, or from and until a time of day."""

    first: date
    last: date | None = None
    from_time: Wall = ""
    to_time: Wall = ""
    note: Note = ""

    def __post_init__(self) -> None:
        last = self.last or self.first
        if self.first.year not in YEARS:
            raise Invalid("That date is too far away.", field="first")
        if not 0 <= (last - self.first).days <= OFF_DAYS_MAX:
            raise Invalid("The last day comes after the first, at most a year later.", field="last")
        if last == self.first and self.from_time and self.to_time and self.to_time <= self.from_time:
            raise Invalid("It ends after it begins.", field="to_time")

    def time_off(self, zone_name: str) -> TimeOff:
        """The stretch, in that zone. Raises `Invalid` beyond the calendar."""
        last = self.last or self.first
        start_at = wall(self.first, self.from_time, zone_name) if self.from_time else midnight(self.first, zone_name)
        end_at = wall(last, self.to_time, zone_name) if self.to_time else midnight(last + timedelta(1), zone_name)
        return TimeOff(start_at=start_at, end_at=end_at, note=self.note)


class OtherHours(Struct, kw_only=True):
    """Other hours on one date: up to three windows."""

    day: date
    opens_1: Wall
    closes_1: Wall
    opens_2: Wall = ""
    closes_2: Wall = ""
    opens_3: Wall = ""
    closes_3: Wall = ""
    note: Note = ""

    def __post_init__(self) -> None:
        if self.day.year not in YEARS:
            raise Invalid("That date is too far away.", field="day")
        for place in (2, 3):
            opens, closes = getattr(self, f"opens_{place}"), getattr(self, f"closes_{place}")
            if bool(opens) != bool(closes):
                raise Invalid("From and to belong together.", field=f"{'closes' if opens else 'opens'}_{place}")

    @property
    def dated(self) -> DatedHours:
        rows = [(getattr(self, f"opens_{place}"), getattr(self, f"closes_{place}")) for place in (1, 2, 3)]
        windows = tuple(Window(opens, "24:00" if closes == "00:00" else closes) for opens, closes in rows if opens)
        return DatedHours(day=self.day, windows=windows, note=self.note)


class Entry(Struct, frozen=True, kw_only=True):
    """One date or stretch as an address names it: for taking it out, and for bringing it back."""

    day: date | None = None
    windows: Annotated[str, Meta(max_length=400)] = ""
    start: datetime | None = None
    end: datetime | None = None
    note: Note = ""

    @property
    def query(self) -> Mapping[str, str]:
        said = {"day": self.day and self.day.isoformat(), "windows": self.windows, "note": self.note}
        said |= {"start": self.start and self.start.isoformat(), "end": self.end and self.end.isoformat()}
        return {name: text for name, text in said.items() if text}

    def part(self) -> DatedHours | TimeOff:
        """Raises `NoSuchDate` for an address that names neither."""
        if any(at is not None and at.year not in YEARS for at in (self.day, self.start, self.end)):
            raise NoSuchDate
        if self.day is not None:
            pairs = [text.partition("-") for text in self.windows.split(",") if text]
            windows = tuple(Window(opens, closes) for opens, _, closes in pairs)
            return DatedHours(day=self.day, windows=windows, note=self.note)
        if self.start is None or self.end is None:
            raise NoSuchDate
        start_at, end_at = utc(self.start, field="start"), utc(self.end, field="end")
        if end_at <= start_at:
            raise NoSuchDate
        return TimeOff(start_at=start_at, end_at=end_at, note=self.note)


def entry(part: DatedHours | TimeOff) -> Entry:
    if isinstance(part, TimeOff):
        return Entry(start=part.start_at, end=part.end_at, note=part.note)
    windows = ",".join(f"{window.opens}-{window.closes}" for window in part.windows)
    return Entry(day=part.day, windows=windows, note=part.note)


def added(plan: Plan, part: DatedHours | TimeOff, version: int) -> SetPlan:
    """The plan with that date or stretch; a date that has other hours already gets these."""
    if isinstance(part, TimeOff):
        return _wish(plan, plan.exceptions, (*plan.time_off, part), version)
    others = (dated for dated in plan.exceptions if dated.day != part.day)
    return _wish(plan, (*others, part), plan.time_off, version)


def removed(plan: Plan, part: DatedHours | TimeOff, version: int) -> SetPlan:
    """The plan without it. Raises `NoSuchDate` when it is not there."""
    if isinstance(part, TimeOff):
        kept = tuple(off for off in plan.time_off if (off.start_at, off.end_at) != (part.start_at, part.end_at))
        if len(kept) == len(plan.time_off):
            raise NoSuchDate
        return _wish(plan, plan.exceptions, kept, version)
    left = tuple(dated for dated in plan.exceptions if dated.day != part.day)
    if len(left) == len(plan.exceptions):
        raise NoSuchDate
    return _wish(plan, left, plan.time_off, version)


def span_of(part: DatedHours | TimeOff, zone_name: str) -> Span:
    """The time it is about: of a date, the whole of it."""
    if isinstance(part, TimeOff):
        return Span(part.start_at, part.end_at)
    return Span(midnight(part.day, zone_name), midnight(part.day + timedelta(1), zone_name))


def ahead(plan: Plan, at: datetime) -> Sequence[DatedHours | TimeOff]:
    """What is not over yet, in order."""
    today = local(at, plan.zone).date()
    parts: list[DatedHours | TimeOff] = [dated for dated in plan.exceptions if dated.day >= today]
    parts += [off for off in plan.time_off if off.end_at > at]
    return sorted(parts, key=lambda part: span_of(part, plan.zone).start_at)


def told(part: DatedHours | TimeOff, zone_name: str, *, seen_in: int) -> tuple[str, str]:
    """The date or stretch, and what holds then, in words."""
    if isinstance(part, DatedHours):
        hours = ", ".join(f"{window.opens} to {window.closes}" for window in part.windows)
        return day_text(part.day, seen_in=seen_in), f"Open {hours}" if hours else "Closed"
    start, end = local(part.start_at, zone_name), local(part.end_at, zone_name)
    whole = start.time() == end.time() == time()
    last = (end - timedelta(days=1)).date() if whole else end.date()
    days = day_text(start.date(), seen_in=seen_in)
    if last != start.date():
        days = f"{days} to {day_text(last, seen_in=seen_in)}"
    return days, "Off" if whole else f"Off from {start:%H:%M} to {end:%H:%M}"


class Square(Struct, frozen=True, kw_only=True):
    """One day of the month shown. `kind` is open, closed, off or other; `bookings` counts those that stand."""

    iso: str
    number: int
    label: str
    kind: str
    bookings: int
    today: bool
    past: bool


def month_of(first: date, plan: Plan, starts: Sequence[datetime], *, today: date) -> Sequence[Sequence[Square | None]]:
    """The weeks of a month, past ones left out, with what holds on each day; `starts` are those of its bookings."""
    booked: dict[date, int] = {}
    for start_at in starts:
        day = local(start_at, plan.zone).date()
        booked[day] = booked.get(day, 0) + 1
    weeks = months.Calendar().monthdatescalendar(first.year, first.month)
    return [
        [_square(day, plan, booked.get(day, 0), today) if day.month == first.month else None for day in week]
        for week in weeks
        if week[-1] >= today
    ]


def wall(day: date, text: str, zone_name: str) -> datetime:
    """The instant at which that wall time begins in the zone."""
    return utc(datetime.combine(day, time.fromisoformat(text), tzinfo=zone(zone_name)))


def _square(day: date, plan: Plan, bookings: int, today: date) -> Square:
    kind = _kind(day, plan)
    words = {"open": "open", "closed": "closed", "off": "off", "other": "other hours"}[kind]
    return Square(
        iso=day.isoformat(),
        number=day.day,
        label=f"{day_text(day, seen_in=today.year)}, {words}",
        kind=kind,
        bookings=bookings,
        today=day == today,
        past=day < today,
    )


def _kind(day: date, plan: Plan) -> str:
    whole = Span(midnight(day, plan.zone), midnight(day + timedelta(1), plan.zone))
    if any(off.start_at <= whole.start_at and off.end_at >= whole.end_at for off in plan.time_off):
        return "off"
    dated = next((dated for dated in plan.exceptions if dated.day == day), None)
    if dated:
        return "other" if dated.windows else "off"
    if any(Span(off.start_at, off.end_at).overlaps(whole) for off in plan.time_off):
        return "other"
    return "open" if plan.week.days()[day.weekday()] else "closed"


def _wish(plan: Plan, exceptions: tuple[DatedHours, ...], time_off: tuple[TimeOff, ...], version: int) -> SetPlan:
    return SetPlan(
        provider_id=plan.provider_id,
        zone=plan.zone,
        week=plan.week,
        exceptions=exceptions,
        time_off=time_off,
        step_min=plan.step_min,
        version=version,
    )
