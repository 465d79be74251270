"""What a process costs, read from `/proc`: seconds of CPU, and memory."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

_TICKS = os.sysconf("SC_CLK_TCK")


class Cost(Struct, frozen=True, kw_only=True):
    """Seconds of CPU so far: of all threads, and of the main one, on which the event loop runs."""

    cpu_s: float
    loop_s: float

    def since(self, before: Cost) -> Cost:
        return Cost(cpu_s=self.cpu_s - before.cpu_s, loop_s=self.loop_s - before.loop_s)


def cost(pid: int) -> Cost:
    """What the process has cost so far."""
    return Cost(cpu_s=_cpu_s(Path(f"/proc/{pid}/stat")), loop_s=_cpu_s(Path(f"/proc/{pid}/task/{pid}/stat")))


def memory_mb(pid: int) -> float:
    """Memory that the process has in use (resident), in millions of bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def children(pid: int) -> list[int]:
    """The processes that this one started, such as the sandbox."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def _cpu_s(stat: Path) -> float:
    # The second field, a name in brackets, may hold anything; what follows it is numbers.
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
