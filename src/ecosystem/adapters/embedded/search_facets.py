"""How many finds there are for each value of each facet, from few passes over what the text finds.

Each find becomes a cell: which filters it misses, as bits, and its values, packed into whole numbers, since SQLite
sorts whole numbers fastest. A find counts for a facet when it misses no filter but that facet's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import apsw
import msgspec

from ecosystem.adapters.embedded.search_file import rows
from ecosystem.adapters.embedded.search_filters import Filter, Source, conditions
from ecosystem.ports.search import RATING_STEPS, Facets, Prices, Query

PRICE_STEPS = 20
_BITS = {
    facet: 1 << place
    for place, facet in enumerate(("category", "mode", "language", "badge", "instant", "rating", "price"))
}
# Bags are numbered through all kinds: 20 bits are a million sets of values.
_BAG = 20
_MASK = (1 << _BAG) - 1

SETUP = "CREATE TEMP TABLE cell (missed, sorted, spoken, traits, currency, price)"

Counts = list[tuple[int, Sequence[int], int]]
"""What is missed, the values, and how many finds are so."""


def counted(connection: apsw.Connection, source: Source, narrowed: Sequence[Filter], query: Query) -> Facets:
    """The facets of these finds, each counted without its own filter."""
    _fill(connection, source, narrowed)
    categories = _grouped(connection, "sorted", (_BAG,), ("category",))
    languages = _grouped(connection, "spoken", (_BAG,), ("language",))
    traits = _grouped(connection, "traits", (_BAG, _BAG, 4, 1), ("mode", "badge", "rating", "instant"))
    return Facets(
        categories=_spread(connection, "category", _of(categories, "category", lambda values: values[0])),
        modes=_spread(connection, "mode", _of(traits, "mode", lambda values: values[0])),
        languages=_spread(connection, "language", _of(languages, "language", lambda values: values[0])),
        badges=_spread(connection, "badge", _of(traits, "badge", lambda values: values[1])),
        ratings={
            step: sum(count for reached, count in _of(traits, "rating", lambda values: values[2]) if reached > place)
            for place, step in enumerate(RATING_STEPS)
        },
        instant=sum(count for instant, count in _of(traits, "instant", lambda values: values[3]) if instant),
        prices=_prices(connection, query),
    )


def _fill(connection: apsw.Connection, source: Source, narrowed: Sequence[Filter]) -> None:
    by_facet = {facet: conditions(own) for facet in _BITS if (own := [one for one in narrowed if one.facet == facet])}
    missed = " + ".join(f"{_BITS[facet]} * (NOT coalesce(({met}), 0))" for facet, met in by_facet.items()) or "0"
    single = ", ".join(map(str, (0, *_BITS.values())))
    reached = " + ".join(f"coalesce(f.rating >= {step}, 0)" for step in RATING_STEPS)
    always = conditions([one for one in narrowed if one.facet not in _BITS])
    rows(
        connection,
        "INSERT INTO temp.cell"
        f" SELECT missed, missed << {_BAG} | category, missed << {_BAG} | languages,"
        f" (((missed << {_BAG} | mode) << {_BAG} | badges) << 4 | reached) << 1 | instant, currency, price"
        f" FROM (SELECT {missed} AS missed, {reached} AS reached, f.* FROM {source.text} WHERE {always}"
        # The limit keeps SQLite from working out `missed` wherever it is named; who misses two filters counts nowhere.
        " LIMIT -1)"
        f" WHERE missed IN ({single})",
        source.values,
    )


def _grouped(connection: apsw.Connection, column: str, widths: Sequence[int], facets: Sequence[str]) -> Counts:
    """The distinct cells in that column that count for one of these facets, taken apart, and how often each occurs."""
    found: Counts = []
    missed = ", ".join(map(str, (0, *(_BITS[facet] for facet in facets))))
    for packed, count in rows(
        connection, f"SELECT {column}, count(*) FROM temp.cell WHERE missed IN ({missed}) GROUP BY {column}"
    ):
        rest: int = packed
        values: list[int] = []
        for width in reversed(widths):
            values.append(rest & ((1 << width) - 1))
            rest >>= width
        found.append((rest, values[::-1], count))
    return found


def _of(counts: Counts, facet: str, value: Callable[[Sequence[int]], int]) -> list[tuple[int, int]]:
    return [(value(values), count) for missed, values, count in counts if not missed & ~_BITS[facet]]


def _spread(connection: apsw.Connection, kind: str, counts: Iterable[tuple[int, int]]) -> Mapping[str, int]:
    """Counts of bags, as counts of the values in them."""
    values: dict[int, list[str]] = {}
    for bag, value in rows(connection, "SELECT bag, value FROM member WHERE kind = ?", (kind,)):
        values.setdefault(bag, []).append(value)
    found = Counter[str]()
    for bag, count in counts:
        for value in values.get(bag, ()):
            found[value] += count
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _prices(connection: apsw.Connection, query: Query) -> Prices | None:
    """The prices in the currency asked for, or else in the most frequent one."""
    asked = query.price_min or query.price_max
    unmissed = f"missed IN (0, {_BITS['price']})"
    spread: list[tuple[Any, ...]] = rows(
        connection,
        f"SELECT b.no, b.members, c.lowest, c.highest FROM bag b CROSS JOIN (SELECT min(price) AS lowest,"
        f" max(price) AS highest, count(*) AS count, currency FROM temp.cell WHERE {unmissed} GROUP BY currency) c"
        f" ON c.currency = b.no ORDER BY c.count DESC",
    )
    for number, members, lowest, highest in spread:
        currency = msgspec.json.decode(members, type=list[str])[0]
        if asked is None or asked.currency == currency:
            width = max(1, -(-(highest - lowest + 1) // PRICE_STEPS))
            steps = dict(
                rows(
                    connection,
                    f"SELECT (price - ?) / ? AS step, count(*) FROM temp.cell"
                    f" WHERE currency = ? AND {unmissed} GROUP BY step",
                    (lowest, width, number),
                )
            )
            counts = tuple(steps.get(step, 0) for step in range(PRICE_STEPS))
            return Prices(currency=currency, lowest=lowest, highest=highest, steps=counts)
    return None
