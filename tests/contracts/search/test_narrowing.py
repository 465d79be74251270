from __future__ import annotations

from typing import Any

import pytest

from contracts.search.samples import BERLIN, LISBON, PORTO, document
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.search import CursorUnfit, Point, Query, Search, Sort
from ecosystem.ports.table import Cursor

OFFERED = [
    document(1, "Tap", price=Money(4000, "EUR"), rating_total=50, rating_count=10, instant=True, languages=("en", "pt")),
    document(2, "Pipe", price=Money(9000, "EUR"), mode="at_customer", radius_m=10_000, badges=("identity",)),
    document(3, "Clean", path=("cleaning", "house-cleaning"), price=Money(2500, "EUR"), at=PORTO, rating_total=4,
             rating_count=1, languages=("pt",)),
    document(4, "Guitar", path=("lessons", "guitar-lessons"), price=Money(3000, "USD"), mode="remote", at=BERLIN,
             languages=("de", "en"), instant=True, badges=("identity", "licence")),
    document(5, "Massage", path=("wellness", "massage"), price=Money(7000, "JPY"), at=None, rating_total=9, rating_count=3,
             mode="remote"),
]  # fmt: skip


@pytest.fixture
async def stocked(search: Search) -> Search:
    await search.apply(OFFERED)
    return search


async def numbers(search: Search, **wanted: Any) -> list[int]:
    return [int(hit.document.service_id[4:]) for hit in (await search.find(Query(**wanted))).hits]


async def test_a_category_includes_all_below_it(stocked: Search) -> None:
    assert sorted(await numbers(stocked, category="home")) == [1, 2]
    assert await numbers(stocked, category="house-cleaning") == [3]
    assert await numbers(stocked, category="time-travel") == []


async def test_prices_compare_within_their_currency(stocked: Search) -> None:
    assert sorted(await numbers(stocked, price_max=Money(4000, "EUR"))) == [1, 3]
    assert sorted(await numbers(stocked, price_min=Money(4000, "EUR"))) == [1, 2]
    assert await numbers(stocked, price_min=Money(0, "USD"), price_max=Money(3000, "USD")) == [4]


async def test_a_rating_is_at_least_what_is_asked(stocked: Search) -> None:
    assert sorted(await numbers(stocked, rating_min=4.0)) == [1, 3]
    assert sorted(await numbers(stocked, rating_min=0)) == [1, 2, 3, 4, 5]


async def test_of_modes_and_languages_one_suffices_and_badges_all_count(stocked: Search) -> None:
    assert sorted(await numbers(stocked, modes=("remote", "at_customer"))) == [2, 4, 5]
    assert sorted(await numbers(stocked, languages=("pt", "de"))) == [1, 3, 4]
    assert sorted(await numbers(stocked, badges=("identity",))) == [2, 4]
    assert await numbers(stocked, badges=("identity", "licence")) == [4]
    assert sorted(await numbers(stocked, instant=True)) == [1, 4]


async def test_filters_hold_together_and_with_text(stocked: Search) -> None:
    assert await numbers(stocked, text="tap", instant=True, languages=("pt",), price_max=Money(5000, "EUR")) == [1]
    assert await numbers(stocked, text="tap", modes=("remote",)) == []


async def test_a_distance_is_counted_on_the_ground(stocked: Search) -> None:
    answer = await stocked.find(Query(near=LISBON, sort=Sort.DISTANCE))

    assert [int(hit.document.service_id[4:]) for hit in answer.hits] == [1, 2, 3, 4, 5]
    ways = [hit.distance_m for hit in answer.hits]
    assert ways[:2] == [0, 0]
    assert ways[2] == pytest.approx(274_000, rel=0.01)
    assert ways[3] == pytest.approx(2_313_000, rel=0.01)
    assert ways[4] is None


async def test_within_a_distance_leaves_out_what_is_remote_unless_asked_for(stocked: Search) -> None:
    assert sorted(await numbers(stocked, near=LISBON, within_m=300_000)) == [1, 2, 3]
    assert sorted(await numbers(stocked, near=LISBON, within_m=1_000)) == [1, 2]
    assert sorted(await numbers(stocked, near=LISBON, within_m=1_000, modes=("at_provider", "remote"))) == [1, 4, 5]


async def test_who_comes_to_the_customer_must_travel_that_far(stocked: Search) -> None:
    outside = Point(LISBON.lat + 0.18, LISBON.lon)

    assert await numbers(stocked, near=outside, within_m=30_000) == [1]


async def test_a_distance_reaches_over_the_date_line(search: Search) -> None:
    await search.apply([document(1, at=Point(-17.0, 179.9)), document(2, at=Point(-17.0, 170.0))])

    assert await numbers(search, near=Point(-17.0, -179.9), within_m=50_000) == [1]


async def test_each_order_is_kept(stocked: Search) -> None:
    assert await numbers(stocked, sort=Sort.PRICE) == [3, 4, 1, 2, 5]
    assert await numbers(stocked, sort=Sort.PRICE_DOWN) == [5, 2, 1, 4, 3]
    assert await numbers(stocked, sort=Sort.NEWEST) == [5, 4, 3, 2, 1]
    assert await numbers(stocked, sort=Sort.RATING) == [1, 3, 5, 2, 4]


@pytest.mark.parametrize("sort", list(Sort))
async def test_pages_together_are_the_whole_without_a_gap(search: Search, sort: Sort) -> None:
    await search.apply([
        document(number, "Tap", price=Money(1000 + number % 7, "EUR"), rating_total=number % 5, rating_count=1,
                 at=Point(38 + number % 3, -9))
        for number in range(60)
    ])  # fmt: skip
    whole = await numbers(search, text="tap", near=LISBON, sort=sort, limit=100)

    paged: list[int] = []
    after: Cursor | None = None
    for _ in range(20):
        answer = await search.find(Query(text="tap", near=LISBON, sort=sort, limit=7, after=after))
        paged += [int(hit.document.service_id[4:]) for hit in answer.hits]
        after = answer.next
        if after is None:
            break

    assert paged == whole
    assert len(set(paged)) == 60


async def test_a_place_in_other_results_is_refused(stocked: Search) -> None:
    first = await stocked.find(Query(limit=1))

    with pytest.raises(CursorUnfit):
        await stocked.find(Query(text="tap", limit=1, after=first.next))
    for forged in ("", "x", "é", "AAAA", "k6NhYmMBAg", "%%%", "=" * 50):
        with pytest.raises(CursorUnfit):
            await stocked.find(Query(after=Cursor(forged)))


async def test_facets_count_what_another_choice_would_bring(stocked: Search) -> None:
    facets = (await stocked.find(Query(category="home", instant=True))).facets
    assert facets is not None

    # Of the instant ones, whichever category: the category's own filter is left out.
    assert facets.categories == {"guitar-lessons": 1, "home": 1, "lessons": 1, "plumbing": 1}
    assert facets.instant == 1
    assert facets.modes == {"at_provider": 1}
    assert facets.languages == {"en": 1, "pt": 1}
    assert facets.badges == {}
    assert facets.ratings == {3.0: 1, 4.0: 1, 4.5: 1}


async def test_facets_of_everything_count_everything(stocked: Search) -> None:
    facets = (await stocked.find(Query())).facets
    assert facets is not None

    assert facets.categories["home"] == 2
    assert facets.modes == {"at_provider": 2, "remote": 2, "at_customer": 1}
    assert facets.languages == {"en": 4, "pt": 2, "de": 1}
    assert facets.badges == {"identity": 2, "licence": 1}
    assert facets.ratings == {3.0: 3, 4.0: 2, 4.5: 1}
    assert facets.instant == 2
    assert facets.prices is not None
    assert (facets.prices.currency, facets.prices.lowest, facets.prices.highest) == ("EUR", 2500, 9000)
    assert sum(facets.prices.steps) == 3


async def test_the_price_facet_leaves_out_its_own_limits(stocked: Search) -> None:
    facets = (await stocked.find(Query(price_max=Money(3000, "USD")))).facets
    assert facets is not None
    assert facets.prices is not None

    assert (facets.prices.currency, sum(facets.prices.steps)) == ("USD", 1)


async def test_facets_are_counted_by_the_plain_rule(search: Search) -> None:
    offered = [
        document(
            number,
            "Tap",
            path=(("home", "plumbing"), ("lessons", "guitar-lessons"))[number % 2],
            mode=("remote", "at_provider", "at_customer")[number % 3],
            instant=number % 4 == 0,
            languages=(("en",), ("de", "en"), ())[number % 3],
            rating_total=number % 6,
            rating_count=1 if number % 6 else 0,
            price=Money(1000 * (1 + number % 9), "EUR"),
        )
        for number in range(72)
    ]
    await search.apply(offered)

    query = Query(category="home", modes=("remote", "at_customer"), price_max=Money(6000, "EUR"), rating_min=2.0)
    answer = await search.find(query)

    facets = answer.facets
    assert facets is not None
    priced = [one for one in offered if one.price.minor <= 6000]
    rated = [one for one in priced if (one.rating or 0) >= 2]
    of_mode = [one for one in rated if one.mode in query.modes]
    assert answer.total == sum("home" in one.path for one in of_mode)
    assert facets.categories["lessons"] == sum("lessons" in one.path for one in of_mode)
    assert facets.modes["at_provider"] == sum(one.mode == "at_provider" and "home" in one.path for one in rated)
    assert facets.ratings[4.0] == sum(
        (one.rating or 0) >= 4 and "home" in one.path and one.mode in query.modes for one in priced
    )


async def test_facets_come_only_when_asked_for(stocked: Search) -> None:
    assert (await stocked.find(Query(facets=False))).facets is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (Query(limit=0), "limit"),
        (Query(limit=101), "limit"),
        (Query(rating_min=6.0), "rating_min"),
        (Query(rating_min=float("nan")), "rating_min"),
        (Query(near=Point(91, 0)), "near"),
        (Query(near=Point(0, float("inf"))), "near"),
        (Query(within_m=1), "near"),
        (Query(near=LISBON, within_m=0), "within_m"),
        (Query(sort=Sort.DISTANCE), "near"),
        (Query(price_min=Money(1, "EUR"), price_max=Money(1, "USD")), "price_max"),
        (Query(languages=("x",) * 61), "languages"),
    ],
)
async def test_numbers_out_of_bounds_are_refused_by_name(search: Search, query: Query, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await search.find(query)

    assert refused.value.field == field
