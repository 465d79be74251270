"""The search index: documents that customers find, and how they ask for them.

An index finds candidates and never decides: whoever commits on a find reads the primary items. Documents carry versions,
so that they may arrive twice and out of order, and the place in the changes that they come from is kept with them, in
the same commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol

import msgspec
from msgspec import Struct, field

from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid, Unavailable
from ecosystem.ports.table import Cursor

LIMIT_MAX = 100
TEXT_MAX = 200
"""Characters of a query's text that are read; the rest is passed over."""

WORDS_MAX = 8
"""Words of a query's text that are looked for."""

RATING_STEPS = (3.0, 4.0, 4.5)
"""Means that the facet of ratings counts from."""


class IndexDamaged(Unavailable):
    """The search index is damaged; it has to be built anew."""


class SearchBusy(Unavailable):
    """Too many searches wait, or this one took too long."""


class CursorUnfit(Invalid):
    """That place in the results belongs to another search."""


class Point(Struct, frozen=True):
    """A place in degrees, WGS 84."""

    lat: float
    lon: float


class Document(Struct, frozen=True, kw_only=True):
    """A service on offer, as it is found and shown.

    `version` grows with every change of the service or its provider. `path` leads to its category from the top down,
    as slugs; `path_titles` are their titles. `at` is None for who has no place. `radius_m` is how far the provider
    travels. `rating_total` is the sum of `rating_count` ratings of 1 to 5.
    """

    service_id: str
    provider_id: str
    version: int
    title: str
    slug: str
    description: str
    path: tuple[str, ...]
    path_titles: tuple[str, ...]
    provider_name: str
    provider_slug: str
    headline: str = ""
    place: str = ""
    zone: str = ""
    at: Point | None = None
    radius_m: int = 0
    languages: tuple[str, ...] = ()
    badges: tuple[str, ...] = ()
    price: Money
    duration_min: int
    capacity: int = 1
    mode: str
    instant: bool
    rating_total: int = 0
    rating_count: int = 0
    cover: str | None = None
    published_at: datetime

    @property
    def category(self) -> str:
        return self.path[-1]

    @property
    def rating(self) -> float | None:
        """The mean of the ratings."""
        return self.rating_total / self.rating_count if self.rating_count else None


class Removal(Struct, frozen=True, kw_only=True):
    """That a service is not on offer, as of that version."""

    service_id: str
    version: int


class Listed(Struct, frozen=True, kw_only=True):
    """What the index holds of a service: enough to tell whether it has drifted."""

    service_id: str
    version: int
    digest: str


class Sort(StrEnum):
    """The order of finds. Amounts in different currencies compare by figure; who has no place or rating comes last."""

    RELEVANCE = "relevance"
    PRICE = "price"
    PRICE_DOWN = "price_down"
    RATING = "rating"
    DISTANCE = "distance"
    NEWEST = "newest"


class Query(Struct, frozen=True, kw_only=True):
    """What a customer looks for. Everything given must hold; of `modes` and `languages` one suffices.

    `category` includes all below it. A price limit leaves out other currencies. `within_m` of `near` leaves out whoever
    does not travel that far to the customer, and, unless asked for among `modes`, what is remote. `facets` asks for
    counts.
    """

    text: str = ""
    category: str | None = None
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
    limit: int = 24
    after: Cursor | None = None
    facets: bool = True


class Hit(Struct, frozen=True, kw_only=True):
    """A document found, and how far away it is when the query says from where."""

    document: Document
    distance_m: int | None = None


class Prices(Struct, frozen=True, kw_only=True):
    """How prices in one currency lie: lowest and highest in minor units, and counts in steps of equal width."""

    currency: str
    lowest: int
    highest: int
    steps: tuple[int, ...]


class Facets(Struct, frozen=True, kw_only=True):
    """How many would be found for each value.

    A facet's own filter is left out of its counts, so that they say what choosing another value would bring.
    Categories count what lies below them too. `ratings` counts from each of `RATING_STEPS` up.
    """

    categories: Mapping[str, int] = field(default_factory=dict[str, int])
    modes: Mapping[str, int] = field(default_factory=dict[str, int])
    languages: Mapping[str, int] = field(default_factory=dict[str, int])
    badges: Mapping[str, int] = field(default_factory=dict[str, int])
    ratings: Mapping[float, int] = field(default_factory=dict[float, int])
    instant: int = 0
    prices: Prices | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """A page of finds. `total` counts all pages.

    `corrected` is the text that was looked for instead, when what was asked is no known word. `loosened` says that
    nothing has all the words, so whatever has some was taken.
    """

    hits: tuple[Hit, ...]
    total: int
    next: Cursor | None = None
    facets: Facets | None = None
    corrected: str | None = None
    loosened: bool = False


class SuggestionKind(StrEnum):
    CATEGORY = "category"
    SERVICE = "service"
    PROVIDER = "provider"


class Suggestion(Struct, frozen=True, kw_only=True):
    """What somebody who types may mean. `target` is the slug to go to; a service's title may be several's."""

    kind: SuggestionKind
    text: str
    target: str


class Search(Protocol):
    async def find(self, query: Query) -> Answer:
        """The page of finds. Any text is a search; by what is no word nothing is found.

        Raises `Invalid` naming the field, `CursorUnfit`, `SearchBusy`, `IndexDamaged`.
        """
        ...

    async def suggest(self, text: str, *, limit: int = 8) -> Sequence[Suggestion]:
        """What begins as the text's last word does and has the others, best first; nothing for less than two letters."""
        ...

    async def apply(
        self, entries: Sequence[Document | Removal], *, checkpoint: str | None = None, force: bool = False
    ) -> int:
        """Take up documents and removals and keep the checkpoint, in one commit; how many made a difference.

        What is older than what the index holds of that service makes none, unless by `force`. Of two with one version
        the later counts.
        """
        ...

    async def checkpoint(self) -> str | None:
        """What was last kept with a commit; None for an index not yet built."""
        ...

    async def held(self, service_ids: Sequence[str]) -> Mapping[str, Listed]:
        """What the index holds of these services, as far as it holds them."""
        ...

    async def listed(self, *, after: str = "", limit: int = 1000) -> Sequence[Listed]:
        """What the index holds, in order of service id."""
        ...

    async def clear(self) -> None:
        """Forget everything, the checkpoint too, even when damaged."""
        ...


def digest(document: Document) -> str:
    """A fingerprint of the document, to tell drift by."""
    return blake2b(msgspec.msgpack.encode(document), digest_size=12).hexdigest()


def check(query: Query) -> None:
    """Pass if the query's numbers are within bounds. Raises `Invalid` naming the field."""
    if not 1 <= query.limit <= LIMIT_MAX:
        raise Invalid(f"A page has 1 to {LIMIT_MAX} finds.", field="limit")
    if query.rating_min is not None and not 0 <= query.rating_min <= 5:
        raise Invalid("A rating lies between 0 and 5.", field="rating_min")
    if query.near is not None and not (abs(query.near.lat) <= 90 and abs(query.near.lon) <= 180):
        raise Invalid("A place lies between -90 and 90, and -180 and 180 degrees.", field="near")
    if query.within_m is not None and query.near is None:
        raise Invalid("A distance needs a place to count from.", field="near")
    if query.within_m is not None and not 0 < query.within_m <= 20_040_000:
        raise Invalid("A distance lies between 1 m and half way around the earth.", field="within_m")
    if query.sort is Sort.DISTANCE and query.near is None:
        raise Invalid("To sort by distance, say from where.", field="near")
    prices = [price for price in (query.price_min, query.price_max) if price is not None]
    if len({price.currency for price in prices}) > 1:
        raise Invalid("Both price limits are in one currency.", field="price_max")
    if len(query.modes) + len(query.languages) + len(query.badges) > 60:
        raise Invalid("Those are too many values to choose from.", field="languages")
