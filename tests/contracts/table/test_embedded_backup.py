"""Backups of the embedded table: made while it is written, verified, put back with care."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from ecosystem.adapters.embedded.backup import Inventory, Progress, WouldOverwrite, backup, restore, verify
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.embedded.table_file import TableHeld
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.ports.table import Add, Counter, Index, Key, TableDamaged, Unfit
from table_samples import Note, every_change, note, texts


async def _filled(path: Path, clock: VirtualClock) -> EmbeddedTable:
    table = await EmbeddedTable.open(path, clock, upkeep=False)
    for start in range(0, 400, 50):
        await table.transact(
            *(
                note("P", f"{at:04}", "x" * 500, index={Index.STATUS: Key("open", f"{at:04}")}, counters={"n": at})
                for at in range(start, start + 50)
            )
        )
    return table


async def test_a_backup_put_back_has_everything(tmp_path: Path, clock: VirtualClock) -> None:
    table = await _filled(tmp_path / "table.sqlite", clock)
    copied = await backup(tmp_path / "table.sqlite", tmp_path / "copies" / "one.backup")
    await table.transact(note("P", "later"))
    changes = len(await every_change(table))
    await table.close()

    await restore(tmp_path / "copies" / "one.backup", tmp_path / "other.sqlite")

    assert copied.inventory.items == {"note": 400}
    assert copied.inventory.index_entries == 400
    again = await EmbeddedTable.open(tmp_path / "other.sqlite", clock)
    assert len(await texts(again, "P")) == 400
    assert len(await texts(again, "open", index=Index.STATUS)) == 400
    assert len(await every_change(again)) == changes - 1
    await again.transact(note("P", "goes on"))
    await again.close()


async def test_a_backup_is_of_one_instant_while_others_write(tmp_path: Path, clock: VirtualClock) -> None:
    table = await _filled(tmp_path / "table.sqlite", clock)
    writing = True

    async def write() -> int:
        count = 0
        while writing:
            count += 1
            await table.transact(
                Add(key=Key("A", "1"), by={"n": 1}),
                Add(key=Key("B", "1"), by={"n": -1}),
                note("Q", f"{count:06}", "y" * 3000),
            )
        return count

    writers = [asyncio.create_task(write())]
    await asyncio.sleep(0.05)
    copied = await asyncio.wait_for(backup(tmp_path / "table.sqlite", tmp_path / "copy"), 20)
    writing = False
    (count,) = await asyncio.gather(*writers)
    await table.close()

    copy = await EmbeddedTable.read_only(tmp_path / "copy", clock)
    a, b = await copy.batch_get([Key("A", "1"), Key("B", "1")], Counter)
    assert a is not None
    assert b is not None
    assert a.counters["n"] == -b.counters["n"] == len(await texts(copy, "Q")) <= count
    assert copied.inventory.items["counter"] == 2
    await copy.close()


async def test_progress_is_told_to_the_end(tmp_path: Path, clock: VirtualClock) -> None:
    table = await _filled(tmp_path / "table.sqlite", clock)
    told: list[Progress] = []

    await backup(tmp_path / "table.sqlite", tmp_path / "copy", told=told.append)

    await table.close()
    for step in ("copying", "reading the table", "reading back"):
        last = [progress for progress in told if progress.step == step][-1]
        assert last.done == last.total > 0


async def test_a_backup_does_not_overwrite_unless_told_to(tmp_path: Path, clock: VirtualClock) -> None:
    table = await _filled(tmp_path / "table.sqlite", clock)
    (tmp_path / "copy").write_bytes(b"dear")

    with pytest.raises(WouldOverwrite):
        await backup(tmp_path / "table.sqlite", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"dear"
    await backup(tmp_path / "table.sqlite", tmp_path / "copy", overwrite=True)

    await table.close()
    assert (await verify(tmp_path / "copy")).count == 400


async def test_a_served_table_is_not_restored_over(tmp_path: Path, clock: VirtualClock) -> None:
    table = await _filled(tmp_path / "table.sqlite", clock)
    await backup(tmp_path / "table.sqlite", tmp_path / "copy")

    with pytest.raises(TableHeld, match=str(os.getpid())):
        await restore(tmp_path / "copy", tmp_path / "table.sqlite", overwrite=True)

    await table.close()


async def test_restoring_keeps_what_was_there(tmp_path: Path, clock: VirtualClock) -> None:
    path = tmp_path / "table.sqlite"
    table = await _filled(path, clock)
    await backup(path, tmp_path / "copy")
    await table.transact(note("P", "later"))
    await table.close()

    with pytest.raises(WouldOverwrite):
        await restore(tmp_path / "copy", path)
    restored = await restore(tmp_path / "copy", path, overwrite=True)

    assert (await verify(path)).count == 400
    assert restored.kept is not None
    assert (await verify(restored.kept)).count == 401


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.7, 0.9])
async def test_a_damaged_copy_is_not_put_back(tmp_path: Path, clock: VirtualClock, place: float) -> None:
    path = tmp_path / "table.sqlite"
    table = await _filled(path, clock)
    await backup(path, tmp_path / "copy")
    await table.close()
    damaged = bytearray((tmp_path / "copy").read_bytes())
    at = int(len(damaged) * place)
    damaged[at : at + 3000] = bytes(3000)
    (tmp_path / "copy").write_bytes(damaged)

    with pytest.raises(TableDamaged):
        await restore(tmp_path / "copy", path, overwrite=True)

    assert (await verify(path)).count == 400
    assert not list(tmp_path.glob("*.partial*"))
    assert not list(tmp_path.glob("*.replaced*"))


async def test_what_is_no_table_is_not_put_back(tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"not a table " * 1000)

    with pytest.raises(TableDamaged):
        await restore(tmp_path / "copy", tmp_path / "table.sqlite")

    assert not (tmp_path / "table.sqlite").exists()


async def test_a_file_of_another_program_is_not_put_back(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "copy") as other:
        other.execute("CREATE TABLE things (a)")
    other.close()

    with pytest.raises(Unfit, match="not a table"):
        await restore(tmp_path / "copy", tmp_path / "table.sqlite")


async def test_an_empty_table_is_backed_up_too(tmp_path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(tmp_path / "table.sqlite", clock)

    copied = await backup(tmp_path / "table.sqlite", tmp_path / "copy")

    await table.close()
    assert copied.inventory == Inventory(items={}, index_entries=0, changes=0, checksum=0)


async def test_the_copy_is_for_its_owner_alone(tmp_path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(tmp_path / "table.sqlite", clock)
    await table.transact(note("P", "a"))

    await backup(tmp_path / "table.sqlite", tmp_path / "copy")

    for name in ("copy", "table.sqlite", "table.sqlite-wal", "table.sqlite-shm", "table.sqlite.lock"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0, name
    row = await table.get(Key("P", "a"), Note)
    assert row is not None
    await table.close()
