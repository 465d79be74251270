"""A measured figure, and the table that `make bench` prints and keeps."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import apsw
from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True):
    """One figure: what was measured, its median in `unit`, beside what it is held against and their ratio."""

    part: str
    name: str
    figure: float
    unit: str
    against: str = ""
    other: float | None = None
    ratio: float | None = None
    goal: str = ""


def machine() -> str:
    """One line about the machine that measured."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores of {model}, {memory_gib:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}"
    )


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    lines = ["| part | measured | figure | against | ratio | goal |", "| --- | --- | ---: | --- | ---: | --- |"]
    for row in rows:
        other = f"{row.against} {_number(row.other)}" if row.other is not None else row.against
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        lines.append(f"| {row.part} | {row.name} | {_number(row.figure)} {row.unit} | {other} | {ratio} | {row.goal} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
