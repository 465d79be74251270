"""Expiry: an item whose time has come is absent at once, for reads and for expectations."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from ecosystem.ports.table import ABSENT, PRESENT, Add, At, Check, Counter, Delete, Index, Key, Stale, Table
from table_samples import Note, Tables, note, texts

A_MINUTE = timedelta(minutes=1)
HERE = Key("P", "a")


async def test_an_item_is_there_until_its_time(tables: Tables, table: Table) -> None:
    at = tables.clock.now() + A_MINUTE
    await table.transact(note("P", "a", "short", expires_at=at))

    tables.clock.advance(A_MINUTE - timedelta(microseconds=1))

    row = await table.get(HERE, Note)
    assert row is not None
    assert row.expires_at == at


async def test_any_zone_means_the_same_instant(tables: Tables, table: Table) -> None:
    at = tables.clock.now() + A_MINUTE
    await table.transact(note("P", "a", expires_at=at.astimezone(timezone(timedelta(hours=5, minutes=45)))))

    row = await table.get(HERE, Note)

    assert row is not None
    assert row.expires_at == at


async def test_no_read_finds_an_item_past_its_time(tables: Tables, table: Table) -> None:
    index = {Index.STATUS: Key("open", "1")}
    await table.transact(
        note("P", "a", "short", expires_at=tables.clock.now() + A_MINUTE, index=index),
        note("P", "b", "long", expires_at=tables.clock.now() + 2 * A_MINUTE),
    )

    tables.clock.advance(A_MINUTE)

    assert await table.get(HERE, Note) is None
    assert await table.batch_get([HERE], Note) == [None]
    assert await texts(table, "P") == ["long"]
    assert await texts(table, "P", limit=1) == ["long"]
    assert await texts(table, "open", index=Index.STATUS) == []
    assert [row.value.text for row in (await table.scan(Note)).rows] == ["long"]


async def test_an_item_past_its_time_is_absent_to_expectations(tables: Tables, table: Table) -> None:
    await table.transact(note("P", "a", "short", expires_at=tables.clock.now() + A_MINUTE))
    tables.clock.advance(A_MINUTE)

    await table.transact(Check(key=HERE, expected=ABSENT))
    for expected in (PRESENT, At(1)):
        with pytest.raises(Stale):
            await table.transact(Delete(key=HERE, expected=expected))
    await table.transact(note("P", "a", "new", expected=ABSENT))

    row = await table.get(HERE, Note)
    assert row is not None
    assert (row.value.text, row.expires_at) == ("new", None)


async def test_adding_to_an_item_past_its_time_begins_at_nothing(tables: Tables, table: Table) -> None:
    at = tables.clock.now() + A_MINUTE
    await table.transact(
        note("P", "a", "short", counters={"seen": 5}, expires_at=at, index={Index.SLUG: Key("s", "o")})
    )
    tables.clock.advance(A_MINUTE)

    await table.transact(Add(key=HERE, by={"seen": 1}))

    row = await table.get(HERE, Counter)
    assert row is not None
    assert (dict(row.counters), row.expires_at, dict(row.index)) == ({"seen": 1}, None, {})


async def test_adding_keeps_the_time(tables: Tables, table: Table) -> None:
    at = tables.clock.now() + A_MINUTE
    await table.transact(note("P", "a", expires_at=at))

    await table.transact(Add(key=HERE, by={"seen": 1}))

    row = await table.get(HERE, Note)
    assert row is not None
    assert row.expires_at == at


async def test_an_item_written_with_a_past_time_is_absent(tables: Tables, table: Table) -> None:
    await table.transact(note("P", "a", expires_at=tables.clock.now()))

    assert await table.get(HERE, Note) is None
