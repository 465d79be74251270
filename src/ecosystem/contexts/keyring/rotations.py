"""Rotation: a new version of a key, and every message of the former ones re-wrapped by it, while all of them are read.

    rotate    commit: the intention, with the version there shall be
              call:   the keys make it
              commit: it is there, and re-wrapping begins
    re-wrap   item by item, each in a commit of its own that expects the item unchanged
              commit: nothing is left
    retire    eight days later, or by hand: the version's secret is gone

Work is found by what lies in the index under former versions, so it goes on where it was left by whatever process
comes next, and what is written meanwhile under a former version is found too. An index may be behind; before a version
is retired, every item is looked at.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.keyring import keys as places
from ecosystem.contexts.keyring.events import KeyFact, KeyRetired, KeyRewrapped, KeyRotated
from ecosystem.contexts.keyring.use import UsedKeys, Uses
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.keys import LISTED_FOR, EnvelopeRefused, KeyName, KeysMissing, State, Version
from ecosystem.ports.keys import KeyRetired as VersionRetired
from ecosystem.ports.keys_kept import SHARDS, Enveloped, wrapped_by, wraps
from ecosystem.ports.secrets import Seal
from ecosystem.ports.table import ABSENT, Cursor, Index, Put, Row, Stale, Stored, Table, Write

KEPT_FOR = timedelta(days=8)
"""How long a version is kept after its last message was re-wrapped: backups, kept for a week, hold its envelopes."""
PAGE = 100
CHANGED_MAX = 5
COUNTED_MAX = 1000
"""More messages than this in one partition are counted as so many."""


class KeyBusy(Conflict):
    """This key is being rotated already."""


class StillNeeded(Conflict):
    """Messages are left under that version: it cannot be retired yet."""


class TooEarly(Conflict):
    """That version was in use until a moment ago: it cannot be retired yet."""


class Rotation(Struct, frozen=True, kw_only=True):
    """One rotation. `made_at` is None until the version is there, `done_at` until nothing is left under former ones.

    `stuck` counts messages that could not be re-wrapped: they were damaged before.
    """

    version: int
    asked_at: datetime
    asked_by: str
    made_at: datetime | None = None
    done_at: datetime | None = None
    moved: int = 0
    stuck: int = 0


class RingState(Stored, frozen=True, kw_only=True):
    """How a named key stands: its latest rotation."""

    entity: ClassVar[str] = "keyring"

    name: KeyName
    rotation: Rotation | None = None


class Marks(Stored, frozen=True, kw_only=True):
    """What each named key makes of its own name: by it the keys are known again."""

    entity: ClassVar[str] = "keyring-marks"

    marks: dict[str, bytes]


class RingVersion(Struct, frozen=True, kw_only=True):
    """A version and how many messages it wraps; `many` when they were counted up to a limit only."""

    version: Version
    messages: int
    many: bool


class Ring(Struct, frozen=True, kw_only=True):
    """A named key as it is shown: versions newest first, the latest rotation, and what it was used for."""

    name: KeyName
    versions: Sequence[RingVersion]
    rotation: Rotation | None
    uses: Uses | None
    due: bool = False
    """Whether former versions may be retired: no backup needs them any more."""

    @property
    def left(self) -> int:
        """Messages under former versions."""
        return sum(each.messages for each in self.versions if each.version.state is State.FORMER)


def asked(state: RingState, newest: int, actor: Actor, at: datetime) -> RingState:
    """Decide a rotation to one version above the newest. Raises `KeyBusy` while another goes on."""
    going = state.rotation
    if going is not None and going.done_at is None:
        raise KeyBusy
    return replace(state, rotation=Rotation(version=newest + 1, asked_at=at, asked_by=actor.actor_id))


@dataclass(frozen=True, slots=True)
class KeyRings:
    """The five keys. `kinds` are all stored structs that hold envelopes, `beside` the seals whose keys they wrap."""

    table: Table
    keys: UsedKeys
    clock: Clock
    kinds: tuple[type[Enveloped], ...]
    beside: tuple[Seal, ...] = ()

    async def all(self, actor: Actor) -> Sequence[Ring]:
        """Every named key. For operators."""
        actor.must_operate()
        return [await self._ring(name) for name in KeyName]

    async def ring(self, name: KeyName, actor: Actor) -> Ring:
        """One named key. For operators."""
        actor.must_operate()
        return await self._ring(name)

    async def rotate(self, name: KeyName, actor: Actor) -> Rotation:
        """Make a new version, which wraps from now on; what is left under former ones is re-wrapped by `go_on`.

        Raises `KeyBusy`, `Denied`.
        """
        actor.must_operate()
        row, at = await self._row(name), self.clock.now()
        state = row.value if row else RingState(name=name)
        after = asked(state, len(await self.keys.versions(name)), actor, at)
        await self.table.transact(self._put(name, row, after))
        return await self._make(name, actor)

    async def go_on(self, actor: Actor, *, most: int = 1000) -> int:
        """Go on with every rotation that is not done, at most so many messages; how many were re-wrapped."""
        moved = 0
        for name in KeyName:
            row = await self._row(name)
            if row is None or row.value.rotation is None or row.value.rotation.done_at is not None:
                continue
            if row.value.rotation.made_at is None:
                await self._make(name, actor)
            moved += await self._some(name, actor, most - moved)
            if moved >= most:
                break
        return moved

    async def steps(self, name: KeyName, actor: Actor) -> AsyncGenerator[Rotation]:
        """Re-wrap all there is, telling after each part how far it is."""
        while True:
            await self._some(name, actor, PAGE)
            state = await self._row(name)
            assert state is not None
            assert state.value.rotation is not None
            yield state.value.rotation
            if state.value.rotation.done_at is not None:
                return

    async def retire(self, name: KeyName, version: int, actor: Actor, *, now: bool = False) -> None:
        """Take a former version away for ever, having looked at every item.

        Before backups are done with it only if that is said (`now`); never within the minute in which other processes may
        still wrap by it. Raises `TooEarly`, `StillNeeded`, `InUse`, `NoSuchVersion`.
        """
        actor.must_operate()
        row = await self._row(name)
        if 1 <= version < len(await self.keys.versions(name)):
            if await self._needed(name, version):
                raise StillNeeded
            self._must_be_due(row, now=now)
        await self.keys.retire(name, version)
        state = row.value if row else RingState(name=name)
        fact = KeyRetired(name=name, version=version)
        await self.table.transact(*self._becomes(name, row, state, fact, actor))

    async def retire_due(self, actor: Actor) -> int:
        """Retire versions whose last message was re-wrapped eight days ago; how many.

        Those of `backups` wrap files that lie elsewhere, for as long as somebody likes: they are retired by hand alone.
        """
        retired = 0
        for name in [name for name in KeyName if name is not KeyName.BACKUPS]:
            row = await self._row(name)
            done_at = row.value.rotation.done_at if row and row.value.rotation else None
            if done_at is None or self.clock.now() < done_at + KEPT_FOR:
                continue
            for version in await self.keys.versions(name):
                if version.state is not State.FORMER:
                    continue
                if await self._needed(name, version.number):
                    await self._reopen(name, actor)
                    break
                await self.retire(name, version.number, actor)
                retired += 1
        return retired

    def _must_be_due(self, row: Row[RingState] | None, *, now: bool) -> None:
        done_at = row.value.rotation.done_at if row and row.value.rotation else None
        if done_at is None:
            raise StillNeeded
        due_at = done_at + (LISTED_FOR if now else KEPT_FOR)
        if self.clock.now() < due_at:
            if now:
                raise TooEarly
            raise TooEarly(
                f"Backups hold what this version opens: it is retired by itself from {due_at:%Y-%m-%d %H:%M} UTC on. To do "
                "so before, retire it on the command line with --now."
            )

    async def check(self) -> None:
        """Hold the keys against those that this table was begun with. Raises `KeysMissing` if something needs those.

        Without it a lost file of keys would be made anew in silence, and what it encrypted would stay shut.
        """
        found = {name.value: await self.keys.mark(name) for name in KeyName}
        row = await self.table.get(places.marks(), Marks)
        if row is None:
            with suppress(Stale):
                await self.table.transact(Put(key=places.marks(), value=Marks(marks=found), expected=ABSENT))
        elif row.value.marks != found:
            # A table in which nothing is encrypted may go on under other keys: a copy put back elsewhere does.
            if any([(await self.table.scan(kind, limit=1)).rows for kind in self.kinds]):
                raise KeysMissing
            await self.table.transact(Put(key=places.marks(), value=Marks(marks=found), expected=row.unchanged))

    async def _reopen(self, name: KeyName, actor: Actor) -> None:
        """Something was found under a former version after all: go on re-wrapping."""
        row = await self._row(name)
        if row is not None and row.value.rotation is not None:
            again = replace(row.value, rotation=replace(row.value.rotation, done_at=None))
            await self.table.transact(*self._becomes(name, row, again, None, actor))

    async def _make(self, name: KeyName, actor: Actor) -> Rotation:
        """Have the version made that was decided on, once, and note that it is there."""
        row = await self._row(name)
        assert row is not None
        rotation = row.value.rotation
        assert rotation is not None
        if rotation.made_at is not None:
            return rotation
        if len(await self.keys.versions(name)) < rotation.version:
            await self.keys.rotate(name)
        made = replace(rotation, made_at=self.clock.now())
        fact = KeyRotated(name=name, version=made.version)
        await self.table.transact(*self._becomes(name, row, replace(row.value, rotation=made), fact, actor))
        return made

    async def _some(self, name: KeyName, actor: Actor, most: int) -> int:
        """Re-wrap some, and note it; and that it is done when nothing was left."""
        done: list[bool | None] = []
        newest = len(await self.keys.versions(name))
        partitions = [
            (kind, wrapped_by(kind, version, shard))
            for kind in self._kinds(name)
            for version in range(1, newest)
            for shard in range(SHARDS)
        ]
        for kind, partition in partitions:
            if done.count(True) >= most:
                break
            done += await self._partition(kind, partition, most - done.count(True))
        done += [await self._rewrapped_beside(each) for each in self._beside(name) if each.key_version() < newest]
        moved = done.count(True)
        # What was moved has left the index only after a while, and other processes wrapped by the former version for
        # a moment: a rotation is done when a whole look finds nothing to move.
        await self._note(name, actor, moved, done.count(False), over=not moved and None not in done)
        return moved

    async def _partition(self, kind: type[Enveloped], partition: str, most: int) -> list[bool | None]:
        """Re-wrap what lies there, page by page, until so many were moved."""
        done: list[bool | None] = []
        after: Cursor | None = None
        while done.count(True) < most:
            page = await self.table.query(partition, kind, index=Index.CUSTOMER, after=after, limit=PAGE)
            done += [await self._rewrapped(row) for row in page.rows]
            if (after := page.next) is None:
                break
        return done

    async def _rewrapped(self, row: Row[Enveloped]) -> bool | None:
        """Re-wrap an item: True when it was, False when it cannot be, None when it changed meanwhile and comes again."""
        item = row.value
        try:
            envelopes = {
                field: await self.keys.rewrap(item.named_key, kept.envelope, kept.context)
                for field, kept in item.envelopes().items()
            }
        except (EnvelopeRefused, VersionRetired):
            return False
        after = item.rewrapped(envelopes)
        place = row.index[Index.CUSTOMER].sort
        index = {where: key for where, key in row.index.items() if where is not Index.CUSTOMER}
        put = Put(
            key=row.key,
            value=after,
            index={**index, **wraps(after, place)},
            counters=row.counters,
            expires_at=row.expires_at,
            expected=row.unchanged,
        )
        try:
            await self.table.transact(put)
        except Stale:
            return None
        return True

    async def _rewrapped_beside(self, each: Seal) -> bool:
        try:
            await each.rewrap()
        except (EnvelopeRefused, VersionRetired):
            return False
        return True

    async def _note(self, name: KeyName, actor: Actor, moved: int, stuck: int, *, over: bool) -> None:
        for _ in range(CHANGED_MAX):
            row = await self._row(name)
            if row is None or row.value.rotation is None or row.value.rotation.done_at is not None:
                return
            rotation = replace(row.value.rotation, moved=row.value.rotation.moved + moved, stuck=stuck)
            fact: KeyFact | None = None
            if over:
                rotation = replace(rotation, done_at=self.clock.now())
                fact = KeyRewrapped(name=name, version=rotation.version, messages=rotation.moved)
            after = replace(row.value, rotation=rotation)
            if after == row.value:
                return
            with suppress(KeyBusy):
                await self.table.transact(*self._becomes(name, row, after, fact, actor))
                return
        raise KeyBusy

    async def _needed(self, name: KeyName, version: int) -> bool:
        """Whether anything at all holds an envelope of that version: every item is read."""
        if any(each.key_version() <= version for each in self._beside(name)):
            return True
        for kind in self._kinds(name):
            after = None
            while True:
                page = await self.table.scan(kind, after=after)
                if any(0 < item.key_version() <= version for item in page.values):
                    return True
                if (after := page.next) is None:
                    break
        return False

    async def _ring(self, name: KeyName) -> Ring:
        row = await self._row(name)
        versions = [await self._counted(name, version) for version in await self.keys.versions(name)]
        rotation = row.value.rotation if row else None
        return Ring(
            name=name,
            versions=versions[::-1],
            rotation=rotation,
            due=bool(rotation and rotation.done_at and self.clock.now() >= rotation.done_at + KEPT_FOR),
            uses=await self.keys.used(name),
        )

    async def _counted(self, name: KeyName, version: Version) -> RingVersion:
        messages = sum(each.key_version() == version.number for each in self._beside(name))
        many = False
        for kind in self._kinds(name):
            for shard in range(SHARDS):
                page = await self.table.query(
                    wrapped_by(kind, version.number, shard), kind, index=Index.CUSTOMER, limit=COUNTED_MAX
                )
                messages += sum(len(item.envelopes()) for item in page.values)
                many = many or page.next is not None
        return RingVersion(version=version, messages=messages, many=many)

    def _kinds(self, name: KeyName) -> list[type[Enveloped]]:
        return [kind for kind in self.kinds if kind.named_key is name]

    def _beside(self, name: KeyName) -> list[Seal]:
        return [each for each in self.beside if each.named_key is name]

    async def _row(self, name: KeyName) -> Row[RingState] | None:
        return await self.table.get(places.ring(name), RingState)

    def _put(self, name: KeyName, row: Row[RingState] | None, after: RingState) -> Put:
        expected = row.unchanged if row else ABSENT
        return Put(key=places.ring(name), value=after, expected=expected, otherwise=KeyBusy())

    def _becomes(
        self, name: KeyName, row: Row[RingState] | None, after: RingState, fact: KeyFact | None, actor: Actor
    ) -> list[Write]:
        writes: list[Write] = [self._put(name, row, after)]
        if fact is not None:
            sequence = (row.version if row else 0) + 1
            timeline = places.ring_timeline(name)
            before = row.value.rotation if row else None
            told = announce(
                fact,
                aggregate=timeline,
                sequence=sequence,
                actor=actor,
                at=self.clock.now(),
                previous={"rotation": before.version if before else 0},
            )
            writes.append(told)
        return writes
