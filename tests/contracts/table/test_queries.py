"""Queries: one partition in order, by prefix and range, page after page."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecosystem.ports.table import Cursor, Delete, Index, Key, Put, Table, Unfit
from table_samples import Letter, Note, everything, index_shows, note, texts

# Code points on either side of where UTF-8 and UTF-16 order differently, and of the surrogates' gap.
SORTS = ["#", "A", "A#1", "A#10", "A#2", "AZ", "B", "a", "z", "ä", "\ud7ff", "\ue000", "\uffff", "\U0001f525"]


async def _sorted_notes(table: Table, partition: str = "P") -> None:
    await table.transact(*(note(partition, sort, sort) for sort in reversed(SORTS)))


async def test_a_partition_is_in_the_order_of_utf_8(table: Table) -> None:
    await _sorted_notes(table)

    assert await texts(table, "P") == sorted(SORTS, key=str.encode)
    assert await texts(table, "P", descending=True) == sorted(SORTS, key=str.encode, reverse=True)


async def test_a_partition_holds_its_own_items_only(table: Table) -> None:
    await table.transact(note("P", "a", "mine"), note("P#", "a", "other"), note("p", "a", "other"), note("O", "z", "o"))

    assert await texts(table, "P") == ["mine"]
    assert await texts(table, "Q") == []


async def test_a_prefix_selects_what_begins_with_it(table: Table) -> None:
    await _sorted_notes(table)

    assert await texts(table, "P", prefix="A#") == ["A#1", "A#10", "A#2"]
    assert await texts(table, "P", prefix="A#1") == ["A#1", "A#10"]
    assert await texts(table, "P", prefix="\ud7ff") == ["\ud7ff"]
    assert await texts(table, "P", prefix="x") == []


async def test_a_prefix_of_the_last_code_point_has_nothing_above_it(table: Table) -> None:
    last = "\U0010ffff"
    await table.transact(note("P", last, "one"), note("P", last * 2, "two"), note("P", "z", "no"))

    assert await texts(table, "P", prefix=last) == ["one", "two"]


async def test_a_range_is_half_open(table: Table) -> None:
    await _sorted_notes(table)

    assert await texts(table, "P", start="A#1", end="AZ") == ["A#1", "A#10", "A#2"]
    assert await texts(table, "P", end="A#1") == ["#", "A"]
    assert await texts(table, "P", start="\uffff") == ["\uffff", "\U0001f525"]
    assert await texts(table, "P", start="B", end="A") == []
    assert await texts(table, "P", start="A", end="A") == []


async def test_prefix_and_range_hold_together(table: Table) -> None:
    await _sorted_notes(table)

    assert await texts(table, "P", prefix="A#", start="A#10", descending=True) == ["A#2", "A#10"]
    assert await texts(table, "P", prefix="A#", start="A", end="A#2") == ["A#1", "A#10"]
    assert await texts(table, "P", prefix="A#", start="B") == []


@pytest.mark.parametrize("descending", [False, True])
async def test_pages_together_are_the_whole(table: Table, descending: bool) -> None:
    await _sorted_notes(table)
    ordered = sorted(SORTS, key=str.encode, reverse=descending)

    for limit in (1, 3, len(SORTS) - 1, len(SORTS), 1000):
        assert await texts(table, "P", limit=limit, descending=descending) == ordered


async def test_a_page_has_no_more_than_its_limit_and_ends_when_there_is_no_more(table: Table) -> None:
    await table.transact(*(note("P", str(at)) for at in range(3)))

    page = await table.query("P", Note, limit=2)
    rest = await table.query("P", Note, limit=2, after=page.next)

    assert len(page.rows) == 2
    assert page.next is not None
    assert len(rest.rows) == 1
    assert rest.next is None


async def test_a_cursor_goes_on_though_its_item_is_gone(table: Table) -> None:
    await table.transact(*(note("P", str(at), str(at)) for at in range(5)))
    page = await table.query("P", Note, limit=2)

    await table.transact(Delete(key=Key("P", "1")), Delete(key=Key("P", "2")), note("P", "00", "before"))

    rest = await table.query("P", Note, after=page.next)
    assert [value.text for value in rest.values] == ["3", "4"]


async def test_a_cursor_of_another_query_is_refused(table: Table) -> None:
    await table.transact(*(note("P", str(at), index={Index.SLUG: Key("P", str(at))}) for at in range(3)))
    page = await table.query("P", Note, limit=1)
    assert page.next is not None

    with pytest.raises(Unfit, match="another query"):
        await table.query("Q", Note, after=page.next)
    with pytest.raises(Unfit, match="another query"):
        await table.query("P", Note, index=Index.SLUG, after=page.next)


@pytest.mark.parametrize("nonsense", ["", "x", "....", "é", "kqFQ", "AAAA", "w4M", "gA", "\ud800"])
async def test_what_is_no_cursor_is_refused(table: Table, nonsense: str) -> None:
    with pytest.raises(Unfit, match="cursor"):
        await table.query("P", Note, after=Cursor(nonsense))
    with pytest.raises(Unfit, match="cursor"):
        await table.scan(Note, after=Cursor(nonsense))


async def test_a_query_reads_what_was_just_written(table: Table) -> None:
    for count in range(20):
        await table.transact(note("P", f"{count:02}", str(count)))
        assert len(await texts(table, "P")) == count + 1


async def test_a_query_meeting_another_kind_is_refused(table: Table) -> None:
    await table.transact(note("P", "NOTE#1"), Put(key=Key("P", "LETTER#1"), value=Letter(to="you")))

    with pytest.raises(Unfit, match="letter"):
        await table.query("P", Note)
    assert len((await table.query("P", Note, prefix="NOTE#")).rows) == 1


async def test_a_large_partition_is_read_whole(table: Table) -> None:
    big = "x" * 10_000
    for start in range(0, 300, 50):
        await table.transact(*(note("P", f"{at:04}", big) for at in range(start, start + 50)))

    assert len(await everything(table, "P", Note, limit=1000)) == 300


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sorts=st.sets(st.text("a#é\ud7ff\ue000\U0001f525", min_size=1, max_size=4), max_size=12),
    prefix=st.text("a#é\ud7ff\U0001f525", max_size=2),
    start=st.none() | st.text("a#é", min_size=1, max_size=3),
    end=st.none() | st.text("a#é\U0001f525", min_size=1, max_size=3),
    descending=st.booleans(),
    limit=st.integers(1, 5),
)
async def test_a_query_finds_exactly_what_lies_in_its_range(
    *,
    table: Table,
    sorts: set[str],
    prefix: str,
    start: str | None,
    end: str | None,
    descending: bool,
    limit: int,
) -> None:
    partition = str(uuid4())  # Hypothesis may draw one twice
    if sorts:
        await table.transact(*(note(partition, sort, sort) for sort in sorts))

    found = await texts(table, partition, prefix=prefix, start=start, end=end, descending=descending, limit=limit)

    assert found == sorted(
        (
            sort
            for sort in sorts
            if sort.startswith(prefix)
            and (start is None or sort.encode() >= start.encode())
            and (end is None or sort.encode() < end.encode())
        ),
        key=str.encode,
        reverse=descending,
    )


async def test_an_index_finds_items_by_the_keys_they_gave_it(table: Table) -> None:
    await table.transact(
        note("USER#1", "A", "one", index={Index.STATUS: Key("open", "2"), Index.SLUG: Key("one", "OWNER")}),
        note("USER#2", "A", "two", index={Index.STATUS: Key("open", "1")}),
        note("USER#3", "A", "three"),
    )

    await index_shows(table, Index.STATUS, "open", lambda rows: [row.value.text for row in rows] == ["two", "one"])
    await index_shows(table, Index.SLUG, "one", lambda rows: [row.key for row in rows] == [Key("USER#1", "A")])
    assert await texts(table, "one", index=Index.STATUS) == []


async def test_an_index_follows_its_item(table: Table) -> None:
    at = {Index.STATUS: Key("open", "1"), Index.SLUG: Key("s", "o")}
    await table.transact(note("P", "a", "x", index=at))
    await table.transact(note("P", "a", "y", index={**at, Index.STATUS: Key("shut", "1")}))

    await index_shows(table, Index.STATUS, "open", lambda rows: rows == [])
    await index_shows(table, Index.STATUS, "shut", lambda rows: [row.version for row in rows] == [2])
    await index_shows(table, Index.SLUG, "s", lambda rows: [row.value.text for row in rows] == ["y"])

    await table.transact(Delete(key=Key("P", "a")))

    await index_shows(table, Index.STATUS, "shut", lambda rows: rows == [])
    await index_shows(table, Index.SLUG, "s", lambda rows: rows == [])


async def test_an_index_may_hold_many_items_under_one_key(table: Table) -> None:
    await table.transact(
        *(note(f"USER#{at}", "A", str(at), index={Index.SLUG: Key("same", "same")}) for at in range(9))
    )

    await index_shows(table, Index.SLUG, "same", lambda rows: len(rows) == 9)
    for limit in (1, 2, 5):
        for descending in (False, True):
            found = await texts(table, "same", index=Index.SLUG, limit=limit, descending=descending)
            assert sorted(found) == [str(at) for at in range(9)]


async def test_an_index_is_read_by_range_and_backwards(table: Table) -> None:
    await table.transact(
        *(note(f"U#{at}", "A", str(at), index={Index.CUSTOMER: Key("c", f"T#{at}")}) for at in range(8))
    )
    await index_shows(table, Index.CUSTOMER, "c", lambda rows: len(rows) == 8)

    found = await texts(table, "c", index=Index.CUSTOMER, prefix="T#", start="T#2", end="T#6", descending=True, limit=3)

    assert found == ["5", "4", "3", "2"]


async def test_an_index_shows_counters_too(table: Table) -> None:
    await table.transact(note("P", "a", index={Index.PROVIDER: Key("p", "1")}, counters={"seats": 1}))

    await index_shows(table, Index.PROVIDER, "p", lambda rows: [dict(row.counters) for row in rows] == [{"seats": 1}])
