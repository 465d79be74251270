"""Finding what is on offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from ecosystem.api.plain import After, Limit, connection, money
from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.contexts.catalogue import categories as tree
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.search import Answer, Document, Facets, Hit, Point, Query, Sort
from ecosystem.ports.table import Cursor

ROOTS = Roots()
SUGGESTIONS = 8


class Find(Struct, frozen=True, kw_only=True):
    """What somebody looks for."""

    text: str = ""
    category: Annotated[str, Meta(max_length=60)] | None = None
    price_min: Money | None = None
    price_max: Money | None = None
    rating_min: float | None = None
    modes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    badges: tuple[str, ...] = ()
    instant: bool = False
    near: Point | None = None
    within_m: int | None = None
    sort: Sort = Sort.RELEVANCE
    limit: Limit = 24
    after: After | None = None


class Typed(Struct, frozen=True, kw_only=True):
    text: str
    limit: Annotated[int, Meta(ge=1, le=20)] = SUGGESTIONS


@ROOTS.query
async def search(ask: Ask, request: Find) -> Plain:
    if request.category and request.category not in tree():
        raise Invalid("There is no such category.", field="category")
    query = Query(
        text=request.text,
        category=request.category or None,
        price_min=request.price_min,
        price_max=request.price_max,
        rating_min=request.rating_min,
        modes=request.modes,
        languages=request.languages,
        badges=request.badges,
        instant=request.instant,
        near=request.near,
        within_m=request.within_m,
        sort=request.sort,
        limit=request.limit,
        after=Cursor(request.after) if request.after else None,
        facets=ask.wants("facets"),
    )
    return _finds(await ask.market.ports.search.find(query))


@ROOTS.query
async def suggestions(ask: Ask, request: Typed) -> list[Plain]:
    found = await ask.market.ports.search.suggest(request.text, limit=request.limit)
    return [{"kind": each.kind, "text": each.text, "target": each.target} for each in found]


def document(found: Document, distance_m: int | None = None) -> Plain:
    """A service on offer, as it is found."""
    return {
        "serviceId": found.service_id,
        "slug": found.slug,
        "title": found.title,
        "description": found.description,
        "category": found.category,
        "categoryTitles": found.path_titles,
        "price": money(found.price),
        "durationMin": found.duration_min,
        "capacity": found.capacity,
        "mode": found.mode,
        "instant": found.instant,
        "providerId": found.provider_id,
        "providerName": found.provider_name,
        "providerSlug": found.provider_slug,
        "headline": found.headline,
        "place": found.place,
        "zone": found.zone,
        "languages": found.languages,
        "badges": found.badges,
        "rating": {"mean": found.rating, "count": found.rating_count},
        "cover": found.cover,
        "distanceM": distance_m,
    }


def _finds(answer: Answer) -> Plain:
    return connection(
        [_hit(hit) for hit in answer.hits],
        answer.next,
        total=answer.total,
        facets=_facets(answer.facets) if answer.facets else None,
        corrected=answer.corrected,
        loosened=answer.loosened,
    )


def _hit(hit: Hit) -> Plain:
    return document(hit.document, hit.distance_m)


def _facets(facets: Facets) -> Plain:
    prices = facets.prices
    return {
        "categories": _counts(facets.categories),
        "modes": _counts(facets.modes),
        "languages": _counts(facets.languages),
        "badges": _counts(facets.badges),
        "ratings": _counts(facets.ratings),
        "instant": facets.instant,
        "prices": prices
        and {
            "lowest": money(Money(prices.lowest, prices.currency)),
            "highest": money(Money(prices.highest, prices.currency)),
            "steps": prices.steps,
        },
    }


def _counts(counted: Mapping[Any, int]) -> list[Plain]:
    return [{"value": str(value), "count": count} for value, count in counted.items()]
