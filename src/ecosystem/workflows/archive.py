"""The archive of the bus: every event there was, by the time it happened, and replays of some of them.

Events stay: each stands in the timeline of what it is about, and once more among those of its day, where the archive
finds it. Only the firings of schedules are not among these, and go after a month. A replay hands the events of a time
window that match a pattern once more to all rules, or to those it names. It is an item of its own, carried on in bounded
steps by whoever runs the relay, so it survives a restart: what the last step before it delivered may then be delivered
again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, IdReused, Invalid, NotFound
from ecosystem.kernel.time import sortable, utc
from ecosystem.ports.audit import AuditKind, noted
from ecosystem.ports.bus import SHARDS, Event, enveloped, event_shard, replayed
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Index, Key, Page, Put, Row, Stale, Stored, Table
from ecosystem.workflows.patterns import Pattern, parse
from ecosystem.workflows.relay import Relay
from ecosystem.workflows.rules import Rules

WINDOW_MAX = timedelta(days=366)
PIECE = 50
"""Events read from each shard at once."""

DAYS_MAX = 31
"""Days without events that one look passes over."""

READ_MAX = 5_000
"""Events that one question looks at, at most."""

SETTLED = timedelta(minutes=1)
"""An index may be so far behind, and a commit may come so long after the time that its events bear.

A replay looks at nothing younger: its window may end now, the replay itself then a minute later.
"""

RUNNING_MAX = 10
RULES_MAX = 50
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PLACE = re.compile(r"[1-9]\d{3}-\d\d-\d\d(T[0-9:.]{5,20}Z(#.{1,600})?)?")


class NoSuchReplay(NotFound):
    """There is no replay of that name."""


class ReplayEnded(Conflict):
    """That replay has ended already."""


class TooManyReplays(Conflict):
    """So many replays run already; cancel one, or wait for its end."""


class NoSuchRule(Invalid):
    """There is no rule of that name."""


class Window(Struct, frozen=True, kw_only=True):
    """Which events of the archive: those of [start_at, end_at) that match the pattern, all when it is empty."""

    start_at: datetime
    end_at: datetime
    pattern: str = ""


class StartReplay(Struct, frozen=True, kw_only=True):
    """Asks for a replay. `rules` are the names of those to deliver to; none means all."""

    name: str
    window: Window
    rules: tuple[str, ...] = ()


class ReplayState(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Replay(Stored, frozen=True, kw_only=True):
    """A replay and how far it has come: everything up to `place` was looked at.

    Counts of what was read of the window, what of it matched, and how many deliveries that made.
    """

    entity: ClassVar[str] = "replay"

    name: str
    window: Window
    rules: tuple[str, ...]
    state: ReplayState
    asked_by: Actor
    started_at: datetime
    place: str
    read: int = 0
    matched: int = 0
    delivered: int = 0
    ended_at: datetime | None = None

    @property
    def reached_at(self) -> datetime:
        """Up to when the window was looked at."""
        window = self.window
        if self.state is ReplayState.COMPLETED:
            return window.end_at
        reached = datetime.fromisoformat(self.place.partition("#")[0]).replace(tzinfo=UTC)
        return min(max(reached, window.start_at), window.end_at)

    @property
    def progress(self) -> float:
        """How much of the window was looked at, from 0 to 1."""
        return (self.reached_at - self.window.start_at) / (self.window.end_at - self.window.start_at)


class Listed(Struct, frozen=True, kw_only=True):
    """Events, oldest first, and where to go on from; `next` is None at the window's end."""

    events: Sequence[Event]
    next: str | None


class Counted(Struct, frozen=True, kw_only=True):
    """How many events matched, in all and by type. `next` is where to go on counting; None at the window's end."""

    events: int
    by_type: Mapping[str, int] = field(default_factory=dict[str, int])
    next: str | None = None


def replay_key(name: str) -> Key:
    """Access: one replay by its name."""
    return Key(f"REPLAY#{name}", "METADATA")


def replays_partition(state: ReplayState) -> str:
    """Access (status index): replays in that state, by the time at which they were asked for."""
    return f"REPLAYS#{state}"


def kept(replay: Replay) -> Put:
    """The write that keeps the replay as it now stands."""
    order = f"{sortable(replay.started_at)}#{replay.name}"
    return Put(
        key=replay_key(replay.name),
        value=replay,
        index={Index.STATUS: Key(replays_partition(replay.state), order)},
    )


def checked(window: Window, now: datetime) -> Window:
    """The window in UTC. Raises `Invalid`, and `PatternRefused` for its pattern."""
    start_at, end_at = utc(window.start_at, field="start_at"), utc(window.end_at, field="end_at")
    if end_at <= start_at:
        raise Invalid("A window ends after its start.", field="end_at")
    if end_at - start_at > WINDOW_MAX:
        raise Invalid(f"A window is at most {WINDOW_MAX.days} days long.", field="end_at")
    if end_at > now:
        raise Invalid("A window lies in the past.", field="end_at")
    if window.pattern:
        parse(window.pattern)
    return Window(start_at=start_at, end_at=end_at, pattern=window.pattern)


def after(replay: Replay, place: str, *, read: int, matched: int, delivered: int, at: datetime) -> Replay:
    """The replay after a step that looked at everything up to `place`; it is complete where the window ends."""
    complete = place >= sortable(replay.window.end_at)
    return replace(
        replay,
        place=place,
        read=replay.read + read,
        matched=replay.matched + matched,
        delivered=replay.delivered + delivered,
        state=ReplayState.COMPLETED if complete else replay.state,
        ended_at=at if complete else None,
    )


@dataclass(frozen=True, slots=True)
class Archive:
    """The events there were. For operators."""

    table: Table
    clock: Clock

    async def events(self, window: Window, actor: Actor, *, after: str | None = None, limit: int = 50) -> Listed:
        """Events of the window, oldest first. `after` is the `next` of the page before. Raises `Denied`, `Invalid`."""
        actor.must_operate()
        window = checked(window, self.clock.now())
        wanted = parse(window.pattern) if window.pattern else None
        looking = _Looking(self.table, window, _begun(window, after))
        found: list[Event] = []
        while not looking.over and looking.read < READ_MAX:
            for event in await looking.piece():
                if matches(wanted, event):
                    found.append(event)
                    if len(found) == limit:
                        return Listed(events=found, next=place_of(event))
        return Listed(events=found, next=None if looking.over else looking.place)

    async def count(self, window: Window, actor: Actor, *, after: str | None = None) -> Counted:
        """How many events of the window match, as far as one question looks. Raises `Denied`, `Invalid`."""
        actor.must_operate()
        window = checked(window, self.clock.now())
        wanted = parse(window.pattern) if window.pattern else None
        looking = _Looking(self.table, window, _begun(window, after))
        types: Counter[str] = Counter()
        while not looking.over and looking.read < READ_MAX:
            types.update(event.type for event in await looking.piece() if matches(wanted, event))
        return Counted(events=types.total(), by_type=dict(types), next=None if looking.over else looking.place)


@dataclass(frozen=True, slots=True)
class Replays:
    """Replays, for operators to start, watch and cancel, and the step that carries them on."""

    table: Table
    clock: Clock
    rules: Rules

    async def start(self, request: StartReplay, actor: Actor) -> Replay:
        """Begin a replay; asked for again by the same person, it is the first one as it now stands.

        Raises `Denied`, `Invalid`, `PatternRefused`, `NoSuchRule`, `TooManyReplays`, `IdReused`.
        """
        actor.must_operate()
        now = self.clock.now()
        if not _NAME.fullmatch(request.name):
            raise Invalid("A name has up to 64 letters, digits, dots, dashes and underscores.", field="name")
        window = checked(request.window, now)
        for rule in request.rules[: RULES_MAX + 1]:
            if self.rules.named(rule) is None:
                raise NoSuchRule(f"There is no rule {rule!r}.", field="rules")
        if len(set(request.rules)) < len(request.rules) or len(request.rules) > RULES_MAX:
            raise Invalid("A rule is named once.", field="rules")
        asked = Replay(
            name=request.name,
            window=window,
            rules=request.rules,
            state=ReplayState.RUNNING,
            asked_by=actor,
            started_at=now,
            place=sortable(window.start_at),
        )
        if (earlier := await self.table.get(replay_key(request.name), Replay)) is not None:
            return _same(earlier.value, asked)
        if len((await self._in(ReplayState.RUNNING, RUNNING_MAX)).rows) == RUNNING_MAX:
            raise TooManyReplays
        try:
            await self.table.transact(
                replace(kept(asked), expected=ABSENT),
                noted(AuditKind.PRIVILEGE, "ReplayStarted", actor, request.name, now),
            )
        except Stale:
            return _same((await self._row(request.name)).value, asked)
        return asked

    async def replay(self, name: str, actor: Actor) -> Replay:
        """One replay as it now stands. Raises `Denied`, `NoSuchReplay`."""
        actor.must_operate()
        return (await self._row(name)).value

    async def listed(self, actor: Actor, *, limit: int = 50) -> list[Replay]:
        """Replays: those that run, then those that ended, the latest first. Raises `Denied`."""
        actor.must_operate()
        running = (await self._in(ReplayState.RUNNING, limit)).values
        ended = [
            replay
            for state in (ReplayState.COMPLETED, ReplayState.CANCELLED)
            for replay in (await self._in(state, limit)).values
        ]
        return [*running, *sorted(ended, key=lambda replay: replay.started_at, reverse=True)][:limit]

    async def cancel(self, name: str, actor: Actor) -> Replay:
        """End a replay before its time: the step it is in is its last. Raises `Denied`, `NoSuchReplay`, `ReplayEnded`."""
        actor.must_operate()
        row = await self._row(name)
        if row.value.state is not ReplayState.RUNNING:
            raise ReplayEnded
        cancelled = replace(row.value, state=ReplayState.CANCELLED, ended_at=self.clock.now())
        await self.table.transact(
            replace(kept(cancelled), expected=row.unchanged),
            noted(AuditKind.PRIVILEGE, "ReplayCancelled", actor, name, self.clock.now()),
        )
        return cancelled

    async def step(self, relay: Relay) -> int:
        """Carry each running replay on by one piece of its window; how many events that looked at, 0 when none runs."""
        looked = 0
        for candidate in (await self._in(ReplayState.RUNNING, RUNNING_MAX)).rows:
            row = await self.table.get(candidate.key, Replay)
            if row is not None and row.value.state is ReplayState.RUNNING:
                looked += await self._carry_on(row, relay)
        return looked

    async def _carry_on(self, row: Row[Replay], relay: Relay) -> int:
        replay = row.value
        wanted = parse(replay.window.pattern) if replay.window.pattern else None
        looking = _Looking(self.table, replay.window, replay.place, until=self.clock.now() - SETTLED)
        read = await looking.piece()
        if looking.place == replay.place:
            return 0
        again = [replayed(event, replay.name) for event in read if matches(wanted, event)]
        delivered = await relay.deliver(again, frozenset(replay.rules) or None)
        further = after(
            replay, looking.place, read=len(read), matched=len(again), delivered=delivered, at=self.clock.now()
        )
        try:
            await self.table.transact(replace(kept(further), expected=row.unchanged))
        except Stale:
            return 1  # Cancelled meanwhile: what this step did is not counted.
        return max(1, len(read))

    async def _in(self, state: ReplayState, limit: int) -> Page[Replay]:
        descending = state is not ReplayState.RUNNING
        return await self.table.query(
            replays_partition(state), Replay, index=Index.STATUS, descending=descending, limit=limit
        )

    async def _row(self, name: str) -> Row[Replay]:
        row = await self.table.get(replay_key(name), Replay) if _NAME.fullmatch(name) else None
        if row is None:
            raise NoSuchReplay
        return row


def matches(wanted: Pattern | None, event: Event) -> bool:
    """Whether the event is one of those; where nothing is said, all are."""
    if wanted is None:
        return True
    if wanted.types is not None and event.type not in wanted.types:
        return False
    return wanted.by_type_alone or wanted.matches(enveloped(event))


def place_of(event: Event) -> str:
    """The event's place among all events."""
    return f"{sortable(event.at)}#{event.event_id}"


@dataclass(slots=True)
class _Looking:
    """Goes on through the shards of each day, where `until` is said no further. Everything up to `place` has been looked at."""

    table: Table
    window: Window
    place: str
    until: datetime | None = None
    read: int = 0

    @property
    def over(self) -> bool:
        return self.place >= sortable(self.window.end_at)

    async def piece(self) -> list[Event]:
        """The next events in order; none where `DAYS_MAX` days have none, or there is nothing further to look at."""
        end = sortable(min(self.window.end_at, self.until or self.window.end_at))
        for _ in range(DAYS_MAX):
            if self.place >= end:
                break
            midnight = datetime.combine(datetime.fromisoformat(self.place[:10]).date(), time.min, UTC)
            pages = [
                await self.table.query(
                    event_shard(midnight, shard),
                    Event,
                    index=Index.STATUS,
                    # Nothing that may stand in a place sorts before a space: this is what follows the place.
                    start=f"{self.place} " if "#" in self.place else self.place,
                    end=end,
                    limit=PIECE,
                )
                for shard in range(SHARDS)
            ]
            rows = sorted((event for page in pages for event in page.values), key=place_of)
            # Where a shard has more, the order is known only up to what was read of it.
            known_to = min((place_of(page.values[-1]) for page in pages if page.next), default="")
            if known_to:
                rows = [event for event in rows if place_of(event) <= known_to]
                self.place = known_to
            else:
                self.place = min(end, sortable(midnight + timedelta(days=1)))
            self.read += len(rows)
            if rows:
                return rows
        return []


def _begun(window: Window, place: str | None) -> str:
    """Where to go on from, never before the window. Raises `Invalid` for what no page gave."""
    start = sortable(window.start_at)
    if not place:
        return start
    if not _PLACE.fullmatch(place):
        raise Invalid("That is not a place in the archive.", field="after")
    try:
        datetime.fromisoformat(place[:10])
    except ValueError:
        raise Invalid("That is not a place in the archive.", field="after") from None
    return max(start, place)


def _same(earlier: Replay, asked: Replay) -> Replay:
    """The earlier replay, when this one is the same. Raises `IdReused`."""
    if (earlier.window, earlier.rules, earlier.asked_by.actor_id) != (
        asked.window,
        asked.rules,
        asked.asked_by.actor_id,
    ):
        raise IdReused("That name was given to another replay.", field="name")
    return earlier
