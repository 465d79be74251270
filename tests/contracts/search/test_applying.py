from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.search.samples import document
from ecosystem.ports.search import Document, Listed, Query, Removal, Search, SuggestionKind, digest


async def total(search: Search, **wanted: Any) -> int:
    return (await search.find(Query(**wanted))).total


async def test_a_newer_document_takes_the_place_of_the_older(search: Search) -> None:
    assert await search.apply([document(1, "Tap")]) == 1
    assert await search.apply([document(1, "Pipe", version=2)]) == 1

    assert (await total(search, text="tap"), await total(search, text="pipe"), await total(search)) == (0, 1, 1)


async def test_what_comes_twice_or_late_makes_no_difference(search: Search) -> None:
    new = document(1, "Pipe", version=5)
    await search.apply([new])

    assert await search.apply([new]) == 0
    assert await search.apply([document(1, "Tap", version=4)]) == 0
    assert await search.apply([Removal(service_id=new.service_id, version=4)]) == 0
    assert await total(search, text="pipe") == 1


async def test_a_removal_holds_against_what_is_older(search: Search) -> None:
    one = document(1, "Tap", version=3)
    await search.apply([one])

    assert await search.apply([Removal(service_id=one.service_id, version=4)]) == 1
    assert await search.apply([one]) == 0
    assert await total(search) == 0
    assert await search.apply([document(1, "Tap", version=5)]) == 1
    assert await total(search) == 1


async def test_of_two_with_one_version_the_later_counts(search: Search) -> None:
    await search.apply([document(1, "Tap")])

    assert await search.apply([document(1, "Pipe")]) == 1
    assert await total(search, text="pipe") == 1


async def test_what_is_forced_goes_back(search: Search) -> None:
    await search.apply([document(1, "Pipe", version=9), document(2, "Pipe", version=9)])

    forced = [document(1, "Tap", version=2), Removal(service_id=document(2).service_id, version=2)]
    assert await search.apply(forced, force=True) == 2

    assert (await total(search), await total(search, text="tap")) == (1, 1)
    assert await search.apply([document(2, "Pipe", version=3)]) == 1


async def test_the_checkpoint_is_kept_with_the_commit(search: Search) -> None:
    assert await search.checkpoint() is None

    await search.apply([], checkpoint="7.0")
    assert await search.checkpoint() == "7.0"
    await search.apply([document(1)], checkpoint="8.1")
    assert await search.checkpoint() == "8.1"


async def test_what_is_held_can_be_told_from_what_should_be(search: Search) -> None:
    offered = [document(number) for number in range(5)]
    await search.apply(offered)

    held = await search.held([offered[1].service_id, "svc_unknown"])
    assert held == {
        offered[1].service_id: Listed(service_id=offered[1].service_id, version=1, digest=digest(offered[1]))
    }
    first = await search.listed(limit=3)
    rest = await search.listed(after=first[-1].service_id, limit=3)
    assert [one.service_id for one in (*first, *rest)] == [one.service_id for one in offered]


async def test_a_cleared_index_begins_anew(search: Search) -> None:
    await search.apply([document(1, "Tap", version=9)], checkpoint="7.0")
    assert await total(search) == 1

    await search.clear()

    assert (await total(search), await search.checkpoint(), await search.listed()) == (0, None, [])
    await search.apply([document(1, "Tap", version=1)])
    assert await total(search, text="tap") == 1


async def test_suggestions_begin_as_what_is_typed(search: Search) -> None:
    await search.apply([
        document(1, "Guitar for beginners", path=("lessons", "guitar-lessons"), provider_name="Guida Reis"),
        document(2, "Guitar for beginners", path=("lessons", "guitar-lessons"), rating_total=50, rating_count=10),
        document(3, "Plumbing"),
    ])  # fmt: skip

    suggested = await search.suggest("gui")

    assert [(one.kind, one.text, one.target) for one in suggested] == [
        (SuggestionKind.CATEGORY, "Guitar & bass lessons", "guitar-lessons"),
        (SuggestionKind.SERVICE, "Guitar for beginners", "service-2"),
        (SuggestionKind.PROVIDER, "Guida Reis", "provider-1"),
    ]
    assert [one.text for one in await search.suggest("beginners gui")] == ["Guitar for beginners"]
    assert await search.suggest("g") == []
    assert [one.text for one in await search.suggest("plubming")] == ["Plumbing", "Plumbing"]
    assert [one.text for one in await search.suggest("beginers gui")] == ["Guitar for beginners"]
    assert len(await search.suggest("gui", limit=1)) == 1


NUMBERS = st.integers(1, 4)
ENTRIES = st.one_of(
    st.builds(lambda number, version, title: document(number, title, version=version), NUMBERS, st.integers(1, 6),
              st.sampled_from(["Tap", "Pipe", "Tap pipe"])),
    st.builds(lambda number, version: Removal(service_id=document(number).service_id, version=version), NUMBERS,
              st.integers(1, 6)),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(ENTRIES, max_size=4), max_size=6))
async def test_any_history_leaves_the_index_as_the_plain_rule_says(
    search: Search, history: list[list[Document | Removal]]
) -> None:
    await search.clear()
    state: dict[str, Document | Removal] = {}
    for entries in history:
        await search.apply(entries)
        for entry in entries:
            if entry.service_id not in state or state[entry.service_id].version <= entry.version:
                state[entry.service_id] = entry

    there = [entry for entry in state.values() if isinstance(entry, Document)]
    assert {one.service_id for one in await search.listed()} == {one.service_id for one in there}
    for word in ("tap", "pipe"):
        assert await total(search, text=word) == sum(word in one.title.lower() for one in there)
    assert await total(search, text="taap") == sum("tap" in one.title.lower() for one in there) * 0


async def test_a_document_changes_only_its_own_finds(search: Search) -> None:
    await search.apply([document(1, "Tap"), document(2, "Tap")])

    await search.apply([replace(document(1, "Pipe"), version=2)])

    assert [hit.document.service_id for hit in (await search.find(Query(text="tap"))).hits] == [document(2).service_id]
