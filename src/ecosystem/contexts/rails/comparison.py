"""Rails side by side: the same month by each rate table, and how it goes on as the volume grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from msgspec import Struct

from ecosystem.contexts.rails.break_even import BreakEven, break_even
from ecosystem.contexts.rails.costs import Cost, components_of, cost_of, exact_cost
from ecosystem.contexts.rails.months import Month, MonthAsked, minor
from ecosystem.contexts.rails.tables import RateTable, Source, tables
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money

NATIVE: Final = "native"
"""The rail that the others are held against."""

STEPS: Final = 20
"""Sizes of a curve, besides nothing at all; the month asked for is the one in the middle."""


class Curve(Struct, frozen=True, kw_only=True):
    """What a rail costs as the same mix grows: at each of the scenario's `volumes`."""

    rail: str
    title: str
    costs: Sequence[Money]


class Scenario(Struct, frozen=True, kw_only=True):
    """The month by one rate table."""

    name: str
    title: str
    words: str
    as_of: date
    currency: str
    sources: Mapping[str, Source]
    rails: Sequence[Cost]
    break_evens: Sequence[BreakEven]
    volumes: Sequence[Money]
    curves: Sequence[Curve]


class Comparison(Struct, frozen=True, kw_only=True):
    """What was asked for, and what it costs by each table."""

    asked: MonthAsked
    scenarios: Sequence[Scenario]


def compare(asked: MonthAsked, known: Sequence[RateTable]) -> Comparison:
    """The comparison of all rails of these tables."""
    return Comparison(asked=asked, scenarios=[_scenario(asked, table) for table in known])


@dataclass(frozen=True, slots=True)
class Costs:
    """What rails cost. For operators."""

    async def compare(self, asked: MonthAsked, actor: Actor) -> Comparison:
        """The comparison by every table that ships. Raises `Denied`."""
        actor.must_operate()
        return compare(asked, tables())


def _scenario(asked: MonthAsked, table: RateTable) -> Scenario:
    month = Month.of(asked, table)
    native = table.rail(NATIVE)
    sizes = [Fraction(2 * step, STEPS) for step in range(STEPS + 1)]
    return Scenario(
        name=table.name,
        title=table.title,
        words=table.words,
        as_of=table.as_of,
        currency=table.currency,
        sources=table.sources,
        rails=[cost_of(table, rail, month) for rail in table.rails],
        break_evens=[break_even(table, native, rail, month) for rail in table.rails if rail is not native],
        volumes=[minor(month.figures["volume"] * size, table.currency) for size in sizes],
        curves=[
            Curve(rail=rail.name, title=rail.title, costs=[_at(table, rail.name, month.scaled(size)) for size in sizes])
            for rail in table.rails
        ],
    )


def _at(table: RateTable, rail: str, month: Month) -> Money:
    components = components_of(table, table.rail(rail))
    return minor(sum((exact_cost(table, each, month) for each in components), Fraction(0)), table.currency)
