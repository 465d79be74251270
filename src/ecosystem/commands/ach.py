"""`ecosystem ach check FILE ...`: files of the Automated Clearing House held to the rules of their format."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.kernel.nacha import PARTIAL_RETURNS, STRICT, Fault, Reading, Relaxations, written

CHUNK_BYTES = 262_144
RELAXATIONS: Sequence[str] = Relaxations.__struct_fields__
SHOWN_MAX = 20


class Checked(Struct, frozen=True, kw_only=True):
    """What came of one file. `round_trip`: written from what was read, it is the same byte for byte."""

    file: str
    accept: bool
    errors: Sequence[Fault]
    batches: int
    entries: int
    debit_cents: int
    credit_cents: int
    round_trip: bool


def relaxed(names: Sequence[str], *, lenient: bool) -> Relaxations:
    """The relaxations of these names; and those that partial return files need."""
    return replace(PARTIAL_RETURNS if lenient else STRICT, **dict.fromkeys(names, True))


def check(paths: Sequence[Path], relaxations: Relaxations = STRICT, *, as_json: bool = False) -> int:
    """Check these files and tell of each; 0 when all are accepted, 1 when any is refused, 2 when one cannot be read."""
    status = 0
    for path in paths:
        try:
            with path.open("rb") as opened:
                told = checked(shown(path), opened, relaxations)
        except OSError as broken:
            status = 2
            if not as_json:
                print(f"{shown(path)} cannot be read: {broken.strerror}", file=sys.stderr)
                continue
            told = unreadable(path, broken.strerror or "unknown")
        print(msgspec.json.encode(told).decode() if as_json else "\n".join(_lines(told)))
        if not told.accept and status == 0:
            status = 1
    return status


def unreadable(path: Path, why: str) -> Checked:
    """What is said of a file that cannot be opened or read, so that each file asked for has its line."""
    fault = Fault(line=0, record="", field="", rule="unreadable", message=f"The file cannot be read: {why}.")
    return Checked(
        file=shown(path), accept=False, errors=[fault], batches=0, entries=0, debit_cents=0, credit_cents=0,
        round_trip=False,
    )  # fmt: skip


def shown(path: Path) -> str:
    """A path as text that can be printed, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", "replace")


def checked(name: str, opened: BinaryIO, relaxations: Relaxations = STRICT) -> Checked:
    """Read a file to its end, and write it beside."""
    reading = Reading(relaxations)
    before, after = hashlib.blake2b(), hashlib.blake2b()

    def chunks() -> Iterator[bytes]:
        while chunk := opened.read(CHUNK_BYTES):
            before.update(chunk)
            yield chunk

    for block in written(reading.items(chunks()), reading):
        after.update(block)
    sums = reading.sums
    return Checked(
        file=name,
        accept=reading.is_accepted,
        errors=reading.faults,
        batches=sums.batches,
        entries=sums.entries,
        debit_cents=sums.debit_cents,
        credit_cents=sums.credit_cents,
        round_trip=before.digest() == after.digest(),
    )


def _lines(told: Checked) -> Iterator[str]:
    yield (
        f"{told.file}: {'accepted' if told.accept else 'refused'}; batches {told.batches}, entries {told.entries}, "
        f"debits {_dollars(told.debit_cents)}, credits {_dollars(told.credit_cents)}"
    )
    for fault in told.errors[:SHOWN_MAX]:
        line = f"line {fault.line}" if fault.line else "the whole file"
        field = f", {fault.field}" if fault.field else ""
        yield f"  {line}, {fault.record}{field}: {fault.message} [{fault.rule}]"
    if len(told.errors) > SHOWN_MAX:
        yield f"  and {len(told.errors) - SHOWN_MAX} more; --json tells all"


def _dollars(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02d}"
