"""The table's changes, from its stream: shards, read parents before children, and a cursor that says how far.

A shard is a piece of the stream that holds all changes of some items; it ends after some hours, and its children go on.
Whoever reads it to its end before them sees each item's changes in order, which is what the port promises. Records are
kept for 24 hours. A cursor names every shard that was listed when it was made; when one is gone that was not read to its
end, records may have gone with it, and the follower is told so.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from botocore.exceptions import ClientError
from msgspec import Struct

from ecosystem.adapters.aws.table_items import found_at, image
from ecosystem.adapters.aws.table_writes import TOKEN_PARTITION
from ecosystem.adapters.outside.threads import Threads
from ecosystem.ports.table import Change, ChangesForgotten, Cursor, Unfit

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

SHARDS_MAX = 10_000
ROUNDS_MAX = 1000
ITERATORS_MAX = 1024
_REMOVER = "dynamodb.amazonaws.com"


class Shard(NamedTuple):
    shard_id: str
    parent: str | None


class Position(Struct, frozen=True, array_like=True):
    """How far a shard was read: after this record, or from its beginning; or to its end."""

    after: str | None = None
    ended: bool = False


Positions = dict[str, Position]


class Stream:
    """Reads of one table's stream, for any number of followers."""

    def __init__(self, client: DynamoDBStreamsClient, arn: str, threads: Threads) -> None:
        self._client = client
        self._arn = arn
        self._threads = threads
        # Where the next read of a shard goes on: it saves a call, and passes stretches without records for good.
        self._iterators: dict[tuple[str, str | None], str] = {}

    async def changes(self, after: Cursor | None, limit: int) -> Sequence[Change]:
        """Up to `limit` changes after the cursor, in the order of each item. Raises `ChangesForgotten`."""
        before = positions_of(after)
        shards = await self._threads.run(self._shards)
        listed = {shard.shard_id for shard in shards}
        if before and not _all_kept(before, shards, listed):
            raise ChangesForgotten
        positions = {shard_id: before.get(shard_id, Position()) for shard_id in listed}
        found: list[Change] = []
        for _ in range(ROUNDS_MAX):
            moved = False
            for shard in _open(shards, positions, listed):
                if len(found) < limit:
                    moved |= await self._read(shard, positions, found, limit - len(found))
            if len(found) >= limit or not moved:
                break
        return found

    async def _read(self, shard: Shard, positions: Positions, found: list[Change], limit: int) -> bool:
        """One read of a shard: its changes are added to `found`, its position moves on; whether it did."""
        position = positions.get(shard.shard_id, Position())
        records, then = await self._threads.run(self._records, shard.shard_id, position.after, limit)
        for record in records:
            position = Position(record["dynamodb"]["SequenceNumber"])
            positions[shard.shard_id] = position
            if (change := change_of(record, cursor_of(positions))) is not None:
                found.append(change)
        if then is None:
            positions[shard.shard_id] = Position(ended=True)
            return True
        if len(self._iterators) >= ITERATORS_MAX:
            self._iterators.clear()
        self._iterators[shard.shard_id, position.after] = then
        return bool(records)

    def _shards(self) -> list[Shard]:
        shards: list[Shard] = []
        told = self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]
        while len(shards) < SHARDS_MAX:
            shards += [Shard(each.get("ShardId", ""), each.get("ParentShardId")) for each in told.get("Shards", [])]
            last = told.get("LastEvaluatedShardId")
            if last is None:
                break
            told = self._client.describe_stream(StreamArn=self._arn, ExclusiveStartShardId=last)["StreamDescription"]
        return shards

    def _records(self, shard_id: str, after: str | None, limit: int) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        """Records of the shard after that one, and where to go on; None at the shard's end."""
        iterator = self._iterators.pop((shard_id, after), None) or self._iterator(shard_id, after)
        try:
            told = self._client.get_records(ShardIterator=iterator, Limit=limit)
        except ClientError as refused:
            if _code(refused) not in {"ExpiredIteratorException", "TrimmedDataAccessException"}:
                raise
            told = self._client.get_records(ShardIterator=self._iterator(shard_id, after), Limit=limit)
        return told.get("Records", []), told.get("NextShardIterator")

    def _iterator(self, shard_id: str, after: str | None) -> str:
        if after is not None:
            try:
                return self._client.get_shard_iterator(
                    StreamArn=self._arn,
                    ShardId=shard_id,
                    ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                    SequenceNumber=after,
                )["ShardIterator"]
            except ClientError as refused:
                if _code(refused) != "TrimmedDataAccessException":
                    raise
                raise ChangesForgotten from refused
        return self._client.get_shard_iterator(StreamArn=self._arn, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON")[
            "ShardIterator"
        ]


def change_of(record: Mapping[str, Any], cursor: Cursor) -> Change | None:
    """The change that a record of the stream tells of; None for the table's own notes.

    A function that the stream calls is given the same records, as JSON.
    """
    told: Mapping[str, Any] = record["dynamodb"]
    key = found_at(told["Keys"])
    if key.partition.startswith(TOKEN_PARTITION):
        return None
    remover: Mapping[str, str] = record.get("userIdentity") or {}
    return Change(
        cursor=cursor,
        key=key,
        old=image(told.get("OldImage")),
        new=image(told.get("NewImage")),
        expired=_REMOVER in (remover.get("PrincipalId"), remover.get("principalId")),
    )


def cursor_of(positions: Positions) -> Cursor:
    return Cursor(msgspec.json.encode(positions).decode())


def positions_of(cursor: Cursor | None) -> Positions:
    """The positions a cursor stands for. Raises `Unfit` for what is no cursor of a stream."""
    if cursor is None:
        return {}
    try:
        return msgspec.json.decode(cursor, type=Positions)
    except (msgspec.MsgspecError, UnicodeEncodeError) as refused:
        raise Unfit("That is not a cursor of this table's changes.", field="after") from refused


def _open(shards: Sequence[Shard], positions: Positions, listed: Iterable[str]) -> list[Shard]:
    """The shards that may be read now: not at their end, and their parent is, or is forgotten."""

    def ended(shard_id: str) -> bool:
        return positions.get(shard_id, Position()).ended

    return [
        shard
        for shard in shards
        if not ended(shard.shard_id) and (shard.parent is None or shard.parent not in listed or ended(shard.parent))
    ]


def _all_kept(before: Positions, shards: Sequence[Shard], listed: Container[str]) -> bool:
    """Whether all that came after those positions is still there.

    A shard that is gone was read to its end, and a new one's parent is known: else one between them came and went.
    """
    return all(position.ended or shard_id in listed for shard_id, position in before.items()) and all(
        shard.shard_id in before or shard.parent is None or shard.parent in listed or shard.parent in before
        for shard in shards
    )


def _code(refused: ClientError) -> str:
    return refused.response.get("Error", {}).get("Code", "")
