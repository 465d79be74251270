"""Things of one status, merged from the partitions they are spread over."""

from __future__ import annotations

from heapq import merge
from itertools import islice
from typing import TypeVar

from ecosystem.contexts.catalogue.keys import status_partitions
from ecosystem.ports.table import Cursor, Index, Page, Row, Stored, Table

S = TypeVar("S", bound=Stored)


async def by_status(table: Table, kind: str, status: str, entity: type[S], *, after: str, limit: int) -> Page[S]:
    """Up to `limit` things after that place, oldest first; `next` is the place to go on from."""
    start = f"{after}\0" if after else None
    parts: list[list[tuple[str, Row[S]]]] = []
    for partition in status_partitions(kind, status):
        page = await table.query(partition, entity, index=Index.STATUS, start=start, limit=min(limit, 1000))
        parts.append([(row.index[Index.STATUS].sort, row) for row in page.rows])
    found = list(islice(merge(*parts, key=lambda placed: placed[0]), limit))
    return Page([row for _, row in found], Cursor(found[-1][0]) if len(found) == limit else None)
