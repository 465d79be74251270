"""What every test may ask for: a clock that stands still, repeatable randomness, a table, a stand-in for the cloud."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.ports.table import Table

if TYPE_CHECKING:
    from ecosystem.adapters.aws.table import Clients
    from ecosystem.adapters.outside.amazon import Account

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse any socket that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(
            ("127.", "::1", "localhost")
        ):
            raise PermissionError(f"tests stay on loopback, not {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOON)


@pytest.fixture
def entropy() -> SeededEntropy:
    return SeededEntropy(1)


@pytest.fixture
def quick_path(tmp_path: Path) -> Iterator[Path]:
    """A folder where a sync costs nothing, if the machine has one: for what is not about the disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory, prefix="ecosystem-test-") as name:
        yield Path(name)


@pytest.fixture
async def table(quick_path: Path, clock: VirtualClock) -> AsyncIterator[Table]:
    opened = await EmbeddedTable.open(quick_path / "table.sqlite", clock)
    yield opened
    await opened.close()


# Imported where they are asked for: the vendor's package takes a third of a second, and few tests need it.


@pytest.fixture(scope="session")
def amazon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A stand-in for Amazon on loopback, started once. Tests that ask for it are of the xdist group `amazon`."""
    from ministack_server import serving

    with serving(tmp_path_factory.mktemp("ministack")) as account:
        yield account


@pytest.fixture(scope="session")
def dynamo_clients(amazon: Account) -> Iterator[Clients]:
    """Clients for `table_dynamo.DynamoTables`."""
    from table_dynamo import clients

    with clients(amazon) as made:
        yield made
