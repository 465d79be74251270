"""What only the embedded index promises: about its file, its threads and its words."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.search.samples import document
from ecosystem.adapters.embedded import search as adapter
from ecosystem.adapters.embedded.search import EmbeddedSearch
from ecosystem.adapters.embedded.search_words import distance, forgiven, forms, stem
from ecosystem.ports.search import IndexDamaged, Query, SearchBusy


async def test_what_was_applied_is_there_after_reopening(tmp_path: Path) -> None:
    first = await EmbeddedSearch.open(tmp_path / "s.sqlite")
    await first.apply([document(1, "Tap")], checkpoint="5")
    await first.close()

    second = await EmbeddedSearch.open(tmp_path / "s.sqlite")

    assert ((await second.find(Query(text="tap"))).total, await second.checkpoint()) == (1, "5")
    await second.close()


@pytest.mark.parametrize(
    "content", [b"no database at all, but quite long " * 300, b"SQLite format 3\0" + b"\xff" * 9000]
)
async def test_a_foreign_file_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.sqlite").write_bytes(content)

    index = await EmbeddedSearch.open(tmp_path / "s.sqlite")

    await index.apply([document(1, "Tap")])
    assert (await index.find(Query(text="tap"))).total == 1
    await index.close()


async def test_a_file_of_another_format_begins_anew(tmp_path: Path) -> None:
    index = await EmbeddedSearch.open(tmp_path / "s.sqlite")
    await index.apply([document(1, "Tap")], checkpoint="5")
    await index.close()
    with apsw.Connection(str(tmp_path / "s.sqlite")) as connection:
        connection.execute("PRAGMA user_version=99")

    index = await EmbeddedSearch.open(tmp_path / "s.sqlite")

    assert (await index.checkpoint(), (await index.find(Query())).total) == (None, 0)
    await index.close()


async def test_damage_is_told_and_cleared(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    index = await EmbeddedSearch.open(path)
    await index.apply([document(number, f"Tap {number}", description="word " * 50) for number in range(300)])
    await index.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xa5" * (len(whole) - 8192))
    index = await EmbeddedSearch.open(path)

    with pytest.raises(IndexDamaged):
        await index.find(Query(text="tap"))
    await index.clear()

    assert (await index.find(Query(text="tap"))).total == 0
    await index.close()


async def test_another_process_that_writes_is_noticed(tmp_path: Path) -> None:
    serving = await EmbeddedSearch.open(tmp_path / "s.sqlite")
    beside = await EmbeddedSearch.open(tmp_path / "s.sqlite")
    assert (await serving.find(Query(text="tap"))).total == 0

    await beside.apply([document(1, "Tap")])

    assert (await serving.find(Query(text="tap"))).total == 1
    await serving.close()
    await beside.close()


async def test_a_search_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = await EmbeddedSearch.open(tmp_path / "s.sqlite")
    await index.apply([document(1, "Tap")])
    monkeypatch.setattr(adapter, "DEADLINE_S", -1.0)

    with pytest.raises(SearchBusy):
        await index.find(Query(text="tap"))
    await index.close()


async def test_who_asks_the_same_at_once_waits_for_one_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = await EmbeddedSearch.open(tmp_path / "s.sqlite")
    await index.apply([document(1, "Tap")])
    monkeypatch.setattr(adapter, "WAITING_MAX", 1)

    first, *others = [asyncio.create_task(index.find(Query(text="tap"))) for _ in range(20)]
    await asyncio.sleep(0)
    first.cancel()

    assert {(await other).total for other in others} == {1}
    await index.close()


async def test_only_so_many_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = await EmbeddedSearch.open(tmp_path / "s.sqlite")
    monkeypatch.setattr(adapter, "WAITING_MAX", 3)

    answers = await asyncio.gather(
        *(index.find(Query(text=f"tap{number}")) for number in range(9)), return_exceptions=True
    )

    assert sum(isinstance(answer, SearchBusy) for answer in answers) == 6
    assert (await index.find(Query())).total == 0
    await index.close()


async def test_a_failed_commit_leaves_nothing_and_the_next_succeeds(tmp_path: Path) -> None:
    index = await EmbeddedSearch.open(tmp_path / "s.sqlite")

    with pytest.raises(UnicodeEncodeError):
        await index.apply([document(1, "Tap", languages=("xx",)), document(2, "lone \ud800")], checkpoint="1")
    assert (await index.checkpoint(), (await index.find(Query())).total) == (None, 0)

    await index.apply([document(1, "Tap", languages=("xx",))])
    assert (await index.find(Query(languages=("xx",)))).total == 1
    await index.close()


@pytest.mark.parametrize(
    "family",
    [
        ["plumb", "plumber", "plumbers", "plumbing"],
        ["clean", "cleaner", "cleaning", "cleaned"],
        ["massage", "massages", "massaging"],
        ["therapy", "therapist", "therapists"],
        ["photograph", "photographer", "photography"],
        ["lesson", "lessons"],
        ["cut", "cutting"],
        ["drive", "driver", "driving"],
        ["baby", "babies"],
    ],
)
def test_a_family_has_one_stem(family: list[str]) -> None:
    assert len({stem(word) for word in family}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("car", "care"), ("water", "wat"), ("king", "k"), ("bass", "bas"), ("ring", "red")]
)
def test_strangers_have_not(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@given(st.text("abcdefgh", min_size=4, max_size=12), st.data())
def test_a_word_within_reach_shares_a_form(word: str, data: st.DataObject) -> None:
    letters = list(word)
    kind = data.draw(st.sampled_from(["drop", "add", "change", "swap"]))
    at = data.draw(st.integers(0, len(letters) - 2))
    if kind == "drop":
        del letters[at]
    elif kind == "add":
        letters.insert(at, "x")
    elif kind == "change":
        letters[at] = "x"
    else:
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
    typed = "".join(letters)

    assert distance(typed, word, 2) <= 1
    if forgiven(typed):
        assert forms(typed) & forms(word)


def test_a_distance_beyond_what_counts_is_not_worked_out() -> None:
    assert distance("plumbing", "guitar", 2) == 3
    assert distance("abcd", "abdc", 2) == 1
    assert distance("", "ab", 2) == 2
