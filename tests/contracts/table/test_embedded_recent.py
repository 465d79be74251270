"""What the embedded table remembers of its changes is what its file says of them, from any place on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ecosystem.adapters.embedded import table_recent
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.ports.table import ABSENT, Add, Delete, Key, Stale
from table_samples import every_change, note


async def _written(table: EmbeddedTable) -> None:
    """Transactions of all kinds, some of them refused, many in one commit."""
    await asyncio.gather(
        *(
            table.transact(note("P", f"{number % 7}", f"text {number}" * number), note("Q", f"{number}", "x"))
            for number in range(30)
        ),
        *(table.transact(Add(key=Key("P", "1"), by={"seen": number})) for number in range(1, 5)),
    )
    with pytest.raises(Stale):
        await table.transact(note("P", "1", expected=ABSENT))
    await table.transact(Delete(key=Key("P", "3")), note("R", "a"))


@pytest.mark.parametrize("kept", [1, 4, 1024])
async def test_followers_are_told_the_same_from_memory_and_from_the_file(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(table_recent, "TRANSACTIONS_MAX", kept)
    table = await EmbeddedTable.open(tmp_path / "table.sqlite", clock)
    beside = await EmbeddedTable.read_only(tmp_path / "table.sqlite", clock)
    await _written(table)

    everything = await every_change(beside)

    assert await every_change(table) == everything
    for limit in (1, 7, 1000):
        for place in range(0, len(everything), 5):
            after = everything[place].cursor
            assert list(await table.changes(after, limit=limit)) == list(await beside.changes(after, limit=limit))
    assert await table.changes(everything[-1].cursor) == []
    await beside.close()
    await table.close()


async def test_what_is_remembered_has_a_bound_in_bytes(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_recent, "BYTES_MAX", 10)
    table = await EmbeddedTable.open(tmp_path / "table.sqlite", clock)
    await _written(table)

    assert len(await every_change(table)) == 30 * 2 + 4 + 2
    await table.close()
