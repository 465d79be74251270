"""What a visitor looks for, as it stands in the address; and what of it stands in the way, to be taken back one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import asdict

from ecosystem.contexts.catalogue import LANGUAGES, categories
from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import Money, exponent
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.search import TEXT_MAX, Point, Query, Sort

PAGE = 24
MODES = {"at_provider": "At the provider", "at_customer": "At your place", "remote": "Online"}
MODE_ICONS = {"at_provider": "store", "at_customer": "house", "remote": "video"}
RATINGS = {"4.5": "4.5 and up", "4": "4 and up", "3": "3 and up"}
SORTS = {
    Sort.RELEVANCE: "Recommended",
    Sort.PRICE: "Lowest price",
    Sort.PRICE_DOWN: "Highest price",
    Sort.RATING: "Highest rating",
    Sort.DISTANCE: "Nearest",
    Sort.NEWEST: "Newest",
}
DISTANCES_KM = (2, 5, 10, 25, 50)
BADGES = {"identity": "Identity verified"}


class Wish(Struct, frozen=True, kw_only=True):
    """The filters in the address. `price` is the highest, in the currency's whole units; `near` is `lat,lon`."""

    q: Annotated[str, Meta(max_length=TEXT_MAX)] = ""
    category: Annotated[str, Meta(max_length=60)] = ""
    price: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    rating: Annotated[str, Meta(max_length=3)] = ""
    mode: Annotated[list[str], Meta(max_length=3)] = []
    language: Annotated[list[str], Meta(max_length=20)] = []
    badge: Annotated[list[str], Meta(max_length=5)] = []
    instant: bool = False
    near: Annotated[str, Meta(max_length=40)] = ""
    within: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    sort: Sort = Sort.RELEVANCE
    after: Annotated[str, Meta(max_length=2_000)] = ""


class Chosen(Struct, frozen=True):
    """A filter that is on, in words, and what the address becomes without it."""

    words: str
    without: dict[str, Any]


def query(wish: Wish, currency: str) -> Query:
    """What to ask the index. Raises `Invalid` naming the parameter."""
    if wish.category and wish.category not in categories():
        raise Invalid("There is no such category.", field="category")
    for name, values, known in (("mode", wish.mode, MODES), ("language", wish.language, LANGUAGES)):
        if strange := [value for value in values if value not in known]:
            raise Invalid(f"{strange[0]!r} is none of those offered.", field=name)
    if wish.rating and wish.rating not in RATINGS:
        raise Invalid("A rating is one of those offered.", field="rating")
    near = point(wish.near)
    return Query(
        text=wish.q,
        category=wish.category or None,
        price_max=None if wish.price is None else Money(wish.price * 10 ** exponent(currency), currency),
        rating_min=float(wish.rating) if wish.rating else None,
        modes=tuple(wish.mode),
        languages=tuple(wish.language),
        badges=tuple(wish.badge),
        instant=wish.instant,
        near=near,
        within_m=wish.within * 1_000 if near and wish.within else None,
        sort=Sort.RELEVANCE if wish.sort is Sort.DISTANCE and near is None else wish.sort,
        limit=PAGE,
        after=wish.after or None,  # pyright: ignore[reportArgumentType] - a cursor, checked by the index
    )


def point(text: str) -> Point | None:
    """The place that `38.72,-9.14` names, to a thousandth of a degree: a hundred metres are near enough. Raises `Invalid`."""
    if not text:
        return None
    try:
        lat, lon = (round(float(part), 3) for part in text.split(","))
    except ValueError:
        raise Invalid("A place is written like 38.72,-9.14.", field="near") from None
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise Invalid("A place is written like 38.72,-9.14.", field="near")
    return Point(lat, lon)


def address(wish: Wish) -> dict[str, Any]:
    """The parameters that say the wish, those at their default left out: a clean address to share."""
    said = {name: value for name, value in asdict(wish).items() if value not in ("", None, False, [])}
    if wish.sort is Sort.RELEVANCE:
        del said["sort"]
    return said


def chosen(wish: Wish, currency: str) -> Sequence[Chosen]:
    """Every filter that is on, the words searched for and the category left out: they are seen elsewhere."""
    said = {name: value for name, value in address(wish).items() if name != "after"}

    def without(name: str, value: str = "") -> dict[str, Any]:
        if not value:
            return {other: kept for other, kept in said.items() if other != name}
        return said | {name: [kept for kept in said[name] if kept != value]}

    found = [Chosen("Instant booking", without("instant"))] if wish.instant else []
    found += [Chosen(BADGES.get(badge, badge), without("badge", badge)) for badge in wish.badge]
    found += [Chosen(MODES[mode], without("mode", mode)) for mode in wish.mode if mode in MODES]
    found += [Chosen(LANGUAGES[code], without("language", code)) for code in wish.language if code in LANGUAGES]
    if wish.price is not None:
        most = money_text(Money(wish.price * 10 ** exponent(currency), currency))
        found.append(Chosen(f"Up to {most}", without("price")))
    if wish.rating in RATINGS:
        found.append(Chosen(f"Rated {RATINGS[wish.rating]}", without("rating")))
    if wish.near and wish.within:
        found.append(Chosen(f"Within {wish.within} km", without("within")))
    return found
