"""Reading the log for people: entries by kind, person and time, newest first; one entry with its proof; checkpoints."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from ecosystem.contexts.audit import proving
from ecosystem.contexts.audit.checkpoints import verifier_key
from ecosystem.contexts.audit.entries import PERSON, PSEUDONYM, Candidate, Entry, entry
from ecosystem.contexts.audit.keys import BLOCK
from ecosystem.contexts.audit.log import Checkpoint, Chunk, LogReader, NotEntered
from ecosystem.contexts.audit.salts import Salts
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.table import Cursor

PAGE = 50
BLOCKS_MAX = 40
"""Blocks that one page looks through: what it did not find by then, the next one goes on looking for."""

CandidateFinder = Callable[[str], Awaitable[Candidate | None]]
"""The item of that id, as what it says for the log; None when there is none."""


class NotYetSigned(Conflict):
    """The entry has its place, and no signed checkpoint covers it yet: ask again in some seconds."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Which entries: of a kind, by somebody, about something, within [start_at, end_at). Empty means any."""

    kind: str = ""
    actor: str = ""
    subject: str = ""
    start_at: datetime | None = None
    end_at: datetime | None = None


class Placed(Struct, frozen=True, kw_only=True):
    """An entry and its place; `people` are those behind its pseudonyms, as far as they were not erased."""

    index: int
    entry: Entry
    leaf: str
    people: dict[str, str]

    def named(self, text: str) -> str:
        """The text with its pseudonyms as the people they stand for."""
        return PSEUDONYM.sub(lambda found: self.people.get(found[0], found[0]), text)


class Found(Struct, frozen=True, kw_only=True):
    """Entries, newest first; `below` is where to go on looking, None at the log's beginning."""

    entries: Sequence[Placed]
    below: int | None
    size: int


@dataclass(frozen=True, slots=True)
class Explorer:
    """For operators. Nothing here writes; that somebody looked is noted by who asks."""

    log: LogReader
    salts: Salts
    candidate: CandidateFinder

    async def entries(self, wanted: Wanted, actor: Actor, *, below: int | None = None, limit: int = PAGE) -> Found:
        """The entries that are wanted, from below that place."""
        actor.must_operate()
        size = await self.log.size()
        start = min(below, size) if below is not None else size
        if wanted.end_at is not None and below is None:
            start = await self._before(wanted.end_at, size)
        subject, by = await self._blinded(wanted.subject), await self._blinded(wanted.actor)
        if subject is None or by is None:
            return Found(entries=[], below=None, size=size)
        marks = [text.encode() for text in (subject, by) if text]
        found: list[Placed] = []
        block, place = (start - 1) // BLOCK, start
        for _ in range(BLOCKS_MAX):
            if block < 0 or len(found) >= limit:
                break
            leaves = (await self.log.leaves(block))[: place - block * BLOCK]
            for index, leaf in reversed(list(enumerate(leaves, block * BLOCK))):
                place = index
                if all(mark in leaf for mark in marks) and _fits(said := entry(leaf), wanted, by, subject):
                    found.append(await self._placed(index, leaf, said))
                    if len(found) >= limit:
                        break
            else:
                # Entries stand nearly in the order of time: a block that began a block's time before ends the search.
                if wanted.start_at is not None and leaves and entry(leaves[-1]).at < wanted.start_at:
                    place = 0
                block = (place - 1) // BLOCK
        return Found(entries=found, below=place or None, size=size)

    async def entry(self, index: int, actor: Actor) -> Placed:
        """The entry at that place. Raises `NotEntered`."""
        actor.must_operate()
        if not 0 <= index < await self.log.size():
            raise NotEntered
        leaf = await self.log.leaf(index)
        return await self._placed(index, leaf, entry(leaf))

    async def find(self, asked: str, actor: Actor) -> Placed:
        """The entry at that place, or of the item of that id. Raises `NotEntered`."""
        actor.must_operate()
        if asked.isascii() and asked.isdigit() and len(asked) < 15:
            return await self.entry(int(asked), actor)
        candidate = await self.candidate(asked)
        made = await self.salts.entry(candidate) if candidate else None
        if candidate is None or made is None:
            raise NotEntered
        leaf, size = made.encoded(), await self.log.size()
        place = await self._before(candidate.at, size)
        # Its place is near that of its time: outward from there, and at last everywhere.
        blocks = -(-size // BLOCK)
        near = min(place // BLOCK, max(0, blocks - 1))
        for block in sorted(range(blocks), key=lambda block: abs(block - near)):
            leaves = await self.log.leaves(block)
            if leaf in leaves:
                return await self._placed(block * BLOCK + leaves.index(leaf), leaf, made)
        raise NotEntered

    async def prove(self, index: int, actor: Actor) -> proving.Proof:
        """The proof of the entry at that place, to the newest checkpoint. Raises `NotEntered`, `NotYetSigned`."""
        placed = await self.entry(index, actor)
        checkpoint = await self.log.checkpoint(least=index + 1)
        if checkpoint is None:
            raise NotYetSigned
        head = await self.log.head()
        assert head is not None
        candidate = await self.candidate(placed.named(placed.entry.id))
        key = await self.salts.opening(candidate) if candidate else None
        return proving.Proof(
            format=proving.FORMAT,
            index=index,
            size=checkpoint.size,
            leaf=placed.leaf,
            path=proving.encoded(await self.log.inclusion(index, checkpoint.size)),
            checkpoint=checkpoint.note,
            verifier_key=verifier_key(head.value.origin, checkpoint.public_key),
            opening=proving.Opening(key=urlsafe_b64encode(key).decode(), content=candidate.content.decode())
            if candidate and key
            else None,
        )

    async def checkpoints(
        self, actor: Actor, after: Cursor | None = None, *, limit: int = PAGE
    ) -> tuple[Sequence[Checkpoint], Cursor | None]:
        """The signed checkpoints, newest first."""
        actor.must_operate()
        return await self.log.checkpoints(after, descending=True, limit=limit)

    async def _placed(self, index: int, leaf: bytes, said: Entry) -> Placed:
        people = {name: person for name in said.pseudonyms if (person := await self.salts.person(name)) is not None}
        return Placed(index=index, entry=said, leaf=leaf.decode(), people=people)

    async def _blinded(self, text: str) -> str | None:
        """What the log calls it: None for a person it never named."""
        found = PERSON.fullmatch(text)
        return await self.salts.named(text) if found else text

    async def _before(self, at: datetime, size: int) -> int:
        """The end of the first block that begins at that time or later: what is older lies below, or close above."""
        low, high = 0, -(-size // BLOCK)
        while low < high:
            middle = (low + high) // 2
            began = await self._began(middle)
            if began is not None and began < at:
                low = middle + 1
            else:
                high = middle
        return min(size, (low + 1) * BLOCK)

    async def _began(self, block: int) -> datetime | None:
        page = await self.log.chunks(block)
        first: Chunk | None = page[0].value if page else None
        return entry(first.leaves[0]).at if first else None


def _fits(said: Entry, wanted: Wanted, by: str, subject: str) -> bool:
    return (
        (not wanted.kind or said.kind == wanted.kind)
        and (not by or by in {said.actor, said.impersonator})
        and (not subject or subject in said.subject or subject in said.id)
        and (wanted.start_at is None or said.at >= wanted.start_at)
        and (wanted.end_at is None or said.at < wanted.end_at)
    )
