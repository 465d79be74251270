"""Costs over the volume as the numbers of an SVG, within 1000 by 250."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ecosystem.contexts.rails import Scenario
from ecosystem.kernel.display import money_text
from ecosystem.web.console.drawing import WIDTH, Point, Tick, axis, height, money_mark
from ecosystem.web.formats import price_text

LABELS = 4


class Drawing(Struct, frozen=True, kw_only=True):
    """A path for each rail; the volumes under it; where the month asked for stands, from left to right."""

    lines: Sequence[tuple[str, str]]
    ticks: Sequence[Tick]
    labels: Sequence[str]
    points: Sequence[Point]
    asked_x: float


def drawn(scenario: Scenario) -> Drawing:
    """The curves of the scenario, over nothing to twice the month."""
    most = max(1, *(cost.minor for curve in scenario.curves for cost in curve.costs))
    low, high, step = axis(0, most)
    count = len(scenario.volumes) - 1
    width = WIDTH / count
    return Drawing(
        lines=[
            (curve.rail, _path([(at * width, height(cost.minor, low, high)) for at, cost in enumerate(curve.costs)]))
            for curve in scenario.curves
        ],
        ticks=[
            Tick(height(value, low, high), money_mark(value, scenario.currency))
            for value in range(high, low - 1, -step)
        ],
        labels=[price_text(scenario.volumes[at * count // LABELS]) for at in range(LABELS + 1)],
        points=[
            Point(round(max(0.0, at * width - width / 2), 2), round(width, 2), _said(scenario, at))
            for at in range(count + 1)
        ],
        asked_x=WIDTH / 2,
    )


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:g},{y:g}" for x, y in places)


def _said(scenario: Scenario, at: int) -> str:
    costs = ", ".join(f"{curve.title} {money_text(curve.costs[at])}" for curve in scenario.curves)
    return f"{price_text(scenario.volumes[at])}: {costs}"
