"""Tokens: a retry of the same transaction is safe for ten minutes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ecosystem.ports.table import ABSENT, Add, Counter, Delete, Key, Put, Stale, Table, TokenReused
from table_samples import Letter, Note, Tables, note

HOT = Key("A", "1")


async def _seen(table: Table) -> int:
    row = await table.get(HOT, Counter)
    return row.counters["seen"] if row else 0


async def test_the_same_transaction_again_has_no_further_effect(table: Table) -> None:
    writes = [Add(key=HOT, by={"seen": 1}), note("P", "a", expected=ABSENT), Delete(key=Key("P", "z"))]

    for _ in range(3):
        await table.transact(*writes, token="t")

    assert await _seen(table) == 1


@pytest.mark.parametrize(
    "others",
    [
        [Add(key=HOT, by={"seen": 2})],
        [Add(key=HOT, by={"seen": 1}, at_most={"seen": 9})],
        [Add(key=Key("A", "2"), by={"seen": 1})],
        [Add(key=HOT, by={"seen": 1}), note("P", "a")],
        [Put(key=HOT, value=Note(text="x"))],
        [Put(key=HOT, value=Letter(to="x"))],
        [Delete(key=HOT)],
    ],
)
async def test_other_writes_under_the_same_token_are_refused(table: Table, others: list[Add]) -> None:
    await table.transact(Add(key=HOT, by={"seen": 1}), token="t")

    with pytest.raises(TokenReused):
        await table.transact(*others, token="t")

    assert await _seen(table) == 1


async def test_other_tokens_are_other_transactions(table: Table) -> None:
    for token in ("t", "u", "x" * 256, None, None):
        await table.transact(Add(key=HOT, by={"seen": 1}), token=token)

    assert await _seen(table) == 5


async def test_a_refused_transaction_leaves_its_token_free(table: Table) -> None:
    with pytest.raises(Stale):
        await table.transact(Add(key=HOT, by={"seen": -1}, at_least={"seen": 0}), token="t")

    await table.transact(Add(key=HOT, by={"seen": 1}, at_least={"seen": 0}), token="t")

    assert await _seen(table) == 1


async def test_a_token_is_kept_for_ten_minutes(tables: Tables, table: Table) -> None:
    await table.transact(Add(key=HOT, by={"seen": 1}), token="t")

    tables.clock.advance(timedelta(minutes=9, seconds=59))
    await table.transact(Add(key=HOT, by={"seen": 1}), token="t")

    assert await _seen(table) == 1


async def test_a_retry_succeeds_though_its_items_have_moved_on(table: Table) -> None:
    await table.transact(note("P", "a", "first", expected=ABSENT), token="t")
    await table.transact(note("P", "a", "second"))

    await table.transact(note("P", "a", "first", expected=ABSENT), token="t")

    row = await table.get(Key("P", "a"), Note)
    assert row is not None
    assert row.value.text == "second"
