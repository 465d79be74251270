from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.search.samples import document
from ecosystem.ports.search import Query, Search


async def titles(search: Search, text: str) -> list[str]:
    return [hit.document.title for hit in (await search.find(Query(text=text))).hits]


async def test_an_empty_index_finds_nothing(search: Search) -> None:
    answer = await search.find(Query(text="plumber"))

    assert (answer.hits, answer.total, answer.next) == ((), 0, None)


async def test_no_text_finds_everything_best_rated_first(search: Search) -> None:
    await search.apply([
        document(1, "Fair", rating_total=30, rating_count=10),
        document(2, "New"),
        document(3, "Great", rating_total=50, rating_count=10),
    ])  # fmt: skip

    assert await titles(search, "  ") == ["Great", "New", "Fair"]


async def test_a_word_counts_most_in_the_title_then_category_provider_place_and_description(search: Search) -> None:
    await search.apply([
        document(1, "Described", description="I do massage as well", path=("home", "plumbing")),
        document(2, "Placed", place="Massage Street"),
        document(3, "Named", provider_name="Massage Brothers"),
        document(4, "Sorted", path=("wellness", "massage")),
        document(5, "Massage"),
    ])  # fmt: skip

    assert await titles(search, "massage") == ["Massage", "Sorted", "Named", "Placed", "Described"]


async def test_repeating_a_word_in_the_description_gains_nothing(search: Search) -> None:
    await search.apply([
        document(1, "Stuffed", description="massage " * 200),
        document(2, "Massage at home", description="Long. " * 200),
    ])  # fmt: skip

    assert await titles(search, "massage") == ["Massage at home", "Stuffed"]


async def test_a_whole_title_comes_before_a_part_of_one(search: Search) -> None:
    await search.apply([document(1, "Deep carpet cleaning and more"), document(2, "Deep cleaning")])

    assert await titles(search, "deep cleaning") == ["Deep cleaning", "Deep carpet cleaning and more"]


async def test_all_words_must_be_there_wherever_they_are(search: Search) -> None:
    await search.apply([
        document(1, "Tap repair", place="Porto"),
        document(2, "Tap repair", place="Lisbon"),
        document(3, "Piano", place="Porto"),
    ])  # fmt: skip

    answer = await search.find(Query(text="tap porto"))

    assert [hit.document.service_id[-1] for hit in answer.hits] == ["1"]
    assert not answer.loosened


async def test_when_nothing_has_all_words_what_has_most_comes_first(search: Search) -> None:
    await search.apply([document(1, "Tap repair"), document(2, "Piano tuning", description="tap")])

    answer = await search.find(Query(text="tap repair unicorn"))

    assert [hit.document.title for hit in answer.hits] == ["Tap repair", "Piano tuning"]
    assert answer.loosened


@pytest.mark.parametrize("text", ["plumber", "plumbers", "Plumbing!", "PLUMB", "plum", "plumbing near me please"])
async def test_a_word_stands_for_its_family_and_its_beginning(search: Search, text: str) -> None:
    await search.apply([document(1, "Plumbing at home"), document(2, "Piano", path=("lessons", "guitar-lessons"))])

    assert await titles(search, text) == ["Plumbing at home"]


async def test_a_known_word_does_not_stand_for_longer_ones(search: Search) -> None:
    await search.apply([
        document(1, "Car repair", path=("home",)),
        document(2, "Carpet washing", path=("home",)),
    ])  # fmt: skip

    assert await titles(search, "car") == ["Car repair"]


async def test_accents_and_case_do_not_matter(search: Search) -> None:
    await search.apply([document(1, "Café crème für Zoë")])

    for text in ("cafe", "CAFÉ", "zoe", "Zoe\u0308", "creme"):
        assert await titles(search, text) == ["Café crème für Zoë"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("plubming", "plumbing"),
        ("guitr", "guitar"),
        ("gutiar lesons", "guitar lessons"),
        ("masage", "massage"),
        ("cleannig", "cleaning"),
        ("tapreapir", None),
        ("housecleaning", "house cleaning"),
    ],
)
async def test_a_typo_is_read_as_the_word_meant(search: Search, text: str, meant: str | None) -> None:
    await search.apply([
        document(1, "Plumbing"),
        document(2, "Guitar lessons", path=("lessons", "guitar-lessons")),
        document(3, "Massage", path=("wellness", "massage")),
        document(4, "Cleaning", path=("cleaning", "house-cleaning")),
    ])  # fmt: skip

    answer = await search.find(Query(text=text))

    assert answer.corrected == meant
    assert bool(answer.hits) == (meant is not None)


async def test_a_word_in_use_is_never_corrected(search: Search) -> None:
    await search.apply([document(1, "Guitar"), document(2, "Guitars from Gitar", description="gitar")])

    answer = await search.find(Query(text="gitar"))

    assert answer.corrected is None
    assert [hit.document.title for hit in answer.hits] == ["Guitars from Gitar"]


async def test_words_gone_from_the_index_no_longer_correct(search: Search) -> None:
    await search.apply([document(1, "Harpsichord")])
    await search.apply([document(1, "Piano", version=2)])

    answer = await search.find(Query(text="harpsichrod"))

    assert (answer.total, answer.corrected) == (0, None)


NONSENSE = [
    '"', "'", '""""', "title:", "* OR *", "NOT", "NEAR(a b, 3)", "AND AND", "a AND (b OR", "{title}:x", "^a", "-", "--",
    "a*b*c*", "%", "_", "\\", ";DROP TABLE words", "🔥🔥🔥", "👩‍🔧", "\x00", "\ud800", "a" * 10_000, "a " * 5_000,
    '"' * 10_000, "é" * 10_000, "\u202eabc", "清掃サービス", "हिन्दी", "ﷺ" * 50, "col : val", "rowid:1", "<script>", "\n\t",
]  # fmt: skip


@pytest.mark.parametrize("text", NONSENSE)
async def test_nonsense_is_an_ordinary_search(search: Search, text: str) -> None:
    await search.apply([document(1, "Plumbing")])

    answer = await search.find(Query(text=text))
    await search.suggest(text)

    assert answer.total == (0 if text.strip() else 1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
async def test_any_text_is_an_ordinary_search(search: Search, text: str) -> None:
    await search.apply([document(1, "Plumbing", description="a b c")])

    answer = await search.find(Query(text=text))
    await search.suggest(text)

    assert answer.total in {0, 1}


async def test_many_search_at_once(search: Search) -> None:
    await search.apply([document(number, f"Tap {number}") for number in range(50)])

    answers = await asyncio.gather(*(search.find(Query(text="tap", limit=1 + number % 40)) for number in range(60)))

    assert {answer.total for answer in answers} == {50}


async def test_a_find_sees_what_was_applied_before_it(search: Search) -> None:
    for number in range(1, 20):
        await search.apply([document(number, "Tap")])

        assert (await search.find(Query(text="tap"))).total == number
