"""What DynamoDB does beyond the port's promises, and a stand-in server never: conflicts and lost answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ecosystem.adapters.aws import table as dynamo
from ecosystem.adapters.aws.table import Clients, DynamoTable, make_table
from ecosystem.adapters.outside import amazon as accounts
from ecosystem.adapters.outside.amazon import Account
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.table import ABSENT, PRESENT, Add, Check, Counter, Key, Unfit
from table_dynamo import DynamoTables
from table_samples import Note, Taken, every_change, note

pytestmark = pytest.mark.xdist_group("amazon")
HOT = Key("ACCOUNT#1", "BALANCE")


@pytest.fixture
def tables(dynamo_clients: Clients, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> DynamoTables:
    monkeypatch.setattr(dynamo, "BACK_OFF_S_MAX", 0.001)
    return DynamoTables(dynamo_clients, clock)


class Faulty:
    """A client that fails as it is told to, call by call, and otherwise does what is asked."""

    def __init__(self, client: Any, method: str, faults: Sequence[Exception], *, answer_lost: bool = False) -> None:
        self._client = client
        self._method = method
        self._faults = list(faults)
        self._answer_lost = answer_lost
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._client, name)
        if name != self._method:
            return asked

        def call(**parameters: Any) -> Any:
            self.calls += 1
            if not self._faults:
                return asked(**parameters)
            if self._answer_lost:
                asked(**parameters)
            raise self._faults.pop(0)

        return call


def cancelled(*codes: str) -> ClientError:
    """A transaction given up, with a reason for each of its operations."""
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return ClientError(answer, "TransactWriteItems")


def failed(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "UpdateItem")


async def test_a_transaction_in_conflict_is_sent_again(tables: DynamoTables) -> None:
    def conflicting(clients: Clients) -> Clients:
        faults = [cancelled("TransactionConflict", "None"), cancelled("None", "ThrottlingError")]
        return clients._replace(tables=cast("Any", Faulty(clients.tables, "transact_write_items", faults)))

    table = await tables.fresh(conflicting)

    await table.transact(note("P", "a"), Add(key=HOT, by={"n": 1}))

    row = await table.get(HOT, Counter)
    assert row is not None
    assert row.counters["n"] == 1


async def test_a_transaction_that_never_gets_through_is_unavailable(tables: DynamoTables) -> None:
    faults = [cancelled("TransactionConflict", "None")] * 100
    faulty: list[Faulty] = []

    def conflicting(clients: Clients) -> Clients:
        faulty.append(Faulty(clients.tables, "transact_write_items", faults))
        return clients._replace(tables=cast("Any", faulty[0]))

    table = await tables.fresh(conflicting)

    with pytest.raises(Unavailable):
        await table.transact(note("P", "a"), note("P", "b"))
    assert faulty[0].calls == dynamo.ATTEMPTS_MAX


async def test_a_conflict_before_an_unmet_write_is_tried_again_since_it_may_be_the_first_to_fail(
    tables: DynamoTables,
) -> None:
    def conflicting(clients: Clients) -> Clients:
        faults = [cancelled("TransactionConflict", "ConditionalCheckFailed")]
        return clients._replace(tables=cast("Any", Faulty(clients.tables, "transact_write_items", faults)))

    table = await tables.fresh(conflicting)

    with pytest.raises(Taken, match="first"):
        await table.transact(
            note("P", "a", expected=PRESENT, otherwise=Taken("first")),
            note("P", "b", expected=PRESENT, otherwise=Taken("second")),
        )


async def test_a_single_write_is_sent_again_when_it_was_throttled(tables: DynamoTables) -> None:
    def throttling(clients: Clients) -> Clients:
        faults = [failed("ProvisionedThroughputExceededException"), failed("TransactionConflictException")]
        return clients._replace(once=cast("Any", Faulty(clients.once, "update_item", faults)))

    table = await tables.fresh(throttling)

    await table.transact(Add(key=HOT, by={"n": 1}))

    row = await table.get(HOT, Counter)
    assert row is not None
    assert (row.version, row.counters["n"]) == (1, 1)


async def test_a_single_write_whose_answer_is_lost_is_not_done_twice(tables: DynamoTables) -> None:
    def deaf(clients: Clients) -> Clients:
        faults = [ReadTimeoutError(endpoint_url="http://x")]
        return clients._replace(once=cast("Any", Faulty(clients.once, "update_item", faults, answer_lost=True)))

    table = await tables.fresh(deaf)

    with pytest.raises(Unavailable):
        await table.transact(Add(key=HOT, by={"n": 1}))

    row = await table.get(HOT, Counter)
    assert row is not None
    assert row.counters["n"] == 1


async def test_under_a_token_the_writes_of_a_lost_answer_are_done_once(tables: DynamoTables) -> None:
    def deaf(clients: Clients) -> Clients:
        faults = [ReadTimeoutError(endpoint_url="http://x")]
        faulty = Faulty(clients.tables, "transact_write_items", faults, answer_lost=True)
        return clients._replace(tables=cast("Any", faulty))

    table = await tables.fresh(deaf)
    write = Add(key=HOT, by={"n": 1})

    with pytest.raises(Unavailable):
        await table.transact(write, token="payment")
    await table.transact(write, token="payment")

    row = await table.get(HOT, Counter)
    assert row is not None
    assert row.counters["n"] == 1


async def test_a_token_leaves_no_trace_in_the_changes(tables: DynamoTables) -> None:
    table = await tables.fresh()
    for at in range(5):
        await table.transact(Check(key=Key("P", "a"), expected=ABSENT), token=str(at))
    await table.transact(note("P", "a"), token="last")

    changes = await every_change(table, limit=1)

    assert [change.key for change in changes] == [Key("P", "a")]


async def test_keys_left_over_from_a_batch_are_asked_for_again(tables: DynamoTables) -> None:
    class Forgetful(Faulty):
        def batch_get_item(self, **asked_for: Any) -> Any:
            (name, asked), *_ = asked_for["RequestItems"].items()
            answer = self._client.batch_get_item(RequestItems={name: {**asked, "Keys": asked["Keys"][:3]}})
            return answer | {"UnprocessedKeys": {name: {"Keys": asked["Keys"][3:]}} if asked["Keys"][3:] else {}}

    def forgetful(clients: Clients) -> Clients:
        return clients._replace(tables=cast("Any", Forgetful(clients.tables, "", [])))

    table = await tables.fresh(forgetful)
    await table.transact(*(note("P", str(at), str(at)) for at in range(10)))

    rows = await table.batch_get([Key("P", str(at)) for at in range(12)], Note)

    assert [row and row.value.text for row in rows] == [*map(str, range(10)), None, None]


async def test_what_the_server_refuses_though_the_limits_do_not_is_unfit(tables: DynamoTables) -> None:
    def strict(clients: Clients) -> Clients:
        faults = [cancelled("None", "ValidationError")]
        return clients._replace(tables=cast("Any", Faulty(clients.tables, "transact_write_items", faults)))

    table = await tables.fresh(strict)

    with pytest.raises(Unfit):
        await table.transact(note("P", "a"), note("P", "b"))


async def test_a_server_that_is_not_there_is_unavailable(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts.Account.dynamodb, "__kwdefaults__", {"attempts_max": 1})
    nowhere = Account(region="eu-central-1", endpoint="http://127.0.0.1:9", access_key="a", secret_key="b")

    with pytest.raises(Unavailable):
        await DynamoTable.open(nowhere, "ecosystem", clock)


async def test_a_table_that_is_not_there_is_unavailable(amazon: Account, clock: VirtualClock) -> None:
    with pytest.raises(Unavailable):
        await DynamoTable.open(amazon, "no-such-table", clock)


async def test_a_table_is_made_opened_and_closed(amazon: Account, clock: VirtualClock) -> None:
    made = await DynamoTable.create(amazon, "ecosystem-made", clock)
    await made.transact(note("P", "a", "kept"))
    await made.close()

    opened = await DynamoTable.open(amazon, "ecosystem-made", clock)
    row = await opened.get(Key("P", "a"), Note)
    await opened.close()

    assert row is not None
    assert row.value.text == "kept"


async def test_expiring_items_carry_the_seconds_that_the_server_removes_them_by(
    dynamo_clients: Clients, clock: VirtualClock
) -> None:
    make_table(dynamo_clients.tables, "ecosystem-expiring")
    told: Any = dynamo_clients.tables.describe_time_to_live(TableName="ecosystem-expiring")
    dynamo_clients.tables.delete_table(TableName="ecosystem-expiring")

    assert told["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


async def test_a_hundred_callers_of_one_counter_are_all_counted(tables: DynamoTables) -> None:
    table = await tables.fresh()

    await asyncio.gather(*(table.transact(Add(key=HOT, by={"n": 1}), note("P", str(at))) for at in range(100)))

    row = await table.get(HOT, Counter)
    assert row is not None
    assert (row.version, row.counters["n"]) == (100, 100)
