"""Rails for money: what a month on each costs, from rate tables with dates and sources."""

from __future__ import annotations

from ecosystem.contexts.rails.break_even import BreakEven, break_even
from ecosystem.contexts.rails.comparison import Comparison, Costs, Curve, Scenario, compare
from ecosystem.contexts.rails.costs import Cost, Line, Part, cost_of
from ecosystem.contexts.rails.months import COUNT_MAX, VOLUME_MAX, Month, MonthAsked
from ecosystem.contexts.rails.tables import Component, Rail, RateTable, Source, tables

__all__ = [
    "COUNT_MAX",
    "VOLUME_MAX",
    "BreakEven",
    "Comparison",
    "Component",
    "Cost",
    "Costs",
    "Curve",
    "Line",
    "Month",
    "MonthAsked",
    "Part",
    "Rail",
    "RateTable",
    "Scenario",
    "Source",
    "break_even",
    "compare",
    "cost_of",
    "tables",
]
