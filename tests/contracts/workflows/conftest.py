"""Tables that executions live in: the embedded one, the same with lagging indexes, and the cloud's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.ports.workflows import Definition
from workflow_samples import World

TABLES = ["embedded", "adversarial", pytest.param("dynamo", marks=pytest.mark.xdist_group("amazon"))]


@pytest.fixture(params=TABLES)
async def world(
    request: pytest.FixtureRequest, quick_path: Path, clock: VirtualClock
) -> AsyncIterator[Callable[..., World]]:
    """Makes a world with these machines over an empty table."""
    if request.param == "dynamo":
        from table_dynamo import DynamoTables

        tables = DynamoTables(request.getfixturevalue("dynamo_clients"), clock)
        table, close = await tables.fresh(), tables.close
    else:
        lag = 7 if request.param == "adversarial" else None
        table = await EmbeddedTable.open(quick_path / "table.sqlite", clock, index_lag=lag, upkeep=False)
        close = table.close

    def made(*definitions: Definition) -> World:
        return World(table, clock, definitions)

    yield made
    await close()
