"""DynamoDB under the table's contract: tables on a stand-in server, and clients that are made once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple

from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

from ecosystem.adapters.aws.table import DynamoTable, make_table
from ecosystem.adapters.outside.amazon import Account
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.threads import Threads
from ecosystem.ports.table import Table

_numbers = count(1)


class Clients(NamedTuple):
    """Making a client takes 50 ms, a table 5."""

    tables: DynamoDBClient
    streams: DynamoDBStreamsClient


@contextmanager
def clients(account: Account) -> Iterator[Clients]:
    made = Clients(account.dynamodb(), account.streams())
    yield made
    for client in made:
        client.close()


class DynamoTables:
    """Tables on one server, removed on closing."""

    def __init__(self, clients: Clients, clock: VirtualClock) -> None:
        self.clock = clock
        self._clients = clients
        self._names: list[str] = []

    async def fresh(self) -> Table:
        name = f"ecosystem-{next(_numbers)}"
        # The server removes expired items by the real time, the tests have their own.
        stream = make_table(self._clients.tables, name, expiring=False)
        self._names.append(name)
        threads = Threads(16, waiting_max=1024)
        return DynamoTable(*self._clients, name=name, stream=stream, clock=self.clock, threads=threads, poll_s=0.05)

    async def close(self) -> None:
        while self._names:
            self._clients.tables.delete_table(TableName=self._names.pop())
