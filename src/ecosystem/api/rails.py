"""What rails for money cost, as operators see it."""

from __future__ import annotations

from ecosystem.api.plain import maybe, money
from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.contexts.rails import BreakEven, Cost, Line, MonthAsked, Scenario

ROOTS = Roots()


@ROOTS.query
async def rail_costs(ask: Ask, request: MonthAsked) -> Plain:
    found = await ask.market.rail_costs.compare(request, ask.actor)
    return {
        "volume": found.asked.volume,
        "transactions": found.asked.transactions,
        "payouts": found.asked.payouts,
        "scenarios": [_scenario(each) for each in found.scenarios],
    }


def _scenario(scenario: Scenario) -> Plain:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "words": scenario.words,
        "asOf": scenario.as_of,
        "currency": scenario.currency,
        "sources": [
            {
                "name": name,
                "title": source.name,
                "url": source.url or None,
                "asOf": source.as_of,
                "seen": source.seen or None,
            }
            for name, source in scenario.sources.items()
        ],
        "rails": [_cost(each) for each in scenario.rails],
        "breakEvens": [_break_even(each) for each in scenario.break_evens],
        "volumes": [money(each) for each in scenario.volumes],
        "curves": [{"rail": curve.rail, "costs": [money(each) for each in curve.costs]} for curve in scenario.curves],
    }


def _cost(cost: Cost) -> Plain:
    return {
        "rail": cost.rail,
        "title": cost.title,
        "words": cost.words,
        "total": money(cost.total),
        "lines": [_line(each) for each in cost.lines],
    }


def _line(line: Line) -> Plain:
    return {
        "name": line.name,
        "title": line.title,
        "cost": money(line.cost),
        "parts": [
            {
                "title": part.title,
                "quantity": part.quantity,
                "unit": part.unit,
                "included": part.included,
                "charged": part.charged,
                "rate": part.rate,
                "per": part.per,
                "cost": money(part.cost),
                "source": part.source,
            }
            for part in line.parts
        ],
    }


def _break_even(each: BreakEven) -> Plain:
    return {
        "cheaper": each.cheaper,
        "dearer": each.dearer,
        "transactions": each.transactions,
        "volume": maybe(each.volume),
    }
