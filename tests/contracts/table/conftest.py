"""The adapters that are held to the table's contract. Another one is a class like these and a line in `ADAPTERS`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.embedded.table_recent import Recent
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.ports.table import Cursor, Table
from table_dynamo import DynamoTables
from table_samples import Tables, every_change, note


class EmbeddedTables:
    """Files below one folder; with a seed, under an adversary that delays indexes and interleaves changes."""

    histories = 60

    def __init__(self, folder: Path, clock: VirtualClock, index_lag: int | None = None) -> None:
        self.clock = clock
        self._folder = folder
        self._index_lag = index_lag
        self._count = 0
        self._open: list[EmbeddedTable] = []

    async def fresh(self) -> Table:
        self._count += 1
        path = self._folder / f"{self._count}.sqlite"
        table = await EmbeddedTable.open(path, self.clock, index_lag=self._index_lag, upkeep=False)
        self._open.append(table)
        return table

    async def forgotten(self, table: Table) -> Cursor:
        assert isinstance(table, EmbeddedTable)
        await table.transact(note("FORGOTTEN", "a"))
        cursor = (await every_change(table))[-1].cursor
        await table.transact(note("FORGOTTEN", "b"))
        self.clock.advance(timedelta(days=8))
        await table.transact(note("FORGOTTEN", "c"))
        await table.prune()
        await table.transact(note("FORGOTTEN", "d"))
        # Only what is not in memory any more is asked of the file.
        table._recent = Recent()
        return cursor

    async def close(self) -> None:
        while self._open:
            await self._open.pop().close()


def embedded(request: pytest.FixtureRequest) -> Tables:
    return EmbeddedTables(request.getfixturevalue("quick_path"), request.getfixturevalue("clock"))


def adversarial(request: pytest.FixtureRequest) -> Tables:
    return EmbeddedTables(request.getfixturevalue("quick_path"), request.getfixturevalue("clock"), index_lag=7)


def dynamo(request: pytest.FixtureRequest) -> Tables:
    return DynamoTables(request.getfixturevalue("dynamo_clients"), request.getfixturevalue("clock"))


# One worker runs what needs the stand-in server, so that it is started once.
ADAPTERS = [embedded, adversarial, pytest.param(dynamo, marks=pytest.mark.xdist_group("amazon"))]


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.__name__)
def tables(request: pytest.FixtureRequest) -> Tables:
    """One adapter, able to make empty tables."""
    return request.param(request)


@pytest.fixture
async def table(tables: Tables) -> AsyncIterator[Table]:
    """An empty table of that adapter."""
    yield await tables.fresh()
    await tables.close()
