"""Scans: every item of a kind, page after page."""

from __future__ import annotations

from ecosystem.ports.table import Cursor, Key, Put, Table
from table_samples import Letter, Note, note


async def _scanned(table: Table, limit: int) -> list[str]:
    found: list[str] = []
    after: Cursor | None = None
    for _ in range(10_000):
        page = await table.scan(Note, after=after, limit=limit)
        assert len(page.rows) <= limit
        found += [row.value.text for row in page.rows]
        if page.next is None:
            return found
        after = page.next
    raise AssertionError("the scan has no end")


async def test_a_scan_finds_every_item_of_its_kind_once(table: Table) -> None:
    for start in range(0, 1200, 100):
        await table.transact(*(note(f"P#{at % 7}", f"{at:04}", str(at)) for at in range(start, start + 90)))
        await table.transact(*(Put(key=Key("L", f"{start}{at}"), value=Letter(to="x")) for at in range(20)))
    expected = sorted(str(at) for at in range(1200) if at % 100 < 90)

    for limit in (1000, 333, 7):
        assert sorted(await _scanned(table, limit)) == expected


async def test_a_scan_of_an_empty_table_ends_at_once(table: Table) -> None:
    page = await table.scan(Note)

    assert (list(page.rows), page.next) == ([], None)
