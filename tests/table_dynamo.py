"""DynamoDB under the table's contract: tables on a stand-in server, and clients that are made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from ecosystem.adapters.aws.table import Clients, DynamoTable, make_table
from ecosystem.adapters.aws.table_stream import cursor_of, positions_of
from ecosystem.adapters.outside.amazon import Account
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.threads import Threads
from ecosystem.ports.table import Cursor, Table
from table_samples import every_change, note

_numbers = count(1)


@contextmanager
def clients(account: Account) -> Iterator[Clients]:
    """Clients for all tables of a session: making one takes 50 ms, a table 5."""
    made = Clients.of(account)
    yield made
    made.close()


class DynamoTables:
    """Tables on one server, removed on closing."""

    # Each call takes milliseconds, most of them the client's own.
    histories = 12

    def __init__(self, clients: Clients, clock: VirtualClock) -> None:
        self.clock = clock
        self._clients = clients
        self._names: list[str] = []

    async def fresh(self, altered: Callable[[Clients], Clients] = lambda clients: clients) -> Table:
        name = f"ecosystem-{next(_numbers)}"
        # The server removes expired items by the real time, the tests have their own.
        stream = make_table(self._clients.tables, name, expiring=False)
        self._names.append(name)
        threads = Threads(16, waiting_max=1024)
        return DynamoTable(
            altered(self._clients), name=name, stream=stream, clock=self.clock, threads=threads, poll_s=0.05
        )

    async def forgotten(self, table: Table) -> Cursor:
        """The server forgets nothing: a cursor of a shard that is no longer listed stands for one that came too late."""
        await table.transact(note("FORGOTTEN", "a"))
        positions = positions_of((await every_change(table))[-1].cursor)
        return cursor_of({f"{shard}-former": position for shard, position in positions.items()})

    async def close(self) -> None:
        while self._names:
            self._clients.tables.delete_table(TableName=self._names.pop())
