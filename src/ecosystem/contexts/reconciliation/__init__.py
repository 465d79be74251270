"""Reconciliation: ledger, processor and bank held against each other, movement by movement."""

from __future__ import annotations

from ecosystem.contexts.reconciliation.differences import EXPLAINED, Explained, Kind, Repair
from ecosystem.contexts.reconciliation.judging import Item
from ecosystem.contexts.reconciliation.matching import Matched, Matching, matched
from ecosystem.contexts.reconciliation.rows import Movement, Row, Side

__all__ = [
    "EXPLAINED",
    "Explained",
    "Item",
    "Kind",
    "Matched",
    "Matching",
    "Movement",
    "Repair",
    "Row",
    "Side",
    "matched",
]
