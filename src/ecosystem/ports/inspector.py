"""Whoever reads everything there is, in a process beside the one that serves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct, field

from ecosystem.kernel.refusals import Unavailable


class InspectorFailed(Unavailable):
    """The reading process ended without a report."""


class Whole(StrEnum):
    """What may be read as a whole."""

    LEDGER = "ledger"
    AUDIT = "audit"


class Heard(Struct, frozen=True, kw_only=True):
    """What the reading process says: how many items of each kind it has read so far; with the last word, its report."""

    read: Mapping[str, int] = field(default_factory=dict[str, int])
    report: dict[str, Any] | None = None


class Inspector(Protocol):
    def verification(self, what: Whole = Whole.LEDGER) -> AsyncGenerator[Heard, None]:
        """Hold that to its rules, and tell about it now and then; the last that is told has the report.

        Closing the generator ends the reading process. Raises `InspectorFailed`.
        """
        ...


class Comparer(Protocol):
    def reconciliation(self, day: date, until: date) -> AsyncGenerator[Heard, None]:
        """Compare our books with what processor and bank said of the days up to that one, and tell in the same way.

        What was booked later, until that day, counts as late and not as missing.
        """
        ...
