"""The sequencer: gives entries their place, exactly once, after the fact.

Nothing that happens waits for the log or writes an item of it. The sequencer follows the table's changes and commits
the new leaves together with how far it has come: if it dies, or runs twice, an act is still entered once. Were changes
forgotten before it read them, it finds among all items those that have no entry.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec import Struct

from ecosystem.contexts.audit import keys
from ecosystem.contexts.audit.checkpoints import Unsigned, note, signed, statement
from ecosystem.contexts.audit.entries import Candidate, CandidateReader, entry, persons
from ecosystem.contexts.audit.erasures import Opened, erased, is_erasure, outline
from ecosystem.contexts.audit.keys import BLOCK
from ecosystem.contexts.audit.log import Checkpoint, Chunk, Head, LogReader, Tile
from ecosystem.contexts.audit.merkle import Frontier, leaf_hash
from ecosystem.contexts.audit.salts import OF_THE_LOG, Salts, made
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.keys import Keys
from ecosystem.ports.table import ABSENT, ChangesForgotten, Cursor, Put, Row, Table
from ecosystem.ports.witness import Witness

log = logging.getLogger(__name__)
SKIPPED_MAX = 5_000
"""After so many changes without an entry, the place is written all the same, so that a restart skips them."""

LEAVES_MAX = 2_000
"""Leaves in one commit, well below what a transaction takes."""

LATE = timedelta(minutes=5)
"""An item's change is told, and bears a time, this long around its commit at most."""

ATTEMPTS_MAX = 8
ROUNDS_MAX = 1_000_000
LAG_CHANGES_MAX = 1000
NOTES_MAX = 1_000
"""Checkpoints that the witness is told together, when it could not be told for a while."""

SORTED_TOGETHER = 50_000
"""Entered anew, so many are put in the order of their time together."""

ERASURE = b'"kind":"erasure"'
"""What is in the leaf of every erasure: most others need not be read."""

Everything = Callable[[], AsyncIterator[Candidate]]
"""Every item that has an entry, or should have one."""


class LogBusy(Unavailable):
    """Others entered the same acts at the same time, again and again."""


class Lag(Struct, frozen=True, kw_only=True):
    """How far the log is behind: acts without a place among the next thousand changes, and the oldest's age.

    `size` counts the entries, `signed` and `witnessed` how many of them the latest checkpoint, and the latest that the
    witness has, cover; it counts as having none once it was found lost.
    """

    entries: int
    seconds: float
    size: int
    signed: int
    witnessed: int


@dataclass(slots=True)
class Sequencer:
    """One at a time does the work; a second one meanwhile loses the race for the head and goes on from there."""

    table: Table
    clock: Clock
    salts: Salts
    read: CandidateReader
    everything: Everything
    origin: str
    signer: Keys
    witness: Witness | None = None
    _head: Row[Head] | None = field(default=None, init=False)
    _cursor: Cursor | None = field(default=None, init=False)
    _tiles: dict[int, tuple[int, bytes]] = field(default_factory=dict[int, tuple[int, bytes]], init=False)
    _skipped: int = field(default=0, init=False)
    _is_loaded: bool = field(default=False, init=False)
    _witnessed: int | None = field(default=None, init=False)
    _is_lost: bool = field(default=False, init=False)

    async def step(self, limit: int = 1000) -> int:
        """Take in up to that many changes of the table. How many there were: 0 when there is nothing new."""
        for _ in range(ATTEMPTS_MAX):
            await self._load()
            if self._cursor is None:
                return await self._enters_anew()
            try:
                changes = await self.table.changes(self._cursor, limit=min(limit, LEAVES_MAX))
            except ChangesForgotten:
                return await self._enters_anew()
            if not changes:
                return 0
            found = [candidate for change in changes if (candidate := self.read(change)) is not None]
            skipped = self._skipped + len(changes)
            is_due = bool(found) or skipped >= SKIPPED_MAX
            if is_due and not await self._appends(await self._leaves(found), changes[-1].cursor):
                continue
            self._cursor = changes[-1].cursor
            self._skipped = 0 if is_due else skipped
            return len(changes)
        raise LogBusy

    async def caught_up(self) -> int:
        """Enter all there is to enter; how many changes that took."""
        total = 0
        for _ in range(ROUNDS_MAX):
            found = await self.step()
            total += found
            if not found:
                return total
        raise LogBusy

    async def seal(self) -> int:
        """Sign what the log is now, if it has grown, and tell the witness; whether there was anything to sign."""
        row = await self.table.get(keys.head(), Head)
        if row is None or not row.value.size:
            return 0
        newest = await self._newest()
        grown = newest is None or newest.size < row.value.size
        if grown:
            newest = await self._sign(row.value)
        assert newest is not None
        await self._tell(newest)
        return int(grown)

    async def lag(self) -> Lag:
        """How far the log is behind."""
        row = await self.table.get(keys.head(), Head)
        size = row.value.size if row else 0
        entries, seconds = 0, 0.0
        now = self.clock.now()
        if row is not None and row.value.cursor:
            # The place in memory is ahead of the stored one by changes that brought no entry.
            cursor = self._cursor if self._is_loaded and self._cursor else Cursor(row.value.cursor)
            try:
                changes = await self.table.changes(cursor, limit=LAG_CHANGES_MAX)
            except ChangesForgotten:
                entries, seconds = LAG_CHANGES_MAX, (now - row.value.at).total_seconds()
            else:
                waiting = [found.at for found in map(self.read, changes) if found is not None]
                entries, seconds = len(waiting), (now - min(waiting)).total_seconds() if waiting else 0.0
        newest = await self._newest()
        return Lag(
            entries=entries,
            seconds=max(0.0, seconds),
            size=size,
            signed=newest.size if newest else 0,
            witnessed=0 if self._is_lost else self._witnessed or 0,
        )

    async def erase(self, person: str, actor: Actor) -> str | None:
        """Enter what was done by now, then make the person's entries nobody's; see `Salts.erase`."""
        actor.must_operate()
        await self.caught_up()
        return await self.salts.erase(person, actor)

    async def _load(self) -> None:
        if self._is_loaded:
            return
        self.table.hold_for(keys.head())
        self._head = await self.table.get(keys.head(), Head)
        self._cursor = Cursor(self._head.value.cursor) if self._head and self._head.value.cursor else None
        self._tiles = {}
        self._skipped, self._is_loaded = 0, True

    async def _leaves(self, candidates: Sequence[Candidate]) -> list[bytes]:
        if not candidates:
            return []
        if any(map(is_erasure, candidates)):
            # Another process may have erased them: nothing after an erasure is entered under the name that it took away.
            self.salts.forget()
        named: set[str] = {OF_THE_LOG}
        for candidate in candidates:
            named |= persons(candidate)
        known = await self.salts.known(named, make=True)
        return [made(candidate, known).encoded() for candidate in candidates]

    async def _appends(self, leaves: Sequence[bytes], cursor: Cursor | None) -> bool:
        """Commit the leaves and the place together; False when another sequencer was faster.

        Without a cursor the place stays where it was.
        """
        before = self._head
        frontier = before.value.frontier if before else Frontier()
        first, tiles = frontier.size, dict[tuple[int, int], bytes]()
        for leaf in leaves:
            for level, hashed in frontier.append(leaf_hash(leaf)):
                await self._lay(tiles, level // 8, (frontier.size >> level) - 1, hashed)
        place = cursor if cursor is not None else (before.value.cursor if before else "")
        head = Head(
            origin=before.value.origin if before else self.origin,
            size=frontier.size,
            edge=tuple(frontier.hashes),
            cursor=place,
            at=self.clock.now(),
        )
        # Whatever happens to the commit, nothing is believed of the head until it is known to have succeeded.
        self._is_loaded = False
        try:
            await self.table.transact(
                Put(key=keys.head(), value=head, expected=before.unchanged if before else ABSENT),
                *(Put(key=keys.chunk(chunk.first), value=chunk, expected=ABSENT) for chunk in chunked(first, leaves)),
                *(Put(key=keys.tile(*which), value=Tile(hashes=hashes)) for which, hashes in tiles.items()),
            )
        except Conflict:
            return False
        self._head = Row(key=keys.head(), value=head, version=before.version + 1 if before else 1)
        for (level, index), hashes in tiles.items():
            if self._tiles.get(level, (0, b""))[0] <= index:
                self._tiles[level] = (index, hashes)
        self._is_loaded = True
        return True

    async def _lay(self, tiles: dict[tuple[int, int], bytes], level: int, index: int, hashed: bytes) -> None:
        """Put the hash of the `index`-th subtree of that level behind the others of its tile."""
        which = (level, index // BLOCK)
        if which not in tiles:
            kept_index, kept = self._tiles.get(level, (-1, b""))
            if kept_index != which[1]:
                row = await self.table.get(keys.tile(*which), Tile) if index % BLOCK else None
                kept = row.value.hashes if row else b""
            tiles[which] = kept
        tiles[which] += hashed

    async def _enters_anew(self) -> int:
        """Enter every item that has no entry yet, and go on from what was told by then; how many were entered, plus 1.

        The place moves with the last commit alone: one that dies on the way begins again with what is still lacking.
        """
        at, before = self.clock.now(), self._head
        if before is not None and before.value.cursor:
            log.error("changes were forgotten before they were entered: all items are compared with the log")
        told, cursor = await self._told(at - LATE)
        if cursor is None:
            return 0
        present, opened = await self._present()
        lacking: list[tuple[datetime, bytes]] = []
        total = 0
        async for candidate in self.everything():
            if candidate.at >= at - LATE and candidate.item_id not in told:
                continue
            if await self._is_entered(candidate, present, opened):
                continue
            leaf = (await self._leaves([candidate]))[0]
            if leaf_hash(leaf) in present:
                continue
            lacking.append((candidate.at, leaf))
            if len(lacking) >= SORTED_TOGETHER:
                total += await self._enters(lacking)
                lacking = []
        total += await self._enters(lacking)
        if not await self._appends([], cursor):
            raise LogBusy
        self._cursor, self._skipped = cursor, 0
        return total + 1

    async def _enters(self, lacking: list[tuple[datetime, bytes]]) -> int:
        leaves = [leaf for _, leaf in sorted(lacking)]
        for first in range(0, len(leaves), LEAVES_MAX):
            if not await self._appends(leaves[first : first + LEAVES_MAX], None):
                raise LogBusy
        return len(leaves)

    async def _told(self, since: datetime) -> tuple[set[str], Cursor | None]:
        """The items of late that changes tell of, and the place behind those changes."""
        told: set[str] = set()
        cursor: Cursor | None = None
        for _ in range(ROUNDS_MAX):
            changes = await self.table.changes(cursor)
            if not changes:
                return told, cursor
            told.update(found.item_id for found in map(self.read, changes) if found and found.at >= since)
            cursor = changes[-1].cursor
            await asyncio.sleep(0)
        raise LogBusy

    async def _is_entered(self, candidate: Candidate, present: set[bytes], opened: Opened) -> bool:
        """Whether the log has the item's entry: as it would be made now, or from before somebody in it was erased."""
        said = await self.salts.entry(candidate)
        if said is not None and leaf_hash(said.encoded()) in present:
            return True
        gone = await self.salts.erased(candidate)
        if not gone:
            return False
        known = await self.salts.known(persons(candidate), make=False)
        return opened.take(candidate, gone, {person: each.name for person, each in known.items()}) is not None

    async def _present(self) -> tuple[set[bytes], Opened]:
        """The hashes of all leaves, and those of them that erasures opened up."""
        reader, size = LogReader(self.table), self._head.value.size if self._head else 0
        found: set[bytes] = set()
        erasures: dict[str, int] = {}
        for block in range(-(-size // BLOCK)):
            for place, leaf in enumerate(await reader.leaves(block), block * BLOCK):
                found.add(leaf_hash(leaf))
                if ERASURE in leaf and (name := erased(entry(leaf))) is not None:
                    erasures.setdefault(name, place)
            await asyncio.sleep(0)
        opened = Opened()
        for block in range(-(-size // BLOCK) if erasures else 0):
            for place, leaf in enumerate(await reader.leaves(block), block * BLOCK):
                if (said := outline(entry(leaf), place, erasures)) is not None:
                    opened.add(said, place, leaf_hash(leaf))
            await asyncio.sleep(0)
        return found, opened

    async def _newest(self) -> Checkpoint | None:
        page = await self.table.query(keys.checkpoints(), Checkpoint, descending=True, limit=1)
        return page.values[0] if page.rows else None

    async def _sign(self, head: Head) -> Checkpoint:
        at = self.clock.now()
        written, public_key = await signed(head.origin, head.size, head.frontier.root(), at, self.signer)
        made = Checkpoint(size=head.size, at=at, note=written, public_key=public_key)
        try:
            await self.table.transact(Put(key=keys.checkpoint(head.size), value=made, expected=ABSENT))
        except Conflict:
            newest = await self._newest()
            assert newest is not None
            return newest
        return made

    async def _tell(self, newest: Checkpoint) -> None:
        """Give the witness every checkpoint behind the last that it has."""
        if self.witness is None:
            return
        if self._witnessed is None:
            self._witnessed = await self._last_witnessed(self.witness, newest)
        while self._witnessed < newest.size:
            page = await self.table.query(
                keys.checkpoints(),
                Checkpoint,
                start=keys.place(self._witnessed + 1),
                end=keys.place(newest.size + 1),
                limit=NOTES_MAX,
            )
            await self.witness.append(*(each.note for each in page.values))
            self._witnessed = page.values[-1].size

    async def _last_witnessed(self, witness: Witness, newest: Checkpoint) -> int:
        """The size of the last checkpoint that the witness has.

        One that was lost or is another log's is told the newest alone: what it no longer attests must not look attested.
        """
        last = await witness.last()
        try:
            size = statement(note(last)).size if last is not None else 0
        except Unsigned:
            size = -1
        kept = await self.table.get(keys.checkpoint(size), Checkpoint) if size > 0 else None
        first = await self.table.query(keys.checkpoints(), Checkpoint, limit=1)
        if (kept is not None and kept.value.note == last) or (last is None and first.values[0].size == newest.size):
            return size
        self._is_lost = True
        log.error("the witness does not have the checkpoints that it was told: it was lost, or is another log's")
        return newest.size - 1


def chunked(first: int, leaves: Sequence[bytes]) -> list[Chunk]:
    """The leaves as chunks, none of which reaches from one block into the next."""
    found: list[Chunk] = []
    start = 0
    while start < len(leaves):
        end = min(len(leaves), start + BLOCK - (first + start) % BLOCK)
        found.append(Chunk(first=first + start, leaves=tuple(leaves[start:end])))
        start = end
    return found
