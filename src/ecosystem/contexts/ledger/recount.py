"""The totals of summed accounts counted anew from all transfers, when changes were forgotten that nobody had read.

Whatever is made meanwhile is told by a change, before or after the place at which counting begins. Where the two could
be confused, among the latest transfers, those count that were told before it: the others are taken in afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from ecosystem.contexts.ledger.accounts import Account
from ecosystem.contexts.ledger.transfers import Recorded, State, Sums, added, is_summed, recorded
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.table import Cursor, Table, every

LATE = timedelta(minutes=5)
"""A transfer's change is told, and bears a time, this long around its commit at most."""
PAGE = 1000
PAGES_MAX = 1_000_000
COUNTERS = ("credits_pending", "credits_posted", "debits_pending", "debits_posted")


class Recount(Struct, frozen=True, kw_only=True):
    """What the transfers told up to a place add up to, and what the accounts' counters lack of it."""

    cursor: Cursor | None
    transfers: int
    lacking: Mapping[str, Mapping[str, int]]


async def recount(table: Table, at: datetime) -> Recount:
    """Count all transfers, as told up to now, `at`. Nobody else may change the totals of summed accounts meanwhile."""
    told: set[str] = set()
    cursor: Cursor | None = None
    for _ in range(PAGES_MAX):
        changes = await table.changes(cursor, limit=PAGE)
        if not changes:
            break
        told.update(made.transfer_id for change in changes if (made := recorded(change)) and made.at >= at - LATE)
        cursor = changes[-1].cursor
        await asyncio.sleep(0)
    else:
        raise Unavailable("There are more changes than can be read.")
    transfers, sums = 0, Sums()
    async for row in every(table, Recorded):
        made = row.value
        if made.state is State.FAILED or not is_summed(made) or (made.at >= at - LATE and made.transfer_id not in told):
            continue
        transfers += 1
        for name, by in added(made).items():
            counters = sums.setdefault(name, {})
            for counter, amount in by.items():
                counters[counter] = counters.get(counter, 0) + amount
    return Recount(cursor=cursor, transfers=transfers, lacking=await _lacking(table, sums))


async def _lacking(table: Table, sums: Mapping[str, Mapping[str, int]]) -> Mapping[str, Mapping[str, int]]:
    """What the counters of every summed account lack, or have too much of."""
    lacking: dict[str, dict[str, int]] = {}
    async for row in every(table, Account):
        if row.value.is_summed:
            right = sums.get(row.value.account_id, {})
            by = {name: right.get(name, 0) - row.counters.get(name, 0) for name in COUNTERS}
            if any(by.values()):
                lacking[row.value.account_id] = {name: amount for name, amount in by.items() if amount}
    return lacking
