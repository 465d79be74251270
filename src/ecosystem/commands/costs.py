"""`ecosystem costs`: what a month costs on each rail, line by line."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import msgspec

from ecosystem.contexts.rails import BreakEven, Comparison, MonthAsked, Part, Scenario, compare, tables
from ecosystem.kernel.display import money_text


def run(asked: MonthAsked, *, as_json: bool = False) -> int:
    """Print the comparison. Raises `Invalid` for a month that cannot be."""
    comparison = compare(asked, tables())
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(comparison)) + b"\n")
        return 0
    print("\n".join(_told(comparison)))
    return 0


def _told(comparison: Comparison) -> Iterator[str]:
    asked = comparison.asked
    yield f"A volume of {asked.volume:,} in {asked.transactions:,} transactions, with {asked.payouts:,} payouts."
    for scenario in comparison.scenarios:
        yield ""
        yield f"{scenario.title}, prices of {scenario.as_of}"
        yield from _rails(scenario)
        names = {rail.rail: rail.title for rail in scenario.rails}
        yield from (f"  {_said(each, names)}" for each in scenario.break_evens)
        yield from (f"  [{name}] {source.name}, {source.as_of}" for name, source in scenario.sources.items())


def _rails(scenario: Scenario) -> Iterator[str]:
    for rail in scenario.rails:
        yield f"  {rail.title:<56}{money_text(rail.total):>16}"
        for line in rail.lines:
            yield f"    {line.title:<54}{money_text(line.cost):>16}"
            yield from (f"      {_computed(part)}" for part in line.parts)


def _computed(part: Part) -> str:
    less = f" less {part.included} included" if part.included != "0" else ""
    per = f" per {part.per}" if part.per != "1" else ""
    return f"{part.title}: {part.quantity} {part.unit}{less} x {part.rate}{per} [{part.source}]"


def _said(each: BreakEven, names: dict[str, str]) -> str:
    cheaper, dearer = names[each.cheaper], names[each.dearer]
    if each.volume is None:
        return f"{cheaper}: never cheaper than {dearer} at this mix."
    if not each.transactions:
        return f"{cheaper}: no dearer than {dearer} at any volume of this mix."
    return (
        f"{cheaper}: no dearer than {dearer} from {money_text(each.volume)} on, in {each.transactions:,} transactions."
    )
