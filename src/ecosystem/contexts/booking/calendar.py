"""What is taken of a provider's time: one item for each provider and UTC day.

A taking stands in every day that it touches with its buffers. Whoever takes or frees time writes each touched day and
expects the version read, so two can never take the same time: the later one reads again and decides anew. Days are
never deleted, only emptied: a version that began again at 1 could be taken for the one read before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, TypeVar

from msgspec import Struct, structs

from ecosystem.contexts.booking import keys
from ecosystem.kernel.refusals import Conflict, Refusal, Unavailable
from ecosystem.kernel.time import Span, utc_days
from ecosystem.ports.table import ABSENT, At, Put, Stale, Stored, Table, Write

REACH = timedelta(days=2)
"""The longest that a taking lasts with its buffers: a day, and half a day on either side."""

TAKINGS_MAX = 1_000
ATTEMPTS_MAX = 64
WAITING_MAX = 2_000

T = TypeVar("T")


class SlotTaken(Conflict):
    """Somebody else has just taken this time: choose another."""


class DayFull(Conflict):
    """This day of the provider holds no more entries."""


class DayChanged(Stale):
    """The provider's day was changed meanwhile: read it again."""


class CalendarBusy(Unavailable):
    """Too many people are booking this provider at once: try again in a moment."""


class Taking(Struct, frozen=True, array_like=True):
    """Time taken by a hold (which lapses at `expires_at`) or by a booking (which does not).

    Stored as an array, a day of many seats being one item: new fields go to the end, with a default.
    """

    entry_id: str
    service_id: str
    start_at: datetime
    end_at: datetime
    before_min: int
    after_min: int
    seats: int
    expires_at: datetime | None = None

    @property
    def span(self) -> Span:
        """The time taken, buffers included."""
        return Span(self.start_at - timedelta(minutes=self.before_min), self.end_at + timedelta(minutes=self.after_min))

    def lapsed(self, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at

    def shares(self, other: Taking) -> bool:
        """Whether both are seats of the same service at the same time."""
        return self.service_id == other.service_id and self.start_at == other.start_at and self.end_at == other.end_at


class Day(Stored, frozen=True, kw_only=True):
    """What is taken of one UTC day of a provider."""

    entity: ClassVar[str] = "provider-day"

    provider_id: str
    day: date
    takings: tuple[Taking, ...] = ()


class Days(Struct, frozen=True, kw_only=True):
    """Days of one provider as read, and as decided since. A version of 0 means there is no item yet."""

    provider_id: str
    takings: Mapping[date, tuple[Taking, ...]]
    versions: Mapping[date, int]
    changed: frozenset[date] = frozenset()

    def writes(self) -> list[Write]:
        """What makes the decided days so, expecting them unchanged since they were read."""
        return [
            Put(
                key=keys.day(self.provider_id, day),
                value=Day(provider_id=self.provider_id, day=day, takings=self.takings[day]),
                expected=At(self.versions[day]) if self.versions[day] else ABSENT,
                otherwise=DayChanged(),
            )
            for day in sorted(self.changed)
        ]

    def entry(self, entry_id: str) -> Taking | None:
        """The taking of that hold or booking, if it stands in these days."""
        return next(
            (taking for takings in self.takings.values() for taking in takings if taking.entry_id == entry_id), None
        )

    def having(self, changed: Mapping[date, tuple[Taking, ...]]) -> Days:
        """These days with those in place of what they were."""
        return structs.replace(self, takings={**self.takings, **changed}, changed=self.changed | changed.keys())


def take(days: Days, taking: Taking, *, capacity: int, at: datetime, beside: str = "") -> Days:
    """The days with that time taken, and without what has lapsed in them.

    Seats of one service at one start share their time up to its capacity; nothing else may overlap, buffers included,
    but for the entry named `beside`: a booking does not stand in the way of a time kept for it. Raises `SlotTaken` when there is no room.
    """
    span = taking.span
    touched = utc_days(span)
    own = {taking.entry_id, beside}
    seats = taking.seats
    rivals: dict[str, Taking] = {}
    for day in touched:
        for other in days.takings[day]:
            if other.entry_id in own or other.lapsed(at):
                continue
            if span.overlaps(other.span):
                rivals[other.entry_id] = other
    for rival in rivals.values():
        if not taking.shares(rival):
            raise SlotTaken(field="start_at")
        seats += rival.seats
    if seats > capacity:
        raise SlotTaken(field="start_at")
    return days.having({day: _entered(days.takings[day], taking, at) for day in touched})


def _entered(takings: tuple[Taking, ...], taking: Taking, at: datetime) -> tuple[Taking, ...]:
    kept = [other for other in takings if other.entry_id != taking.entry_id and not other.lapsed(at)]
    if len(kept) >= TAKINGS_MAX:
        raise DayFull(field="start_at")
    return (*kept, taking)


def convert(days: Days, entry_id: str, to: str, *, at: datetime, expires_at: datetime | None = None) -> Days:
    """The days with that taking under another id, from now on lasting until `expires_at`, or for good.

    A hold becomes a booking's time. Raises `SlotTaken` when the taking has lapsed or is gone.
    """
    taking = days.entry(entry_id)
    if taking is None or taking.lapsed(at):
        raise SlotTaken(field="start_at")
    becomes = structs.replace(taking, entry_id=to, expires_at=expires_at)
    return days.having(
        {
            day: tuple(becomes if other.entry_id == entry_id else other for other in days.takings[day])
            for day in utc_days(taking.span)
        }
    )


def free(days: Days, entry_id: str) -> Days:
    """The days without that taking; unchanged when it is gone already."""
    return days.having(
        {
            day: tuple(other for other in takings if other.entry_id != entry_id)
            for day, takings in days.takings.items()
            if any(other.entry_id == entry_id for other in takings)
        }
    )


class Turns:
    """Locks by name, first come first served, kept only while somebody holds or awaits them.

    Who holds one already passes: a journey may call an act that takes the same turn.
    """

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, int] = {}
        self._holder: dict[str, asyncio.Task[Any] | None] = {}

    @asynccontextmanager
    async def of(self, name: str) -> AsyncGenerator[None]:
        """Hold the name's turn. Raises `CalendarBusy` when too many await it."""
        task = asyncio.current_task()
        if name in self._holder and self._holder[name] is task:
            yield
            return
        if self._waiting.get(name, 0) >= WAITING_MAX:
            raise CalendarBusy
        self._waiting[name] = self._waiting.get(name, 0) + 1
        lock = self._locks.setdefault(name, asyncio.Lock())
        try:
            async with lock:
                self._holder[name] = task
                try:
                    yield
                finally:
                    del self._holder[name]
        finally:
            self._waiting[name] -= 1
            if not self._waiting[name]:
                del self._waiting[name], self._locks[name]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Every provider's days, and turns at changing them.

    Within this process those who change one provider's days take turns, so that they need not decide twice; between
    processes the expected versions alone decide.
    """

    table: Table
    turns: Turns = field(default_factory=Turns)

    async def days(self, provider_id: str, *spans: Span) -> Days:
        """The provider's days that the spans touch, each consistent."""
        wanted = sorted({day for span in spans for day in utc_days(span)})
        rows = await self.table.batch_get([keys.day(provider_id, day) for day in wanted], Day)
        return Days(
            provider_id=provider_id,
            takings={day: row.value.takings if row else () for day, row in zip(wanted, rows, strict=True)},
            versions={day: row.version if row else 0 for day, row in zip(wanted, rows, strict=True)},
        )

    async def takings(self, provider_id: str, span: Span) -> list[Taking]:
        """What is taken within reach of the span, for showing free times; one over midnight comes once for each day."""
        first, last = (span.start_at - REACH).date(), (span.end_at + REACH).date()
        page = await self.table.query(
            keys.provider(provider_id),
            Day,
            start=keys.day(provider_id, first).sort,
            end=keys.day(provider_id, last + timedelta(days=1)).sort,
            limit=1000,
        )
        return [taking for day in page.values for taking in day.takings]

    async def settle(
        self, provider_id: str, act: Callable[[], Awaitable[T]], *, repeated: tuple[type[Refusal], ...] = (Stale,)
    ) -> T:
        """What `act` returns, done in this provider's turn, and repeated while it is refused as one of `repeated`.

        `act` reads all it decides on anew each time. Every `Stale` means that somebody else's commit went through, so
        that someone always gets on. Raises `CalendarBusy` when the attempts are used up. Acts may nest; an act that
        calls another provider's would have two turns at once, and must not.
        """
        async with self.turns.of(provider_id):
            for _ in range(ATTEMPTS_MAX):
                try:
                    return await act()
                except repeated:
                    continue
        raise CalendarBusy
