"""What operators see of the clearing house. Whoever else asks is refused here, whatever page or command asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from ecosystem.contexts.ach import keys
from ecosystem.contexts.ach.building import Building
from ecosystem.contexts.ach.entries import Entries, Entry
from ecosystem.contexts.ach.files import AchFile, FileEntry
from ecosystem.contexts.ach.inbound import Inbound
from ecosystem.contexts.ach.originator import Originator, Originators
from ecosystem.contexts.ach.rates import ReturnRates, Standing
from ecosystem.contexts.ach.returns import AchException, Change, Return
from ecosystem.kernel.actor import Actor
from ecosystem.ports.table import Cursor, Index, Page, Table


class Placed(Struct, frozen=True, kw_only=True):
    """An entry at its place in a file. Its particulars stay encrypted."""

    place: FileEntry
    entry: Entry


@dataclass(frozen=True, slots=True)
class Overview:
    table: Table
    building: Building
    known: Entries
    originators: Originators
    return_rates: ReturnRates

    async def originator(self, actor: Actor) -> Originator | None:
        """Who we are to the bank; None until somebody said so. Raises `Denied`."""
        actor.must_operate()
        row = await self.originators.find()
        return row.value if row else None

    async def rates(self, actor: Actor) -> Sequence[Standing]:
        """Each return rate as it stands today. Raises `Denied`."""
        actor.must_operate()
        return await self.return_rates.standing()

    async def file(self, file_id: str, actor: Actor) -> AchFile:
        """One file. Raises `Denied`, `NoSuchFile`."""
        actor.must_operate()
        return (await self.building.row(file_id)).value

    async def entries(self, file_id: str, actor: Actor, *, limit: int = 100) -> list[Placed]:
        """The first entries of a file. Raises `Denied`."""
        actor.must_operate()
        places: list[FileEntry] = []
        async for place in self.building.entries_of(file_id):
            if len(places) == limit:
                break
            places.append(place)
        rows = await self.known.known([place.entry_id for place in places])
        return [Placed(place=place, entry=row.value) for place, row in zip(places, rows, strict=True) if row]

    async def files(self, actor: Actor, *, after: Cursor | None = None, limit: int = 25) -> Page[AchFile]:
        """Every file, the newest first. Raises `Denied`."""
        actor.must_operate()
        return await self.table.query(
            keys.files(), AchFile, index=Index.STATUS, after=after, descending=True, limit=limit
        )

    async def inbound(self, actor: Actor, *, after: Cursor | None = None, limit: int = 50) -> Page[Inbound]:
        """Every file of the bank, the newest first. Raises `Denied`."""
        actor.must_operate()
        return await self.table.query(
            keys.inbounds(), Inbound, index=Index.STATUS, after=after, descending=True, limit=limit
        )

    async def returns(self, actor: Actor, *, after: Cursor | None = None, limit: int = 50) -> Page[Return]:
        """Every return, the newest first. Raises `Denied`."""
        actor.must_operate()
        return await self.table.query(
            keys.returns(), Return, index=Index.STATUS, after=after, descending=True, limit=limit
        )

    async def changes(self, actor: Actor, *, after: Cursor | None = None, limit: int = 50) -> Page[Change]:
        """Every notification of change, the newest first. Raises `Denied`."""
        actor.must_operate()
        return await self.table.query(
            keys.changes(), Change, index=Index.STATUS, after=after, descending=True, limit=limit
        )

    async def exceptions(
        self, actor: Actor, *, is_open: bool = True, after: Cursor | None = None, limit: int = 50
    ) -> Page[AchException]:
        """Exceptions, the newest first. Raises `Denied`."""
        actor.must_operate()
        where = keys.exceptions(is_open=is_open)
        return await self.table.query(
            where, AchException, index=Index.STATUS, after=after, descending=True, limit=limit
        )
