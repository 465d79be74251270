"""Holding every item to its leaf, and every leaf to its item."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from ecosystem.contexts.audit.entries import Candidate, Entry, entry, persons
from ecosystem.contexts.audit.erasures import Opened, outline
from ecosystem.contexts.audit.findings import Findings, Wrong
from ecosystem.contexts.audit.keys import BLOCK
from ecosystem.contexts.audit.log import Head, LogReader
from ecosystem.contexts.audit.merkle import leaf_hash
from ecosystem.contexts.audit.salts import OF_THE_LOG, Salts
from ecosystem.contexts.audit.sequencer import LATE, Everything
from ecosystem.kernel.refusals import Refusal

UNREADABLE = (Refusal, msgspec.MsgspecError, ValueError)
"""What reading a stored thing raises that is not what was written."""


@dataclass(slots=True)
class Matching:
    """One round of it. `places` says where each leaf stands, `erasures` where that of each erased pseudonym does."""

    log: LogReader
    salts: Salts
    head: Head | None
    places: Mapping[bytes, int]
    erasures: Mapping[str, int]
    at: datetime
    findings: Findings
    tell: Callable[[str, int], None]
    items: int = 0
    erased: int = 0
    waiting: int = 0
    gone: int = 0
    _left: dict[bytes, int] = field(default_factory=dict[bytes, int], init=False)

    async def match(self, everything: Everything) -> None:
        """Read every item, and name those that have no leaf, and the leaves that have none."""
        known = await self.salts.known([OF_THE_LOG], make=False)
        if self.head is not None and self.head.size and not known:
            self.findings.add(Wrong.SALT, "salt", "the log's own salt is gone: no item can be held to its entry")
            return
        self._left = dict(self.places)
        unmatched = await self._unmatched(everything)
        self.tell("items", self.items)
        if unmatched:
            await self._judge(await self._not_erased(unmatched))
        await self._judge_leaves()

    async def _unmatched(self, everything: Everything) -> list[tuple[Candidate, Entry | None]]:
        """The items that are not what any leaf says, each with the entry that it would make now."""
        found: list[tuple[Candidate, Entry | None]] = []
        try:
            async for candidate in everything():
                self.items += 1
                if self.items % 4096 == 0:
                    self.tell("items", self.items)
                    await asyncio.sleep(0)
                said = await self.salts.entry(candidate)
                if said is None or self._left.pop(leaf_hash(said.encoded()), None) is None:
                    found.append((candidate, said))
        except UNREADABLE as unread:
            self.findings.add(Wrong.ITEMS, "items", f"an item cannot be read: {unread}")
        return found

    async def _not_erased(
        self, unmatched: list[tuple[Candidate, Entry | None]]
    ) -> list[tuple[Candidate, Entry | None, str]]:
        """Those that stand for no entry which an erasure opened up, each with why it has no entry, if it should not."""
        opened = await self._opened()
        found: list[tuple[Candidate, Entry | None, str]] = []
        for candidate, said in unmatched:
            erased = await self.salts.erased(candidate)
            hashed = None
            if erased:
                known = await self.salts.known(persons(candidate), make=False)
                hashed = opened.take(candidate, erased, {person: each.name for person, each in known.items()})
            if hashed is not None:
                del self._left[hashed]
                self.erased += 1
                continue
            why = "names somebody who was erased, and no entry from before that says so much of it" if erased else ""
            found.append((candidate, said, why))
        return found

    async def _opened(self) -> Opened:
        """The leaves without an item that an erasure after them opened up."""
        opened = Opened()
        if self.erasures:
            for hashed, place in self._left.items():
                try:
                    said = outline(entry(await self.log.leaf(place)), place, self.erasures)
                except UNREADABLE:
                    continue
                if said is not None:
                    opened.add(said, place, hashed)
        return opened

    async def _judge(self, unmatched: list[tuple[Candidate, Entry | None, str]]) -> None:
        """Name what items without their leaf are: changed, not entered, or to be entered yet."""
        if not unmatched:
            return
        leaves = await self._ids()
        since = await self._since()
        for candidate, said, why in unmatched:
            place = leaves.get(said.id) if said else None
            if place is not None:
                self._left.pop(place[0], None)
                self.findings.add(Wrong.ITEM_CHANGED, candidate.item_id, "it is not what was entered", place[1])
            elif candidate.at >= self.at - LATE or (said is not None and leaf_hash(said.encoded()) in since):
                self.waiting += 1
            elif said is None and not why:
                gone = "the salt of somebody it names is gone, and was never erased"
                self.findings.add(Wrong.SALT, candidate.item_id, gone)
            else:
                missing = why or "has no entry"
                self.findings.add(Wrong.NOT_ENTERED, candidate.item_id, f"of {candidate.at.isoformat()} {missing}")

    async def _judge_leaves(self) -> None:
        """Leaves whose item was not found: lawful only where an erasure after them opened them up."""
        for place in sorted(self._left.values()):
            try:
                said = entry(await self.log.leaf(place))
            except UNREADABLE:
                continue
            if outline(said, place, self.erasures) is None:
                self.findings.add(Wrong.ITEM_MISSING, said.id, "what was entered is not there", place)
            else:
                self.gone += 1

    async def _ids(self) -> dict[str, tuple[bytes, int]]:
        found: dict[str, tuple[bytes, int]] = {}
        for hashed, place in self._left.items():
            try:
                found[entry(await self.log.leaf(place)).id] = (hashed, place)
            except UNREADABLE:
                continue
        return found

    async def _since(self) -> set[bytes]:
        """The hashes of what was entered since the head was read."""
        former, size = self.head.size if self.head else 0, await self.log.size()
        found: set[bytes] = set()
        for block in range(former // BLOCK, -(-size // BLOCK)):
            found.update(map(leaf_hash, await self.log.leaves(block)))
        return found
