"""What the table does not take: the same in every deployment, and each refusal names what is at fault."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from ecosystem.ports.table import ABSENT, Add, At, Check, Delete, Index, Key, Put, Table, Unfit, Write
from table_samples import Note, note

BIG = "x" * (399 * 1024)
SURROGATE = "a\ud800b"


@pytest.mark.parametrize(
    ("write", "named"),
    [
        (note("", "a"), "partition"),
        (note("P", ""), "sort"),
        (note("P" * 2049, "a"), "2048"),
        (note("P", "a" * 1025), "1024"),
        (note("é" * 1025, "a"), "2048"),
        (note("P", "é" * 513), "1024"),
        (note(SURROGATE, "a"), "partition"),
        (note("P", SURROGATE), "sort"),
        (note("P", "a", SURROGATE), "note"),
        (Put(key=Key("P", "a"), value=Note(count=2**64)), "note"),
        (note("P", "a", index={Index.SLUG: Key("", "o")}), "SLUG of P/a"),
        (note("P", "a", index={Index.SLUG: Key("s", "")}), "SLUG of P/a"),
        (note("P", "a", index={Index.STATUS: Key("s", SURROGATE)}), "STATUS of P/a"),
        (note("P", "a", index={Index.STATUS: Key("s" * 2049, "o")}), "STATUS of P/a"),
        (note("P", "a", index={"GSI1": Key("s", "o")}), "no index"),
        (note("P", "a", "x" * 400 * 1024), "P/a has"),
        (note("P", "a", counters={"n": 2**63}), "counter n"),
        (note("P", "a", counters={"": 1}), "counters"),
        (note("P", "a", counters={SURROGATE: 1}), "counters"),
        (note("P", "a", counters={"x" * 256: 1}), "255"),
        (note("P", "a", counters={"n": 1.5}), "counter n"),
        (note("P", "a", counters={"n": True}), "counter n"),
        (note("P", "a", counters={f"c{at}": 1 for at in range(51)}), "51 counters"),
        (note("P", "a", expires_at=datetime(2026, 1, 1)), "zone"),  # noqa: DTZ001 — that is the fault
        (note("P", "a", expected=At(0)), "version 0"),
        (Add(key=Key("P", "a"), by={}), "no counter"),
        (Add(key=Key("P", "a"), by={"n": -(2**63) - 1}), "counter n"),
        (Add(key=Key("P", "a"), by={"n": 1}, at_least={"n": -(2**63) - 1}), "counter n"),
        (Add(key=Key("P", "a"), by={"n": 1}, at_most={"n": 2**63}), "counter n"),
        (Add(key=Key("P", ""), by={"n": 1}), "sort"),
        (Delete(key=Key("", "a")), "partition"),
        (Check(key=Key("P" * 2049, "a"), expected=ABSENT), "partition"),
        (Check(key=Key("P", "a"), expected=None), "P/a"),  # pyright: ignore[reportArgumentType]
    ],
)
async def test_an_unfit_write_is_refused_by_name(table: Table, write: Write, named: str) -> None:
    with pytest.raises(Unfit) as refused:
        await table.transact(note("P", "other"), write)

    assert named in refused.value.message
    assert refused.value.message.encode()
    assert await table.get(Key("P", "other"), Note) is None


async def test_keys_at_their_limits_are_taken(table: Table) -> None:
    keys = [Key("é" * 1024, "é" * 512), Key("P" * 2048, "s" * 1024), Key("\U0001f525" * 512, "\x00")]

    await table.transact(*(note(key.partition, key.sort, str(at)) for at, key in enumerate(keys)))

    rows = await table.batch_get(keys, Note)
    assert [row and row.value.text for row in rows] == ["0", "1", "2"]


async def test_an_item_near_its_limit_is_taken(table: Table) -> None:
    await table.transact(note("P", "a", BIG))

    row = await table.get(Key("P", "a"), Note)
    assert row is not None
    assert len(row.value.text) == len(BIG)


async def test_counters_at_their_limits_are_taken(table: Table) -> None:
    counters = {f"c{at}": 2**63 - 1 for at in range(49)} | {"n" * 255: -(2**63)}

    await table.transact(note("P", "a", counters=counters))

    row = await table.get(Key("P", "a"), Note)
    assert row is not None
    assert dict(row.counters) == counters


async def test_an_item_does_not_grow_beyond_its_limits_by_adding(table: Table) -> None:
    await table.transact(note("P", "a", counters={f"c{at}": 1 for at in range(50)}))

    with pytest.raises(Unfit, match="51 counters"):
        await table.transact(Add(key=Key("P", "a"), by={"one more": 1}))


async def test_a_transaction_has_writes(table: Table) -> None:
    with pytest.raises(Unfit, match="at least one"):
        await table.transact()


async def test_a_transaction_has_at_most_a_hundred_writes(table: Table) -> None:
    await table.transact(*(note("P", str(at)) for at in range(100)))

    with pytest.raises(Unfit, match="100"):
        await table.transact(*(note("Q", str(at)) for at in range(101)))
    assert await table.get(Key("Q", "0"), Note) is None


async def test_under_a_token_a_transaction_has_a_write_less(table: Table) -> None:
    await table.transact(*(note("P", str(at)) for at in range(99)), token="t")

    with pytest.raises(Unfit, match="99"):
        await table.transact(*(note("Q", str(at)) for at in range(100)), token="u")


async def test_a_token_takes_one_of_a_transactions_places(table: Table) -> None:
    await table.transact(*(note("P", str(at)) for at in range(99)), token="t")

    with pytest.raises(Unfit, match="99"):
        await table.transact(*(note("Q", str(at)) for at in range(100)), token="u")
    assert await table.get(Key("Q", "0"), Note) is None


async def test_a_transaction_has_at_most_four_megabytes(table: Table) -> None:
    await table.transact(*(note("P", str(at), BIG) for at in range(10)))

    with pytest.raises(Unfit, match="bytes"):
        await table.transact(*(note("Q", str(at), BIG) for at in range(11)))
    assert await table.get(Key("Q", "0"), Note) is None


async def test_a_transaction_writes_each_key_once(table: Table) -> None:
    with pytest.raises(Unfit, match="P/a is there twice"):
        await table.transact(note("P", "a"), note("P", "b"), Check(key=Key("P", "a"), expected=ABSENT))


@pytest.mark.parametrize("token", ["", "x" * 257, SURROGATE])
async def test_an_unfit_token_is_refused(table: Table, token: str) -> None:
    with pytest.raises(Unfit, match="token"):
        await table.transact(note("P", "a"), token=token)


@pytest.mark.parametrize("key", [Key("", "a"), Key("P", ""), Key(SURROGATE, "a"), Key("P", "s" * 1025)])
async def test_an_unfit_key_is_not_looked_for(table: Table, key: Key) -> None:
    with pytest.raises(Unfit):
        await table.get(key, Note)
    with pytest.raises(Unfit):
        await table.batch_get([Key("P", "a"), key], Note)


async def test_at_most_a_hundred_items_are_read_together(table: Table) -> None:
    with pytest.raises(Unfit, match="100"):
        await table.batch_get([Key("P", str(at)) for at in range(101)], Note)
    assert await table.batch_get([], Note) == []


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_page_has_one_to_a_thousand_items(table: Table, limit: int) -> None:
    with pytest.raises(Unfit, match="1 to 1000"):
        await table.query("P", Note, limit=limit)
    with pytest.raises(Unfit, match="1 to 1000"):
        await table.scan(Note, limit=limit)


@pytest.mark.parametrize(
    "unfit", [{"prefix": SURROGATE}, {"start": SURROGATE}, {"end": "x" * 1025}, {"prefix": "x" * 1025}]
)
async def test_an_unfit_range_is_refused_by_name(table: Table, unfit: dict[str, str]) -> None:
    with pytest.raises(Unfit, match=next(iter(unfit))):
        await table.query("P", Note, **unfit)  # pyright: ignore[reportArgumentType]
    with pytest.raises(Unfit, match="partition"):
        await table.query("", Note)


async def test_an_unfit_write_does_no_harm_to_its_neighbours(table: Table) -> None:
    tries = [table.transact(note("P", str(at), SURROGATE if at % 2 else "fit")) for at in range(20)]

    outcomes = await asyncio.wait_for(asyncio.gather(*tries, return_exceptions=True), 10)

    assert [isinstance(outcome, Unfit) for outcome in outcomes] == [bool(at % 2) for at in range(20)]
    rows = await table.batch_get([Key("P", str(at)) for at in range(20)], Note)
    assert [row is not None for row in rows] == [not at % 2 for at in range(20)]
