"""Counters: added to without reading, kept within bounds."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecosystem.ports.table import ABSENT, PRESENT, Add, At, Counter, Index, Key, Put, Stale, Table, Unfit
from table_samples import Note, Taken, note

HOT = Key("ACCOUNT#1", "BALANCE")


async def test_adding_to_nothing_makes_a_counter(table: Table) -> None:
    await table.transact(Add(key=HOT, by={"debits": 5, "credits": -2}))

    row = await table.get(HOT, Counter)
    assert row is not None
    assert (row.version, dict(row.counters)) == (1, {"debits": 5, "credits": -2})


async def test_adding_keeps_value_and_index_and_counts_the_version(table: Table) -> None:
    at = {Index.STATUS: Key("open", "1")}
    await table.transact(Put(key=HOT, value=Note(text="kept"), index=at, counters={"debits": 1, "other": 9}))

    await table.transact(Add(key=HOT, by={"debits": 4, "new": 7}))

    row = await table.get(HOT, Note)
    assert row is not None
    assert row.value.text == "kept"
    assert dict(row.index) == at
    assert dict(row.counters) == {"debits": 5, "other": 9, "new": 7}
    assert row.version == 2


async def test_many_at_once_are_all_counted(table: Table) -> None:
    await asyncio.gather(*(table.transact(Add(key=HOT, by={"seen": 1})) for _ in range(50)))

    row = await table.get(HOT, Counter)
    assert row is not None
    assert (row.version, row.counters["seen"]) == (50, 50)


async def test_a_bound_is_never_passed_however_many_try(table: Table) -> None:
    tries = [table.transact(Add(key=HOT, by={"seats": 2}, at_most={"seats": 7}, otherwise=Taken())) for _ in range(20)]

    outcomes = await asyncio.gather(*tries, return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType"] * 3 + ["Taken"] * 17
    row = await table.get(HOT, Counter)
    assert row is not None
    assert row.counters["seats"] == 6


async def test_the_bound_itself_is_allowed(table: Table) -> None:
    await table.transact(Add(key=HOT, by={"a": 5, "b": -5}, at_most={"a": 5}, at_least={"b": -5}))

    with pytest.raises(Stale):
        await table.transact(Add(key=HOT, by={"a": 1}, at_most={"a": 5}))
    with pytest.raises(Stale):
        await table.transact(Add(key=HOT, by={"b": -1}, at_least={"b": -5}))


async def test_a_bound_may_name_a_counter_that_is_not_added_to(table: Table) -> None:
    await table.transact(Add(key=HOT, by={"held": 3}))

    await table.transact(Add(key=HOT, by={"seen": 1}, at_most={"held": 3, "absent": 0}, at_least={"absent": 0}))
    with pytest.raises(Taken):
        await table.transact(Add(key=HOT, by={"seen": 1}, at_most={"held": 2}, otherwise=Taken()))
    with pytest.raises(Taken):
        await table.transact(Add(key=HOT, by={"seen": 1}, at_least={"absent": 1}, otherwise=Taken()))


async def test_a_refused_add_leaves_the_rest_of_its_transaction_undone(table: Table) -> None:
    with pytest.raises(Taken):
        await table.transact(
            Add(key=Key("A", "1"), by={"n": 1}),
            note("P", "a"),
            Add(key=HOT, by={"n": -1}, at_least={"n": 0}, otherwise=Taken()),
        )

    assert await table.get(Key("A", "1"), Counter) is None
    assert await table.get(Key("P", "a"), Note) is None
    assert await table.get(HOT, Counter) is None


async def test_an_add_may_expect_a_version(table: Table) -> None:
    await table.transact(Add(key=HOT, by={"n": 1}, expected=ABSENT))
    await table.transact(Add(key=HOT, by={"n": 1}, expected=At(1)))
    await table.transact(Add(key=HOT, by={"n": 1}, expected=PRESENT))

    with pytest.raises(Taken):
        await table.transact(Add(key=HOT, by={"n": 1}, expected=ABSENT, otherwise=Taken()))
    with pytest.raises(Taken):
        await table.transact(Add(key=HOT, by={"n": 1}, expected=At(2), otherwise=Taken()))


async def test_a_counter_never_leaves_signed_64_bits(table: Table) -> None:
    await table.transact(Add(key=HOT, by={"up": 2**63 - 1, "down": -(2**63)}))

    with pytest.raises(Unfit, match="up"):
        await table.transact(Add(key=HOT, by={"up": 1}))
    with pytest.raises(Unfit, match="down"):
        await table.transact(Add(key=HOT, by={"down": -1}))
    await table.transact(Add(key=HOT, by={"up": -1, "down": 1}))

    row = await table.get(HOT, Counter)
    assert row is not None
    assert dict(row.counters) == {"up": 2**63 - 2, "down": 1 - 2**63}


async def test_a_put_sets_counters_and_forgets_those_it_leaves_out(table: Table) -> None:
    await table.transact(Add(key=HOT, by={"old": 3}))

    await table.transact(Put(key=HOT, value=Counter(), counters={"new": 1}))

    row = await table.get(HOT, Counter)
    assert row is not None
    assert dict(row.counters) == {"new": 1}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from("ab"), st.integers(-50, 50)), max_size=12))
async def test_counters_add_up_within_their_bounds(table: Table, steps: list[tuple[str, int]]) -> None:
    key = str(uuid4())  # Hypothesis may draw one twice
    totals = {"a": 0, "b": 0}

    for name, by in steps:
        add = Add(key=Key("T", key), by={name: by}, at_least={name: -60}, at_most={name: 60}, otherwise=Taken())
        if -60 <= totals[name] + by <= 60:
            await table.transact(add)
            totals[name] += by
        else:
            with pytest.raises(Taken):
                await table.transact(add)

    row = await table.get(Key("T", key), Counter)
    found = dict(row.counters) if row else {}
    assert {name: found.get(name, 0) for name in "ab"} == totals
