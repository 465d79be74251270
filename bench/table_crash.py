"""Kill the writing process under load, again and again, and look at what is left.

`python -m bench.table_crash --kills 200`: a child process carries out transactions for 64 callers at once and tells its
parent, through a pipe, of each one as it is acknowledged; the parent kills it with SIGKILL after as many as the seed
says, opens the file, and judges. A killed process leaves its page cache behind; `bench.table_power` takes that away too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from bench.rows import Row
from bench.table_load import CALLERS, judged, transaction
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock

RECORD = struct.Struct("<HI")
# Runs that share one file before a new one is begun: recovery must hold after recovery too.
RUNS_PER_FILE = 10


def run(kills: int = 200, seed: int = 1) -> list[Row]:
    """Kill that many times; raises when anything acknowledged is lost or anything is there by half."""
    random = Random(seed)
    acknowledged = there = idle = 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(kills):
            path = Path(folder) / f"{number // RUNS_PER_FILE}.sqlite"
            # Some die before or at their first acknowledgement, most in full flight.
            told = _killed(
                path, f"RUN{number}", random.choice([0, 1, random.randrange(3000), random.randrange(3000)]), random
            )
            verdict = asyncio.run(judged(path, SystemClock(), f"RUN{number}", told, at_most_one=True))
            if verdict.faults:
                raise AssertionError(f"kill {number} of seed {seed}: {'; '.join(verdict.faults[:5])}")
            acknowledged += verdict.acknowledged
            there += verdict.there
            idle += verdict.acknowledged == 0
    return [
        Row(part="table", name="kills (SIGKILL under load) survived", figure=kills, unit="kills"),
        Row(
            part="table",
            name=f"acknowledged transactions over {kills} kills, lost",
            figure=0,
            unit=f"of {acknowledged}",
            goal="0",
        ),
        Row(part="table", name="landed unacknowledged, all whole", figure=there - acknowledged, unit="transactions"),
        Row(part="table", name="kills before the first acknowledgement", figure=idle, unit="kills"),
        Row(part="table", name="the drill took", figure=time.monotonic() - started, unit="s"),
    ]


def _killed(path: Path, name: str, after: int, random: Random) -> Counter[int]:
    """Let a child write, kill it after so many acknowledgements; how many transactions each caller was told of."""
    told: Counter[int] = Counter()
    with subprocess.Popen(
        [sys.executable, "-m", "bench.table_crash", "--child", str(path), name], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.read(1) == b"!"
        heard = child.stdout.read(after * RECORD.size)
        time.sleep(random.uniform(0, 0.005))
        child.send_signal(signal.SIGKILL)
        heard += child.stdout.read()
        assert child.wait() == -signal.SIGKILL, "the child ended by itself"
    # A record is one write of fewer bytes than a pipe cuts up, so each is whole.
    for caller, number in RECORD.iter_unpack(heard):
        assert number == told[caller] + 1
        told[caller] = number
    return told


async def _child(path: Path, name: str) -> None:
    table = await EmbeddedTable.open(path, SystemClock())
    os.write(1, b"!")

    async def call(caller: int) -> None:
        number = 0
        while True:
            number += 1
            await table.transact(*transaction(name, caller, number))
            os.write(1, RECORD.pack(caller, number))

    await asyncio.gather(*map(call, range(CALLERS)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", nargs=2, metavar=("FILE", "RUN"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        asyncio.run(_child(Path(given.child[0]), given.child[1]))
        return
    for row in run(given.kills, given.seed):
        print(f"{row.name}: {row.figure:,.0f} {row.unit}")


if __name__ == "__main__":
    main()
