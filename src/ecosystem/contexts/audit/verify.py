"""Holding the log to itself, to the items it is of, to its checkpoints and to the witness. Reads everything, writes nothing.

In parts that also stand alone: a block against its hash, a tile against the one above, a checkpoint against the root at
its size, an item against its leaf. All of them together are the whole log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from ecosystem.contexts.audit import keys
from ecosystem.contexts.audit.checkpoints import Unsigned, verified
from ecosystem.contexts.audit.entries import Candidate, Entry, entry
from ecosystem.contexts.audit.keys import BLOCK
from ecosystem.contexts.audit.log import Checkpoint, Chunk, Head, LogReader, Tile
from ecosystem.contexts.audit.merkle import HASH_BYTES, Frontier, leaf_hash, root_of
from ecosystem.contexts.audit.salts import ERASED, OF_THE_LOG, Salts
from ecosystem.contexts.audit.sequencer import LATE, Everything
from ecosystem.kernel.refusals import Refusal
from ecosystem.kernel.time import sortable
from ecosystem.ports.audit import AuditKind
from ecosystem.ports.clock import Clock
from ecosystem.ports.signing import Signatures
from ecosystem.ports.table import Cursor, Row
from ecosystem.ports.witness import Witness, WitnessLost

FINDINGS_MAX = 100
UNREADABLE = (Refusal, msgspec.MsgspecError, ValueError)
"""What reading a stored thing raises that is not what was written."""

Progress = Callable[[str, int], None]


class Wrong(StrEnum):
    """What may be wrong with a log, by the part that says so."""

    HEAD = "head"
    CHUNK = "chunk"
    LEAF = "leaf"
    TILE = "tile"
    CHECKPOINT = "checkpoint"
    TRUNCATED = "truncated"
    FORKED = "forked"
    ITEM_CHANGED = "item changed"
    ITEM_MISSING = "item missing"
    NOT_ENTERED = "not entered"
    ENTERED_TWICE = "entered twice"
    ITEMS = "items"
    SALT = "salt"
    WITNESS = "witness"


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is wrong, and where: the place in the log where there is one."""

    wrong: Wrong
    index: int | None = None
    about: str
    detail: str


class Report(Struct, frozen=True, kw_only=True):
    """What was read, and everything that is wrong, the first place first; `waiting` acts are not entered yet."""

    size: int
    root: str
    checkpoints: int
    signed: int
    items: int
    erased: int
    waiting: int
    witnessed: int | None
    found: int
    findings: Sequence[Finding]

    @property
    def holds(self) -> bool:
        return self.found == 0


@dataclass(slots=True)
class Findings:
    """The findings so far: all are counted, the first of them kept."""

    kept: list[Finding] = field(default_factory=list[Finding])
    count: int = 0

    def add(self, wrong: Wrong, about: str, detail: str, index: int | None = None) -> None:
        self.count += 1
        if len(self.kept) < FINDINGS_MAX:
            self.kept.append(Finding(wrong=wrong, index=index, about=about, detail=detail))

    def extend(self, others: Iterable[Finding]) -> None:
        for other in others:
            self.add(other.wrong, other.about, other.detail, other.index)


class Block(Struct, frozen=True):
    """A block as it was read: its leaves' hashes, its root, the pseudonyms it says were erased, and what is wrong."""

    index: int
    hashes: list[bytes]
    root: bytes
    erasures: set[str]
    findings: list[Finding]


@dataclass(slots=True)
class Verifier:
    """`trusted` are the public keys of `audit` that may have signed; `tell` hears how far it is, by part."""

    log: LogReader
    salts: Salts
    everything: Everything
    clock: Clock
    signatures: Signatures
    trusted: tuple[bytes, ...]
    witness: Witness | None = None
    tell: Progress = lambda _part, _count: None

    async def verify(self) -> Report:
        """Read all there is."""
        findings = Findings()
        at = self.clock.now()
        self.salts.forget()
        head = await self._head(findings)
        size = head.size if head else 0
        marks = await self.checkpoints(findings, head)
        notes = await self._notes(findings, head)
        blocks = await self.blocks(findings, size)
        roots, frontier = roots_at(blocks, {*marks, *notes})
        if head is not None:
            findings.extend(against_head(head, frontier))
        findings.extend(await self.tiles([block.root for block in blocks if len(block.hashes) == BLOCK]))
        findings.extend(against_roots(marks, roots, size, Wrong.CHECKPOINT))
        findings.extend(against_roots(notes, roots, size, Wrong.WITNESS))
        findings.extend(against_witness(marks, notes, size))
        findings.extend(await self.aliases())
        erasures = set[str]().union(*(block.erasures for block in blocks))
        items, erased, waiting = await self.items(findings, head, self.places(findings, blocks), erasures, at)
        return Report(
            size=size,
            root=frontier.root().hex(),
            checkpoints=len(marks),
            signed=max(marks, default=0),
            items=items,
            erased=erased,
            waiting=waiting,
            witnessed=max(notes, default=0) if self.witness else None,
            found=findings.count,
            findings=sorted(findings.kept, key=lambda one: size if one.index is None else one.index),
        )

    async def block(self, index: int, size: int) -> Block:
        """Read one block of a log of that size."""
        first = index * BLOCK
        count = min(BLOCK, size - first)
        hashes: list[bytes] = []
        erasures: set[str] = set()
        findings: list[Finding] = []

        def wrong(kind: Wrong, place: int, detail: str) -> None:
            findings.append(Finding(wrong=kind, index=place, about=f"entry {place}", detail=detail))

        rows: Sequence[Row[Chunk]] = ()
        try:
            rows = await self.log.chunks(index)
        except UNREADABLE as unread:
            wrong(Wrong.CHUNK, first, f"the chunk of leaves cannot be read: {unread}")
        for row in rows:
            chunk, place = row.value, first + len(hashes)
            if chunk.first != place or row.key != keys.chunk(chunk.first):
                wrong(Wrong.CHUNK, place, f"a chunk that says it begins at {chunk.first} lies where {place} should be")
            for leaf in chunk.leaves:
                place = first + len(hashes)
                hashes.append(leaf_hash(leaf))
                try:
                    said = entry(leaf)
                except UNREADABLE as unread:
                    wrong(Wrong.LEAF, place, f"the leaf cannot be read: {unread}")
                else:
                    if said.kind == AuditKind.ERASURE and said.type == ERASED:
                        erasures.add(said.subject)
        if len(hashes) != count and not findings:
            wrong(
                Wrong.CHUNK, first + min(len(hashes), count), f"{len(hashes)} of {count} leaves of the block are there"
            )
        return Block(index, hashes[:count], root_of(hashes[:count]), erasures, findings)

    async def tiles(self, blocks: Sequence[bytes]) -> list[Finding]:
        """Hold every tile to the hashes of the whole blocks, level by level."""
        findings: list[Finding] = []
        level, hashes = 1, list(blocks)
        while hashes:
            for tile in range(-(-len(hashes) // BLOCK)):
                wanted = hashes[tile * BLOCK : (tile + 1) * BLOCK]
                findings.extend(await self.tile(level, tile, wanted))
            hashes = [
                root_of(hashes[first : first + BLOCK]) for first in range(0, len(hashes) - len(hashes) % BLOCK, BLOCK)
            ]
            level += 1
        return findings

    async def tile(self, level: int, index: int, wanted: Sequence[bytes]) -> list[Finding]:
        """Hold one tile to the hashes it should have. One that the log has grown beyond meanwhile may have more."""
        about, leaf = f"tile {index} of level {level}", index * BLOCK ** (level + 1)
        try:
            row = await self.log.table.get(keys.tile(level, index), Tile)
        except UNREADABLE as unread:
            return [Finding(wrong=Wrong.TILE, index=leaf, about=about, detail=f"cannot be read: {unread}")]
        kept = row.value.hashes if row else b""
        for place, hashed in enumerate(wanted):
            if kept[place * HASH_BYTES : (place + 1) * HASH_BYTES] != hashed:
                wrong = f"hash {place} is not that of the subtree"
                return [Finding(wrong=Wrong.TILE, index=leaf + place * BLOCK**level, about=about, detail=wrong)]
        if len(kept) % HASH_BYTES or len(kept) // HASH_BYTES > BLOCK:
            return [Finding(wrong=Wrong.TILE, index=leaf, about=about, detail="has a broken end")]
        return []

    async def aliases(self) -> list[Finding]:
        """Hold every pseudonym to the salt it comes from."""
        findings: list[Finding] = []
        try:
            async for person, name, known in self.salts.aliases():
                if name != known:
                    wrong = f"their salt makes {name or 'no pseudonym'}, and {known or 'none'} is kept as theirs"
                    findings.append(Finding(wrong=Wrong.SALT, about=person, detail=wrong))
        except UNREADABLE as unread:
            findings.append(Finding(wrong=Wrong.SALT, about="salts", detail=f"cannot be read: {unread}"))
        return findings

    def checkpoint(
        self, kept: Checkpoint | str, origin: str, findings: Findings, wrong: Wrong
    ) -> tuple[int, bytes] | None:
        """Size and root that a checkpoint states, when one of our keys signed it."""
        written = kept if isinstance(kept, str) else kept.note
        about = f"checkpoint {written.split(chr(10))[1] if written.count(chr(10)) > 1 else '?'}"[:60]
        try:
            said = verified(written, origin, self.trusted, self.signatures)
        except Unsigned as unsigned:
            findings.add(wrong, about, unsigned.message)
            return None
        if isinstance(kept, Checkpoint) and (
            said.size != kept.size or said.at != sortable(kept.at) or kept.public_key not in self.trusted
        ):
            findings.add(
                wrong, about, f"the item of {kept.size} says what its note does not", min(said.size, kept.size)
            )
        return said.size, said.root

    async def _head(self, findings: Findings) -> Head | None:
        try:
            row = await self.log.head()
        except UNREADABLE as unread:
            findings.add(Wrong.HEAD, "head", f"cannot be read: {unread}")
            return None
        return row.value if row else None

    async def checkpoints(self, findings: Findings, head: Head | None) -> dict[int, bytes]:
        marks: dict[int, bytes] = {}
        after: Cursor | None = None
        while True:
            try:
                page = await self.log.table.query(keys.checkpoints(), Checkpoint, after=after, limit=1000)
            except UNREADABLE as unread:
                findings.add(Wrong.CHECKPOINT, "checkpoints", f"cannot be read: {unread}")
                return marks
            for row in page.rows:
                self._mark(row, head, findings, marks)
            after = page.next
            self.tell("checkpoints", len(marks))
            if after is None:
                return marks
            await asyncio.sleep(0)

    def _mark(self, row: Row[Checkpoint], head: Head | None, findings: Findings, marks: dict[int, bytes]) -> None:
        if row.key != keys.checkpoint(row.value.size):
            findings.add(Wrong.CHECKPOINT, f"checkpoint {row.value.size}", f"lies at {row.key.sort}", row.value.size)
        said = self.checkpoint(row.value, head.origin if head else "", findings, Wrong.CHECKPOINT)
        if said is not None:
            marks[said[0]] = said[1]

    async def _notes(self, findings: Findings, head: Head | None) -> dict[int, bytes]:
        """What the witness has."""
        if self.witness is None:
            return {}
        marks: dict[int, bytes] = {}
        try:
            notes = await self.witness.notes()
        except WitnessLost as lost:
            findings.add(Wrong.WITNESS, "witness", lost.message)
            return {}
        former = 0
        for written in notes:
            said = self.checkpoint(written, head.origin if head else _origin(written), findings, Wrong.WITNESS)
            if said is None:
                continue
            size, root = said
            if size < former or marks.get(size, root) != root:
                findings.add(Wrong.FORKED, f"witness {size}", "the witness has two different logs", size)
            former = max(former, size)
            marks[size] = root
        return marks

    async def blocks(self, findings: Findings, size: int) -> list[Block]:
        """Read every block, up to one that is not whole where it should be: no later root can be computed."""
        found: list[Block] = []
        for index in range(-(-size // BLOCK)):
            read = await self.block(index, size)
            findings.extend(read.findings)
            found.append(read)
            if len(read.hashes) < BLOCK and index < size // BLOCK:
                break
            if index % 16 == 0:
                self.tell("entries", index * BLOCK)
                await asyncio.sleep(0)
        self.tell("entries", sum(len(block.hashes) for block in found))
        return found

    def places(self, findings: Findings, blocks: Sequence[Block]) -> dict[bytes, int]:
        """Where each leaf stands, by its hash."""
        places: dict[bytes, int] = {}
        for block in blocks:
            for place, hashed in enumerate(block.hashes, block.index * BLOCK):
                if hashed in places:
                    again = f"the same entry stands at {places[hashed]}"
                    findings.add(Wrong.ENTERED_TWICE, f"entry {place}", again, place)
                places.setdefault(hashed, place)
        return places

    async def items(
        self, findings: Findings, head: Head | None, places: dict[bytes, int], erasures: set[str], at: datetime
    ) -> tuple[int, int, int]:
        """Hold every item to its leaf, and every leaf to its item."""
        left = dict(places)
        unmatched: list[tuple[Candidate, Entry | None]] = []
        items = erased = 0
        known = await self.salts.known([OF_THE_LOG], make=False)
        if head is not None and head.size and not known:
            findings.add(Wrong.SALT, "salt", "the log's own salt is gone: no item can be held to its entry")
            return 0, 0, 0
        items_read = self.everything()
        try:
            async for candidate in items_read:
                items += 1
                if items % 4096 == 0:
                    self.tell("items", items)
                    await asyncio.sleep(0)
                said = await self.salts.entry(candidate)
                if said is not None and left.pop(leaf_hash(said.encoded()), None) is not None:
                    continue
                if await self._is_erased(candidate):
                    erased += 1
                else:
                    unmatched.append((candidate, said))
        except UNREADABLE as unread:
            findings.add(Wrong.ITEMS, "items", f"an item cannot be read: {unread}")
        self.tell("items", items)
        waiting = await self._unmatched(findings, head, unmatched, left, at)
        await self._left(findings, left, erasures)
        return items, erased, waiting

    async def _is_erased(self, candidate: Candidate) -> bool:
        named = await self.salts.erasures(candidate)
        return any(candidate.at <= erased_at for erased_at in named)

    async def _unmatched(
        self,
        findings: Findings,
        head: Head | None,
        unmatched: list[tuple[Candidate, Entry | None]],
        left: dict[bytes, int],
        at: datetime,
    ) -> int:
        """Name what items without their leaf are: changed, not entered, or to be entered yet."""
        if not unmatched:
            return 0
        leaves = await self._ids(left)
        since = await self._since(head)
        waiting = 0
        for candidate, said in unmatched:
            place = leaves.get(said.id) if said else None
            if said is None:
                findings.add(
                    Wrong.SALT, candidate.item_id, "the salt of somebody it names is gone, and was never erased"
                )
            elif place is not None:
                left.pop(place[0], None)
                findings.add(Wrong.ITEM_CHANGED, candidate.item_id, "it is not what was entered", place[1])
            elif leaf_hash(said.encoded()) in since or candidate.at >= at - LATE:
                waiting += 1
            else:
                findings.add(Wrong.NOT_ENTERED, candidate.item_id, f"of {candidate.at.isoformat()} has no entry")
        return waiting

    async def _left(self, findings: Findings, left: dict[bytes, int], erasures: set[str]) -> None:
        """Leaves whose item was not found: lawful only where somebody they name was erased, as the log itself says."""
        for place in sorted(left.values()):
            try:
                said = entry(await self.log.leaf(place))
            except UNREADABLE:
                continue
            if not said.pseudonyms & erasures:
                findings.add(Wrong.ITEM_MISSING, said.id, "what was entered is not there", place)

    async def _ids(self, left: dict[bytes, int]) -> dict[str, tuple[bytes, int]]:
        found: dict[str, tuple[bytes, int]] = {}
        for hashed, place in left.items():
            try:
                found[entry(await self.log.leaf(place)).id] = (hashed, place)
            except UNREADABLE:
                continue
        return found

    async def _since(self, head: Head | None) -> set[bytes]:
        """The hashes of what was entered since the head was read."""
        former, size = head.size if head else 0, await self.log.size()
        found: set[bytes] = set()
        for block in range(former // BLOCK, -(-size // BLOCK)):
            found.update(map(leaf_hash, await self.log.leaves(block)))
        return found


def roots_at(blocks: Sequence[Block], wanted: set[int]) -> tuple[dict[int, bytes], Frontier]:
    """The roots at the sizes that are wanted, and the right edge of all."""
    roots: dict[int, bytes] = {}
    frontier = Frontier()
    sizes = sorted(wanted)
    at = 0
    for block in blocks:
        end = frontier.size + len(block.hashes)
        if len(block.hashes) < BLOCK or (at < len(sizes) and sizes[at] < end):
            for hashed in block.hashes:
                frontier.append(hashed)
                if at < len(sizes) and sizes[at] == frontier.size:
                    roots[frontier.size] = frontier.root()
                while at < len(sizes) and sizes[at] <= frontier.size:
                    at += 1
        else:
            frontier.graft(8, block.root)
            if at < len(sizes) and sizes[at] == end:
                roots[end] = frontier.root()
            while at < len(sizes) and sizes[at] <= end:
                at += 1
    return roots, frontier


def against_head(head: Head, frontier: Frontier) -> list[Finding]:
    """Hold the head to the leaves."""
    if frontier.size != head.size:
        return [Finding(wrong=Wrong.HEAD, index=frontier.size, about="head", detail=f"says {head.size} entries")]
    if list(head.edge) != frontier.hashes:
        return [Finding(wrong=Wrong.HEAD, about="head", detail="its right edge is not that of the leaves")]
    return []


def against_witness(marks: dict[int, bytes], notes: dict[int, bytes], size: int) -> list[Finding]:
    """Every checkpoint that the witness was told of is kept here too."""
    return [
        Finding(
            wrong=Wrong.CHECKPOINT, index=gone, about=f"checkpoint {gone}", detail="the witness has it; it is not here"
        )
        for gone in sorted(notes.keys() - marks.keys())
        if gone <= size
    ]


def against_roots(marks: dict[int, bytes], roots: dict[int, bytes], size: int, name: Wrong) -> list[Finding]:
    """Hold what was signed to the roots at those sizes."""
    findings: list[Finding] = []
    for signed, root in sorted(marks.items()):
        about = f"{name.value} {signed}"
        if signed > size:
            gone = f"was signed for {signed} entries; there are {size}"
            findings.append(Finding(wrong=Wrong.TRUNCATED, index=size, about=about, detail=gone))
        elif signed in roots and roots[signed] != root:
            forked = "the log up to there is not the one that was signed"
            findings.append(Finding(wrong=Wrong.FORKED, index=signed - 1, about=about, detail=forked))
    return findings


def _origin(written: str) -> str:
    return written.partition("\n")[0]
