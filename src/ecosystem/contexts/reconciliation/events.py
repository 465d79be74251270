"""What reconciliation found, source `reconciliation`. Events carry ids and counts; rows stay in the discrepancies."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from ecosystem.ports.bus import Fact


class DayReconciled(Fact, frozen=True, kw_only=True):
    """A day was reconciled: `new` of the `open` discrepancies were not there before."""

    source: ClassVar[str] = "reconciliation"

    day: date
    agreed: int
    open: int
    new: int
    proven: bool


class DayNotReconciled(Fact, frozen=True, kw_only=True):
    """Reconciling a day failed, so many times since it was asked for; it is tried again."""

    source: ClassVar[str] = "reconciliation"

    day: date
    failures: int


class DiscrepancyFact(Fact, frozen=True, kw_only=True):
    """What every fact about a discrepancy names."""

    source: ClassVar[str] = "reconciliation"

    discrepancy_id: str
    kind: str


class DiscrepancyFound(DiscrepancyFact, frozen=True, kw_only=True):
    """The sides differ over a movement."""


class DiscrepancyReopened(DiscrepancyFact, frozen=True, kw_only=True):
    """It was closed, and the sides still differ."""


class RepairProposed(DiscrepancyFact, frozen=True, kw_only=True):
    """An operator asked for a repair that a second one has to approve."""

    repair: str


class DiscrepancyRepaired(DiscrepancyFact, frozen=True, kw_only=True):
    """An operator had it mended."""

    repair: str


class DiscrepancyClosed(DiscrepancyFact, frozen=True, kw_only=True):
    """It is closed: explained by an operator, or gone by itself."""

    by_itself: bool
