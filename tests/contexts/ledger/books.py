"""What the ledger's tests share: a real table whose every call lets others go first, and a ledger on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.ledger import Account, AccountFlag, Ledger, Transfer, chart
from ecosystem.ports.table import Change, Cursor, Table

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Yielding:
    """The table, with a turn of the loop before each call, so that tasks interleave between load and commit."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    async def batch_get(self, *arguments: Any, **named: Any) -> Any:
        await asyncio.sleep(0)
        return await self._table.batch_get(*arguments, **named)

    async def transact(self, *writes: Any, token: str | None = None) -> None:
        await asyncio.sleep(0)
        await self._table.transact(*writes, token=token)

    async def changes(self, after: Cursor | None, *, limit: int = 1000) -> Sequence[Change]:
        await asyncio.sleep(0)
        return await self._table.changes(after, limit=limit)


@asynccontextmanager
async def a_ledger() -> AsyncIterator[Ledger]:
    """A ledger with the product's chart, on an embedded table of its own."""
    clock = VirtualClock(NOON)
    with TemporaryDirectory() as folder:
        table = await EmbeddedTable.open(Path(folder) / "table.sqlite", clock)
        try:
            yield Ledger(Yielding(table), clock, chart.account)
        finally:
            await table.close()


def account(name: str, flags: int = 0) -> Account:
    return Account(account_id=name, ledger="EUR", code=1, flags=flags)


def move(name: str, debit: str, credit: str, amount: int, flags: int = 0, *, reference: str = "") -> Transfer:
    return Transfer(
        transfer_id=name,
        debit_account_id=debit,
        credit_account_id=credit,
        amount=amount,
        ledger="EUR",
        code=1,
        flags=flags,
        reference=reference,
    )


def settle(name: str, pending: str, amount: int, flags: int) -> Transfer:
    return Transfer(transfer_id=name, pending_id=pending, amount=amount, flags=flags)


BOUNDED = AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS
CAPPED = AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS
