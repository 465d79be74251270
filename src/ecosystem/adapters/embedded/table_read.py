"""Reads of the file: on a connection of their own, they see every acknowledged commit and nothing before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cache, partial
from time import monotonic
from typing import Any, TypeVar

import apsw

from ecosystem.adapters.embedded.table_changes import Position, entries
from ecosystem.adapters.embedded.table_file import refusal, rows, statements
from ecosystem.adapters.embedded.table_item import NUMBERS, Entry, beginning, kept, micros, row
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports import table_codec
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ChangesForgotten, Cursor, Key, Page, Row, Stored
from ecosystem.ports.table_limits import Sought

S = TypeVar("S", bound=Stored)
T = TypeVar("T")

BUSY_RETRY_S = 0.002
BUSY_S_MAX = 2.0
# Change rows and scanned items read in one go: they may be large, and the loop waits meanwhile. Items of other kinds
# are passed over inside SQLite, by how their packed form begins.
CHANGES_STEP = 64
SCAN_STEP = 2_000
SCAN_ITEMS = 500
YIELDS_FROM = 10
"""Full pages of so many rows let others have the loop."""

_GET = "SELECT item, checksum FROM items WHERE pk = ? AND sk = ?"
_AHEAD = "SELECT pk, sk FROM items WHERE (pk, sk) > (?, ?) ORDER BY pk, sk LIMIT 1 OFFSET ?"
_SCAN = """SELECT pk, sk, item, checksum FROM items WHERE (pk, sk) > (?, ?) AND (pk, sk) <= (?, ?)
    AND substr(item, 1, ?) = ? ORDER BY pk, sk LIMIT ?"""
_BEYOND = b""
"""Bytes come after every text in SQLite: beyond all keys."""
_CHANGES = "SELECT seq, body, checksum FROM changes WHERE seq >= ? ORDER BY seq LIMIT ?"


class Reads:
    """Reads on one connection, inline on the event loop: each is short, and always read to its end."""

    def __init__(self, connection: apsw.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._statements = statements(connection)

    async def get(self, key: Key, kind: type[S]) -> Row[S] | None:
        try:
            return self._get(key, kind)
        except apsw.Error:
            return await self._asked(partial(self._get, key, kind))

    async def query(self, sought: Sought, kind: type[S]) -> Page[S]:
        statement, values = _query(sought, micros(self._clock.now()))
        found = await self._asked(partial(self._all, statement, values))
        page = [
            row(Key(pk, sk), kept(packed, checksum, pk, sk).item, kind)
            for pk, sk, packed, checksum, *_ in found[: sought.limit]
        ]
        if len(page) == sought.limit >= YIELDS_FROM:
            # An inline read never yields by itself; whoever reads page after page must not keep the loop.
            await asyncio.sleep(0)
        if len(found) <= sought.limit:
            return Page(page)
        last = found[sought.limit - 1]
        item = None if sought.index is None else Key(last[0], last[1])
        return Page(page, table_codec.cursor(table_codec.Place(last[4], last[5], item)))

    async def scan(self, kind: type[S], after: Cursor | None, limit: int) -> Page[S]:
        place = table_codec.Place("", "") if after is None else table_codec.place(after)
        now, begins = micros(self._clock.now()), beginning(kind.entity)
        page: list[Row[S]] = []
        pk, sk = place.partition, place.sort
        while True:
            end = await self._asked(partial(self._all, _AHEAD, (pk, sk, SCAN_STEP)))
            to = end[0] if end else (_BEYOND, _BEYOND)
            found = await self._asked(partial(self._all, _SCAN, (pk, sk, *to, len(begins), begins, SCAN_ITEMS)))
            for pk, sk, packed, checksum in found:
                item = kept(packed, checksum, pk, sk).item
                if item.expires is None or item.expires > now:
                    page.append(row(Key(pk, sk), item, kind))
                if len(page) == limit:
                    return Page(page, table_codec.cursor(table_codec.Place(pk, sk)))
            if len(found) < SCAN_ITEMS:
                if not end:
                    return Page(page)
                pk, sk = to
            await asyncio.sleep(0)

    async def changes(self, after: Position, limit: int) -> list[tuple[Position, Entry]]:
        """The parts of transactions after that position, in the order they were committed.

        Numbers have no gaps, and the newest row always stays: where the row of a position is gone, others may be. Raises
        `ChangesForgotten` then, also for a position that this file has not reached, as before a backup was restored.
        """
        found: list[tuple[Position, Entry]] = []
        seq = after.seq
        while len(found) < limit:
            step = await self._asked(partial(rows, self._connection, _CHANGES, (seq, CHANGES_STEP)))
            if seq and (not step or step[0][0] != seq) and (seq == after.seq or step):
                if found:
                    break  # The next call is told.
                raise ChangesForgotten
            for number, body, checksum in step:
                positions = ((Position(number, at), entry) for at, entry in enumerate(entries(number, body, checksum)))
                found += [(position, entry) for position, entry in positions if position > after]
            if len(step) < CHANGES_STEP:
                break
            seq = step[-1][0] + 1
            await asyncio.sleep(0)
        return found[:limit]

    def version(self) -> int:
        """A number that differs when another connection has committed."""
        # The pragma looks at the file; the connection's own notion is as old as its last read.
        version: int = rows(self._connection, "PRAGMA data_version")[0][0]
        return version

    def close(self) -> None:
        self._connection.close()

    def _get(self, key: Key, kind: type[S]) -> Row[S] | None:
        found = self._statements.execute(_GET, (key.partition, key.sort)).get
        if found is None:
            return None
        packed, checksum = found
        item = kept(packed, checksum, key.partition, key.sort).item
        if item.expires is not None and item.expires <= micros(self._clock.now()):
            return None
        return row(key, item, kind)

    def _all(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        # Always to the end: see `rows`.
        return self._statements.execute(statement, values).fetchall()

    async def _asked(self, read: Callable[[], T]) -> T:
        """The answer of a read; asked again, without holding up the loop, while the file is busy."""
        end: float | None = None
        while True:
            try:
                return read()
            except apsw.BusyError as busy:
                end = end or monotonic() + BUSY_S_MAX
                if monotonic() > end:
                    raise Unavailable("The table's file is held by another program.") from busy
            except apsw.Error as failed:
                raise refusal(failed) from failed
            await asyncio.sleep(BUSY_RETRY_S)


def _query(sought: Sought, now: int) -> tuple[str, list[Any]]:
    """The statement of a query, and its values."""
    values: list[Any] = [sought.partition, sought.low]
    if sought.index is not None:
        values.insert(0, NUMBERS[sought.index])
    if sought.high is not None:
        values.append(sought.high)
    after = sought.after
    if after is not None:
        values.append(after.sort)
        if after.item is not None:
            values += [after.item.partition, after.item.sort]
    statement = _statement(
        in_index=sought.index is not None,
        bounded=sought.high is not None,
        place=0 if after is None else 1 if after.item is None else 3,
        descending=sought.descending,
    )
    return statement, [*values, now, sought.limit + 1]


@cache
def _statement(*, in_index: bool, bounded: bool, place: int, descending: bool) -> str:
    """The statement of a query; `place` is how many values the place has that it goes on after."""
    if in_index:
        source = "indexed g CROSS JOIN items i ON i.pk = g.item_pk AND i.sk = g.item_sk"
        at, order, where = "g", ["g.sk", "g.item_pk", "g.item_sk"], ["g.idx = ?", "g.pk = ?"]
    else:
        source, at, order, where = "items i", "i", ["i.sk"], ["i.pk = ?"]
    where.append(f"{at}.sk >= ?")
    if bounded:
        where.append(f"{at}.sk < ?")
    if place:
        where.append(f"({', '.join(order)}) {'<' if descending else '>'} ({', '.join('?' * place)})")
    where.append("(i.expires IS NULL OR i.expires > ?)")
    way = " DESC" if descending else ""
    return (
        f"SELECT i.pk, i.sk, i.item, i.checksum, {at}.pk, {at}.sk FROM {source} WHERE {' AND '.join(where)}"  # noqa: S608 — constants
        f" ORDER BY {', '.join(name + way for name in order)} LIMIT ?"
    )
