"""How a file gets to the bank once, and what becomes of its entries after.

That it is being delivered is committed before the bank is touched. Whoever finds a file in that state delivers it
again: the bank's shelf tells by name and hash whether it lies there, so that a crash at any point ends with one file.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ecosystem.contexts.ach import keys
from ecosystem.contexts.ach.building import PAGE, WRITES_MAX, Building
from ecosystem.contexts.ach.entries import Entry, EntryState, came_back, entry_becomes, goes_on, waits_again
from ecosystem.contexts.ach.files import (
    AT_BANK,
    MODIFIERS,
    AchFile,
    BatchShown,
    FileEntry,
    FileState,
    Modifiers,
    acknowledged,
    approved,
    delivered,
    delivering,
    file_becomes,
    gave_back,
    giving_back,
    lapses,
    left,
    withdrawn,
)
from ecosystem.contexts.ach.missing import found_missing, said_missing
from ecosystem.contexts.ach.rates import debits_counted
from ecosystem.contexts.ach.settlement import (
    NoSuchBatch,
    batch_settled,
    batch_settled_without,
    batch_shown,
    is_settled,
    settled,
)
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.refusals import Invalid, Unavailable
from ecosystem.ports.bank import Bank
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Index, Stale, Table, Write

ACTOR = system("ach-processor")
REFUSED = "refused"
NOT_APPROVED = "It was not approved before the bank's deadline."
NOT_IN_TIME = "It was not complete before the bank's deadline."

Following = Callable[[Entry], Awaitable[Sequence[Write]]]
"""What is committed with an entry that goes on."""


class EntriesMoved(Unavailable):
    """Entries of this file changed meanwhile: the same again goes on."""


async def nothing_follows(_: Entry) -> Sequence[Write]:
    return ()


@dataclass(frozen=True, slots=True)
class Delivering:
    table: Table
    clock: Clock
    bank: Bank
    building: Building

    async def approve(self, file_id: str, content_sha256: str, actor: Actor) -> AchFile:
        """Let a file go, as a second person who looked at this very content.

        Raises `NoSuchFile`, `Denied`, `NotAwaitingApproval`, `NeedsSecondPerson`, `OtherContent`, `FileChanging`.
        """
        row = await self.building.row(file_id)
        after = approved(row.value, content_sha256, actor, self.clock.now())
        await self._commit(*file_becomes(row, after, actor))
        return after

    async def withdraw(self, file_id: str, reason: str, actor: Actor) -> AchFile:
        """Take a file back that is not at the bank: its entries wait for the next window.

        Raises `Denied`, `FileGone`, `Invalid`.
        """
        actor.must_operate()
        row = await self.building.row(file_id)
        if row.value.state is not FileState.WITHDRAWN:
            after = withdrawn(row.value, reason, actor, self.clock.now())
            await self._commit(*file_becomes(row, after, actor))
        return await self._wait_again(file_id)

    async def say_missing(self, file_id: str, reason: str, actor: Actor) -> AchFile:
        """Say that the bank does not have a file, for another operator to confirm. Raises what `said_missing` does."""
        row = await self.building.row(file_id)
        after = said_missing(row.value, reason, actor, self.clock.now())
        await self._commit(*file_becomes(row, after, actor))
        return after

    async def confirm_missing(self, file_id: str, actor: Actor) -> AchFile:
        """Confirm as a second person that the bank does not have a file. Raises what `found_missing` does."""
        row = await self.building.row(file_id)
        after = found_missing(row.value, actor, self.clock.now())
        await self._commit(*file_becomes(row, after, actor))
        return after

    async def open_files(self) -> list[AchFile]:
        """Files whose end is not known, oldest first, as the index has them."""
        page = await self.table.query(keys.open_files(), AchFile, index=Index.PROVIDER, limit=1000)
        return page.values

    async def go_on(self, file_id: str) -> AchFile:
        """Whatever a file needs next: to be delivered, to be taken back because it is too late, its entries told.

        Raises `BankSilent`, `BankUnknown`: then it is tried again.
        """
        row = await self.building.row(file_id)
        file = row.value
        if lapses(file, self.clock.now()):
            reason = NOT_APPROVED if file.state is FileState.NEEDS_APPROVAL else NOT_IN_TIME
            return await self.withdraw(file_id, reason, ACTOR)
        if file.state is FileState.WITHDRAWN:
            return await self._wait_again(file_id)
        if file.state is FileState.READY:
            file = delivering(file, self.clock.now())
            await self._commit(*file_becomes(row, file, ACTOR))
        if file.state is FileState.DELIVERING:
            await self.bank.deliver(file.name, await self.building.content(file))
            row = await self.building.row(file_id)
            file = delivered(row.value, self.clock.now())
            await self._commit(*file_becomes(row, file, ACTOR))
        if file.state in {FileState.DELIVERED, FileState.ACKNOWLEDGED}:
            await self.entries_go_on(file, lambda entry: goes_on(entry, EntryState.SENT, self.clock.now()))
        return file

    async def acknowledge(self, file_id: str, reason: str) -> AchFile:
        """What the bank answered: `reason` is empty when it took the file on."""
        row = await self.building.row(file_id)
        after = acknowledged(row.value, reason, self.clock.now())
        await self._commit(*file_becomes(row, after, ACTOR))
        return after

    async def settle_batch(self, file_id: str, number: int) -> AchFile:
        """The bank's statement shows that batch of the file."""
        row = await self.building.row(file_id)
        after = batch_settled(row.value, number, self.clock.now())
        await self._commit(*file_becomes(row, after, ACTOR))
        return after

    async def show_batch(self, file_id: str, shown: BatchShown) -> AchFile:
        """The bank's statement shows that batch of the file at another amount."""
        row = await self.building.row(file_id)
        after = batch_shown(row.value, shown, self.clock.now())
        await self._commit(*file_becomes(row, after, ACTOR))
        return after

    async def settle_without(self, file_id: str, number: int, traces: Sequence[str], actor: Actor) -> AchFile:
        """Decide that a batch settled without the entries of these trace numbers.

        Raises `NoSuchFile`, `Invalid` for a trace number that is not in the batch, and what `batch_settled_without` does.
        """
        actor.must_operate()
        row = await self.building.row(file_id)
        batch = row.value.batch(number)
        if batch is None:
            raise NoSuchBatch
        wanted = set(traces)
        found = [
            place
            async for place in self.building.entries_of(file_id)
            if place.trace_number in wanted and place.batch == batch.kind
        ]
        if unknown := sorted(wanted - {place.trace_number for place in found}):
            raise Invalid(f"No entry of this batch has the trace number {unknown[0][:15]}.", field="traces")
        after = batch_settled_without(row.value, number, found, actor, self.clock.now())
        await self._commit(*file_becomes(row, after, actor))
        return after

    async def settle(self, file_id: str, day: date, following: Following) -> AchFile:
        """All the file's money was seen: each of its entries is settled, with what follows from it.

        Nothing happens while a batch of it was not seen yet, or when it was settled before.
        """
        row = await self.building.row(file_id)
        if not is_settled(row.value) or row.value.state not in AT_BANK:
            return row.value
        await self.entries_go_on(
            row.value, lambda entry: goes_on(entry, EntryState.SETTLED, self.clock.now()), following
        )
        after = settled(row.value, day, self.clock.now())
        await self._commit(*file_becomes(row, after, ACTOR), *debits_counted(after, day))
        return after

    async def by_name(self, name: str) -> AchFile | None:
        """The file that has that name at the bank: `ACH-2026-11-20-1-first-A.ach`."""
        file_id = name.removeprefix("ACH-").rpartition("-")[0]
        row = await self.building.find(file_id) if file_id else None
        return row.value if row and row.value.name == name else None

    async def by_reference(self, reference: str) -> AchFile | None:
        """The file that the bank calls so in its statements: `261120A`."""
        if len(reference) != 7 or reference[6] not in MODIFIERS or not reference[:6].isdigit():
            return None
        origin = (await self.building.originators.current()).origin
        try:
            day = datetime.strptime(reference[:6], "%y%m%d").date()  # noqa: DTZ007 - a date alone
        except ValueError:
            return None
        row = await self.table.get(keys.day(origin, day.isoformat()), Modifiers)
        place = MODIFIERS.index(reference[6])
        if row is None or place >= len(row.value.files):
            return None
        return (await self.building.row(row.value.files[place])).value

    async def give_back(self, file_id: str, actor: Actor) -> AchFile:
        """Decide that the entries of a refused file shall not be sent again: each comes back. Twice has one effect.

        Raises `Denied`, `FileGone` for a file that the bank did not refuse.
        """
        actor.must_operate()
        row = await self.building.row(file_id)
        after = giving_back(row.value, actor, self.clock.now())
        await self._commit(*file_becomes(row, after, actor))
        return after

    async def entries_come_back(self, file: AchFile) -> list[Entry]:
        """The entries of a file whose money is given back, each of which has come back as refused.

        They are all of a file that the bank refused, and of any other those that an operator settled it without.
        """
        left_out = {each.trace_number for each in file.left_out}

        def comes(trace_number: str) -> bool:
            return file.state is FileState.REJECTED or trace_number in left_out

        await self.entries_go_on(
            file,
            lambda entry: came_back(entry, REFUSED, "", self.clock.now()) if comes(entry.trace_number) else entry,
        )
        places = [place.entry_id async for place in self.building.entries_of(file.file_id) if comes(place.trace_number)]
        rows = await self.building.entries.known(places)
        mine = [row.value for row in rows if row and row.value.file_id == file.file_id]
        return [entry for entry in mine if entry.return_code == REFUSED]

    async def gave_back(self, file_id: str) -> AchFile:
        """All the money of the refused file is back."""
        row = await self.building.row(file_id)
        after = gave_back(row.value, self.clock.now())
        await self._commit(*file_becomes(row, after, ACTOR))
        return after

    async def entries_go_on(
        self, file: AchFile, becomes: Callable[[Entry], Entry], following: Following = nothing_follows
    ) -> int:
        """Change each entry of the file that is still in it, some in each commit; how many changed."""
        changed, group, places = 0, list[list[Write]](), list[FileEntry]()
        async for place in self.building.entries_of(file.file_id):
            places.append(place)
            if len(places) == PAGE:
                changed += await self._go_on(file, places, becomes, following, group)
                places = []
        return changed + await self._go_on(file, places, becomes, following, group)

    async def _go_on(
        self,
        file: AchFile,
        places: Sequence[FileEntry],
        becomes: Callable[[Entry], Entry],
        following: Following,
        group: list[list[Write]],
    ) -> int:
        changed = 0
        if not places:
            return 0
        for row in await self.table.batch_get([keys.entry(place.entry_id) for place in places], Entry):
            if row is None or row.value.file_id != file.file_id:
                continue
            after = becomes(row.value)
            if after == row.value:
                continue
            writes = [*entry_becomes(row, after, ACTOR), *await following(after)]
            if sum(len(each) for each in group) + len(writes) > WRITES_MAX:
                await self._committed(group)
                group.clear()
            group.append(writes)
            changed += 1
        await self._committed(group)
        group.clear()
        return changed

    async def _committed(self, group: Sequence[Sequence[Write]]) -> None:
        if not group:
            return
        try:
            await self._commit(*(write for writes in group for write in writes))
        except Stale as stale:
            # One of them changed meanwhile: all are looked at again when the file is.
            raise EntriesMoved from stale

    async def _commit(self, *writes: Write) -> None:
        if writes:
            await self.table.transact(*writes)

    async def _wait_again(self, file_id: str) -> AchFile:
        """Every entry of a withdrawn file waits for the next window; until then the file is found as open."""
        file = (await self.building.row(file_id)).value
        if file.is_left:
            return file
        lead_s = file.originator.lead_s
        await self.entries_go_on(file, lambda entry: waits_again(entry, lead_s, self.clock.now()))
        row = await self.building.row(file_id)
        after = left(row.value, self.clock.now())
        await self._commit(*file_becomes(row, after, ACTOR))
        return after
