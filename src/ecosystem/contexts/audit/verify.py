"""Holding the log to itself, to the items it is of, to its checkpoints and to the witness. Reads everything, writes nothing.

In parts that also stand alone: a block against its hash, a tile against the one above, a checkpoint against the root at
its size, an item against its leaf. All of them together are the whole log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from msgspec import Struct

from ecosystem.contexts.audit import keys
from ecosystem.contexts.audit.attested import against_roots, against_witness, out_of_turn, unwitnessed
from ecosystem.contexts.audit.checkpoints import Marked, Signer, Unsigned, verified
from ecosystem.contexts.audit.entries import entry
from ecosystem.contexts.audit.erasures import erased
from ecosystem.contexts.audit.findings import Finding, Findings, Report, Wrong
from ecosystem.contexts.audit.keys import BLOCK
from ecosystem.contexts.audit.log import Checkpoint, Chunk, Head, LogReader, Tile
from ecosystem.contexts.audit.matching import UNREADABLE, Matching
from ecosystem.contexts.audit.merkle import HASH_BYTES, Frontier, leaf_hash, root_of
from ecosystem.contexts.audit.salts import Salts
from ecosystem.contexts.audit.sequencer import Everything
from ecosystem.kernel.time import sortable
from ecosystem.ports.clock import Clock
from ecosystem.ports.signing import Signatures
from ecosystem.ports.table import Cursor, Row
from ecosystem.ports.witness import Witness, WitnessLost

Progress = Callable[[str, int], None]


class Block(Struct, frozen=True):
    """A block as it was read: its leaves' hashes, its root, where it says that pseudonyms were erased, what is wrong."""

    index: int
    hashes: list[bytes]
    root: bytes
    erasures: dict[str, int]
    findings: list[Finding]


@dataclass(slots=True)
class Verifier:
    """`trusted` are the keys that may have signed, oldest first; `tell` hears how far it is, by part.

    `origin` is whose log it has to be, empty to take its own word; `least` how many entries it has to have.
    """

    log: LogReader
    salts: Salts
    everything: Everything
    clock: Clock
    signatures: Signatures
    trusted: tuple[Signer, ...]
    witness: Witness | None = None
    tell: Progress = lambda _part, _count: None
    origin: str = ""
    least: int = 0

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
        if size < self.least:
            short = f"there are {size} entries; at least {self.least} were written down"
            findings.add(Wrong.TRUNCATED, "least size", short, size)
        findings.extend(await self.tiles([block.root for block in blocks if len(block.hashes) == BLOCK]))
        findings.extend(against_roots(marks, roots, size, Wrong.CHECKPOINT))
        findings.extend(against_roots(notes, roots, size, Wrong.WITNESS))
        findings.extend(out_of_turn({**notes, **marks}))
        findings.extend(against_witness(marks, notes, size))
        if self.witness is not None:
            findings.extend(unwitnessed(marks, notes, at))
        findings.extend(await self.aliases())
        erasures: dict[str, int] = {}
        for block in blocks:
            for name, place in block.erasures.items():
                erasures.setdefault(name, place)
        matching = Matching(
            log=self.log,
            salts=self.salts,
            head=head,
            places=self.places(findings, blocks),
            erasures=erasures,
            at=at,
            findings=findings,
            tell=self.tell,
        )
        await matching.match(self.everything)
        return Report(
            size=size,
            root=frontier.root().hex(),
            checkpoints=len(marks),
            signed=max(marks, default=0),
            items=matching.items,
            erased=matching.erased,
            waiting=matching.waiting,
            witnessed=max(notes, default=0) if self.witness else None,
            found=findings.count,
            findings=sorted(findings.kept, key=lambda one: size if one.index is None else one.index),
            erasures=len(erasures),
            gone=matching.gone,
        )

    async def block(self, index: int, size: int) -> Block:
        """Read one block of a log of that size."""
        first = index * BLOCK
        count = min(BLOCK, size - first)
        hashes: list[bytes] = []
        erasures: dict[str, int] = {}
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
            for detail in _misplaced(row, place):
                wrong(Wrong.CHUNK, place, detail)
            for leaf in chunk.leaves:
                place = first + len(hashes)
                hashes.append(leaf_hash(leaf))
                try:
                    said = entry(leaf)
                except UNREADABLE as unread:
                    wrong(Wrong.LEAF, place, f"the leaf cannot be read: {unread}")
                else:
                    if (name := erased(said)) is not None:
                        erasures.setdefault(name, place)
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
        if row is not None and row.expires_at is not None:
            expires = f"is to be removed at {sortable(row.expires_at)}"
            return [Finding(wrong=Wrong.TILE, index=leaf, about=about, detail=expires)]
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

    def checkpoint(self, kept: Checkpoint | str, origin: str, findings: Findings, wrong: Wrong) -> Marked | None:
        """What a checkpoint says, when one of our keys signed it in its time."""
        written = kept if isinstance(kept, str) else kept.note
        about = f"checkpoint {written.split(chr(10))[1] if written.count(chr(10)) > 1 else '?'}"[:60]
        try:
            found = verified(written, origin, self.trusted, self.signatures)
        except Unsigned as unsigned:
            findings.add(wrong, about, unsigned.message)
            return None
        said, public_key = found.statement, self.trusted[found.signer].public_key
        if isinstance(kept, Checkpoint) and (
            said.size != kept.size or said.at != sortable(kept.at) or kept.public_key != public_key
        ):
            findings.add(
                wrong, about, f"the item of {kept.size} says what its note does not", min(said.size, kept.size)
            )
        return found

    async def _head(self, findings: Findings) -> Head | None:
        try:
            row = await self.log.head()
        except UNREADABLE as unread:
            findings.add(Wrong.HEAD, "head", f"cannot be read: {unread}")
            return None
        if row is not None and self.origin and row.value.origin != self.origin:
            findings.add(Wrong.HEAD, "head", f"says it is the log of {row.value.origin}, not of {self.origin}")
        return row.value if row else None

    async def checkpoints(self, findings: Findings, head: Head | None) -> dict[int, Marked]:
        marks: dict[int, Marked] = {}
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

    def _mark(self, row: Row[Checkpoint], head: Head | None, findings: Findings, marks: dict[int, Marked]) -> None:
        if row.key != keys.checkpoint(row.value.size):
            findings.add(Wrong.CHECKPOINT, f"checkpoint {row.value.size}", f"lies at {row.key.sort}", row.value.size)
        if row.expires_at is not None:
            expires = f"is to be removed at {sortable(row.expires_at)}"
            findings.add(Wrong.CHECKPOINT, f"checkpoint {row.value.size}", expires, row.value.size)
        origin = self.origin or (head.origin if head else "")
        if (said := self.checkpoint(row.value, origin, findings, Wrong.CHECKPOINT)) is not None:
            marks[said.statement.size] = said

    async def _notes(self, findings: Findings, head: Head | None) -> dict[int, Marked]:
        """What the witness has."""
        if self.witness is None:
            return {}
        marks: dict[int, Marked] = {}
        try:
            notes = await self.witness.notes()
        except WitnessLost as lost:
            findings.add(Wrong.WITNESS, "witness", lost.message)
            return {}
        for written in notes:
            origin = self.origin or (head.origin if head else _origin(written))
            said = self.checkpoint(written, origin, findings, Wrong.WITNESS)
            if said is None:
                continue
            size = said.statement.size
            if marks.get(size, said).statement.root != said.statement.root:
                findings.add(Wrong.FORKED, f"witness {size}", "the witness has two different logs", size)
            marks[size] = said
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


def _misplaced(row: Row[Chunk], place: int) -> Iterator[str]:
    """What is wrong with where a chunk lies, and how long."""
    if row.value.first != place or row.key != keys.chunk(row.value.first):
        yield f"a chunk that says it begins at {row.value.first} lies where {place} should be"
    if row.expires_at is not None:
        yield f"the chunk is to be removed at {sortable(row.expires_at)}"


def _origin(written: str) -> str:
    return written.partition("\n")[0]
