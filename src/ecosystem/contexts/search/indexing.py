"""Keeps the index true to what is on offer: by following the changes, by building it anew, and by looking for drift."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from msgspec import Struct

from ecosystem.ports.clock import Clock
from ecosystem.ports.search import Document, IndexDamaged, Listed, Removal, Search, digest
from ecosystem.ports.table import Change, ChangesForgotten, Cursor, Table

log = logging.getLogger(__name__)
BATCH = 200
# Changes are kept for a week; an index that slept longer may have missed some and is built anew.
SLEPT_MAX = timedelta(days=6)
# A place moved without entries need not be kept at once: reading those changes again is free of effects.
UNKEPT_MAX = 20_000
UNKEPT_FOR = timedelta(hours=1)
TOGETHER = 500
BESIDE = 100
"""Entries of a step while pages are served by the same process."""
LISTED = 1000

Entry = Document | Removal


class Source(Protocol):
    """Where documents come from. Its answers are current, and their versions never go back."""

    def touched(self, change: Change) -> tuple[str, str | None] | None:
        """Whom a change concerns: a provider, or one service of theirs; None for anything else."""
        ...

    async def entries(self, provider_id: str, service_id: str | None = None) -> Sequence[Entry]:
        """How the services of a provider, or one of them, stand now."""
        ...

    async def entry(self, service_id: str) -> Entry:
        """How one service stands now."""
        ...

    def everything(self) -> AsyncIterator[Sequence[Entry]]:
        """How all services stand, in pages."""
        ...


class Place(Struct, frozen=True, kw_only=True):
    """How far the index has come in the changes, and when that was. No cursor: it was built, but has followed none."""

    cursor: Cursor | None
    at: datetime


class Rebuilt(Struct, frozen=True, kw_only=True):
    """What a rebuild found on offer, and how many entries of the index it had to change."""

    documents: int
    changed: int


class Drift(Struct, frozen=True, kw_only=True):
    """Where index and catalogue differ, as ids of services. `on_offer` counts what should be found."""

    on_offer: int
    missing: tuple[str, ...]
    outdated: tuple[str, ...]
    superfluous: tuple[str, ...]

    @property
    def none(self) -> bool:
        return not (self.missing or self.outdated or self.superfluous)


@dataclass(slots=True)
class Indexer:
    """Follows the table's changes into the index. One indexer follows at a time; rebuilds and checks may go beside it."""

    table: Table
    index: Search
    source: Source
    clock: Clock
    place: Place | None = None
    unkept: int = field(default=0, init=False)

    async def run(self) -> None:
        """Keep the index up to date until cancelled."""
        while True:
            try:
                if not await self.follow():
                    await self.table.changed()
            except IndexDamaged:
                log.exception("the search index is damaged; it is built anew")
                await self.index.clear()
                self.place = None

    async def catch_up(self, steps_max: int = 100_000) -> int:
        """Follow until there is nothing newer; how many changes there were."""
        total = 0
        for _ in range(steps_max):
            followed = await self.follow()
            total += followed
            if not followed:
                break
        return total

    async def follow(self, limit: int = BATCH) -> int:
        """Take in the next changes; how many there were. An index that is new, or slept too long, is built first."""
        place = self.place or await self._begun()
        try:
            changes = await self.table.changes(place.cursor, limit=limit)
        except ChangesForgotten:
            return await self._missed()
        if changes:
            await self.step(changes)
        elif self.clock.now() - place.at > UNKEPT_FOR:
            await self._move(Place(cursor=place.cursor, at=self.clock.now()), [])
        return len(changes)

    async def step(self, changes: Sequence[Change]) -> int:
        """Take these changes in, with their place in the same commit; how many entries made a difference.

        Entries are read as they stand now, so that changes may come twice, and those of different items in any order.
        """
        entries = await self._entries(changes)
        self.unkept += len(changes)
        moved = Place(cursor=changes[-1].cursor, at=self.clock.now()) if changes else self.place
        if not entries and self.unkept < UNKEPT_MAX:
            self.place = moved
            return 0
        return await self._move(moved, entries)

    async def rebuild(self, progress: Callable[[int], None] = lambda _: None) -> Rebuilt:
        """Make the index true to everything on offer, in place, while it goes on being searched and followed."""
        so_far = Rebuilt(documents=0, changed=0)
        async for so_far in self.steps(TOGETHER):
            progress(so_far.documents)
        return so_far

    async def steps(self, together: int) -> AsyncIterator[Rebuilt]:
        """The same in steps of so many entries, telling after each how far it is; at last, what was done.

        Small steps let others in: reading, and writing the index, share the interpreter with the pages.
        """
        seen: set[str] = set()
        documents = changed = 0
        batch: list[Entry] = []
        async for page in self.source.everything():
            batch += page
            if len(batch) >= together:
                documents, changed = documents + _on_offer(batch), changed + await self._true_to(batch, seen)
                batch = []
                yield Rebuilt(documents=documents, changed=changed)
            await asyncio.sleep(0)
        documents, changed = documents + _on_offer(batch), changed + await self._true_to(batch, seen)
        async for listed in self._listed(together):
            strays = [one.service_id for one in listed if one.service_id not in seen]
            changed += await self._true_to([await self.source.entry(stray) for stray in strays], seen)
        yield Rebuilt(documents=documents, changed=changed)

    async def build_anew(self, progress: Callable[[int], None] = lambda _: None) -> Rebuilt:
        """Forget the index, and make it from everything on offer: when nobody serves it, as after a restored backup."""
        await self.index.clear()
        rebuilt = await self.rebuild(progress)
        await self._move(Place(cursor=None, at=self.clock.now()), [])
        return rebuilt

    async def check(self) -> Drift:
        """Compare the index with everything on offer. What differs is looked at twice, as the index may lag a little."""
        on_offer = 0
        doubtful: list[str] = []
        seen: set[str] = set()
        async for page in self.source.everything():
            held = await self.index.held([entry.service_id for entry in page])
            doubtful += [entry.service_id for entry in page if _differs(entry, held.get(entry.service_id))]
            seen.update(entry.service_id for entry in page)
            on_offer += _on_offer(page)
            await asyncio.sleep(0)
        async for listed in self._listed(LISTED):
            doubtful += [one.service_id for one in listed if one.service_id not in seen]
        missing: list[str] = []
        outdated: list[str] = []
        superfluous: list[str] = []
        for service_id in dict.fromkeys(doubtful):
            held = (await self.index.held([service_id])).get(service_id)
            entry = await self.source.entry(service_id)
            if _differs(entry, held):
                kind = superfluous if isinstance(entry, Removal) else outdated if held else missing
                kind.append(service_id)
        return Drift(
            on_offer=on_offer, missing=tuple(missing), outdated=tuple(outdated), superfluous=tuple(superfluous)
        )

    async def _missed(self) -> int:
        """Build the index anew from what is on offer, and go on from the oldest change that is kept."""
        rebuilt = await self.rebuild()
        log.warning("changes were forgotten before they were read; the search index was rebuilt")
        await self._move(Place(cursor=None, at=self.clock.now()), [])
        return max(1, rebuilt.changed)

    async def _begun(self) -> Place:
        kept = await self.index.checkpoint()
        place = msgspec.json.decode(kept, type=Place) if kept else None
        if place is None or self.clock.now() - place.at > SLEPT_MAX:
            rebuilt = await self.rebuild()
            log.info("built the search index", extra={"documents": rebuilt.documents})
            place = Place(cursor=place.cursor if place else None, at=self.clock.now())
            await self._move(place, [])
        self.place = place
        return place

    async def _move(self, place: Place | None, entries: Sequence[Entry]) -> int:
        kept = msgspec.json.encode(place).decode() if place else None
        made = await self.index.apply(entries, checkpoint=kept)
        self.place, self.unkept = place, 0
        return made

    async def _entries(self, changes: Iterable[Change]) -> list[Entry]:
        """How everything stands that the changes concern, each service once."""
        concerned = dict.fromkeys(who for change in changes if (who := self.source.touched(change)))
        whole = {provider_id for provider_id, service_id in concerned if service_id is None}
        entries: list[Entry] = []
        for provider_id, service_id in concerned:
            if service_id is None or provider_id not in whole:
                entries += await self.source.entries(provider_id, service_id)
        return entries

    async def _true_to(self, entries: Sequence[Entry], seen: set[str]) -> int:
        """Apply entries; those that the index is ahead of, as after a backup was restored, are read again and forced.

        The index cannot be rightly ahead of what is read after it.
        """
        seen.update(entry.service_id for entry in entries)
        changed = await self.index.apply(entries)
        held = await self.index.held([entry.service_id for entry in entries])
        ahead = [
            entry for entry in entries if entry.service_id in held and held[entry.service_id].version > entry.version
        ]
        again = [await self.source.entry(entry.service_id) for entry in ahead]
        forced = [entry for entry in again if held[entry.service_id].version > entry.version]
        return changed + (await self.index.apply(forced, force=True) if forced else 0)

    async def _listed(self, limit: int) -> AsyncIterator[Sequence[Listed]]:
        after = ""
        while page := await self.index.listed(after=after, limit=limit):
            yield page
            after = page[-1].service_id


def _on_offer(entries: Iterable[Entry]) -> int:
    return sum(isinstance(entry, Document) for entry in entries)


def _differs(entry: Entry, held: Listed | None) -> bool:
    if isinstance(entry, Removal):
        return held is not None
    return held is None or held.digest != digest(entry)
