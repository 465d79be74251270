"""How a file is built: entries are taken in, in the order of their batches, then composed as the network has it.

Every step may be cut off: what was taken in is in the file, what was not is still waiting, and building goes on with
it. The index finds candidates; the commit expects the entries themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from ecosystem.contexts.ach import keys
from ecosystem.contexts.ach.dishonoring import dishonored
from ecosystem.contexts.ach.entries import Direction, Entries, Entry, EntryState, NotToBeFiled, entry_becomes, filed
from ecosystem.contexts.ach.files import (
    AchFile,
    BatchTotals,
    FileChanging,
    FileEntry,
    FileState,
    Modifiers,
    NoSuchFile,
    Totals,
    begun,
    built,
    file_becomes,
    file_made,
    file_takes,
    left,
    modifier,
    place_of,
    transaction_code,
    withdrawn,
)
from ecosystem.contexts.ach.originator import Originators
from ecosystem.contexts.ach.receivers import NAME_MAX
from ecosystem.contexts.ach.traces import TraceNumbers, trace_number, traced
from ecosystem.contexts.ach.vault import Vault
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.banking import EASTERN, SAME_DAY_CENTS_MAX, Window, eastern_day
from ecosystem.kernel.nacha import BatchDraft, EntryDraft, FileDraft, FileRefused, Reading, composed, written
from ecosystem.kernel.time import local, sortable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Cursor, Index, Put, Row, Stale, Table, Write

ENTRIES_MAX = 20_000
"""What one file takes at most: what is beyond waits for the next window."""
WRITES_MAX = 90
PAGE = 100
SLICE = 200
"""Entries between two turns of the loop."""
ATTEMPTS_MAX = 8

Filing = Callable[[Entry], Awaitable[Sequence[Write]]]
"""What is committed with an entry that is taken into a file: the money's way into clearing."""


class Taken(NamedTuple):
    """An entry on its way into a file: its cents, and what is committed with it."""

    cents: int
    writes: Sequence[Write]


@dataclass(frozen=True, slots=True)
class Building:
    table: Table
    clock: Clock
    entries: Entries
    originators: Originators
    traces: TraceNumbers
    vault: Vault

    async def find(self, file_id: str) -> Row[AchFile] | None:
        return await self.table.get(keys.file(file_id), AchFile)

    async def row(self, file_id: str) -> Row[AchFile]:
        """The file. Raises `NoSuchFile`."""
        row = await self.find(file_id)
        if row is None:
            raise NoSuchFile
        return row

    async def build(self, window: Window, filing: Filing, actor: Actor) -> AchFile | None:
        """The window's file, complete; None when nothing waits for it. Goes on where it was cut off."""
        row = await self.find(window.window_id)
        if row is not None and row.value.state is not FileState.BUILDING:
            return row.value
        if row is None:
            if not await self._candidates(window, 1):
                return None
            row = await self._begun(window, actor)
        try:
            taken = row.value.taken
            while taken < ENTRIES_MAX:
                found = await self._candidates(window, min(ENTRIES_MAX - taken, 2_000))
                filed_now = await self._take_in(
                    row.value, sorted(found, key=lambda each: place_of(each.value)), filing, actor
                )
                if not filed_now:
                    break
                taken += filed_now
        except FileChanging:
            # Somebody else completed it or took it back: what waits still is for the next window.
            return (await self.row(row.value.file_id)).value
        for _ in range(ATTEMPTS_MAX):
            try:
                return await self._completed(row.value.file_id, actor)
            except FileChanging:
                continue  # Somebody else put more into it meanwhile: it is composed again.
        return (await self.row(row.value.file_id)).value

    async def entries_of(self, file_id: str) -> AsyncIterator[FileEntry]:
        """The file's entries, in the order of their trace numbers."""
        after: Cursor | None = None
        for _ in range(ENTRIES_MAX // PAGE + 2):
            page = await self.table.query(
                keys.file_timeline(file_id), FileEntry, prefix=keys.FILE_ENTRY_PREFIX, after=after, limit=PAGE
            )
            for value in page.values:
                yield value
            after = page.next
            if after is None:
                return

    async def content(self, file: AchFile) -> bytes:
        """The file's bytes, as they are given to the bank."""
        return await self.vault.kept(file.content_id)

    async def _begun(self, window: Window, actor: Actor) -> Row[AchFile]:
        for _ in range(ATTEMPTS_MAX):
            at, who = self.clock.now(), await self.originators.current()
            day = await self.table.get(keys.day(who.origin, eastern_day(at).isoformat()), Modifiers)
            sign, taken = modifier(day.value if day else Modifiers(), window.window_id)
            try:
                await self.table.transact(*file_made(begun(window, who, sign, actor, at), day, taken))
            except FileChanging:
                if row := await self.find(window.window_id):
                    return row
                continue
            return await self.row(window.window_id)
        raise FileChanging

    async def _candidates(self, window: Window, limit: int) -> list[Row[Entry]]:
        """Entries that wait for this window, or for one before it that was missed."""
        end, found = f"{sortable(window.cutoff_at)}~", list[str]()
        for shard in range(keys.SHARDS):
            page = await self.table.query(
                keys.waiting(shard), Entry, index=Index.STATUS, end=end, limit=min(limit, 1000)
            )
            found += [value.entry_id for value in page.values]
        rows: list[Row[Entry]] = []
        for start in range(0, min(len(found), limit), PAGE):
            got = await self.table.batch_get([keys.entry(each) for each in found[start : start + PAGE]], Entry)
            rows += [row for row in got if row and self._fits(row.value, window)]
        return rows

    def _fits(self, entry: Entry, window: Window) -> bool:
        is_due = entry.state is EntryState.WAITING and entry.cutoff_at <= window.cutoff_at
        return is_due and (not window.is_same_day or entry.cents <= SAME_DAY_CENTS_MAX)

    async def _take_in(self, file: AchFile, rows: Sequence[Row[Entry]], filing: Filing, actor: Actor) -> int:
        """Give the entries their trace numbers and their places, some in each commit; how many were."""
        if not rows:
            return 0
        numbers = await self.traces.reserve(file.originator.odfi_eight, len(rows))
        count, group = 0, list[Taken]()
        for row, sequence in zip(rows, numbers, strict=True):
            trace = trace_number(file.originator.odfi_eight, sequence)
            after = filed(row.value, file.file_id, trace, file.effective_on, self.clock.now())
            try:
                following = await filing(after)
            except NotToBeFiled:
                continue  # Its trace number is not used; the others go.
            writes = [*_taken_in(row, after, actor), *following]
            if sum(len(each.writes) for each in group) + len(writes) > WRITES_MAX:
                count += await self._committed(file.file_id, group)
                group = []
            group.append(Taken(row.value.cents, writes))
        return count + await self._committed(file.file_id, group)

    async def _committed(self, file_id: str, group: Sequence[Taken]) -> int:
        """Commit the entries together, or one by one when one of them was changed by somebody else.

        Each commit changes the file: nobody completes or withdraws it without these. Raises `FileChanging` when it
        takes in no more.
        """
        if not group:
            return 0
        for _ in range(ATTEMPTS_MAX):
            row = await self.row(file_id)
            if row.value.state is not FileState.BUILDING:
                raise FileChanging
            takes = file_takes(row, len(group), sum(each.cents for each in group), self.clock.now())
            try:
                await self.table.transact(takes, *(write for each in group for write in each.writes))
            except FileChanging:
                continue
            except Stale:
                if len(group) == 1:
                    return 0
                return sum([await self._committed(file_id, [each]) for each in group])
            return len(group)
        raise FileChanging

    async def _completed(self, file_id: str, actor: Actor) -> AchFile:
        row = await self.row(file_id)
        if row.value.state is not FileState.BUILDING:
            return row.value
        if not row.value.taken:
            at = self.clock.now()
            emptied = left(withdrawn(row.value, "Nothing was left to put into it.", actor, at), at)
            await self.table.transact(*file_becomes(row, emptied, actor))
            return emptied
        content, totals, batches = await self._composed(row.value)
        if (totals.entries, totals.debit_cents + totals.credit_cents) != (row.value.taken, row.value.taken_cents):
            raise FileChanging
        after = built(row.value, totals, batches, content, sha256(content).hexdigest(), self.clock.now())
        await self.vault.keep(after.content_id, content)
        await self.table.transact(*file_becomes(row, after, actor))
        return after

    async def _composed(self, file: AchFile) -> tuple[bytes, Totals, list[BatchTotals]]:
        """The bytes of the file, held to the rules of the format as any other file is."""
        places = [place async for place in self.entries_of(file.file_id)]
        batches: dict[tuple[str, str, str, bool], list[FileEntry]] = {}
        for place in places:
            batches.setdefault(place.batch, []).append(place)
        drafts: list[BatchDraft] = []
        sums: list[BatchTotals] = []
        for number, (batch, members) in enumerate(sorted(batches.items()), start=1):
            entry_class, description, direction, is_dishonor = batch
            drafted = await self._drafted(members)
            drafts.append(
                BatchDraft(
                    entry_class=entry_class,
                    service_class="220" if direction == Direction.CREDIT else "225",
                    company_name=file.originator.company_name,
                    company_identification=file.originator.company_identification,
                    description=description,
                    effective_on=file.effective_on,
                    odfi=file.originator.odfi_eight,
                    entries=drafted,
                )
            )
            cents = sum(member.cents for member in members)
            sums.append(
                BatchTotals(
                    number=number,
                    entry_class=entry_class,
                    description=description,
                    direction=Direction(direction),
                    entries=len(members),
                    cents=cents,
                    is_dishonor=is_dishonor,
                )
            )
        draft = FileDraft(
            destination=file.originator.destination,
            origin=file.originator.origin,
            created_at=local(file.built_at, EASTERN),
            modifier=file.modifier,
            destination_name=file.originator.destination_name,
            origin_name=file.originator.origin_name,
            batches=drafts,
        )
        reading, parts = Reading(), list[bytes]()
        # What is written is read again, and refused like anybody else's when it breaks a rule.
        for count, _ in enumerate(reading.items(_kept(written(composed(draft)), parts))):
            if count % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        if reading.faults:
            raise FileRefused(reading.faults)
        content, found = b"".join(parts), reading.sums
        totals = Totals(
            batches=found.batches,
            entries=found.entries,
            addenda=found.addenda,
            debit_cents=found.debit_cents,
            credit_cents=found.credit_cents,
            hash=found.hash,
        )
        return content, totals, sums

    async def _drafted(self, members: Sequence[FileEntry]) -> list[EntryDraft]:
        made: list[EntryDraft] = []
        for start in range(0, len(members), PAGE):
            part = members[start : start + PAGE]
            rows = await self.table.batch_get([keys.entry(member.entry_id) for member in part], Entry)
            for member, row in zip(part, rows, strict=True):
                assert row is not None
                entry = row.value
                said = await self.entries.particulars(entry)
                made.append(
                    EntryDraft(
                        transaction_code=transaction_code(entry),
                        routing_number=said.routing_number,
                        account_number=said.account_number,
                        cents=entry.cents,
                        sequence=int(member.trace_number[8:]),
                        name=said.name[:NAME_MAX],
                        identification=entry.identification[:15],
                        discretionary=_payment_type(entry),
                        addenda=[dishonored(entry, said)] if entry.dishonors else [],
                    )
                )
            await asyncio.sleep(0)
        return made


def _kept(blocks: Iterable[bytes], parts: list[bytes]) -> Iterator[bytes]:
    for block in blocks:
        parts.append(block)
        yield block


def _payment_type(entry: Entry) -> str:
    """WEB entries say whether their authorization is for one payment or for more: `S` or `R` (Appendix Three)."""
    if entry.entry_class != "WEB":
        return ""
    return "R" if entry.authorization is not None and entry.authorization.recurring else "S"


def _taken_in(row: Row[Entry], after: Entry, actor: Actor) -> list[Write]:
    place = FileEntry(
        file_id=after.file_id,
        entry_id=after.entry_id,
        trace_number=after.trace_number,
        entry_class=after.entry_class,
        description=after.description,
        direction=after.direction,
        cents=after.cents,
        is_dishonor=after.dishonors is not None,
    )
    return [
        *entry_becomes(row, after, actor),
        traced(after.trace_number, after.entry_id, after.file_id),
        Put(key=keys.file_entry(after.file_id, after.trace_number), value=place, expected=ABSENT),
    ]
