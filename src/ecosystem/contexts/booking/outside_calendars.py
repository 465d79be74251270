"""Calendars that a provider keeps elsewhere: their addresses, and when each was read and with what success.

What a calendar says is kept beside the plan as busy times (`plans.py`), replaced whole in the commit that says it was
read. A reading that fails leaves what was known, and says so. An address often is a secret: it is sealed, and shown
again by its server's name alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.booking import keys
from ecosystem.contexts.booking.offers import HORIZON_DAYS_MAX
from ecosystem.contexts.booking.plans import BUSY_MAX, FEEDS_MAX, Busy, Plans, merged
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Invalid, NotFound, Refusal, Unavailable
from ecosystem.kernel.time import Span
from ecosystem.ports.calendars import AddressUnfit, Calendars, CalendarUnreachable, Known, NotACalendar, Reading
from ecosystem.ports.clock import Clock
from ecosystem.ports.secrets import Seal
from ecosystem.ports.table import ABSENT, Delete, Index, Key, Put, Row, Stale, Stored, Table, Write

EVERY = timedelta(minutes=30)
"""How often a calendar is read; after failures twice as long each time, up to `LATEST`."""
LATEST = timedelta(hours=6)
WHOLE_EVERY = timedelta(hours=12)
"""How often it is read even if unchanged: what repeats reaches further as time goes on."""
AGAIN = timedelta(seconds=30)
"""A calendar tried a moment ago is not tried again on demand."""
TRIES_MAX = 30
TRIES_IN = timedelta(hours=1)
CHANGED_MAX = 8
NAME_MAX = 80
AT_ONCE = 4
_TICK = timedelta(microseconds=1)


class CalendarUnknown(NotFound):
    """There is no such calendar."""


class TooManyCalendars(Conflict):
    """A provider has at most ten other calendars: remove one first."""


class HoursFirst(Conflict):
    """Set the hours of your week first: a calendar is read in their time zone."""


class TooManyTries(Unavailable):
    """You added many calendars just now. Try again in an hour."""


class AddCalendar(Struct, frozen=True, kw_only=True):
    """Ask for the busy times of the calendar at that address to be kept free."""

    provider_id: str
    address: str
    name: str = ""


class OutsideCalendar(Stored, frozen=True, kw_only=True):
    """A calendar kept elsewhere. `read_at` is the last success, `problem` what went wrong since, in words.

    `busy` counts its busy times, merged; `left_out` the events that could not be understood or were too many.
    """

    entity: ClassVar[str] = "outside-calendar"

    provider_id: str
    calendar_id: str
    name: str
    host: str
    box: bytes
    added_at: datetime
    due_at: datetime
    tried_at: datetime
    read_at: datetime
    whole_at: datetime
    known: Known = Known()
    busy: int = 0
    left_out: int = 0
    problem: str = ""
    failures: int = 0

    def to_be_sent(self, at: datetime) -> Known | None:
        """What the server is told that we know; nothing when the calendar is to be read whole again."""
        return self.known if at - self.whole_at < WHOLE_EVERY else None


class Tries(Stored, frozen=True, kw_only=True):
    """When somebody lately asked for a calendar to be added, whatever came of it."""

    entity: ClassVar[str] = "outside-calendar-tries"

    made_at: tuple[datetime, ...] = ()


def tried(tries: Tries, at: datetime) -> Tries:
    """One more try. Raises `TooManyTries`: each makes this server fetch and read what a stranger publishes."""
    lately = tuple(each for each in tries.made_at if at - each < TRIES_IN)
    if len(lately) >= TRIES_MAX:
        raise TooManyTries
    return Tries(made_at=(*lately, at))


def window(at: datetime) -> Span:
    """The time whose busy times are kept: all that can be booked."""
    return Span(at - timedelta(days=1), at + timedelta(days=HORIZON_DAYS_MAX + 2))


def address_of(text: str) -> str:
    """The address as it is asked for. Calendar programs write `webcal://` for `https://`. Raises `AddressUnfit`."""
    address = text.strip()
    if address.casefold().startswith("webcal://"):
        address = "https://" + address[len("webcal://") :]
    if not address.casefold().startswith("https://") or not address.isascii() or any(map(str.isspace, address)):
        raise AddressUnfit(field="address")
    return address


def was_read(calendar: OutsideCalendar, reading: Reading | None, at: datetime) -> tuple[OutsideCalendar, Busy | None]:
    """The calendar after a success, and the busy times it brings; none when it is unchanged."""
    tried = replace(calendar, tried_at=at, read_at=at, due_at=at + EVERY, problem="", failures=0)
    if reading is None:
        return tried, None
    joined = merged(reading.busy)
    kept = joined[:BUSY_MAX]
    busy = Busy(provider_id=calendar.provider_id, feed=calendar.calendar_id, spans=kept, read_at=at)
    left_out = reading.left_out + len(joined) - len(kept)
    return replace(tried, whole_at=at, known=reading.known, busy=len(kept), left_out=left_out), busy


def failed(calendar: OutsideCalendar, why: str, at: datetime) -> OutsideCalendar:
    """The calendar after a failure: what was known of it stays."""
    wait = min(LATEST, EVERY * 2 ** min(calendar.failures, 8))
    return replace(calendar, tried_at=at, due_at=at + wait, problem=why, failures=calendar.failures + 1)


@dataclass(frozen=True, slots=True)
class OutsideCalendars:
    """Every provider's calendars elsewhere. `owner_id` is the user who runs the provider, as the catalogue says."""

    table: Table
    clock: Clock
    plans: Plans
    calendars: Calendars
    seal: Seal

    async def of(self, provider_id: str, actor: Actor, *, owner_id: str) -> Sequence[OutsideCalendar]:
        """The provider's, for their owner."""
        actor.must_be(owner_id)
        return sorted((row.value for row in await self._rows(provider_id)), key=lambda each: each.added_at)

    async def add(self, request: AddCalendar, actor: Actor, *, owner_id: str) -> OutsideCalendar:
        """Read the calendar, and keep its busy times free from now on. The same address again is read again.

        Raises `AddressUnfit`, `CalendarUnreachable`, `NotACalendar`, `TooManyCalendars`, `TooManyTries`,
        `HoursFirst`.
        """
        actor.must_be(owner_id)
        name = request.name.strip()
        if len(name) > NAME_MAX or not (name or "-").isprintable():
            raise Invalid(f"A name has at most {NAME_MAX} characters.", field="name")
        address = address_of(request.address)
        calendar_id = self.seal.digest("outside-calendar", f"{request.provider_id} {address}")[:12].hex()
        await self._try_once_more(actor)
        rows = await self._rows(request.provider_id)
        known = next((row for row in rows if row.value.calendar_id == calendar_id), None)
        if known is None and len(rows) >= FEEDS_MAX:
            raise TooManyCalendars
        at = self.clock.now()
        host = urlsplit(address).hostname or ""
        calendar = OutsideCalendar(
            provider_id=request.provider_id,
            calendar_id=calendar_id,
            name=name or host,
            host=host,
            box=self.seal.sealed(address.encode(), place=_place(request.provider_id, calendar_id)),
            added_at=known.value.added_at if known else at,
            due_at=at,
            tried_at=at,
            read_at=at,
            whole_at=at,
        )
        try:
            reading = await self._reading(calendar, address, None)
        except (AddressUnfit, CalendarUnreachable, NotACalendar) as no:
            raise type(no)(no.message, field="address") from no
        became, busy = was_read(calendar, reading, self.clock.now())
        await self._commit(known, became, busy)
        return became

    async def _try_once_more(self, actor: Actor) -> None:
        """Count an addition before anything is fetched for it. Raises `TooManyTries`."""
        key = keys.calendar_tries(actor.actor_id)
        for _ in range(CHANGED_MAX):
            row, at = await self.table.get(key, Tries), self.clock.now()
            tries = tried(row.value if row else Tries(), at)
            expected = row.unchanged if row else ABSENT
            try:
                await self.table.transact(Put(key=key, value=tries, expires_at=at + TRIES_IN, expected=expected))
            except Stale:
                continue
            return
        raise TooManyTries

    async def refresh(self, provider_id: str, calendar_id: str, actor: Actor, *, owner_id: str) -> OutsideCalendar:
        """Read it now, unless that was tried a moment ago; how it stands then. Raises `CalendarUnknown`."""
        actor.must_be(owner_id)
        row = await self._row(provider_id, calendar_id)
        if self.clock.now() - row.value.tried_at < AGAIN:
            return row.value
        return await self._read(row)

    async def remove(self, provider_id: str, calendar_id: str, actor: Actor, *, owner_id: str) -> None:
        """Forget the calendar and its busy times; twice has one effect."""
        actor.must_be(owner_id)
        await self.table.transact(
            Delete(key=keys.outside_calendar(provider_id, calendar_id)), Delete(key=keys.busy(provider_id, calendar_id))
        )

    async def read_due(self, *, limit: int = 40) -> int:
        """Read what is due longest, a few at a time; how many calendars that were. One's failure holds up no other."""
        until, due = keys.due(self.clock.now() + _TICK), list[tuple[datetime, Key]]()
        for shard in range(keys.SHARDS):
            page = await self.table.query(
                keys.calendars_due(shard), OutsideCalendar, index=Index.STATUS, end=until, limit=limit
            )
            due += [(row.value.due_at, row.key) for row in page.rows]
        first = [key for _, key in sorted(due, key=lambda each: each[0])[:limit]]
        rows = [row for row in await self.table.batch_get(first, OutsideCalendar) if row] if first else []
        free = asyncio.Semaphore(AT_ONCE)

        async def read(row: Row[OutsideCalendar]) -> None:
            async with free:
                if row.value.due_at <= self.clock.now():
                    await self._read(row)

        done = await asyncio.gather(*(read(row) for row in rows), return_exceptions=True)
        for failure in done:
            if failure is not None:
                raise failure
        return len(rows)

    async def _read(self, row: Row[OutsideCalendar]) -> OutsideCalendar:
        """Read it and commit what came of it; if somebody else did meanwhile, theirs stands."""
        calendar, at = row.value, self.clock.now()
        busy = None
        try:
            place = _place(calendar.provider_id, calendar.calendar_id)
            address = self.seal.opened(calendar.box, place=place).decode()
            reading = await self._reading(calendar, address, calendar.to_be_sent(at))
            became, busy = was_read(calendar, reading, self.clock.now())
        except Refusal as no:
            became = failed(calendar, no.message, self.clock.now())
        try:
            await self._commit(row, became, busy)
        except Stale:
            later = await self.table.get(row.key, OutsideCalendar)
            return later.value if later else became
        return became

    async def _reading(self, calendar: OutsideCalendar, address: str, known: Known | None) -> Reading | None:
        plan = await self.plans.get(calendar.provider_id)
        if plan is None:
            raise HoursFirst
        span = window(self.clock.now())
        return await self.calendars.read(address, window=span, zone=plan.value.zone, known=known)

    async def _commit(self, row: Row[OutsideCalendar] | None, calendar: OutsideCalendar, busy: Busy | None) -> None:
        shard = keys.shard(calendar.calendar_id)
        due = Key(
            keys.calendars_due(shard), keys.due(calendar.due_at, f"{calendar.provider_id}#{calendar.calendar_id}")
        )
        writes: list[Write] = [
            Put(
                key=keys.outside_calendar(calendar.provider_id, calendar.calendar_id),
                value=calendar,
                index={Index.STATUS: due},
                expected=row.unchanged if row else ABSENT,
            )
        ]
        if busy is not None:
            writes.append(Put(key=keys.busy(calendar.provider_id, calendar.calendar_id), value=busy))
        await self.table.transact(*writes)

    async def _rows(self, provider_id: str) -> Sequence[Row[OutsideCalendar]]:
        partition = keys.provider(provider_id)
        page = await self.table.query(partition, OutsideCalendar, prefix=keys.CALENDARS, limit=2 * FEEDS_MAX)
        return page.rows

    async def _row(self, provider_id: str, calendar_id: str) -> Row[OutsideCalendar]:
        row = await self.table.get(keys.outside_calendar(provider_id, calendar_id), OutsideCalendar)
        if row is None:
            raise CalendarUnknown
        return row


def _place(provider_id: str, calendar_id: str) -> str:
    return f"outside-calendar:{provider_id}:{calendar_id}"
