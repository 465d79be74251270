"""Recorded verdicts of another reader of bank files, held against ours.

A list is JSON lines. Either each names a file beside it (`file`, `accept`, and for accepted ones `batches`, `entries`,
`total_debit_cents`, `total_credit_cents`), or each has a file in itself (`text`, `moov_accepts`). Where ours is
stricter, it has to say so by a rule that it is known to be stricter in; such cases are counted apart.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from ecosystem.kernel.nacha import Fault, Reading, written

# What the rules say and other readers let pass. docs/ach.md tells of each.
STRICTER = frozenset(
    {
        "priority_code",
        "record_size",
        "blocking_factor",
        "file_creation_time",
        "effective_entry_date",
        "block_count",
        "numeric",
        "batch_header_repeated",
        "addenda_repeated",
        "entry_addenda_count",
    }
)


class Case(Struct, frozen=True, kw_only=True):
    """A line of a list."""

    file: str = ""
    accept: bool | None = None
    batches: int = 0
    entries: int = 0
    total_debit_cents: int | None = None
    total_credit_cents: int | None = None
    id: int = 0
    base: str = ""
    kind: str = ""
    text: str = ""
    moov_accepts: bool | None = None

    @property
    def name(self) -> str:
        return self.file or f"{self.id}: {self.kind} of {self.base}"

    @property
    def is_accepted(self) -> bool:
        return bool(self.moov_accepts if self.accept is None else self.accept)

    def content(self, folder: Path) -> bytes:
        return (folder / self.file).read_bytes() if self.file else self.text.encode("utf-8", "surrogateescape")


def play(listed: Path) -> int:
    """Read every case of the list, print what differs, and the sums; 0 when nothing differs without a reason."""
    counts: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for case in cases(listed):
        verdict, faults = judged(case, case.content(listed.parent))
        counts[verdict] += 1
        if verdict == "stricter":
            rules.update({fault.rule for fault in faults})
        if verdict == "differs":
            print(f"  {case.name}: expected {'accepted' if case.is_accepted else 'refused'}; {faults[:2]}")
    print(f"  {counts['agrees']} agree, {counts['stricter']} refused by a stricter rule, {counts['differs']} differ")
    if rules:
        print(f"  stricter rules: {', '.join(f'{rule} {count}' for rule, count in rules.most_common())}")
    return 1 if counts["differs"] or not counts else 0


def cases(listed: Path) -> Iterator[Case]:
    content = listed.read_bytes()
    for line in (gzip.decompress(content) if listed.suffix == ".gz" else content).splitlines():
        yield msgspec.json.decode(line, type=Case)


def judged(case: Case, content: bytes) -> tuple[str, list[Fault]]:
    """Whether ours agrees, is stricter for a reason, or differs; and the faults."""
    reading = Reading()
    if b"".join(written(reading.items([content]), reading)) != content:
        return "differs", reading.faults
    if reading.is_accepted != case.is_accepted:
        rules = {fault.rule for fault in reading.faults}
        return ("stricter" if rules and rules <= STRICTER else "differs"), reading.faults
    if reading.is_accepted and case.total_debit_cents is not None:
        sums = reading.sums
        found = (sums.batches, sums.entries, sums.debit_cents, sums.credit_cents)
        if found != (case.batches, case.entries, case.total_debit_cents, case.total_credit_cents):
            return "differs", reading.faults
    return "agrees", reading.faults
