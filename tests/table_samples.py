"""Things to keep in a table, and what a contract test asks of the adapter it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Protocol, TypeVar

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.table import Change, ChangesForgotten, Cursor, Index, Key, Page, Put, Row, Stored, Table

S = TypeVar("S", bound=Stored)


class Note(Stored, frozen=True, kw_only=True):
    entity = "note"

    text: str = ""
    count: int = 0


class Letter(Stored, frozen=True, kw_only=True):
    entity = "letter"

    to: str


class Taken(Conflict):
    """That place is taken."""


class Tables(Protocol):
    """An adapter under the contract: empty tables on demand, on the clock that the test moves.

    `fresh` and `close` run on whichever event loop asks; a test may ask for several tables and loops in turn.
    `histories` is how many a stateful test may play in a few seconds.
    """

    clock: VirtualClock
    histories: int

    async def fresh(self) -> Table: ...

    async def forgotten(self, table: Table) -> Cursor:
        """A place in that table's changes after which some are no longer kept; how they are forgotten is its own."""
        ...

    async def close(self) -> None: ...


def note(partition: str, sort: str, text: str = "", **more: object) -> Put:
    """A put of a note there."""
    return Put(key=Key(partition, sort), value=Note(text=text), **more)  # pyright: ignore[reportArgumentType]


async def texts(table: Table, partition: str, **more: object) -> list[str]:
    """The notes of a partition, over all pages."""
    return [row.value.text for row in await everything(table, partition, Note, **more)]


async def everything(table: Table, partition: str, kind: type[S], **more: object) -> list[Row[S]]:
    found: list[Row[S]] = []
    after: Cursor | None = None
    for _ in range(1000):
        page: Page[S] = await table.query(partition, kind, after=after, **more)  # pyright: ignore[reportArgumentType]
        found += page.rows
        if page.next is None:
            return found
        after = page.next
    raise AssertionError("the pages have no end")


async def every_change(table: Table, after: Cursor | None = None, limit: int = 1000) -> list[Change]:
    found: list[Change] = []
    for _ in range(10_000):
        some: Sequence[Change] = await table.changes(after, limit=limit)
        if not some:
            return found
        found += some
        after = some[-1].cursor
    raise AssertionError("the changes have no end")


async def index_shows(table: Table, index: Index, partition: str, right: Callable[[list[Row[Note]]], bool]) -> None:
    """Return once the index shows what is right; an index may lag, but not for ever."""
    rows: list[Row[Note]] = []
    for _ in range(100):
        rows = await everything(table, partition, Note, index=index)
        if right(rows):
            return
        await asyncio.sleep(0)
    raise AssertionError(f"the index still shows {rows}")


class Forgetful:
    """A table that has forgotten the changes at those cursors, and says so to whoever stands at one of them."""

    def __init__(self, table: Table, told: Collection[Cursor]) -> None:
        self._table = table
        self._told = told

    def __getattr__(self, name: str) -> object:
        return getattr(self._table, name)

    async def changes(self, after: Cursor | None, *, limit: int) -> Sequence[Change]:
        if after in self._told:
            raise ChangesForgotten
        return [change for change in await self._table.changes(after, limit=limit) if change.cursor not in self._told]
