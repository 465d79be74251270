"""Cut the power under load, again and again, and look at what is left.

`python -m bench.table_power --cuts 200`: the table writes to a disk that forgets what was not synced, or keeps parts of
it, sector by sector and out of order, as drawn by seed. The cut falls at a random write or sync; the restart then finds
what that disk kept.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random

from bench.disk import PowerDisk
from bench.rows import Row
from bench.table_load import CALLERS, Verdict, judged, transaction
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.kernel.refusals import Unavailable

# Enough for several checkpoints: the log is folded into the file every 250 pages.
OPERATIONS_MAX = 4000
CUTS_PER_FILE = 5


def run(cuts: int = 200, seed: int = 1) -> list[Row]:
    """Cut that many times; raises when anything acknowledged is lost or anything is there by half."""
    started = time.monotonic()
    verdicts = [verdict for first in range(0, cuts, CUTS_PER_FILE) for verdict in _file(first, cuts, seed)]
    acknowledged = sum(verdict.acknowledged for verdict in verdicts)
    return [
        Row(part="table", name="power cuts survived", figure=cuts, unit="cuts"),
        Row(
            part="table",
            name=f"acknowledged transactions over {cuts} cuts, lost",
            figure=0,
            unit=f"of {acknowledged}",
            goal="0",
        ),
        Row(
            part="table",
            name="landed unacknowledged, all whole",
            figure=sum(verdict.there for verdict in verdicts) - acknowledged,
            unit="transactions",
        ),
        Row(part="table", name="the drill took", figure=time.monotonic() - started, unit="s"),
    ]


def _file(first: int, cuts: int, seed: int) -> list[Verdict]:
    """Cuts that share one file, each going on from what the one before left."""
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "0" / "table.sqlite"
        path.parent.mkdir()
        for number in range(first, min(first + CUTS_PER_FILE, cuts)):
            random = Random(seed * 1_000_003 + number)
            told, disk = asyncio.run(_cut(path, number, random))
            path = Path(folder) / str(number + 1) / "table.sqlite"
            path.parent.mkdir()
            disk.restart(path.parent, random)
            verdict = asyncio.run(judged(path, SystemClock(), f"RUN{number}", told, at_most_one=True))
            if verdict.faults:
                raise AssertionError(f"cut {number} of seed {seed}: {'; '.join(verdict.faults[:5])}")
            verdicts.append(verdict)
    return verdicts


async def _cut(path: Path, number: int, random: Random) -> tuple[Counter[int], PowerDisk]:
    """Write until the power goes; how many transactions each caller was told of."""
    disk = PowerDisk(f"power-{number}", cut_after=random.randrange(OPERATIONS_MAX))
    told: Counter[int] = Counter()
    try:
        table = await EmbeddedTable.open(path, SystemClock(), upkeep=False, vfs=disk.name)
    except Unavailable:
        return told, disk

    async def call(caller: int) -> None:
        while not disk.off:
            try:
                await table.transact(*transaction(f"RUN{number}", caller, told[caller] + 1))
            except Unavailable:
                return
            # What is acknowledged once the power is off has never left the machine.
            if not disk.off:
                told[caller] += 1

    await asyncio.gather(*map(call, range(CALLERS)))
    with suppress(Unavailable):
        await table.close()
    return told, disk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for row in run(given.cuts, given.seed):
        print(f"{row.name}: {row.figure:,.0f} {row.unit}")


if __name__ == "__main__":
    main()
