"""How long a file of the Automated Clearing House takes to be read, validated and written, and in how much memory.

    python -m bench.ach_speed [ENTRIES]

Each figure is the median of several rounds over a file of payouts (100,000 in one batch), read from disk in blocks and
written back block by block. Memory is what a process of its own needs at its peak over what it needs for a file of a
hundred entries, once for the file and once for one four times as long: flat means that they are the same.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.ach_files import payouts
from bench.rows import Row
from ecosystem.kernel.nacha import Reading, written

ENTRIES = 100_000
ROUNDS = 3
CHUNK_BYTES = 262_144
GOAL_S = 3
SMALL = 100
_PEAK = """
import resource, sys
from pathlib import Path
from bench.ach_speed import through
through(Path(sys.argv[1]), Path(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def through(source: Path, target: Path) -> None:
    """Read, validate and write a file; it has to be right, and come out as it went in."""
    reading = Reading()
    with source.open("rb") as opened, target.open("wb") as made:

        def chunks() -> Iterable[bytes]:
            while chunk := opened.read(CHUNK_BYTES):
                yield chunk

        for block in written(reading.items(chunks()), reading):
            made.write(block)
    assert reading.is_accepted, reading.faults[:3]
    assert source.stat().st_size == target.stat().st_size


def run(entries: int = ENTRIES) -> list[Row]:
    """The figures."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "payouts.ach", Path(folder) / "again.ach"
        composing = statistics.median(_timed(lambda: _made(source, entries)) for _ in range(ROUNDS))
        reading = statistics.median(_timed(lambda: through(source, target)) for _ in range(ROUNDS))
        peaks: list[float] = []
        for count in (SMALL, entries, 4 * entries):
            _made(source, count)
            peaks.append(_peak_mib(source, target))
    named = f"{entries:,} entries"
    return [
        Row(part="ach", name=f"{named} read, validated, written", figure=reading, unit="s", goal=f"under {GOAL_S} s"),
        Row(part="ach", name=f"{named} composed", figure=composing, unit="s"),
        Row(part="ach", name=f"memory for {named}", figure=max(peaks[1] - peaks[0], 0), unit="MiB", goal="flat"),
        Row(
            part="ach", name=f"memory for {4 * entries:,}", figure=max(peaks[2] - peaks[0], 0), unit="MiB", goal="flat"
        ),
    ]


def _made(path: Path, entries: int) -> None:
    with path.open("wb") as opened:
        for block in payouts(entries):
            opened.write(block)


def _timed(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _peak_mib(source: Path, target: Path) -> float:
    command = [sys.executable, "-c", _PEAK, str(source), str(target)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    return int(done.stdout) / 1024


def main() -> None:
    for row in run(int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES):
        print(f"{row.name}: {row.figure:.2f} {row.unit} {row.goal}")


if __name__ == "__main__":
    main()
