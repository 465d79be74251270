"""When a provider works: a weekly plan in a zone, exceptions by date, time off, and busy times from elsewhere.

An instant is open when the wall clock in the provider's zone, read at that instant, lies in a window of that date.
Clock changes need no further rule: wall times that a change skips are never open, those it repeats are open twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, ClassVar

import msgspec
from msgspec import Struct, structs

from ecosystem.contexts.booking import keys
from ecosystem.contexts.booking.events import PlanSet
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import DAY_MIN, Span, utc, wall_minutes, zone
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Put, Row, Stale, Stored, Table, Write

WINDOWS_MAX = 24
EXCEPTIONS_MAX = 400
TIME_OFF_MAX = 200
BUSY_MAX = 2_000
FEEDS_MAX = 10
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class PlanChanged(Stale):
    """The plan was changed meanwhile: read it again."""


class Window(Struct, frozen=True):
    """Local hours of a day, [opens, closes), as `09:00` and `17:30`; `24:00` closes at the day's end.

    Hours over midnight are two windows, one until `24:00` and one from `00:00`.
    """

    opens: str
    closes: str


class Week(Struct, frozen=True, kw_only=True):
    monday: tuple[Window, ...] = ()
    tuesday: tuple[Window, ...] = ()
    wednesday: tuple[Window, ...] = ()
    thursday: tuple[Window, ...] = ()
    friday: tuple[Window, ...] = ()
    saturday: tuple[Window, ...] = ()
    sunday: tuple[Window, ...] = ()

    def days(self) -> tuple[tuple[Window, ...], ...]:
        """The windows of each day, Monday first."""
        return (self.monday, self.tuesday, self.wednesday, self.thursday, self.friday, self.saturday, self.sunday)


class DatedHours(Struct, frozen=True, kw_only=True):
    """The hours of one local date in place of the week's; without windows the date is closed."""

    day: date
    windows: tuple[Window, ...] = ()
    note: str = ""


class TimeOff(Struct, frozen=True, kw_only=True):
    """A stretch in which nothing is offered, [start_at, end_at)."""

    start_at: datetime
    end_at: datetime
    note: str = ""


class SetPlan(Struct, frozen=True, kw_only=True):
    """Ask for a plan. `version` is that of the plan the asker saw, 0 for none; None takes the place of any.

    Starts lie on a grid of `step_min` from each window's opening.
    """

    provider_id: str
    zone: str
    week: Week
    exceptions: tuple[DatedHours, ...] = ()
    time_off: tuple[TimeOff, ...] = ()
    step_min: int = 30
    version: int | None = None


class Plan(Stored, frozen=True, kw_only=True):
    """When the provider works."""

    entity: ClassVar[str] = "plan"

    provider_id: str
    zone: str
    week: Week
    exceptions: tuple[DatedHours, ...] = ()
    time_off: tuple[TimeOff, ...] = ()
    step_min: int = 30


class Busy(Stored, frozen=True, kw_only=True):
    """The times at which a calendar kept elsewhere says the provider is busy, merged and in order."""

    entity: ClassVar[str] = "busy"

    provider_id: str
    feed: str
    spans: tuple[Span, ...]
    read_at: datetime


class Hours(Struct, frozen=True, kw_only=True):
    """When a provider may be booked, as far as their plan and the calendars they keep elsewhere say.

    Without a plan, never.
    """

    plan: Plan | None
    busy: tuple[Span, ...] = ()


def planned(request: SetPlan) -> Plan:
    """The plan asked for, in order and checked. Raises `Invalid` naming the field, as `week.monday[1].closes`."""
    zone(request.zone)
    if not 5 <= request.step_min <= DAY_MIN:
        raise Invalid(f"Starts lie 5 to {DAY_MIN} minutes apart.", field="step_min")
    for weekday, windows in zip(WEEKDAYS, request.week.days(), strict=True):
        _check_windows(windows, f"week.{weekday}")
    _check_exceptions(request.exceptions)
    _check_time_off(request.time_off)
    return Plan(
        provider_id=request.provider_id,
        zone=request.zone,
        week=Week(**{name: _ordered(windows) for name, windows in zip(WEEKDAYS, request.week.days(), strict=True)}),
        exceptions=tuple(
            structs.replace(hours, windows=_ordered(hours.windows))
            for hours in sorted(request.exceptions, key=lambda hours: hours.day)
        ),
        time_off=tuple(
            structs.replace(off, start_at=utc(off.start_at), end_at=utc(off.end_at))
            for off in sorted(request.time_off, key=lambda off: utc(off.start_at))
        ),
        step_min=request.step_min,
    )


def _ordered(windows: tuple[Window, ...]) -> tuple[Window, ...]:
    return tuple(sorted(windows, key=lambda window: window.opens))


def _check_windows(windows: tuple[Window, ...], field: str) -> None:
    if len(windows) > WINDOWS_MAX:
        raise Invalid(f"A day has at most {WINDOWS_MAX} windows.", field=field)
    closed_until = 0
    for place, window in sorted(enumerate(windows), key=lambda numbered: numbered[1].opens):
        opens = wall_minutes(window.opens, field=f"{field}[{place}].opens")
        closes = wall_minutes(window.closes, field=f"{field}[{place}].closes")
        if closes <= opens:
            raise Invalid(
                "A window closes after it opens; hours over midnight are two windows.", field=f"{field}[{place}].closes"
            )
        if opens < closed_until:
            raise Invalid("Windows of a day do not overlap.", field=f"{field}[{place}].opens")
        closed_until = closes


def _check_exceptions(exceptions: tuple[DatedHours, ...]) -> None:
    if len(exceptions) > EXCEPTIONS_MAX:
        raise Invalid(f"A plan has at most {EXCEPTIONS_MAX} exceptions.", field="exceptions")
    seen: set[date] = set()
    for place, hours in enumerate(exceptions):
        if hours.day in seen:
            raise Invalid(f"{hours.day} has two exceptions.", field=f"exceptions[{place}].day")
        seen.add(hours.day)
        _check_windows(hours.windows, f"exceptions[{place}].windows")


def _check_time_off(time_off: tuple[TimeOff, ...]) -> None:
    if len(time_off) > TIME_OFF_MAX:
        raise Invalid(f"A plan has at most {TIME_OFF_MAX} stretches of time off.", field="time_off")
    for place, off in enumerate(time_off):
        start_at = utc(off.start_at, field=f"time_off[{place}].start_at")
        if utc(off.end_at, field=f"time_off[{place}].end_at") <= start_at:
            raise Invalid("Time off ends after it starts.", field=f"time_off[{place}].end_at")


@lru_cache(maxsize=4096)
def open_minutes(windows: tuple[Window, ...]) -> tuple[tuple[int, int], ...]:
    """The windows as minutes after midnight, in order; those that touch are one."""
    merged: list[tuple[int, int]] = []
    for window in sorted(windows, key=lambda window: window.opens):
        opens, closes = wall_minutes(window.opens, field="opens"), wall_minutes(window.closes, field="closes")
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes))
        else:
            merged.append((opens, closes))
    return tuple(merged)


def merged(spans: Sequence[Span]) -> tuple[Span, ...]:
    """The spans in order; those that touch or overlap are one."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start_at):
        if joined and span.start_at <= joined[-1].end_at:
            joined[-1] = Span(joined[-1].start_at, max(joined[-1].end_at, span.end_at))
        else:
            joined.append(span)
    return tuple(joined)


def plan_writes(row: Row[Plan] | None, plan: Plan, *, actor: Actor, at: datetime) -> list[Write]:
    """What makes this the provider's plan; nothing when it is so already."""
    if row and row.value == plan:
        return []
    return [
        Put(
            key=keys.plan(plan.provider_id),
            value=plan,
            expected=row.unchanged if row else ABSENT,
            otherwise=PlanChanged(),
        ),
        announce(
            PlanSet(provider_id=plan.provider_id),
            aggregate=keys.plan_timeline(plan.provider_id),
            sequence=row.version + 1 if row else 1,
            actor=actor,
            at=at,
            previous=_changed(row.value, plan) if row else {},
        ),
    ]


def _changed(before: Plan, after: Plan) -> dict[str, Any]:
    """What the plan said before, where it now says something else."""
    said: dict[str, Any] = msgspec.to_builtins(before)
    return {name: said[name] for name in Plan.__struct_fields__ if getattr(before, name) != getattr(after, name)}


@dataclass(frozen=True, slots=True)
class Plans:
    """Each provider's plan. `owner_id` is the user who runs the provider, as the catalogue says."""

    table: Table
    clock: Clock

    async def get(self, provider_id: str) -> Row[Plan] | None:
        """The provider's plan; none for one who has not set any. Its row's version is what `SetPlan` expects."""
        return await self.table.get(keys.plan(provider_id), Plan)

    async def set(self, request: SetPlan, *, owner_id: str, actor: Actor) -> Row[Plan]:
        """Set the plan once: the same again writes nothing. Raises `PlanChanged` when the asker saw an older one."""
        actor.must_be(owner_id)
        plan = planned(request)
        row = await self.get(request.provider_id)
        if row and row.value == plan:
            return row
        if request.version is not None and request.version != (row.version if row else 0):
            raise PlanChanged(field="version")
        await self.table.transact(*plan_writes(row, plan, actor=actor, at=self.clock.now()))
        return Row(key=keys.plan(plan.provider_id), value=plan, version=row.version + 1 if row else 1)

    async def hours(self, provider_id: str) -> Hours:
        """The provider's plan, and every imported busy span merged and in order."""
        row = await self.get(provider_id)
        if row is None:
            return Hours(plan=None)
        page = await self.table.query(keys.provider(provider_id), Busy, prefix=keys.BUSY, limit=2 * FEEDS_MAX)
        return Hours(plan=row.value, busy=merged([span for busy in page.values for span in busy.spans]))

    async def import_busy(
        self, provider_id: str, feed: str, spans: Sequence[Span], *, owner_id: str, actor: Actor
    ) -> None:
        """Let these be the busy spans of that feed, in place of the former. Raises `Invalid` when there are too many."""
        actor.must_be(owner_id)
        joined = merged(spans)
        if len(joined) > BUSY_MAX:
            raise Invalid(f"A calendar brings at most {BUSY_MAX} busy times.", field="spans")
        known = await self.table.query(keys.provider(provider_id), Busy, prefix=keys.BUSY, limit=2 * FEEDS_MAX)
        if len(known.rows) >= FEEDS_MAX and feed not in {busy.feed for busy in known.values}:
            raise Invalid(f"A provider has at most {FEEDS_MAX} imported calendars.", field="feed")
        busy = Busy(provider_id=provider_id, feed=feed, spans=joined, read_at=self.clock.now())
        await self.table.transact(Put(key=keys.busy(provider_id, feed), value=busy))
