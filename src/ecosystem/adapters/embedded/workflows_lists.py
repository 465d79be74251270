"""Lists of executions, newest first, merged from the parts of the indexes that they are spread over."""

from __future__ import annotations

from datetime import datetime
from heapq import merge
from itertools import islice

from ecosystem.adapters.embedded.workflows_items import Head, by_machine, by_status, shown
from ecosystem.kernel.time import sortable
from ecosystem.ports.table import Cursor, Index, Row, Table, Unfit
from ecosystem.ports.workflows import Executions, ExecutionStatus

PAGE_MAX = 1000


async def executions(
    table: Table,
    *,
    machine: str | None,
    status: ExecutionStatus | None,
    before: datetime | None,
    after: Cursor | None,
    limit: int,
) -> Executions:
    """Executions of that machine and status; `after` is the place in the lists of the last one seen."""
    if not 1 <= limit <= PAGE_MAX:
        raise Unfit(f"A page has 1 to {PAGE_MAX} executions, not {limit}.", field="limit")
    index = Index.STATUS if machine is None else Index.CUSTOMER
    # A place begins with the instant at which its execution began.
    end = min((place for place in (str(after or ""), sortable(before) if before else "") if place), default=None)
    parts: list[list[tuple[str, Row[Head]]]] = []
    for each in [status] if status else list(ExecutionStatus):
        partition = by_status(each) if machine is None else by_machine(machine, each)
        page = await table.query(partition, Head, index=index, end=end, descending=True, limit=limit)
        parts.append([(row.index[index].sort, row) for row in page.rows])
    found = list(islice(merge(*parts, key=lambda placed: placed[0], reverse=True), limit))
    return Executions(
        executions=[shown(row.value) for _, row in found],
        next=Cursor(found[-1][0]) if len(found) == limit else None,
    )
