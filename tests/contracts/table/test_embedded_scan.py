"""A scan finds every item of its kind among others, in small steps as in large ones."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from ecosystem.adapters.embedded import table_read
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.ports.table import Cursor, Key, Put
from table_samples import Letter, Note


@pytest.mark.parametrize(("step", "items"), [(1, 1), (3, 2), (2, 5), (2_000, 500)])
@pytest.mark.parametrize("limit", [1, 3, 1000])
async def test_a_scan_finds_each_of_its_kind_once(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, step: int, items: int, limit: int
) -> None:
    monkeypatch.setattr(table_read, "SCAN_STEP", step)
    monkeypatch.setattr(table_read, "SCAN_ITEMS", items)
    table = await EmbeddedTable.open(tmp_path / "table.sqlite", clock)
    chance = Random(step)
    expected: set[Key] = set()
    for number in range(40):
        key = Key(chance.choice(["P", "Q", "é", "\U0010ffff\U0010ffff"]), f"{number:02d}\U0010ffff")
        is_note = chance.random() < 0.4
        await table.transact(Put(key=key, value=Note(text="letter") if is_note else Letter(to="note")))
        expected |= {key} if is_note else set()

    found: list[Key] = []
    after: Cursor | None = None
    for _ in range(100):
        page = await table.scan(Note, after=after, limit=limit)
        found += [row.key for row in page.rows]
        after = page.next
        if after is None:
            break

    assert after is None
    assert len(found) == len(expected)
    assert set(found) == expected
    await table.close()
