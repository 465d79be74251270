"""What DynamoDB asks of every expression, and a stand-in server lets pass."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.adapters.aws.table_items import Attributes, put_item
from ecosystem.adapters.aws.table_writes import Operation, operation
from ecosystem.ports import table_limits
from ecosystem.ports.table import ABSENT, PRESENT, Add, At, Check, Delete, Index, Key, Put, Write
from ecosystem.ports.table_codec import encode
from table_samples import Note

KEY = Key("P", "a")
NOW = 1_795_176_000_000_000
EXPRESSION_BYTES_MAX = 4096
OPERATORS_MAX = 300

names = st.text(alphabet="abc #:äö", min_size=1, max_size=4)
numbers = st.integers(table_limits.COUNTER_MIN, table_limits.COUNTER_MAX)
counters = st.dictionaries(names, numbers, max_size=4)
expectations = st.none() | st.sampled_from([ABSENT, PRESENT, At(3)])
indexes = st.dictionaries(st.sampled_from(list(Index)), st.just(Key("x", "y")))
instants = st.none() | st.just(datetime(2026, 11, 20, tzinfo=UTC)) | st.just(datetime(2030, 1, 1, tzinfo=UTC))
puts = st.builds(
    Put,
    key=st.just(KEY),
    value=st.just(Note()),
    index=indexes,
    counters=counters,
    expires_at=instants,
    expected=expectations,
)
adds = st.builds(
    Add,
    key=st.just(KEY),
    by=st.dictionaries(names, numbers, min_size=1, max_size=4),
    at_least=counters,
    at_most=counters,
    expected=expectations,
)
others = expectations.flatmap(
    lambda expected: st.sampled_from([Delete(key=KEY, expected=expected), Check(key=KEY, expected=expected or PRESENT)])
)
seen = st.none() | puts.map(lambda put: put_item(put, encode(put.value), 3))


@given(write=puts | adds | others, met=seen)
def test_every_word_of_an_expression_is_used_and_every_expression_is_short(
    write: Write, met: Attributes | None
) -> None:
    well_formed(operation(write, b"body", met, NOW))


def test_the_largest_add_is_short_enough() -> None:
    largest = {f"{number:03}" + "x" * 200: -(2**62) for number in range(table_limits.COUNTERS_MAX)}
    bounds = dict.fromkeys(largest, 2**62)

    well_formed(operation(Add(key=KEY, by=largest, at_most=bounds, at_least=largest), b"", None, NOW))


@pytest.mark.parametrize("expected", [None, PRESENT])
def test_a_put_whose_former_version_is_unknown_asks_the_item_for_it(expected: Any) -> None:
    made = operation(Put(key=KEY, value=Note(), expected=expected), b"body", None, NOW)

    assert made.kind == "Update"
    assert "if_not_exists" in made.parameters["UpdateExpression"]


@pytest.mark.parametrize(("expected", "version"), [(ABSENT, "1"), (At(3), "4")])
def test_a_put_whose_former_version_is_known_writes_the_next(expected: Any, version: str) -> None:
    made = operation(Put(key=KEY, value=Note(), expected=expected), b"body", None, NOW)

    assert made.kind == "Put"
    assert made.parameters["Item"]["version"] == {"N": version}


def well_formed(made: Operation) -> None:
    said = [made.parameters[each] for each in ("UpdateExpression", "ConditionExpression") if each in made.parameters]
    words = set(re.findall(r"[#:]\d+", " ".join(said)))
    known = set(made.parameters.get("ExpressionAttributeNames", {}))
    known |= set(made.parameters.get("ExpressionAttributeValues", {}))
    assert words == known
    for expression in said:
        assert len(expression.encode()) <= EXPRESSION_BYTES_MAX
        assert (
            len(re.findall(r"AND|OR|BETWEEN|[<>=]+|attribute_\w+|size|if_not_exists|\+", expression)) <= OPERATORS_MAX
        )
        assert "((" not in expression
        assert not re.search(r"\b(?:version|schema|counter|entity|body)\b", expression)
    for value in made.parameters.get("ExpressionAttributeValues", {}).values():
        assert value != {"SS": []}
