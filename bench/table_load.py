"""The load under which the table is killed, and how its survivors are judged.

Each caller carries out its transactions one after the other: six writes each, some of items that all callers share. So
of a caller's transactions a first stretch must be there, whole, at least as long as what was acknowledged to it and at
most one longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Add, Counter, Cursor, Delete, Index, Key, Put, Stored, Table, Write

CALLERS = 64
SHARED = 4


class Part(Stored, frozen=True, kw_only=True):
    entity = "drill_part"

    number: int
    text: str = ""


class Verdict(Struct, frozen=True, kw_only=True):
    """What a restart found: transactions there and acknowledged, and each fault in words."""

    there: int
    acknowledged: int
    faults: tuple[str, ...]


def transaction(run: str, caller: int, number: int) -> list[Write]:
    """The caller's next transaction, the first has number 1."""
    here = f"{run}#{caller:03}#{number:06}"
    text = f"{caller} {number} " * 12
    writes: list[Write] = [
        Put(
            key=Key(here, "A"),
            value=Part(number=number, text=text),
            index={Index.STATUS: Key(run, f"{caller:03}#{number:06}")},
            expected=ABSENT,
        ),
        Put(key=Key(here, "B"), value=Part(number=number, text=text), expected=ABSENT),
        Put(key=Key(here, "C"), value=Part(number=number, text=text), expected=ABSENT),
        Put(key=Key(run, f"LATEST#{caller:03}"), value=Part(number=number)),
        Add(key=Key(run, f"COUNT#{caller % SHARED}"), by={"transactions": 1}),
    ]
    before = Key(f"{run}#{caller:03}#{number - 1:06}", "C")
    return [*writes, Delete(key=before)]


async def judged(path: Path, clock: Clock, run: str, acknowledged: Mapping[int, int], *, at_most_one: bool) -> Verdict:
    """What of the run is in the file, held against how many transactions each caller was told of.

    `at_most_one` tells that every acknowledgement was seen; then no caller can have two transactions more.
    """
    table = await EmbeddedTable.open(path, clock, upkeep=False)
    try:
        faults: list[str] = []
        there = 0
        for caller in range(CALLERS):
            latest = await table.get(Key(run, f"LATEST#{caller:03}"), Part)
            count = latest.value.number if latest else 0
            told = acknowledged.get(caller, 0)
            if count < told:
                faults.append(f"caller {caller} lost {told - count} acknowledged transactions")
            if at_most_one and count > told + 1:
                faults.append(f"caller {caller} has {count - told} transactions it was never told of")
            faults += await _halves(table, run, caller, count)
            there += count
        counted = 0
        for shared in range(SHARED):
            row = await table.get(Key(run, f"COUNT#{shared}"), Counter)
            counted += row.counters["transactions"] if row else 0
        if counted != there:
            faults.append(f"the shared counters say {counted}, not {there}")
        indexed = await _indexed(table, run)
        if indexed != there:
            faults.append(f"the index has {indexed} items, not {there}")
        told_as_changed = await _told(table, run)
        if told_as_changed != there:
            faults.append(f"the changes tell {told_as_changed} transactions, not {there}")
    finally:
        await table.close()
    return Verdict(there=there, acknowledged=sum(acknowledged.values()), faults=tuple(faults))


async def _halves(table: Table, run: str, caller: int, count: int) -> list[str]:
    faults: list[str] = []
    for number in range(1, count + 2):
        here = f"{run}#{caller:03}#{number:06}"
        found = await table.batch_get([Key(here, part) for part in "ABC"], Part)
        shape = "".join(part for part, row in zip("ABC", found, strict=True) if row is not None)
        expected = "ABC" if number == count else "AB" if number < count else ""
        if shape != expected:
            faults.append(f"transaction {here} has {shape or 'nothing'}, not {expected or 'nothing'}")
    return faults


async def _indexed(table: Table, run: str) -> int:
    count, after = 0, None
    while True:
        page = await table.query(run, Part, index=Index.STATUS, after=after, limit=1000)
        count += len(page.rows)
        after = page.next
        if after is None:
            return count


async def _told(table: Table, run: str) -> int:
    count = 0
    after: Cursor | None = None
    while changes := await table.changes(after):
        count += sum(
            1 for each in changes if each.key.sort == "A" and each.key.partition.startswith(f"{run}#") and not each.old
        )
        after = changes[-1].cursor
    return count
