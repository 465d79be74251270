"""The log as it is stored, and reading it: leaves in chunks, hashes of whole subtrees in tiles, and the head.

A chunk is written once and never again. A tile of level L has the roots of whole subtrees of 256**L leaves, side by
side, 256 of them (the layout of C2SP tlog-tiles; its level 0 is hashed from the leaves themselves).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from ecosystem.contexts.audit import keys
from ecosystem.contexts.audit.keys import BLOCK
from ecosystem.contexts.audit.merkle import (
    HASH_BYTES,
    Frontier,
    Node,
    Range,
    consistency,
    folded,
    inclusion,
    leaf_hash,
    nodes,
    root_of,
)
from ecosystem.kernel.refusals import NotFound, Unavailable
from ecosystem.ports.table import Cursor, Row, Stored, Table

REMEMBERED_MAX = 64
"""Blocks whose leaf hashes a reader keeps at hand."""


class NotEntered(NotFound):
    """The log has no such entry: it is entered some seconds after the act, if the act is one that is audited."""


class LogDamaged(Unavailable):
    """A part of the audit log is missing or unreadable; `ecosystem audit verify` says which."""


class Chunk(Stored, frozen=True, kw_only=True):
    """Leaves one after the other, beginning with the `first`-th."""

    entity: ClassVar[str] = "audit_chunk"

    first: int
    leaves: tuple[bytes, ...]


class Tile(Stored, frozen=True, kw_only=True):
    """Hashes of whole subtrees, side by side, as one run of bytes."""

    entity: ClassVar[str] = "audit_tile"

    hashes: bytes


class Head(Stored, frozen=True, kw_only=True):
    """How long the log is, and its right edge. `cursor` is the last change taken in; empty while all is taken in anew."""

    entity: ClassVar[str] = "audit_head"

    origin: str
    size: int
    edge: tuple[bytes, ...]
    cursor: str
    at: datetime

    @property
    def frontier(self) -> Frontier:
        return Frontier(self.size, self.edge)


class Checkpoint(Stored, frozen=True, kw_only=True):
    """What the log was when it had that size, signed: a note as C2SP tlog-checkpoint and signed-note have it."""

    entity: ClassVar[str] = "audit_checkpoint"

    size: int
    at: datetime
    note: str
    public_key: bytes


@dataclass(slots=True)
class LogReader:
    """Reads the log beside whoever writes it; whatever it has read once is never read as something else later."""

    table: Table
    _blocks: dict[int, list[bytes]] = field(default_factory=dict[int, list[bytes]], init=False)

    async def head(self) -> Row[Head] | None:
        return await self.table.get(keys.head(), Head)

    async def size(self) -> int:
        row = await self.head()
        return row.value.size if row else 0

    async def chunks(self, block: int) -> Sequence[Row[Chunk]]:
        """The chunks of one block, in order."""
        page = await self.table.query(
            keys.leaves(block),
            Chunk,
            start=keys.place(block * BLOCK),
            end=keys.place((block + 1) * BLOCK),
            limit=BLOCK,
        )
        return page.rows

    async def leaves(self, block: int) -> list[bytes]:
        """The leaves of one block, as many as there are. Raises `LogDamaged` where some are missing between."""
        found: list[bytes] = []
        for row in await self.chunks(block):
            if row.value.first != block * BLOCK + len(found):
                raise LogDamaged(f"Entry {block * BLOCK + len(found)} of the audit log is missing.")
            found.extend(row.value.leaves)
        return found

    async def leaf(self, index: int) -> bytes:
        """One leaf. Raises `NotEntered`."""
        row = await self._chunk(index)
        if row is None:
            raise NotEntered
        return row.leaves[index - row.first]

    async def node(self, wanted: Node) -> bytes:
        """The root of a whole subtree. Raises `LogDamaged`."""
        tile_level, above = divmod(wanted.level, 8)
        first = wanted.index << above
        count = 1 << above
        if tile_level == 0:
            hashes = await self._hashes(first // BLOCK)
            start = first % BLOCK
            some = hashes[start : start + count]
        else:
            row = await self.table.get(keys.tile(tile_level, first // BLOCK), Tile)
            kept = row.value.hashes if row else b""
            start = first % BLOCK
            some = [
                kept[place * HASH_BYTES : (place + 1) * HASH_BYTES]
                for place in range(start, min(start + count, len(kept) // HASH_BYTES))
            ]
        if len(some) < count:
            raise LogDamaged(f"The subtree of {count} hashes at {wanted.index}, level {wanted.level}, is not whole.")
        return root_of(some)

    async def hashed(self, piece: Range) -> bytes:
        """The root over a range of leaves."""
        return folded([await self.node(node) for node in nodes(piece)])

    async def root(self, size: int) -> bytes:
        """The root of the tree as it was at that size."""
        return await self.hashed(Range(0, size))

    async def inclusion(self, index: int, size: int) -> list[bytes]:
        """The audit path of a leaf in the tree of that size."""
        if not 0 <= index < size <= await self.size():
            raise NotEntered
        return [await self.hashed(piece) for piece in inclusion(index, size)]

    async def consistency(self, former: int, size: int) -> list[bytes]:
        """The proof that the tree of `size` begins with the one of `former`."""
        if not 0 < former <= size <= await self.size():
            raise NotEntered
        return [await self.hashed(piece) for piece in consistency(former, size)]

    async def checkpoint(self, *, least: int = 0) -> Checkpoint | None:
        """The newest checkpoint, if it covers that many entries."""
        page = await self.table.query(keys.checkpoints(), Checkpoint, descending=True, limit=1)
        newest = page.values[0] if page.rows else None
        return newest if newest and newest.size >= least else None

    async def checkpoints(
        self, after: Cursor | None = None, *, descending: bool = False, limit: int = 1000
    ) -> tuple[Sequence[Checkpoint], Cursor | None]:
        page = await self.table.query(keys.checkpoints(), Checkpoint, after=after, descending=descending, limit=limit)
        return page.values, page.next

    async def _chunk(self, index: int) -> Chunk | None:
        block = index // BLOCK
        page = await self.table.query(
            keys.leaves(block),
            Chunk,
            start=keys.place(block * BLOCK),
            end=keys.place(index + 1),
            descending=True,
            limit=1,
        )
        found = page.values[0] if page.rows else None
        return found if found and index < found.first + len(found.leaves) else None

    async def _hashes(self, block: int) -> list[bytes]:
        known = self._blocks.get(block)
        if known is None:
            known = [leaf_hash(leaf) for leaf in await self.leaves(block)]
            if len(known) == BLOCK:
                if len(self._blocks) >= REMEMBERED_MAX:
                    self._blocks.pop(next(iter(self._blocks)))
                self._blocks[block] = known
        return known
