"""Changes from a stream of many shards, which a stand-in server has not."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from ecosystem.adapters.aws.table_stream import Stream, change_of
from ecosystem.adapters.outside.threads import Threads
from ecosystem.ports.table import ChangesForgotten, Cursor, Key, Unfit
from ecosystem.ports.table_codec import decode, encode
from table_samples import Note


def test_a_record_that_a_function_is_handed_is_the_same_change() -> None:
    body = encode(Note(text="gone"))
    record = {
        "eventName": "REMOVE",
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "dynamodb": {
            "Keys": {"PK": {"S": "P"}, "SK": {"S": "a"}},
            "SequenceNumber": "1",
            "OldImage": {
                "PK": {"S": "P"},
                "SK": {"S": "a"},
                "entity": {"S": "note"},
                "schema": {"N": "1"},
                "version": {"N": "3"},
                "body": {"B": b64encode(body).decode()},
                "counted": {"SS": ["seen"]},
                "c_seen": {"N": "7"},
                "expires_us": {"N": "1795176000000000"},
                "expires_at": {"N": "1795176000"},
            },
        },
    }

    change = change_of(record, Cursor("{}"))

    assert change is not None
    assert (change.key, change.new, change.expired) == (Key("P", "a"), None, True)
    assert change.old is not None
    assert decode(Note, change.old.entity, change.old.schema, change.old.body) == Note(text="gone")
    assert dict(change.old.counters) == {"seen": 7}


class Shards:
    """A stream in shards: what a busy table's looks like. No read gives more than two records."""

    def __init__(self, parents: dict[str, str | None], records: dict[str, list[str]], *, closed: set[str]) -> None:
        self.parents = parents
        self.records = records
        self.closed = closed
        self.trimmed: set[str] = set()

    def describe_stream(self, **asked: str) -> Any:
        names, start = list(self.parents), asked.get("ExclusiveStartShardId")
        begin = 0 if start is None else names.index(start) + 1
        page = names[begin : begin + 2]
        told: Any = {
            "Shards": [
                {"ShardId": name} | ({"ParentShardId": parent} if (parent := self.parents[name]) else {})
                for name in page
            ]
        }
        if begin + 2 < len(names):
            told["LastEvaluatedShardId"] = page[-1]
        return {"StreamDescription": told}

    def get_shard_iterator(self, **asked: str) -> Any:
        shard, after = asked["ShardId"], asked.get("SequenceNumber")
        if after in self.trimmed:
            raise ClientError({"Error": {"Code": "TrimmedDataAccessException"}}, "GetShardIterator")
        return {"ShardIterator": f"{shard}/{0 if after is None else self.records[shard].index(after) + 1}"}

    def get_records(self, **asked: Any) -> Any:
        shard, at = asked["ShardIterator"].split("/")
        held = self.records[shard]
        end = min(len(held), int(at) + min(asked["Limit"], 2))
        answer: Any = {"Records": [record(each) for each in held[int(at) : end]]}
        if end < len(held) or shard not in self.closed:
            answer["NextShardIterator"] = f"{shard}/{end}"
        return answer


def record(number: str) -> dict[str, Any]:
    return {"dynamodb": {"Keys": {"PK": {"S": "P"}, "SK": {"S": number}}, "SequenceNumber": number}}


@pytest.fixture
def split() -> Shards:
    """Listed children first, as a stream may."""
    return Shards(
        {"child": "parent", "grandchild": "child", "parent": "forgotten", "other": None},
        {"parent": ["1", "2", "3"], "child": ["4", "5"], "grandchild": ["6", "7"], "other": ["8", "9"]},
        closed={"parent", "child"},
    )


def stream(shards: Shards) -> Stream:
    return Stream(cast("Any", shards), "arn", Threads(1, waiting_max=1))


async def followed(shards: Shards, after: Cursor | None, limit: int) -> list[str]:
    """What a follower sees who starts anew after each answer."""
    seen: list[str] = []
    for _ in range(100):
        some = await stream(shards).changes(after, limit)
        if not some:
            return seen
        seen += [change.key.sort for change in some]
        after = some[-1].cursor
    raise AssertionError("the changes have no end")


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
async def test_children_are_read_after_their_parents_and_nothing_twice(split: Shards, limit: int) -> None:
    seen = await followed(split, None, limit)

    assert [number for number in seen if number not in "89"] == ["1", "2", "3", "4", "5", "6", "7"]
    assert [number for number in seen if number in "89"] == ["8", "9"]


async def test_every_change_has_a_cursor_to_go_on_from(split: Shards) -> None:
    changes = await stream(split).changes(None, 1000)

    for place, change in enumerate(changes):
        rest = {each.key.sort for each in changes[place + 1 :]}
        assert set(await followed(split, change.cursor, 1000)) == rest


async def test_what_comes_later_is_told_later(split: Shards) -> None:
    following = stream(split)
    first = await following.changes(None, 1000)
    split.records["grandchild"].append("91")

    later = await following.changes(first[-1].cursor, 1000)
    nothing = await following.changes(later[-1].cursor, 1000)

    assert [change.key.sort for change in later] == ["91"]
    assert nothing == []


async def test_a_follower_who_stayed_away_too_long_is_told_so(split: Shards) -> None:
    first = await stream(split).changes(None, 1)
    split.records["parent"] = ["3"]
    split.trimmed = {"1"}

    with pytest.raises(ChangesForgotten):
        await stream(split).changes(first[0].cursor, 1000)

    assert sorted(await followed(split, None, 1000)) == ["3", "4", "5", "6", "7", "8", "9"]


async def test_a_shard_that_is_gone_before_its_end_was_read_is_told(split: Shards) -> None:
    first = await stream(split).changes(None, 1)
    split.parents = {"child": "parent", "grandchild": "child", "other": None}

    with pytest.raises(ChangesForgotten):
        await stream(split).changes(first[0].cursor, 1000)


async def test_a_shard_that_came_and_went_unseen_is_told(split: Shards) -> None:
    done = await stream(split).changes(None, 1000)
    split.closed |= {"grandchild", "other"}
    ended = await stream(split).changes(done[-1].cursor, 1000)
    split.parents = {"great-great": "great"}
    split.records["great-great"] = ["92"]

    assert ended == []
    with pytest.raises(ChangesForgotten):
        await stream(split).changes(done[-1].cursor, 1000)


async def test_the_positions_of_forgotten_shards_are_forgotten(split: Shards) -> None:
    done = await stream(split).changes(None, 1000)
    split.parents = {"grandchild": "child", "other": None}
    split.records["other"].append("92")

    later = await stream(split).changes(done[-1].cursor, 1000)

    assert [change.key.sort for change in later] == ["92"]
    assert "parent" not in later[0].cursor


@pytest.mark.parametrize("cursor", ["", "x", "[]", '{"a": 1}', "\ud800"])
async def test_what_is_no_cursor_is_refused(split: Shards, cursor: str) -> None:
    with pytest.raises(Unfit) as refused:
        await stream(split).changes(Cursor(cursor), 10)

    assert refused.value.field == "after"
