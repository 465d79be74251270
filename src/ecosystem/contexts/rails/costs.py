"""What a month costs on a rail: each line computed from its inputs, and shown with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from msgspec import Struct

from ecosystem.contexts.rails.months import Month, minor
from ecosystem.contexts.rails.tables import Component, Rail, RateTable, exact
from ecosystem.kernel.money import Money


class Part(Struct, frozen=True, kw_only=True):
    """One rate applied: of `quantity` in `unit`, beyond `included`, at `rate` for each `per`. All as plain decimals."""

    title: str
    quantity: str
    unit: str
    included: str
    charged: str
    rate: str
    per: str
    cost: Money
    source: str


class Line(Struct, frozen=True, kw_only=True):
    """A line of the bill. It is rounded once, so that lines add up to the total and parts may be a cent beside it."""

    name: str
    title: str
    cost: Money
    parts: Sequence[Part]


class Cost(Struct, frozen=True, kw_only=True):
    """A month on one rail."""

    rail: str
    title: str
    words: str
    lines: Sequence[Line]
    total: Money


def cost_of(table: RateTable, rail: Rail, month: Month) -> Cost:
    """The bill of that month on that rail. What is not used at all has no line."""
    lines = _lines(table, rail.components, month)
    if rail.services_as:
        components = table.services
        parts = tuple(_part(table, component, month) for component in components)
        whole = sum((exact_cost(table, component, month) for component in components), Fraction(0))
        lines += [Line(name="services", title=rail.services_as, cost=minor(whole, table.currency), parts=parts)]
    else:
        lines += _lines(table, table.services, month)
    total = Money(sum(line.cost.minor for line in lines), table.currency)
    return Cost(rail=rail.name, title=rail.title, words=rail.words, lines=lines, total=total)


def components_of(table: RateTable, rail: Rail) -> Sequence[Component]:
    """Everything that is charged on the rail."""
    return (*rail.components, *table.services)


def exact_cost(table: RateTable, component: Component, month: Month) -> Fraction:
    """What the component comes to, before any rounding, in whole units of the currency."""
    rate = exact(component.rate) / exact(component.per)
    if component.each_max is not None and (used := _used(table, component, month)):
        rate = min(rate, exact(component.each_max) * month.transactions / used)
    return rate * _charged(table, component, month)


def quantity(table: RateTable, component: Component, month: Month) -> Fraction:
    """How much is used of what the component is charged on; 1 of what is charged once a month."""
    return _used(table, component, month)


def _lines(table: RateTable, components: Iterable[Component], month: Month) -> list[Line]:
    by_line: dict[str, list[Component]] = {}
    for component in components:
        if _used(table, component, month):
            by_line.setdefault(component.line, []).append(component)
    return [
        Line(
            name=name,
            title=table.lines[name],
            cost=minor(sum((exact_cost(table, each, month) for each in group), Fraction(0)), table.currency),
            parts=tuple(_part(table, each, month) for each in group),
        )
        for name, group in by_line.items()
    ]


def _part(table: RateTable, component: Component, month: Month) -> Part:
    return Part(
        title=component.title,
        quantity=decimal(_used(table, component, month)),
        unit=_unit(table, component),
        included=decimal(exact(component.included)),
        charged=decimal(_charged(table, component, month)),
        rate=decimal(exact(component.rate)),
        per=decimal(exact(component.per)),
        cost=minor(exact_cost(table, component, month), table.currency),
        source=component.source,
    )


def _used(table: RateTable, component: Component, month: Month) -> Fraction:
    if not component.of:
        return Fraction(1)
    if component.of in month.figures:
        return month.figures[component.of]
    usage = table.usage[component.of]
    of_sales = exact(usage.per_transaction) * month.transactions + exact(usage.per_payout) * month.payouts
    return exact(usage.base) + of_sales


def _charged(table: RateTable, component: Component, month: Month) -> Fraction:
    used = _used(table, component, month)
    if component.up_to is not None:
        used = min(used, exact(component.up_to))
    return max(used - exact(component.included), Fraction(0))


_UNITS = {
    "": "month",
    "volume": "of volume",
    "paid_out": "paid out",
    "transactions": "transactions",
    "payouts": "payouts",
    "entries": "entries",
    "accounts": "accounts paid out to",
    "own_costs": "of own costs",
}


def _unit(table: RateTable, component: Component) -> str:
    return table.usage[component.of].unit if component.of in table.usage else _UNITS[component.of]


def decimal(number: Fraction) -> str:
    """The number as a plain decimal; one without end is cut to ten places, rounded half up."""
    places = 10
    scaled = (2 * number.numerator * 10**places + number.denominator) // (2 * number.denominator)
    whole, part = divmod(scaled, 10**places)
    return f"{whole}.{part:0{places}d}".rstrip("0").rstrip(".")
