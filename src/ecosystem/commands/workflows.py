"""`ecosystem workflow rehearse CASE.json ...`: cases of machines, played on a virtual clock and compared."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ecosystem.adapters.embedded.states.rehearsal import NotACase, Rehearsed, read
from ecosystem.adapters.embedded.states.rehearsal import rehearse as play

SIZE_BYTES_MAX = 16_777_216


def rehearse(paths: Sequence[Path], *, only_differing: bool = False) -> int:
    """Play every case in those files and folders; one line of JSON each on standard output, the sums on standard error.

    0 when all agree but the disputed ones, 1 when any differs, 2 when a file is not a case or there is none.
    """
    counts: dict[str, Counter[str]] = {}
    status = 0
    for path in _files(paths):
        try:
            rehearsed = play(read(_content(path), name=str(path)))
        except NotACase as refused:
            print(refused.message, file=sys.stderr)
            status = 2
            continue
        if not only_differing or not rehearsed.agrees:
            print(_line(rehearsed))
        kind = "disputed" if rehearsed.is_disputed else "passed" if rehearsed.agrees else "failed"
        counts.setdefault(path.parent.name or ".", Counter())[kind] += 1
        if kind == "failed" and status == 0:
            status = 1
    if not counts and status == 0:
        print("There is no case to rehearse.", file=sys.stderr)
        return 2
    for folder, sums in sorted(counts.items()):
        print(f"{folder}: {_sums(sums)}", file=sys.stderr)
    print(f"in all: {_sums(sum(counts.values(), Counter[str]()))}", file=sys.stderr)
    return status


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files named, and every JSON file below the folders named."""
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob("*.json"))
        else:
            yield path


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > SIZE_BYTES_MAX:
            raise NotACase(f"{path} is not a case: it has more than {SIZE_BYTES_MAX} bytes")
        return path.read_bytes()
    except OSError as broken:
        raise NotACase(f"{path} cannot be read: {broken.strerror}") from broken


def _line(rehearsed: Rehearsed) -> str:
    told: dict[str, object] = {"id": rehearsed.id, "pass": rehearsed.agrees}
    if rehearsed.is_disputed:
        told["disputed"] = True
    if rehearsed.differences:
        told["differs"] = rehearsed.differences
    return msgspec.json.encode(told).decode()


def _sums(sums: Counter[str]) -> str:
    return f"{sums['passed']} passed, {sums['failed']} failed, {sums['disputed']} disputed"
