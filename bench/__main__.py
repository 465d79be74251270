"""Everything that is measured, side by side in one run, in at most ten minutes.

    python -m bench [--full] [--only PART ...]

Each part runs in a process of its own and hands back its figures. The table of all figures, with the machine that made
them, is printed and kept as build/bench.md and build/bench.json. `--full` adds what needs large data, which it makes
under build/ the first time. What cannot be measured here is named with what to install, and counted. Ends with status 1
when a part failed.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.rows import Row, machine, markdown

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
PART_S_MAX = 240
FULL_PART_S_MAX = 7200


def _table() -> list[Row]:
    from bench import table_speed

    return table_speed.run()


def _slots() -> list[Row]:
    from bench import slots

    return slots.run()


def _search(documents: int) -> list[Row]:
    from bench import search

    return asyncio.run(search.measured(documents))


def _workflows() -> list[Row]:
    from bench import workflows

    return workflows.run()


def _checkout() -> list[Row]:
    from bench import checkout_speed

    return checkout_speed.run()


def _processor() -> list[Row]:
    from bench import processor_calls

    return processor_calls.run()


def _ach() -> list[Row]:
    from bench import ach_speed

    return ach_speed.run()


def _audit() -> list[Row]:
    from bench import audit_speed

    return audit_speed.run()


def _fraud() -> list[Row]:
    from bench import fraud_scoring

    return fraud_scoring.run()


def _startup(services: int, bookings: int) -> list[Row]:
    from bench import startup

    return startup.run(BUILD, services=services, bookings=bookings)


def postgres_missing() -> str | None:
    """What to install so that the table can be held against PostgreSQL; None when it is there."""
    if shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return None
    return "PostgreSQL's programs (initdb, postgres): apt-get install postgresql, or dnf install postgresql-server"


def nothing_missing() -> str | None:
    return None


class Part(Struct, frozen=True, kw_only=True):
    """What is measured together. `missing` says what has to be installed for all of its figures."""

    name: str
    what: str
    measure: Callable[[], list[Row]]
    missing: Callable[[], str | None] = nothing_missing
    full: bool = False


PARTS: Sequence[Part] = (
    Part(
        name="table",
        what="six-item transactions, beside PostgreSQL and the bare disk",
        measure=_table,
        missing=postgres_missing,
    ),
    Part(name="slots", what="free times of a month", measure=_slots),
    Part(name="search", what="the search index with 20,000 services", measure=lambda: _search(20_000)),
    Part(
        name="workflows",
        what="steps of executions a second, 10,000 that wait and fall due together, starts",
        measure=_workflows,
    ),
    Part(name="audit", what="acts entered into the audit log, verified, proven", measure=_audit),
    Part(name="ach", what="a bank file of 100,000 entries read, validated and written", measure=_ach),
    Part(name="processor", what="CPU of a card processor's call, by ways to use its SDK", measure=_processor),
    Part(name="fraud", what="a checkout's score, with histories", measure=_fraud),
    Part(name="checkout", what="whole checkouts over HTTP, 16 callers", measure=_checkout),
    Part(
        name="startup",
        what="start, memory and pages with 1,000 services and 10,000 bookings",
        measure=lambda: _startup(1_000, 10_000),
    ),
    Part(
        name="search-large",
        what="the search index with 100,000 services",
        measure=lambda: _search(100_000),
        full=True,
    ),
    Part(
        name="startup-large",
        what="start, memory, pages, backup and verify with 100,000 services and 1,000,000 bookings",
        measure=lambda: _startup(100_000, 1_000_000),
        full=True,
    ),
)


class Result(Struct, frozen=True, kw_only=True):
    """One run: its figures, what was missing, what failed."""

    at: datetime
    machine: str
    took_s: float
    rows: list[Row]
    missing: list[str]
    failed: list[str]


def measured(parts: Sequence[Part], *, limit_s: float) -> Result:
    """Run the parts one after the other, and say how far it is."""
    began = time.monotonic()
    rows: list[Row] = []
    missing: list[str] = []
    failed: list[str] = []
    for place, part in enumerate(parts, 1):
        print(f"[{place}/{len(parts)}] {part.name}: {part.what} ...", flush=True)
        if needed := part.missing():
            missing.append(f"{part.name}: install {needed}")
            print(f"      missing: {needed}", flush=True)
        started = time.monotonic()
        found = in_process(part, limit_s)
        if found is None:
            failed.append(part.name)
        rows += found or []
        print(f"      {'done' if found else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
    return Result(
        at=datetime.now(UTC),
        machine=machine(),
        took_s=time.monotonic() - began,
        rows=rows,
        missing=missing,
        failed=failed,
    )


def in_process(part: Part, limit_s: float) -> list[Row] | None:
    """The part's figures, from a process of its own; None when it failed or took too long."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        answer = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "bench", "--part", part.name, "--answer", str(answer)]
        try:
            subprocess.run(command, cwd=ROOT, check=True, timeout=limit_s)
        except subprocess.SubprocessError as failed:
            print(f"      {failed}", flush=True)
            return None
        return msgspec.json.decode(answer.read_bytes(), type=list[Row])


def written(result: Result) -> str:
    """The run as a page."""
    lines = [
        "# What was measured",
        "",
        f"{result.at:%Y-%m-%d %H:%M} UTC, in {result.took_s:.0f} s, on {result.machine}.",
        "",
        markdown(result.rows),
        "",
        f"Missing: {len(result.missing)}. Failed: {len(result.failed)}.",
    ]
    lines += [f"- {each}" for each in result.missing]
    lines += [f"- {each} failed" for each in result.failed]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [part.name for part in PARTS]
    parser.add_argument("--full", action="store_true", help="also what needs large data")
    parser.add_argument("--only", nargs="+", choices=names, metavar="PART", help=f"these alone: {', '.join(names)}")
    parser.add_argument("--part", choices=names, help=argparse.SUPPRESS)
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        part = next(part for part in PARTS if part.name == given.part)
        given.answer.write_bytes(msgspec.json.encode(part.measure()))
        return
    parts = [part for part in PARTS if (part.name in given.only if given.only else given.full or not part.full)]
    result = measured(parts, limit_s=FULL_PART_S_MAX if any(part.full for part in parts) else PART_S_MAX)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench.json").write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1))
    (BUILD / "bench.md").write_text(written(result), encoding="utf-8")
    print(f"\n{written(result)}\nKept as build/bench.md and build/bench.json.")
    sys.exit(1 if result.failed else 0)


if __name__ == "__main__":
    main()
