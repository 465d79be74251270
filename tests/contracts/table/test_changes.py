"""Changes: every write is told, old and new, each item's in order, from any cursor on."""

from __future__ import annotations

import asyncio

import pytest

from ecosystem.ports.table import ABSENT, Add, Change, ChangesForgotten, Check, Cursor, Delete, Key, Stale, Table, Unfit
from ecosystem.ports.table_codec import decoded
from table_samples import Note, Tables, every_change, note


def _of(changes: list[Change], key: Key) -> list[tuple[str | None, str | None]]:
    return [
        (old and decoded(old, Note).text, new and decoded(new, Note).text)
        for change in changes
        if change.key == key
        for old, new in [(change.old, change.new)]
    ]


async def test_a_change_has_the_item_before_and_after(table: Table) -> None:
    await table.transact(note("P", "a", "one"))
    await table.transact(note("P", "a", "two", counters={"seen": 3}))
    await table.transact(Delete(key=Key("P", "a")))

    changes = await every_change(table)

    assert _of(changes, Key("P", "a")) == [(None, "one"), ("one", "two"), ("two", None)]
    assert [change.new and change.new.version for change in changes] == [1, 2, None]
    assert changes[2].old is not None
    assert dict(changes[2].old.counters) == {"seen": 3}
    assert not any(change.expired for change in changes)


async def test_adding_to_counters_is_a_change(table: Table) -> None:
    await table.transact(note("P", "a", "kept"))
    await table.transact(Add(key=Key("P", "a"), by={"seen": 2}))

    change = (await every_change(table))[1]

    assert change.old is not None
    assert change.new is not None
    assert (dict(change.old.counters), dict(change.new.counters)) == ({}, {"seen": 2})
    assert decoded(change.new, Note).text == "kept"


async def test_what_writes_nothing_tells_nothing(table: Table) -> None:
    await table.transact(note("P", "a"))
    told = len(await every_change(table))

    await table.transact(Check(key=Key("P", "b"), expected=ABSENT), Delete(key=Key("P", "c")))
    with pytest.raises(Stale):
        await table.transact(note("P", "d"), note("P", "a", expected=ABSENT))

    assert len(await every_change(table)) == told


async def test_each_item_is_told_in_order_and_none_twice(table: Table) -> None:
    for count in range(12):
        await table.transact(*(note("P", f"{at}", f"{count}") for at in range(5)))

    for limit in (1, 7, 1000):
        changes = await every_change(table, limit=limit)
        assert len(changes) == 60
        for at in range(5):
            chain = _of(changes, Key("P", f"{at}"))
            assert chain == [(str(count - 1) if count else None, str(count)) for count in range(12)]


async def test_a_cursor_resumes_after_its_change_wherever_it_was(table: Table) -> None:
    for count in range(6):
        await table.transact(*(note("P", f"{at}", f"{count}") for at in range(3)))
    told = await every_change(table, limit=4)

    for at, change in enumerate(told):
        rest = await every_change(table, change.cursor, limit=5)
        seen = sorted((other.key.sort, other.new and other.new.version) for other in (*told[: at + 1], *rest))
        assert seen == sorted((other.key.sort, other.new and other.new.version) for other in told)


async def test_later_changes_are_told_to_who_goes_on(table: Table) -> None:
    await table.transact(note("P", "a", "one"))
    cursor = (await every_change(table))[-1].cursor
    assert await table.changes(cursor) == []

    await table.transact(note("P", "b", "two"))

    later = await every_change(table, cursor)
    assert [change.key.sort for change in later] == ["b"]


async def test_a_follower_is_woken_by_a_change(table: Table) -> None:
    async def follow() -> Change:
        cursor: Cursor | None = None
        while True:
            for change in await table.changes(cursor):
                if change.key.sort == "awaited":
                    return change
                cursor = change.cursor
            await table.changed()

    following = asyncio.create_task(follow())
    for count in range(5):
        await asyncio.sleep(0.01)
        await table.transact(note("P", str(count)))
    await table.transact(note("P", "awaited"))

    change = await asyncio.wait_for(following, 5)
    assert change.new is not None


async def test_a_follower_who_missed_changes_is_told_so_and_may_begin_with_what_is_kept(tables: Tables) -> None:
    table = await tables.fresh()
    cursor = await tables.forgotten(table)

    for _ in range(2):
        with pytest.raises(ChangesForgotten):
            await table.changes(cursor)

    kept = await every_change(table)
    assert kept
    await table.transact(note("P", "later"))
    assert [change.key.sort for change in await every_change(table, kept[-1].cursor)] == ["later"]
    await tables.close()


async def test_holding_changes_for_somebody_who_has_no_place_yet_hinders_nobody(table: Table) -> None:
    table.hold_for(Key("PLACES", "nobody"))
    await table.transact(note("P", "a"), note("PLACES", "other"))

    assert len(await every_change(table)) == 2


@pytest.mark.parametrize("nonsense", ["", "nonsense", "1", "a.b", "1.1+", "\ud800"])
async def test_what_is_no_cursor_of_changes_is_refused(table: Table, nonsense: str) -> None:
    with pytest.raises(Unfit, match="cursor"):
        await table.changes(Cursor(nonsense))


@pytest.mark.parametrize("limit", [0, 1001, -1])
async def test_so_many_changes_at_once_are_refused(table: Table, limit: int) -> None:
    with pytest.raises(Unfit, match="1 to 1000"):
        await table.changes(None, limit=limit)
