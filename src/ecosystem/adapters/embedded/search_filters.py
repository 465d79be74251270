"""The conditions of a query, as conditions on the search file's table of facets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from ecosystem.adapters.embedded.search_documents import chord
from ecosystem.ports.search import Query

REMOTE, AT_CUSTOMER = "remote", "at_customer"
_AWAY = "(f.x - :x) * (f.x - :x) + (f.y - :y) * (f.y - :y) + (f.z - :z) * (f.z - :z)"


class Filter(Struct, frozen=True):
    """A condition on `facet f`, over named values. `facet` names the facet whose own counts leave it out."""

    facet: str
    condition: str
    values: Mapping[str, Any]


class Source(Struct, frozen=True):
    """Where rows come from, and the values that conditions name."""

    text: str
    values: Mapping[str, Any]


def filters(query: Query) -> list[Filter]:
    """What must hold of a document."""
    found: list[Filter] = []
    if query.category is not None:
        found.append(_among("category", "category", [query.category]))
    if query.modes:
        found.append(_among("mode", "mode", query.modes))
    if query.languages:
        found.append(_among("language", "languages", query.languages))
    found += [_among("badge", "badges", [badge], number) for number, badge in enumerate(query.badges)]
    if query.instant:
        found.append(Filter("instant", "f.instant", {}))
    if query.rating_min is not None and query.rating_min > 0:
        found.append(Filter("rating", "f.rating >= :rating", {"rating": query.rating_min}))
    prices = [price for price in (query.price_min, query.price_max) if price is not None]
    if prices:
        found.append(_among("price", "currency", [prices[0].currency], kind="currency"))
    if query.price_min is not None:
        found.append(Filter("price", "f.price >= :price_min", {"price_min": query.price_min.minor}))
    if query.price_max is not None:
        found.append(Filter("price", "f.price <= :price_max", {"price_max": query.price_max.minor}))
    if query.within_m is not None:
        found.append(_near(query, query.within_m))
    return found


def conditions(narrowed: Sequence[Filter]) -> str:
    """All of them, as one condition."""
    return " AND ".join(f"({one.condition})" for one in narrowed) or "1"


def _among(facet: str, column: str, values: Sequence[str], number: int = 0, *, kind: str | None = None) -> Filter:
    """That one of the values is in the bag in that column."""
    names = {f"{facet}_{number}_{place}": value for place, value in enumerate(values)}
    marks = ", ".join(f":{name}" for name in names)
    return Filter(
        facet,
        f"f.{column} IN (SELECT bag FROM member WHERE kind = '{kind or facet}' AND value IN ({marks}))",
        names,
    )


def _near(query: Query, within_m: int) -> Filter:
    """That provider and customer come together within that way."""
    mode = "f.mode IN (SELECT bag FROM member WHERE kind = 'mode' AND value = '{}')".format
    near = f"{_AWAY} <= :within AND (NOT {mode(AT_CUSTOMER)} OR {_AWAY} <= f.reach) AND NOT {mode(REMOTE)}"
    remote = mode(REMOTE) if REMOTE in query.modes else "0"
    return Filter("place", f"({near}) OR {remote}", {"within": chord(within_m) ** 2})
