"""The embedded table's file: one writer, readers beside it, a full disk, damage, old formats and old items."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import apsw
import pytest
from bench.disk import SmallDisk

from ecosystem.adapters.embedded import table_file
from ecosystem.adapters.embedded.backup import verify
from ecosystem.adapters.embedded.table import EmbeddedTable, ReadOnly
from ecosystem.adapters.embedded.table_file import TableHeld
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.table import Add, Counter, Cursor, Index, Key, Put, Stored, TableDamaged, TableFull, Unfit
from ecosystem.ports.table_codec import decoded
from table_samples import Note, every_change, everything, note, texts

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.sqlite"


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    disk = SmallDisk(f"small-{uuid4()}")
    yield disk
    disk.unregister()


async def test_what_was_written_is_there_after_reopening(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock)
    await table.transact(note("P", "a", "kept", index={Index.SLUG: Key("s", "o")}), token="t")
    cursor = (await every_change(table))[-1].cursor
    await table.close()

    table = await EmbeddedTable.open(path, clock)

    assert await texts(table, "s", index=Index.SLUG) == ["kept"]
    await table.transact(note("P", "a", "kept", index={Index.SLUG: Key("s", "o")}), token="t")
    assert await table.changes(cursor) == []
    await table.transact(note("P", "b"))
    assert [change.key.sort for change in await table.changes(cursor)] == ["b"]
    await table.close()


async def test_a_second_writer_is_refused_by_the_first_ones_number(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock)

    with pytest.raises(TableHeld, match=f"Process {os.getpid()} writes to table.sqlite"):
        await EmbeddedTable.open(path, clock)

    await table.transact(note("P", "a"))
    await table.close()
    again = await EmbeddedTable.open(path, clock)
    await again.close()


async def test_a_writer_in_another_process_is_named(path: Path, clock: VirtualClock) -> None:
    holding = f"""
import asyncio
from pathlib import Path
from ecosystem.adapters.embedded import table_file
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock

async def hold():
    table = await EmbeddedTable.open(Path({str(path)!r}), SystemClock())
    print("held", flush=True)
    await asyncio.to_thread(input)
    await table.close()

asyncio.run(hold())
"""
    with subprocess.Popen(
        [sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"

        with pytest.raises(TableHeld, match=f"Process {child.pid} "):
            await EmbeddedTable.open(path, clock)

        child.stdin.write("\n")
        child.stdin.close()
        assert child.wait(10) == 0
    table = await EmbeddedTable.open(path, clock)
    await table.close()


async def test_a_reader_sees_what_the_writer_acknowledges(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock)
    await table.transact(note("P", "a", "one"))
    reader = await EmbeddedTable.read_only(path, clock)
    cursor: Cursor | None = None

    for count in range(20):
        await table.transact(note("P", "a", str(count)))
        row = await reader.get(Key("P", "a"), Note)
        assert row is not None
        assert row.value.text == str(count)
    changes = await every_change(reader, cursor)

    assert len(changes) == 21
    await reader.close()
    await table.close()


async def test_a_reader_is_woken_by_the_writer(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock)
    reader = await EmbeddedTable.read_only(path, clock)
    assert await reader.changes(None) == []

    waiting = asyncio.create_task(reader.changed())
    await asyncio.sleep(0.03)
    await table.transact(note("P", "a"))
    await asyncio.wait_for(waiting, 0.5)

    assert len(await reader.changes(None)) == 1
    await reader.close()
    await table.close()


async def test_a_reader_does_not_write(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock)
    await table.close()
    reader = await EmbeddedTable.read_only(path, clock)

    with pytest.raises(ReadOnly):
        await reader.transact(note("P", "a"))
    with pytest.raises(ReadOnly):
        await reader.expire()

    await reader.close()


async def test_a_reader_needs_a_file(path: Path, clock: VirtualClock) -> None:
    with pytest.raises(Unavailable, match="no table at"):
        await EmbeddedTable.read_only(path, clock)


async def test_the_log_does_not_grow_under_readers_and_writers(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock)
    reader = await EmbeddedTable.read_only(path, clock)

    for count in range(900):
        await table.transact(*(note("P", f"{at:02}", "x" * 1000) for at in range(20)))
        assert len((await reader.query("P", Note, limit=3)).rows) == 3
        assert count >= 0

    assert path.with_name("table.sqlite-wal").stat().st_size < 64 * 1024 * 1024
    await reader.close()
    await table.close()


async def test_a_full_disk_refuses_and_recovers(path: Path, clock: VirtualClock, disk: SmallDisk) -> None:
    table = await EmbeddedTable.open(path, clock, vfs=disk.name)
    await table.transact(note("P", "before", "kept"))
    told = len(await every_change(table))

    disk.room = 300_000
    outcomes = await asyncio.gather(
        *(table.transact(note("P", f"{at:03}", "x" * 20_000)) for at in range(100)), return_exceptions=True
    )

    full = [outcome for outcome in outcomes if outcome is not None]
    assert full
    assert all(isinstance(outcome, TableFull) for outcome in full)
    stored = {row.key.sort for row in await everything(table, "P", Note)}
    assert stored == {"before"} | {f"{at:03}" for at, outcome in enumerate(outcomes) if outcome is None}
    disk.room = None
    await table.transact(note("P", "after"))
    assert len(await every_change(table)) == told + len(outcomes) - len(full) + 1
    await table.close()
    table = await EmbeddedTable.open(path, clock)
    assert {row.key.sort for row in await everything(table, "P", Note)} == stored | {"after"}
    await table.close()


async def test_a_small_write_passes_where_a_large_one_does_not(
    path: Path, clock: VirtualClock, disk: SmallDisk
) -> None:
    table = await EmbeddedTable.open(path, clock, vfs=disk.name)
    disk.room = 400_000

    large, small = await asyncio.gather(
        table.transact(*(note("P", str(at), "x" * 60_000) for at in range(10))),
        table.transact(note("Q", "small")),
        return_exceptions=True,
    )

    assert isinstance(large, TableFull)
    assert small is None
    assert await texts(table, "P") == []
    assert await texts(table, "Q") == [""]
    disk.room = None
    await table.close()


async def test_a_file_that_is_no_table_is_damaged(path: Path, clock: VirtualClock) -> None:
    path.write_bytes(b"something else altogether" * 1000)
    before = path.read_bytes()

    with pytest.raises(TableDamaged, match="restore a backup"):
        await EmbeddedTable.open(path, clock)
    with pytest.raises(TableDamaged):
        await EmbeddedTable.read_only(path, clock)

    assert path.read_bytes() == before


async def test_a_database_of_another_program_is_left_alone(path: Path, clock: VirtualClock) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE things (a)")
    other.close()

    with pytest.raises(Unfit, match="not a table of this product"):
        await EmbeddedTable.open(path, clock)


async def _filled(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock)
    for start in range(0, 200, 50):
        await table.transact(*(note("P", f"{at:03}", "x" * 800) for at in range(start, start + 50)))
    await table.close()


async def test_a_truncated_file_is_damaged(path: Path, clock: VirtualClock) -> None:
    await _filled(path, clock)
    whole = path.read_bytes()

    for share in (0.3, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(TableDamaged):
            await EmbeddedTable.open(path, clock)

    path.write_bytes(whole)
    table = await EmbeddedTable.open(path, clock)
    assert len(await texts(table, "P")) == 200
    await table.close()


async def test_overwritten_pages_are_damage(path: Path, clock: VirtualClock) -> None:
    await _filled(path, clock)
    whole = path.read_bytes()

    for page in range(len(whole) // 8192):
        damaged = bytearray(whole)
        damaged[page * 8192 : page * 8192 + 200] = b"\xff" * 200
        path.write_bytes(damaged)
        with pytest.raises((TableDamaged, Unfit)):
            await _read_all(path, clock)


@pytest.mark.parametrize(("name", "key_column", "column"), [("items", "sk", "item"), ("changes", "seq", "body")])
async def test_a_flipped_byte_in_a_value_is_noticed_on_reading(
    path: Path, clock: VirtualClock, name: str, key_column: str, column: str
) -> None:
    await _filled(path, clock)
    file = apsw.Connection(str(path))
    ((key, value),) = file.execute(f"SELECT {key_column}, {column} FROM {name} LIMIT 1").fetchall()
    at = value.index(b"x" * 800) + 400
    flipped = value[:at] + b"y" + value[at + 1 :]
    file.execute(f"UPDATE {name} SET {column} = ? WHERE {key_column} = ?", (flipped, key))
    file.close()

    with pytest.raises(TableDamaged, match="damaged"):
        await _read_all(path, clock)
    with pytest.raises(TableDamaged, match="damaged"):
        await verify(path)


async def test_a_damaged_item_is_not_built_upon(path: Path, clock: VirtualClock) -> None:
    await _filled(path, clock)
    file = apsw.Connection(str(path))
    file.execute("UPDATE items SET checksum = checksum + 1 WHERE sk = '000'")
    file.close()
    table = await EmbeddedTable.open(path, clock)

    damaged, sound = await asyncio.gather(
        table.transact(note("P", "000", "new")), table.transact(note("P", "001", "new")), return_exceptions=True
    )

    assert isinstance(damaged, TableDamaged)
    assert sound is None
    await table.close()


async def _read_all(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock)
    try:
        await everything(table, "P", Note)
        await every_change(table)
        await table.scan(Note)
    finally:
        await table.close()


async def test_damage_met_while_writing_is_told_and_harms_no_other(
    path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _filled(path, clock)
    whole = bytearray(path.read_bytes())
    at = whole.index(b"P150") // 8192 * 8192
    whole[at : at + 8192] = b"\xff" * 8192
    path.write_bytes(whole)
    # As in a file too large to be read whole at each start.
    monkeypatch.setattr(table_file, "CHECKED_BYTES_MAX", 0)
    table = await EmbeddedTable.open(path, clock)

    writes = [
        table.transact(note("P", "150", "new")),
        table.transact(note("A", "a", "sound")),
        table.transact(note("B", "b")),
    ]
    damaged, *sound = await asyncio.gather(*writes, return_exceptions=True)

    assert isinstance(damaged, TableDamaged)
    assert sound == [None, None]
    with pytest.raises(TableDamaged):
        await table.get(Key("P", "150"), Note)
    assert await texts(table, "A") == ["sound"]
    await table.close()


async def test_a_newer_format_is_refused(path: Path, clock: VirtualClock) -> None:
    await _filled(path, clock)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(Unfit, match="newer release"):
        await EmbeddedTable.open(path, clock)


async def test_a_busy_file_is_asked_again(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")

    writing = asyncio.create_task(table.transact(note("P", "a")))
    await asyncio.sleep(0.05)
    assert not writing.done()
    assert await table.get(Key("P", "a"), Note) is None
    other.execute("COMMIT")
    other.close()

    await asyncio.wait_for(writing, 2)
    await table.close()


class OldProfile(Stored, frozen=True, kw_only=True):
    entity = "profile"

    name: str


class NewerProfile(Stored, frozen=True, kw_only=True):
    entity = "profile"
    schema = 3

    given: str
    family: str = ""
    languages: list[str]

    @classmethod
    def upgraded(cls, fields: dict[str, Any], schema: int) -> dict[str, Any]:
        if schema == 1:
            given, _, family = fields.pop("name").partition(" ")
            return {**fields, "given": given, "family": family}
        return {**fields, "languages": ["en"]}


async def test_an_old_item_is_lifted_to_the_present_schema(path: Path, clock: VirtualClock) -> None:
    key = Key("USER#1", "PROFILE")
    table = await EmbeddedTable.open(path, clock)
    await table.transact(Put(key=key, value=OldProfile(name="Ada Lovelace")))
    lifted = NewerProfile(given="Ada", family="Lovelace", languages=["en"])

    row = await table.get(key, NewerProfile)

    assert row is not None
    assert row.value == lifted
    assert (await table.query("USER#1", NewerProfile)).values == [lifted]
    change = (await table.changes(None))[0]
    assert change.new is not None
    assert decoded(change.new, NewerProfile) == lifted
    await table.transact(Put(key=key, value=row.value, expected=row.unchanged))
    with pytest.raises(Unfit, match="newer release"):
        await table.get(key, OldProfile)
    await table.close()


async def test_an_old_item_without_an_upgrade_step_is_refused(path: Path, clock: VirtualClock) -> None:
    class Stubborn(Stored, frozen=True, kw_only=True):
        entity = "profile"
        schema = 2

        name: str

    table = await EmbeddedTable.open(path, clock)
    await table.transact(Put(key=Key("P", "a"), value=OldProfile(name="Ada")))

    with pytest.raises(Unfit, match="no upgrade step"):
        await table.get(Key("P", "a"), Stubborn)
    await table.close()


async def test_expired_items_are_removed_and_told(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock, upkeep=False)
    in_a_minute = clock.now() + timedelta(minutes=1)
    await table.transact(*(note("P", f"{at:02}", expires_at=in_a_minute) for at in range(60)), note("P", "stays"))
    await table.transact(note("P", "x", expires_at=in_a_minute, index={Index.SLUG: Key("s", "o")}))
    cursor = (await every_change(table))[-1].cursor
    assert await table.expire() == 0

    clock.advance(timedelta(minutes=1))

    assert await table.expire(10) == 10
    assert await table.expire(1000) == 51
    changes = await every_change(table, cursor)
    assert len(changes) == 61
    assert all(change.expired and change.new is None and change.old is not None for change in changes)
    await table.close()
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM items").fetchone() == (1,)
        assert file.execute("SELECT count(*) FROM indexed").fetchone() == (0,)
    file.close()


async def test_an_item_written_anew_is_not_removed_for_its_old_time(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock, upkeep=False)
    await table.transact(note("P", "a", expires_at=clock.now() + timedelta(minutes=1)))
    clock.advance(timedelta(minutes=1))
    await table.transact(note("P", "a", "new", expires_at=clock.now() + timedelta(minutes=1)))

    assert await table.expire() == 0

    assert await texts(table, "P") == ["new"]
    await table.close()


async def test_an_item_written_anew_in_the_same_batch_is_not_removed(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock, upkeep=False)
    await table.transact(note("P", "a", expires_at=clock.now() + timedelta(minutes=1)))
    clock.advance(timedelta(minutes=1))

    _, removed = await asyncio.gather(table.transact(note("P", "a", "new")), table.expire())

    assert removed == 0
    assert await texts(table, "P") == ["new"]
    await table.close()


async def test_upkeep_goes_by_the_clock(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock)
    await asyncio.sleep(0)
    await table.transact(*(note("P", f"{at:02}", expires_at=clock.now() + timedelta(seconds=1)) for at in range(80)))
    cursor = (await every_change(table))[-1].cursor

    clock.advance(timedelta(seconds=5))

    for _ in range(200):
        if len(await every_change(table, cursor)) == 80:
            break
        await asyncio.sleep(0.005)
    assert len(await every_change(table, cursor)) == 80
    await table.close()


async def test_changes_are_kept_for_seven_days_and_numbers_never_reused(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock)
    await asyncio.sleep(0)
    for count in range(450):
        await table.transact(note("P", "a", str(count)), token=f"t{count}")
    old = (await every_change(table))[-1].cursor
    clock.advance(timedelta(days=6))
    await table.transact(note("P", "young"))
    await asyncio.sleep(0.05)
    assert len(await every_change(table)) == 451

    clock.advance(timedelta(days=1, seconds=1))

    for _ in range(200):
        if len(await every_change(table)) == 1:
            break
        await asyncio.sleep(0.005)
    assert [change.key.sort for change in await every_change(table)] == ["young"]
    assert [change.key.sort for change in await every_change(table, old)] == ["young"]
    clock.advance(timedelta(days=30))
    await asyncio.sleep(0.05)
    await table.close()

    table = await EmbeddedTable.open(path, clock)
    cursor = (await every_change(table))[-1].cursor
    await table.transact(note("P", "next"))
    assert [change.key.sort for change in await every_change(table, cursor)] == ["next"]
    await table.close()
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM tokens").fetchone() == (0,)
    file.close()


async def test_a_token_is_free_again_after_ten_minutes(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock, upkeep=False)
    await table.transact(Add(key=Key("A", "1"), by={"n": 1}), token="t")

    clock.advance(timedelta(minutes=10))
    await table.transact(Add(key=Key("A", "1"), by={"n": 5}), token="t")

    row = await table.get(Key("A", "1"), Counter)
    assert row is not None
    assert row.counters["n"] == 6
    await table.close()


async def test_the_adversary_delays_indexes_and_interleaves_changes(path: Path, clock: VirtualClock) -> None:
    table = await EmbeddedTable.open(path, clock, index_lag=3)
    lagged = stale = 0
    for count in range(50):
        at = {Index.STATUS: Key("odd" if count % 2 else "even", "1")}
        await table.transact(note("P", "moving", str(count), index=at), note("P", f"{count:02}"))
        shown = await texts(table, "odd" if count % 2 else "even", index=Index.STATUS)
        lagged += shown == []
        stale += bool(shown) and shown != [str(count)]

    order = [change.key.sort for change in await every_change(table)]

    assert lagged > 5
    assert stale > 5
    assert order != sorted(order)
    assert len(order) == 100
    assert [sort for sort in order if sort == "moving"] == ["moving"] * 50
    assert order[::2] != ["moving"] * 50
    await table.close()


@pytest.mark.parametrize("drill", ["bench.table_crash --kills 3", "bench.table_power --cuts 6"])
async def test_nothing_acknowledged_is_lost_in_a_short_drill(drill: str) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", *drill.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert "lost: 0 of" in done.stdout


async def test_who_wrote_is_answered_even_if_nobody_can_be_told(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = await EmbeddedTable.open(tmp_path / "table.sqlite", clock, upkeep=False)

    def deaf(*_: object) -> None:
        raise RuntimeError("nobody listens")

    monkeypatch.setattr(table._writer.commits, "_told", deaf)
    async with asyncio.timeout(5):
        await table.transact(Put(key=Key("A", "1"), value=Counter()))
        await table.transact(Put(key=Key("A", "2"), value=Counter()))
        await table.close()
