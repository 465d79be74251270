"""Items: written whole, read back, expected, removed."""

from __future__ import annotations

import pytest

from ecosystem.ports.table import ABSENT, PRESENT, At, Check, Counter, Delete, Index, Key, Put, Stale, Table, Unfit
from table_samples import Letter, Note, Taken, note

HERE = Key("USER#1", "PROFILE")
THERE = Key("USER#2", "PROFILE")


async def test_what_was_put_is_read_back_whole(table: Table) -> None:
    at = {Index.SLUG: Key("zoë", "OWNER"), Index.STATUS: Key("active", "1")}

    await table.transact(
        Put(key=HERE, value=Note(text="grüß dich \N{FIRE}", count=-3), index=at, counters={"seen": -(2**63)})
    )

    row = await table.get(HERE, Note)
    assert row is not None
    assert row.key == HERE
    assert row.value == Note(text="grüß dich \N{FIRE}", count=-3)
    assert dict(row.index) == at
    assert dict(row.counters) == {"seen": -(2**63)}
    assert row.version == 1
    assert row.expires_at is None


async def test_nothing_is_read_where_nothing_was_put(table: Table) -> None:
    assert await table.get(HERE, Note) is None


async def test_each_put_counts_the_version_up_by_one(table: Table) -> None:
    for count in range(3):
        await table.transact(Put(key=HERE, value=Note(count=count)))

    row = await table.get(HERE, Note)
    assert row is not None
    assert (row.version, row.value.count) == (3, 2)


async def test_a_put_leaves_nothing_of_the_item_before_it(table: Table) -> None:
    await table.transact(note("P", "a", "old", index={Index.SLUG: Key("s", "o")}, counters={"seen": 4}))

    await table.transact(Put(key=Key("P", "a"), value=Letter(to="you")))

    row = await table.get(Key("P", "a"), Letter)
    assert row is not None
    assert (dict(row.index), dict(row.counters)) == ({}, {})


async def test_a_removed_item_is_gone_and_begins_anew_at_version_one(table: Table) -> None:
    await table.transact(note("P", "a"), note("P", "b"))
    await table.transact(note("P", "a"))

    await table.transact(Delete(key=Key("P", "a")))

    assert await table.get(Key("P", "a"), Note) is None
    await table.transact(note("P", "a", "again"))
    row = await table.get(Key("P", "a"), Note)
    assert row is not None
    assert row.version == 1


async def test_removing_what_is_not_there_is_no_fault(table: Table) -> None:
    await table.transact(Delete(key=HERE))

    assert await table.get(HERE, Note) is None


async def test_an_item_of_another_kind_is_refused(table: Table) -> None:
    await table.transact(Put(key=HERE, value=Letter(to="you")))

    with pytest.raises(Unfit, match="letter, not a note"):
        await table.get(HERE, Note)


async def test_several_items_are_read_in_the_order_asked_for(table: Table) -> None:
    await table.transact(*(note("P", f"{at:03}", str(at)) for at in range(0, 100, 2)))

    rows = await table.batch_get([Key("P", f"{at:03}") for at in reversed(range(100))], Note)

    found = [row and row.value.text for row in rows]
    assert found == [str(at) if at % 2 == 0 else None for at in reversed(range(100))]


async def test_one_item_may_be_asked_for_twice_in_a_batch(table: Table) -> None:
    await table.transact(note("P", "a", "x"))

    rows = await table.batch_get([Key("P", "a"), Key("P", "b"), Key("P", "a")], Note)

    assert [row and row.value.text for row in rows] == ["x", None, "x"]


async def test_an_unmet_expectation_raises_what_it_stands_for_and_writes_nothing(table: Table) -> None:
    await table.transact(note("P", "held"))

    with pytest.raises(Taken):
        await table.transact(note("P", "new"), note("P", "held", "mine", expected=ABSENT, otherwise=Taken()))

    assert await table.get(Key("P", "new"), Note) is None
    row = await table.get(Key("P", "held"), Note)
    assert row is not None
    assert (row.version, row.value.text) == (1, "")


async def test_an_expectation_without_a_refusal_raises_stale(table: Table) -> None:
    with pytest.raises(Stale, match="P/a"):
        await table.transact(note("P", "a", expected=PRESENT))


@pytest.mark.parametrize("expected", [PRESENT, At(1)])
async def test_an_absent_item_is_not_at_any_version(table: Table, expected: At) -> None:
    with pytest.raises(Stale):
        await table.transact(Delete(key=HERE, expected=expected))


async def test_an_item_is_at_its_version_only(table: Table) -> None:
    await table.transact(note("P", "a"))
    await table.transact(note("P", "a", "two", expected=At(1)))

    with pytest.raises(Stale):
        await table.transact(note("P", "a", "three", expected=At(1)))
    with pytest.raises(Stale):
        await table.transact(note("P", "a", "three", expected=At(3)))
    await table.transact(note("P", "a", "three", expected=PRESENT))

    row = await table.get(Key("P", "a"), Note)
    assert row is not None
    assert (row.version, row.value.text) == (3, "three")


async def test_a_row_is_expected_unchanged_since_it_was_read(table: Table) -> None:
    await table.transact(note("P", "a"))
    row = await table.get(Key("P", "a"), Note)
    assert row is not None
    await table.transact(note("P", "a", "meanwhile"))

    with pytest.raises(Stale):
        await table.transact(note("P", "a", "late", expected=row.unchanged))


async def test_a_check_holds_the_transaction_and_writes_nothing(table: Table) -> None:
    await table.transact(note("P", "a"))

    await table.transact(Check(key=Key("P", "a"), expected=At(1)), note("P", "b"))
    with pytest.raises(Taken):
        await table.transact(note("P", "c"), Check(key=Key("P", "a"), expected=ABSENT, otherwise=Taken()))

    rows = await table.batch_get([Key("P", name) for name in "abc"], Note)
    assert [row and row.version for row in rows] == [1, 1, None]


async def test_checks_alone_are_a_transaction(table: Table) -> None:
    await table.transact(Check(key=HERE, expected=ABSENT), Check(key=THERE, expected=ABSENT))

    with pytest.raises(Taken):
        await table.transact(Check(key=HERE, expected=PRESENT, otherwise=Taken()))


async def test_the_first_unmet_expectation_in_argument_order_is_raised(table: Table) -> None:
    writes = [
        note("P", "a"),
        Check(key=Key("P", "b"), expected=PRESENT, otherwise=Taken("second")),
        Delete(key=Key("P", "c"), expected=PRESENT, otherwise=Taken("third")),
    ]

    with pytest.raises(Taken, match="second"):
        await table.transact(*writes)
    with pytest.raises(Taken, match="third"):
        await table.transact(*reversed(writes))


async def test_expectations_look_at_the_state_before_the_transaction(table: Table) -> None:
    await table.transact(note("P", "a"))

    await table.transact(
        Delete(key=Key("P", "a"), expected=At(1)), note("P", "b", expected=ABSENT), Check(key=HERE, expected=ABSENT)
    )

    assert await table.get(Key("P", "a"), Note) is None


async def test_a_refusal_raised_often_does_not_gather_tracebacks(table: Table) -> None:
    refused = Taken()
    depths: list[int] = []

    for _ in range(3):
        with pytest.raises(Taken) as raised:
            await table.transact(note("P", "a", expected=PRESENT, otherwise=refused))
        depths.append(len(raised.traceback))

    assert depths[0] == depths[2]


async def test_a_put_may_take_the_place_of_a_counter(table: Table) -> None:
    await table.transact(Put(key=HERE, value=Counter(), counters={"seen": 1}))

    await table.transact(Put(key=HERE, value=Note(text="now a note"), expected=At(1)))

    row = await table.get(HERE, Note)
    assert row is not None
    assert row.version == 2
