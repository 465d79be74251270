"""Schedules: what happens when its time has come, once, whatever runs and whatever stands still meanwhile.

A schedule is an item; the item alone decides. Its firing is an event (`ScheduleFired`, source `scheduler`) in the same
transaction that moves the schedule on, so it fires once; the relay delivers it like any other, with retries and dead
letters. The event's place in the schedule's timeline is the time it was scheduled for: a schedule made again under its
former name for a time at which it has fired already does not fire twice.

What is due is found in the status index, in shards by name, in the order of time. Shards by the minute would put all
bookings that start at ten into one; these spread them, and after days of standstill what is due is still found in order
by a handful of questions.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar
from zlib import crc32

from msgspec.structs import replace

from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.refusals import Conflict
from ecosystem.kernel.time import seconds, sortable, utc, zone
from ecosystem.ports.bus import Event, Fact, announce
from ecosystem.ports.table import Delete, Index, Key, Put, Row, Stored
from ecosystem.workflows.expressions import Once, at, first, following, latest, parse
from ecosystem.workflows.triggers import CatchUp, Firing

ACTOR = system("scheduler")
SHARDS = 8
FIRINGS_MAX = 20
"""Missed times that one transaction makes up for; the next one goes on."""

LATE = timedelta(minutes=1)
"""A time that is longer ago has been missed: nobody was there."""

PLACES_MAX = 60
"""Seconds in which a firing looks for its place, when others have taken its own."""

KEPT_FOR = timedelta(days=30)
"""How long firings stay in the timeline of their schedule."""


class FiredBefore(Conflict):
    """The schedule has fired for this time already."""


class ScheduleFired(Fact, frozen=True, kw_only=True):
    """A schedule's time has come. `matter` is what a one-time schedule is about; `missed` as in `Firing`."""

    source: ClassVar[str] = "scheduler"

    schedule: str
    matter: str
    scheduled_at: datetime
    missed: int
    input: dict[str, Any]


class SchedulePaused(Fact, frozen=True, kw_only=True):
    """An operator let a schedule rest."""

    source: ClassVar[str] = "scheduler"

    schedule: str
    matter: str


class ScheduleResumed(Fact, frozen=True, kw_only=True):
    """An operator let a schedule go on."""

    source: ClassVar[str] = "scheduler"

    schedule: str
    matter: str


class Schedule(Stored, frozen=True, kw_only=True):
    """A schedule as it stands. `next_at` is when it fires next; None once it has fired for the last time.

    `matter` is what a one-time schedule is about, such as a booking's id. Between `starts_at` and `ends_at` alone it
    fires, both included. `declared` tells that it is one of the function table's own.
    """

    entity: ClassVar[str] = "schedule"

    name: str
    expression: str
    matter: str = ""
    zone: str = "UTC"
    catch_up: CatchUp = CatchUp.LATEST
    input: dict[str, Any] = {}
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    declared: bool = False
    next_at: datetime | None = None
    fired_at: datetime | None = None
    paused_at: datetime | None = None


# Decisions


def begun(schedule: Schedule, now: datetime) -> Schedule:
    """The schedule with the first time at which it fires. Raises `ExpressionRefused`, `Invalid` for an unknown zone."""
    zone(schedule.zone)
    starts_at = max(now, utc(schedule.starts_at)) if schedule.starts_at else now
    return replace(schedule, next_at=_bounded(schedule, _first(schedule, starts_at)))


def one_time(name: str, matter: str, when: datetime, *, catch_up: CatchUp = CatchUp.LATEST, **given: Any) -> Schedule:
    """A schedule that fires once, at that instant; made again for the same matter it moves there."""
    when = utc(when)
    return Schedule(name=name, matter=matter, expression=at(when), catch_up=catch_up, input=given, next_at=when)


def fired(schedule: Schedule, now: datetime) -> tuple[list[Firing], Schedule]:
    """What a due schedule fires now, and how it goes on; its `next_at` may be due again."""
    assert schedule.next_at is not None
    expression, times, missed = parse(schedule.expression), [schedule.next_at], 0
    until = min(now, schedule.ends_at) if schedule.ends_at else now
    if schedule.catch_up is CatchUp.ALL:
        while len(times) < FIRINGS_MAX:
            later = following(expression, schedule.zone, times[-1])
            if later is None or later > until:
                break
            times.append(later)
    elif not isinstance(expression, Once):
        last, missed = latest(expression, schedule.zone, schedule.next_at, until)
        times = [last]
    next_at = _bounded(schedule, following(expression, schedule.zone, times[-1]))
    after = replace(schedule, next_at=next_at, fired_at=times[-1])
    if schedule.catch_up is CatchUp.SKIP:
        missed = 0
        times = [time for time in times if now - time <= LATE]
    return [
        Firing(schedule=schedule.name, matter=schedule.matter, scheduled_at=time, missed=missed, input=schedule.input)
        for time in times
    ], after


def paused(schedule: Schedule, now: datetime) -> Schedule:
    """The schedule at rest: it fires for no time until it is resumed."""
    return replace(schedule, paused_at=schedule.paused_at or now)


def resumed(schedule: Schedule, now: datetime) -> Schedule:
    """The schedule going on with the first time from now; a one-time schedule whose time has passed fires at once."""
    going = replace(schedule, paused_at=None)
    if schedule.next_at is None or schedule.next_at > now or isinstance(parse(schedule.expression), Once):
        return going
    last, _ = latest(parse(schedule.expression), schedule.zone, schedule.next_at, now)
    return replace(going, next_at=_bounded(schedule, following(parse(schedule.expression), schedule.zone, last)))


def _first(schedule: Schedule, starts_at: datetime) -> datetime | None:
    return first(parse(schedule.expression), schedule.zone, start_at=starts_at)


def _bounded(schedule: Schedule, next_at: datetime | None) -> datetime | None:
    return None if next_at and schedule.ends_at and next_at > schedule.ends_at else next_at


# Writes


def schedule_key(name: str, matter: str = "") -> Key:
    """Access: one schedule; its firings stand beside it."""
    return Key(f"SCHEDULE#{name}/{matter}" if matter else f"SCHEDULE#{name}", "METADATA")


def due_shard(shard: int) -> str:
    """Access (status index): schedules of a shard in the order in which they are due."""
    return f"SCHEDULES#due#{shard}"


PAUSED = "SCHEDULES#paused"
"""Access (status index): schedules at rest, by name."""

RECURRING = "SCHEDULES#recurring"
"""Access (slug index): schedules that fire again and again, by name."""


def kept(schedule: Schedule) -> Put:
    """The write that makes the schedule so, or moves it: part of any transaction."""
    key = schedule_key(schedule.name, schedule.matter)
    index: dict[Index, Key] = {}
    if schedule.paused_at is not None:
        index[Index.STATUS] = Key(PAUSED, key.partition)
    elif schedule.next_at is not None:
        shard = crc32(key.partition.encode()) % SHARDS
        index[Index.STATUS] = Key(due_shard(shard), f"{sortable(schedule.next_at)}#{key.partition}")
    if not schedule.matter:
        index[Index.SLUG] = Key(RECURRING, key.partition)
    return Put(key=key, value=schedule, index=index)


def cancelled(name: str, matter: str) -> Delete:
    """The write that removes a one-time schedule, if it is there: part of any transaction."""
    return Delete(key=schedule_key(name, matter))


def moved(row: Row[Schedule], after: Schedule) -> Put | Delete:
    """The write that moves a schedule on; one that has fired for the last time is removed, unless it is declared."""
    if after.next_at is None and not after.declared:
        return Delete(key=row.key, expected=row.unchanged)
    return replace(kept(after), expected=row.unchanged)


def told(firing: Firing, now: datetime, actor: Actor = ACTOR, *, sequence: int | None = None) -> Put:
    """The write of a firing's event. It is found in the schedule's timeline and nowhere else: there are many.

    Its place there is the second it was scheduled for, or the one given when another time has that.
    """
    key = schedule_key(firing.schedule, firing.matter)
    put = announce(
        ScheduleFired(
            schedule=firing.schedule,
            matter=firing.matter,
            scheduled_at=firing.scheduled_at,
            missed=firing.missed,
            input=dict(firing.input),
        ),
        aggregate=key.partition,
        sequence=seconds(firing.scheduled_at) if sequence is None else sequence,
        actor=actor,
        at=now,
    )
    return replace(put, index={}, expires_at=now + KEPT_FOR, otherwise=FiredBefore())


def firing_of(event: Event) -> Firing:
    """The firing that the event tells of."""
    detail = event.detail
    return Firing(
        schedule=detail["schedule"],
        matter=detail["matter"],
        scheduled_at=datetime.fromisoformat(detail["scheduled_at"]),
        missed=detail["missed"],
        input=detail["input"],
    )
