"""What a verification finds: each thing that is wrong, where, and what was read at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

FINDINGS_MAX = 100


class Wrong(StrEnum):
    """What may be wrong with a log, by the part that says so."""

    HEAD = "head"
    CHUNK = "chunk"
    LEAF = "leaf"
    TILE = "tile"
    CHECKPOINT = "checkpoint"
    TRUNCATED = "truncated"
    FORKED = "forked"
    ITEM_CHANGED = "item changed"
    ITEM_MISSING = "item missing"
    NOT_ENTERED = "not entered"
    ENTERED_TWICE = "entered twice"
    ITEMS = "items"
    SALT = "salt"
    WITNESS = "witness"


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is wrong, and where: the place in the log where there is one."""

    wrong: Wrong
    index: int | None = None
    about: str
    detail: str


class Report(Struct, frozen=True, kw_only=True):
    """What was read, and everything that is wrong, the first place first; `waiting` acts are not entered yet.

    `erasures` people were erased: `erased` items stand for entries of theirs, and of `gone` such entries no item is left.
    """

    size: int
    root: str
    checkpoints: int
    signed: int
    items: int
    erased: int
    waiting: int
    witnessed: int | None
    found: int
    findings: Sequence[Finding]
    erasures: int = 0
    gone: int = 0

    @property
    def holds(self) -> bool:
        return self.found == 0


@dataclass(slots=True)
class Findings:
    """The findings so far: all are counted, the first of them kept."""

    kept: list[Finding] = field(default_factory=list[Finding])
    count: int = 0

    def add(self, wrong: Wrong, about: str, detail: str, index: int | None = None) -> None:
        self.count += 1
        if len(self.kept) < FINDINGS_MAX:
            self.kept.append(Finding(wrong=wrong, index=index, about=about, detail=detail))

    def extend(self, others: Iterable[Finding]) -> None:
        for other in others:
            self.add(other.wrong, other.about, other.detail, other.index)
