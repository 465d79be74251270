"""The table in DynamoDB, or in any server that speaks its interface."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import uniform
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from ecosystem.adapters.aws import table_items as items
from ecosystem.adapters.aws.table_items import Attributes
from ecosystem.adapters.aws.table_stream import Stream
from ecosystem.adapters.aws.table_writes import Operation, fingerprint, noted, operation, unmet
from ecosystem.adapters.outside.amazon import Account
from ecosystem.adapters.outside.threads import Threads
from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.ports import table_codec, table_limits
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import (
    Change,
    Cursor,
    Index,
    Key,
    Page,
    Row,
    Stored,
    TokenReused,
    Unfit,
    Write,
)
from ecosystem.ports.table_limits import Sought

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

S = TypeVar("S", bound=Stored)
R = TypeVar("R")

WAITING_MAX = 1024
ATTEMPTS_MAX = 12
BACK_OFF_S = 0.01
BACK_OFF_S_MAX = 0.5
PAGES_MAX = 100
SCAN_STEP = 1000
POLL_S = 1.0
ACTIVE_S_MAX = 120

_BUSY = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ThrottlingError",
        "ThrottlingException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
    }
)
_UNMET = "ConditionalCheckFailed"
_SINGLE = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}


class Clients(NamedTuple):
    """`tables` asks again by itself when an answer is lost: for reads, and for transactions, which carry a token.

    A single write carries none; asked again, it could be done twice. `once` never asks again.
    """

    tables: DynamoDBClient
    once: DynamoDBClient
    streams: DynamoDBStreamsClient

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(account.dynamodb(), account.dynamodb(attempts_max=1), account.streams())

    def close(self) -> None:
        for client in self:
            client.close()


class DynamoTable:
    """The `Table` port on DynamoDB. Calls run in threads of their own, bounded; the clients' timeouts end them."""

    def __init__(
        self,
        clients: Clients,
        *,
        name: str,
        stream: str,
        clock: Clock,
        threads: Threads,
        poll_s: float = POLL_S,
    ) -> None:
        self._clients = clients
        self._name = name
        self._clock = clock
        self._threads = threads
        self._stream = Stream(clients.streams, stream, threads)
        self._poll_s = poll_s
        self._written = asyncio.Event()

    @classmethod
    async def open(cls, account: Account, name: str, clock: Clock) -> Self:
        """The table of that name in the account. Raises `Unavailable` when there is none, or it has no stream."""
        return await cls._opened(account, name, clock, stream_of)

    @classmethod
    async def create(cls, account: Account, name: str, clock: Clock) -> Self:
        """Make the table, and open it. Deployments describe theirs in `infra`; this is for a server of one's own."""
        return await cls._opened(account, name, clock, make_table)

    @classmethod
    async def _opened(
        cls, account: Account, name: str, clock: Clock, stream: Callable[[DynamoDBClient, str], str]
    ) -> Self:
        threads = Threads(account.connections_max, waiting_max=WAITING_MAX)
        clients = await threads.run(Clients.of, account)
        try:
            found = await _asked(threads, lambda: stream(clients.tables, name))
        except BaseException:
            clients.close()
            raise
        return cls(clients, name=name, stream=found, clock=clock, threads=threads)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._threads.run(self._clients.close)

    async def get(self, key: Key, kind: type[S]) -> Row[S] | None:
        table_limits.check_key(key)
        told = await self._ask(
            lambda: self._clients.tables.get_item(TableName=self._name, Key=items.address(key), ConsistentRead=True)
        )
        return self._live_row(told.get("Item"), kind)

    async def batch_get(self, keys: Sequence[Key], kind: type[S]) -> list[Row[S] | None]:
        table_limits.batch(keys)
        found: dict[Key, Attributes] = {}
        wanted = [items.address(key) for key in dict.fromkeys(keys)]
        for attempt in range(ATTEMPTS_MAX):
            if not wanted:
                return [self._live_row(found.get(key), kind) for key in keys]
            if attempt:
                await _back_off(attempt)
            asked: Any = {self._name: {"Keys": wanted, "ConsistentRead": True}}
            told = await self._ask(lambda asked=asked: self._clients.tables.batch_get_item(RequestItems=asked))
            for item in told.get("Responses", {}).get(self._name, []):
                found[items.found_at(item)] = item
            wanted = list(told.get("UnprocessedKeys", {}).get(self._name, {"Keys": []})["Keys"])
        raise Unavailable("The table is too busy to read from.")

    async def query(
        self,
        partition: str,
        kind: type[S],
        *,
        index: Index | None = None,
        prefix: str = "",
        start: str | None = None,
        end: str | None = None,
        after: Cursor | None = None,
        descending: bool = False,
        limit: int = 100,
    ) -> Page[S]:
        sought = table_limits.query(
            partition,
            index=index,
            prefix=prefix,
            start=start,
            end=end,
            after=after,
            descending=descending,
            limit=limit,
        )
        begin = _begin(sought)
        if sought.empty or begin is None:
            return Page([])
        request = {"TableName": self._name, "ScanIndexForward": not descending} | _range(sought)
        request |= {"ConsistentRead": True} if index is None else {"IndexName": index.value}
        _, sort = items.keys_of(index)
        # A range takes in its upper end, of which the port's has none.
        found, last = await self._read(
            self._clients.tables.query,
            request | begin,
            limit,
            lambda item: sought.high is None or item[sort]["S"] < sought.high,
        )
        return self._page(found, last, kind, limit, index)

    async def scan(self, kind: type[S], *, after: Cursor | None = None, limit: int = 1000) -> Page[S]:
        table_limits.page(limit)
        request: dict[str, Any] = {
            "TableName": self._name,
            "ConsistentRead": True,
            "FilterExpression": "#e = :e",
            "ExpressionAttributeNames": {"#e": items.ENTITY},
            "ExpressionAttributeValues": {":e": items.text(kind.entity)},
        }
        if after is not None:
            place = table_codec.place(after)
            request["ExclusiveStartKey"] = items.address(Key(place.partition, place.sort))
        found, last = await self._read(self._clients.tables.scan, request, limit, lambda _: True)
        return self._page(found, last, kind, limit, None)

    async def transact(self, *writes: Write, token: str | None = None) -> None:
        bodies = table_limits.transaction(writes, token)
        done = b"" if token is None else fingerprint(writes, bodies)
        seen: dict[int, Attributes] = {}
        for attempt in range(1, ATTEMPTS_MAX + 1):
            now = items.micros(self._clock.now())
            operations = [
                operation(write, body, seen.get(place), now)
                for place, (write, body) in enumerate(zip(writes, bodies, strict=True))
            ]
            if token is not None:
                operations.append(noted(token, done, self._clock))
            reasons = await self._carried_out(operations)
            if not reasons or (token is not None and _done_before(reasons[-1], done)):
                self._written.set()
                self._written = asyncio.Event()
                return
            if _busy(writes, reasons, seen, now):
                await _back_off(attempt)
        raise Unavailable("Too many change the same items at once; try again.")

    async def changes(self, after: Cursor | None, *, limit: int = 1000) -> Sequence[Change]:
        table_limits.page(limit)
        try:
            return await self._stream.changes(after, limit)
        except ClientError as refused:
            raise _trouble(refused) from refused
        except BotoCoreError as failed:
            raise _silent(failed) from failed

    def hold_for(self, follower: Key) -> None:
        """A stream keeps its records for 24 hours, whoever follows."""

    async def changed(self) -> None:
        # The stream tells nobody: what others wrote is found by looking, what this process wrote at once.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._written.wait()

    def _live_row(self, item: Attributes | None, kind: type[S]) -> Row[S] | None:
        if item is None or not items.is_live(item, items.micros(self._clock.now())):
            return None
        return items.row(item, kind)

    async def _read(
        self, call: Callable[..., Any], request: dict[str, Any], limit: int, fits: Callable[[Attributes], bool]
    ) -> tuple[list[Attributes], Attributes | None]:
        """Live items until there is one more than the limit, and where reading stopped; None at the end."""
        now = items.micros(self._clock.now())
        found: list[Attributes] = []
        last: Attributes | None = None
        # A scan's limit counts items before its filter.
        bounded = {"Limit": SCAN_STEP if "FilterExpression" in request else limit + 1}
        for _ in range(PAGES_MAX):
            told = await self._ask(lambda: call(**request, **bounded))
            found += [item for item in told["Items"] if items.is_live(item, now) and fits(item)]
            last = told.get("LastEvaluatedKey")
            if last is None or len(found) > limit:
                break
            request["ExclusiveStartKey"] = last
        return found, last

    def _page(
        self, found: Sequence[Attributes], last: Attributes | None, kind: type[S], limit: int, index: Index | None
    ) -> Page[S]:
        rows = [items.row(item, kind) for item in found[:limit]]
        stopped = found[limit - 1] if len(found) > limit else last
        if stopped is None:
            return Page(rows)
        place, key = items.found_at(stopped, index), items.found_at(stopped)
        return Page(rows, table_codec.cursor(table_codec.Place(place.partition, place.sort, key if index else None)))

    async def _carried_out(self, operations: Sequence[Operation]) -> Sequence[Attributes]:
        """Nothing when the operations were carried out, else why each of them was not, in order."""
        try:
            await self._threads.run(self._carry_out, operations)
        except ClientError as refused:
            return _reasons(refused, len(operations))
        except BotoCoreError as failed:
            raise _silent(failed) from failed
        return ()

    def _carry_out(self, operations: Sequence[Operation]) -> None:
        single = _SINGLE.get(operations[0].kind) if len(operations) == 1 else None
        if single is not None:
            # Half the price of a transaction of one, and callers of one item wait instead of failing each other.
            getattr(self._clients.once, single)(TableName=self._name, **operations[0].parameters)
            return
        asked: Any = [{each.kind: {"TableName": self._name, **each.parameters}} for each in operations]
        self._clients.tables.transact_write_items(TransactItems=asked)

    async def _ask(self, call: Callable[[], R]) -> R:
        return await _asked(self._threads, call)


def stream_of(client: DynamoDBClient, name: str) -> str:
    """The address of the table's stream. Raises `Unavailable` when it has none."""
    stream = client.describe_table(TableName=name)["Table"].get("LatestStreamArn")
    if stream is None:
        raise Unavailable(f"The table {name} has no stream of its changes.")
    return stream


def make_table(client: DynamoDBClient, name: str, *, expiring: bool = True) -> str:
    """Make a table such as the product needs, wait until it stands, and return its stream's address.

    Deployments describe the table in `infra`; this one is for tests and for servers of one's own. Under test, where the
    clock stands still, `expiring=False` keeps the server from removing items by its own.
    """
    pairs = [items.keys_of(index) for index in (None, *Index)]
    keys: list[Any] = [
        [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
        for partition, sort in pairs
    ]
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for pair in pairs for each in pair],
        KeySchema=keys[0],
        GlobalSecondaryIndexes=[
            {"IndexName": index.value, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}
            for index, schema in zip(Index, keys[1:], strict=True)
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": ACTIVE_S_MAX})
    if expiring:
        expiry: Any = {"Enabled": True, "AttributeName": items.EXPIRES_AT}
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
    return stream_of(client, name)


def _range(sought: Sought) -> dict[str, Any]:
    partition, sort = items.keys_of(sought.index)
    condition, values = "#p = :p", {":p": items.text(sought.partition)}
    if sought.low and sought.high is not None:
        condition += " AND #s BETWEEN :low AND :high"
    elif sought.low:
        condition += " AND #s >= :low"
    elif sought.high is not None:
        condition += " AND #s < :high"
    if sought.low:
        values[":low"] = items.text(sought.low)
    if sought.high is not None:
        values[":high"] = items.text(sought.high)
    names = {"#p": partition} | ({"#s": sort} if "#s" in condition else {})
    return {
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def _begin(sought: Sought) -> dict[str, Any] | None:
    """Where the query goes on; nothing where its range begins later, None where its range is behind already."""
    place = sought.after
    if place is None:
        return {}
    before, behind = place.sort < sought.low, sought.high is not None and place.sort >= sought.high
    if before or behind:
        return {} if before != sought.descending else None
    key = Key(place.partition, place.sort)
    return {"ExclusiveStartKey": items.address(key, sought.index) | (items.address(place.item) if place.item else {})}


def _reasons(refused: ClientError, count: int) -> Sequence[Attributes]:
    """Why each operation failed, in order. Raises what is no operation's own failure."""
    told: Any = refused.response
    code = _code(refused)
    if code == "TransactionCanceledException" and len(told.get("CancellationReasons", ())) == count:
        return told["CancellationReasons"]
    if code == "ConditionalCheckFailedException":
        return [{"Code": _UNMET} | ({"Item": told["Item"]} if told.get("Item") else {})]
    if code in _BUSY:
        return [{"Code": code}] * count
    raise _trouble(refused) from refused


def _done_before(reason: Attributes, done: bytes) -> bool:
    """Whether the token's note says that these writes were carried out. Raises `TokenReused` when others were."""
    if reason["Code"] != _UNMET:
        return False
    if reason["Item"][items.BODY]["B"] != done:
        raise TokenReused
    return True


def _busy(writes: Sequence[Write], reasons: Sequence[Attributes], seen: dict[int, Attributes], now: int) -> bool:
    """Whether to wait before these writes are sent again. Raises the refusal of the first that stays unmet.

    What a write met, though it is not refused, is put into `seen`.
    """
    for place, (write, reason) in enumerate(zip(writes, reasons, strict=False)):
        if reason["Code"] == _UNMET:
            met: Attributes | None = reason.get("Item")
            refusal = unmet(write, met, now)
            if refusal is not None:
                raise refusal
            if met is None:
                seen.pop(place, None)
            else:
                seen[place] = met
        elif reason["Code"] in _BUSY:
            # Nothing that follows in order may be raised: this one might fail before it.
            return True
        elif reason["Code"] != "None":
            raise Unfit(f"The table refuses this: {reason.get('Message', reason['Code'])}")
    return any(reason["Code"] in _BUSY for reason in reasons)


async def _asked(threads: Threads, call: Callable[[], R]) -> R:
    for attempt in range(ATTEMPTS_MAX):
        try:
            return await threads.run(call)
        except ClientError as refused:
            if _code(refused) not in _BUSY:
                raise _trouble(refused) from refused
            await _back_off(attempt + 1)
        except BotoCoreError as failed:
            raise _silent(failed) from failed
    raise Unavailable("The table is too busy; try again.")


async def _back_off(attempt: int) -> None:
    # All of it by chance: callers who met once must not meet again.
    await asyncio.sleep(uniform(0, min(BACK_OFF_S_MAX, BACK_OFF_S * 2**attempt)))  # noqa: S311 — no secret


def _trouble(refused: ClientError) -> Refusal:
    code = _code(refused)
    sentence = refused.response.get("Error", {}).get("Message", code)
    if code in {"ValidationException", "ItemCollectionSizeLimitExceededException"}:
        return Unfit(f"The table refuses this: {sentence}")
    return Unavailable(f"The table cannot answer: {code}.")


def _silent(failed: BotoCoreError) -> Unavailable:
    return Unavailable(f"The table does not answer: {type(failed).__name__}.")


def _code(refused: ClientError) -> str:
    return refused.response.get("Error", {}).get("Code", "")
