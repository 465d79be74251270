"""How many acts a second the audit log takes in, how fast it is verified, and how long a proof takes.

    python -m bench.audit_speed [ENTRIES]

Of a log of transfers, acts and events (`bench.audit_tampering` makes them), in one process. An entry is taken from the
table's changes, blinded, hashed, and committed with its chunk, tiles and head; verification reads every leaf, every item
and every checkpoint.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.audit_tampering import APPENDS_GOAL, Field
from bench.rows import Row
from ecosystem.contexts.audit import Explorer, LogReader
from ecosystem.contexts.audit.merkle import leaf_hash
from ecosystem.contexts.audit.proofs import includes
from ecosystem.contexts.ledger import Ledger, chart
from ecosystem.journeys.auditing import Auditing
from ecosystem.kernel.actor import system

ENTRIES = 50_000
PROOFS = 200


async def measured(entries: int) -> list[Row]:
    """The figures of a log of that many entries."""
    with tempfile.TemporaryDirectory() as folder:
        field = Field(Path(folder), entries, seed=1)
        _, entered_s = await field.make()
        await field.open()
        began = time.perf_counter()
        report = await field.whole.verify()
        verified_s = time.perf_counter() - began
        assert report.holds, report.findings
        table = field.verifier.log.table
        auditing = Auditing(table, Ledger(table, field.clock, chart.account))
        chance = random.Random(1)
        took: list[float] = []
        for _ in range(PROOFS):
            # A reader of its own each time: nothing is remembered from the proof before.
            explorer = Explorer(LogReader(table), field.verifier.salts, auditing.find)
            index = chance.randrange(report.size)
            began = time.perf_counter()
            proof = await explorer.prove(index, system("bench"))
            took.append((time.perf_counter() - began) * 1000)
            path = await explorer.log.inclusion(index, proof.size)
            root = await explorer.log.root(proof.size)
            assert includes(leaf_hash(proof.leaf.encode()), index, proof.size, root, path)
        await field.close()
    named = f"log of {entries:,} entries"
    return [
        Row(
            part="audit",
            name=f"acts entered, {named}",
            figure=entries / entered_s,
            unit="/s",
            goal=f"{APPENDS_GOAL:,} or more",
        ),
        Row(part="audit", name=f"entries verified with their items, {named}", figure=entries / verified_s, unit="/s"),
        Row(part="audit", name=f"a proof, {named}, median", figure=statistics.median(took), unit="ms"),
    ]


def run(entries: int = ENTRIES) -> list[Row]:
    """The figures."""
    return asyncio.run(measured(entries))


def main() -> int:
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    for row in run(entries):
        print(f"{row.name}: {row.figure:,.1f} {row.unit}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
