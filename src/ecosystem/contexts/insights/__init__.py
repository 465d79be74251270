"""Insights: figures over many things, kept beside them, and what reads everything to see whether it holds."""

from ecosystem.contexts.insights.counts import Tally
from ecosystem.contexts.insights.figures import DAYS_MAX, DaysTooMany, Figures, Now
from ecosystem.contexts.insights.inspections import (
    Inspection,
    InspectionGone,
    Inspections,
    InspectionState,
)
from ecosystem.contexts.insights.recount import Count, CountReader, Inventory, Standing

__all__ = [
    "DAYS_MAX",
    "Count",
    "CountReader",
    "DaysTooMany",
    "Figures",
    "Inspection",
    "InspectionGone",
    "InspectionState",
    "Inspections",
    "Inventory",
    "Now",
    "Standing",
    "Tally",
]
