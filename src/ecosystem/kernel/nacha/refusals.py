"""What is wrong with a file: one value for each thing, that names line, record, field and rule."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from ecosystem.kernel.nacha.records import Record
from ecosystem.kernel.refusals import Invalid


class Wrong(NamedTuple):
    """A rule that a field breaks, and what it has instead; `at` where it is not the record that was looked at."""

    field: str
    rule: str
    found: str = ""
    at: Record | None = None


class Fault(Struct, frozen=True, kw_only=True):
    """One thing that is wrong. `line` counts from 1; 0 is the file as a whole. `field` is empty where no field is it."""

    line: int
    record: str
    field: str
    rule: str
    message: str


class FileRefused(Invalid):
    """This file breaks rules of the format."""

    def __init__(self, faults: list[Fault]) -> None:
        first = faults[0]
        super().__init__(f"line {first.line}, {first.record}: {first.message} ({len(faults)} in all)")
        self.faults = faults
