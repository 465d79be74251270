"""What signed checkpoints attest, held to the log, to the witness and to each other. Plain comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ecosystem.contexts.audit.checkpoints import OVERLAP, Marked
from ecosystem.contexts.audit.findings import Finding, Wrong
from ecosystem.contexts.audit.sequencer import LATE
from ecosystem.kernel.time import sortable


def against_witness(marks: Mapping[int, Marked], notes: Mapping[int, Marked], size: int) -> list[Finding]:
    """Every checkpoint that the witness was told of is kept here too."""
    return [
        Finding(
            wrong=Wrong.CHECKPOINT, index=gone, about=f"checkpoint {gone}", detail="the witness has it; it is not here"
        )
        for gone in sorted(notes.keys() - marks.keys())
        if gone <= size
    ]


def unwitnessed(marks: Mapping[int, Marked], notes: Mapping[int, Marked], at: datetime) -> list[Finding]:
    """Every checkpoint is told to the witness, in minutes: one that it lacks says that it is not the file it was."""
    due = sorted(size for size, mark in marks.items() if mark.at < at - LATE)
    findings: list[Finding] = []
    run: list[int] = []
    for size in [*due, None]:
        if size is not None and size not in notes:
            run.append(size)
            continue
        if run:
            lacks = (
                f"it lacks {len(run)} checkpoints, those of {run[0]} to {run[-1]} entries"
                if notes
                else (f"it is gone, or empty: {len(run)} checkpoints were signed, up to one of {run[-1]} entries")
            )
            findings.append(Finding(wrong=Wrong.WITNESS, index=run[0], about="witness", detail=lacks))
            run = []
    return findings


def out_of_turn(marks: Mapping[int, Marked]) -> list[Finding]:
    """Checkpoints whose order is not that of their time, or which a key signed after a later one had taken over.

    Without it, whoever gets hold of a key that signs no more could sign for any time of it.
    """
    findings: list[Finding] = []
    taken_over: dict[int, datetime] = {}
    for mark in marks.values():
        for former in range(mark.signer):
            taken_over[former] = min(mark.at, taken_over.get(former, mark.at))
    latest: datetime | None = None
    for size, mark in sorted(marks.items()):
        if latest is not None and mark.at < latest - OVERLAP:
            early = f"says {sortable(mark.at)}, after a smaller one of {sortable(latest)}"
            findings.append(Finding(wrong=Wrong.CHECKPOINT, index=size, about=f"checkpoint {size}", detail=early))
        elif mark.signer in taken_over and mark.at > taken_over[mark.signer] + OVERLAP:
            late = "is signed by a key that a later one had replaced by then"
            findings.append(Finding(wrong=Wrong.CHECKPOINT, index=size, about=f"checkpoint {size}", detail=late))
        latest = mark.at if latest is None else max(latest, mark.at)
    return findings


def against_roots(marks: Mapping[int, Marked], roots: Mapping[int, bytes], size: int, name: Wrong) -> list[Finding]:
    """Hold what was signed to the roots at those sizes."""
    findings: list[Finding] = []
    for signed, mark in sorted(marks.items()):
        about = f"{name.value} {signed}"
        if signed > size:
            gone = f"was signed for {signed} entries; there are {size}"
            findings.append(Finding(wrong=Wrong.TRUNCATED, index=size, about=about, detail=gone))
        elif signed in roots and roots[signed] != mark.statement.root:
            forked = "the log up to there is not the one that was signed"
            findings.append(Finding(wrong=Wrong.FORKED, index=signed - 1, about=about, detail=forked))
    return findings
