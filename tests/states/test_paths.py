from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.adapters.embedded.states.paths import BadPath, parse
from ecosystem.adapters.embedded.states.values import MISSING

STORE = {
    "store": {
        "book": [
            {"title": "Sayings", "price": 8.95, "tags": ["a", "b"]},
            {"title": "Sword", "price": 12.99, "isbn": "0-553"},
            {"title": "Moby", "price": 8.99, "isbn": None},
        ],
        "bi-cycle": {"colour": "red"},
        "a.b": 1,
    },
    "limit": 10,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.limit", 10),
        ("$.store.bi-cycle.colour", "red"),
        ("$['store']['a.b']", 1),
        ('$.store["a.b"]', 1),
        ("$.store.book[0].title", "Sayings"),
        ("$.store.book[-1].title", "Moby"),
        ("$.store.book[0,2].title", ["Sayings", "Moby"]),
        ("$.store.book[1:].title", ["Sword", "Moby"]),
        ("$.store.book[:-1].title", ["Sayings", "Sword"]),
        ("$.store.book[*].price", [8.95, 12.99, 8.99]),
        ("$.store.book.*.price", [8.95, 12.99, 8.99]),
        ("$..price", [8.95, 12.99, 8.99]),
        ("$.store..tags[0]", ["a"]),
        ("$.store.book[?(@.price < 10)].title", ["Sayings", "Moby"]),
        ("$.store.book[?(@.price < $.limit && @.isbn)].title", ["Moby"]),
        ("$.store.book[?(!@.isbn)].title", ["Sayings"]),
        ("$.store.book[?(@.title == 'Sword' || @.title == 'Moby')].price", [12.99, 8.99]),
        ("$.store.book[?(@.title =~ /s.*/i)].title", ["Sayings", "Sword"]),
        ("$.store.book[?(@.title in ['Moby', 'Dick'])].price", [8.99]),
        ("$.store.book[?(@.tags contains 'b')].title", ["Sayings"]),
        ("$.[?(@.limit == 10)].limit", [10]),
        ("$.store.book.length()", 3),
        ("$.store.book[*].price.max()", 12.99),
        ("$.nothing[*].here", []),
        ("$.nothing[1:2]", []),
        ("$.nothing", MISSING),
        ("$.store.book[3]", MISSING),
        ("$.limit.deeper", MISSING),
    ],
)
def test_a_path_finds_what_the_cloud_finds(path: str, found: Any) -> None:
    assert parse(path).find(STORE) == found


def test_a_backslash_within_quotes_stands_for_itself() -> None:
    assert parse("""$['Test\\""Name"']""").find({'Test\\""Name"': 7}) == 7


@pytest.mark.parametrize(
    "path",
    [
        "",
        "limit",
        "$.",
        "$.a.",
        "$.a..",
        "$[",
        "$['a",
        "$.a[b]",
        "$.a[?(@.b ==)]",
        "$.a[::0]",
        "$.a b",
        "$.a[?(@.b =~ /(/)]",
    ],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(BadPath):
        parse(path)


@given(st.text(alphabet="$.[]*?@()'\"ab1,:-=<&|! ~/", max_size=30))
def test_any_text_is_a_path_or_is_refused(text: str) -> None:
    try:
        path = parse("$" + text)
    except BadPath:
        return
    path.find({"a": [{"b": 1}, {"b": [1, 2]}]})
