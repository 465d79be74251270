"""From which size on one rail is never dearer than another, the mix of the month staying what it is."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil

from msgspec import Struct

from ecosystem.contexts.rails.costs import components_of, exact_cost, quantity
from ecosystem.contexts.rails.months import VOLUME_MAX, Month, minor
from ecosystem.contexts.rails.tables import Rail, RateTable, exact
from ecosystem.kernel.money import Money


class BreakEven(Struct, frozen=True, kw_only=True):
    """`cheaper` costs no more than `dearer` from that many transactions and that volume on; from 0 on, at any size.

    None, if there is no such size below a trillion.
    """

    cheaper: str
    dearer: str
    transactions: int | None
    volume: Money | None


def break_even(table: RateTable, cheaper: Rail, dearer: Rail, month: Month) -> BreakEven:
    """The size from which on `cheaper` costs no more than `dearer`.

    Both costs are made of straight pieces: they bend only where what is included ends, and where a price for the first
    few does. So the difference is looked at in its bends, from the last one back to the first; rounding is left out.
    """

    def saved(size: Fraction) -> Fraction:
        at = month.scaled(size)
        return _whole(table, dearer, at) - _whole(table, cheaper, at)

    size = _last_crossing(saved, _bends(table, (cheaper, dearer), month))
    count = None if size is None else ceil(size * month.transactions)
    volume = None if count is None else month.figures["volume"] * count / month.transactions
    if count is None or volume is None or volume > VOLUME_MAX:
        return BreakEven(cheaper=cheaper.name, dearer=dearer.name, transactions=None, volume=None)
    return BreakEven(cheaper=cheaper.name, dearer=dearer.name, transactions=count, volume=minor(volume, table.currency))


def _whole(table: RateTable, rail: Rail, month: Month) -> Fraction:
    return sum((exact_cost(table, component, month) for component in components_of(table, rail)), Fraction(0))


def _bends(table: RateTable, rails: tuple[Rail, Rail], month: Month) -> list[Fraction]:
    """The sizes at which a cost bends, and nothing at all, in order."""
    none = month.scaled(Fraction(0))
    found = {Fraction(0)}
    for rail in rails:
        for component in components_of(table, rail):
            base = quantity(table, component, none)
            slope = quantity(table, component, month) - base
            limits = [exact(component.included)] + ([exact(component.up_to)] if component.up_to is not None else [])
            found |= {(limit - base) / slope for limit in limits if slope > 0 and limit > base}
    return sorted(found)


def _last_crossing(saved: Callable[[Fraction], Fraction], bends: list[Fraction]) -> Fraction | None:
    """The least size from which on nothing is lost; None when something is, however large it grows."""
    last = bends[-1]
    at_last, slope = saved(last), saved(last + 1) - saved(last)
    if slope < 0 or (slope == 0 and at_last < 0):
        return None
    if at_last < 0:
        return last - at_last / slope
    for lower, upper in zip(reversed(bends[:-1]), reversed(bends[1:]), strict=True):
        if (below := saved(lower)) < 0:
            return lower + (upper - lower) * -below / (saved(upper) - below)
    return Fraction(0)
