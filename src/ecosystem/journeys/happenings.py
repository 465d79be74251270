"""Happenings: the events of the whole house, the latest first, and one of them by its id. For operators.

An event stands in the timeline of what it is about, and once more among those of its day, spread over shards. A page
reads a bounded number; where a filter finds little among them it says how far back it looked, and one goes on from there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct

from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Invalid, NotFound
from ecosystem.ports.bus import SHARDS, TIMELINE, Event, event_key, event_shard
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Cursor, Index, Page, Row, Table

_PLACE = re.compile(r"[2-9]\d{3}-\d\d-\d\d(~|T[0-9:.]{5,20}Z#.{1,600})")
_LAST = "~"
"""Sorts after every instant of a day."""

READ_MAX = 3_000
"""Events that one page looks at, at most."""

EMPTY_DAYS_MAX = 40
"""Days without any event after which nothing earlier is looked for."""

PIECE = 120


_AGGREGATES = {
    "bkg": "BOOKING", "hld": "HOLD", "pay": "PAYMENT", "prv": "PROVIDER", "rfd": "REFUND", "ses": "SESSION",
    "svc": "SERVICE", "usr": "USER",
}  # fmt: skip
"""How the aggregates of events are called, by the kind of their id."""


class NoSuchEvent(NotFound):
    """There is no such event."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Which events: of these types, of that source, about that, by whoever has that id. What is left empty fits all."""

    types: tuple[str, ...] = ()
    source: str = ""
    aggregate: str = ""
    actor_id: str = ""

    def fits(self, event: Event) -> bool:
        return (
            (not self.types or event.type in self.types)
            and (not self.source or event.source == self.source)
            and (not self.aggregate or self.aggregate in event.aggregate)
            and (not self.actor_id or self.actor_id in {event.actor.actor_id, event.actor.impersonator})
        )


ALL = Wanted()


class Found(Struct, frozen=True, kw_only=True):
    """Events, the latest first. `next` is where to go on from; `looked_back_to` the day (UTC) that was looked at last."""

    events: Sequence[Event]
    next: str | None
    looked_back_to: date


def aggregate(subject_id: str) -> str:
    """The aggregate that events about this thing bear: `BOOKING#bkg_...`."""
    kind = subject_id.partition("_")[0]
    return f"{_AGGREGATES.get(kind, kind.upper())}#{subject_id}"


@dataclass(frozen=True, slots=True)
class Happenings:
    table: Table
    clock: Clock

    async def latest(self, actor: Actor, wanted: Wanted = ALL, *, before: str | None = None, limit: int = 50) -> Found:
        """A page of events. `before` is the `next` of the page before. Raises `Denied`, `Invalid`."""
        actor.must_operate()
        looking = _Looking(table=self.table, place=_checked(before) or f"{self.clock.now():%Y-%m-%d}{_LAST}")
        found: list[Event] = []
        while len(found) < limit:
            rows = await looking.piece()
            if rows is None:
                return Found(events=found, next=None, looked_back_to=looking.day)
            for row in rows:
                if wanted.fits(row.value):
                    found.append(row.value)
                    if len(found) == limit:
                        return Found(events=found, next=_place(row), looked_back_to=row.value.at.date())
            if looking.read >= READ_MAX:
                break
        return Found(events=found, next=looking.place, looked_back_to=looking.day)

    async def event(self, event_id: str, actor: Actor) -> Event:
        """One event. Raises `Denied`, `NoSuchEvent`."""
        actor.must_operate()
        aggregate, sequence, kind = _parts(event_id)
        row = await self.table.get(event_key(aggregate, sequence, kind), Event)
        if row is None:
            raise NoSuchEvent
        return row.value

    async def about(
        self, aggregate: str, actor: Actor, *, after: Cursor | None = None, limit: int = 200
    ) -> Page[Event]:
        """What happened to one thing, oldest first. Raises `Denied`."""
        actor.must_operate()
        return await self.table.query(aggregate, Event, prefix=TIMELINE, after=after, limit=limit)


@dataclass(slots=True)
class _Looking:
    """Goes back through the shards of each day. `place` is the place before which everything has been looked at."""

    table: Table
    place: str
    read: int = 0
    empty_days: int = 0

    @property
    def day(self) -> date:
        return date.fromisoformat(self.place[:10])

    async def piece(self) -> Sequence[Row[Event]] | None:
        """The next events in order, perhaps none of them; None when there seem to be no earlier ones."""
        midnight = datetime.combine(self.day, time.min, UTC)
        pages = [
            await self.table.query(
                event_shard(midnight, shard), Event, index=Index.STATUS, end=self.place, descending=True, limit=PIECE
            )
            for shard in range(SHARDS)
        ]
        rows = sorted((row for page in pages for row in page.rows), key=_place, reverse=True)
        self.read += len(rows)
        # Where a shard has more, the order is known only down to what was read of it.
        known_to = max((_place(page.rows[-1]) for page in pages if page.next), default="")
        if known_to:
            self.place = known_to
            return [row for row in rows if _place(row) >= known_to]
        self.empty_days = 0 if rows else self.empty_days + 1
        if self.empty_days > EMPTY_DAYS_MAX:
            return None
        self.place = f"{self.day - timedelta(days=1)}{_LAST}"
        return rows


def _place(row: Row[Event]) -> str:
    return row.index[Index.STATUS].sort


def _checked(place: str | None) -> str:
    """A place as an earlier page gave it, or nothing. Raises `Invalid`."""
    if not place:
        return ""
    if not _PLACE.fullmatch(place):
        raise Invalid("That is not a place among the events.", field="before")
    try:
        date.fromisoformat(place[:10])
    except ValueError:
        raise Invalid("That is not a place among the events.", field="before") from None
    return place


def _parts(event_id: str) -> tuple[str, int, str]:
    """What an event's id names: aggregate, sequence, type. Raises `NoSuchEvent`."""
    rest, _, kind = event_id.rpartition(":")
    aggregate, _, sequence = rest.rpartition(":")
    if not (aggregate and kind.isidentifier() and sequence.isascii() and sequence.isdigit() and len(sequence) <= 12):
        raise NoSuchEvent
    return aggregate, int(sequence), kind
