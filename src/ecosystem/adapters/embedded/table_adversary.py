"""What DynamoDB may do and SQLite never would, done on purpose under test, repeatable by seed.

An index learns of a write only some transactions (or looks) later, each index on its own, each item in order. Changes of
different items are handed out in another order than they were committed in. What holds here holds there.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from random import Random

import apsw

from ecosystem.adapters.embedded.table_changes import Followed, Position
from ecosystem.adapters.embedded.table_file import SCHEMA, rows
from ecosystem.adapters.embedded.table_item import Entry, Kept, kept, unpacked
from ecosystem.adapters.embedded.table_read import Reads
from ecosystem.adapters.embedded.table_store import Store
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Index

LAG_MAX = 6
WINDOW = 8
AHEAD_MAX = 24


class Replica:
    """One index as it is known so far: a copy of the items in memory, some transactions behind the table."""

    def __init__(self, source: apsw.Connection, clock: Clock, random: Random) -> None:
        self._connection = apsw.Connection(":memory:")
        rows(self._connection, SCHEMA)
        self._store = Store(self._connection)
        self._random = random
        self._now = 0
        self._count = 0
        self._due: dict[tuple[str, str], int] = {}
        self._coming: list[tuple[int, int, Entry]] = []
        self.reads = Reads(self._connection, clock)
        for pk, sk, packed, checksum in rows(source, "SELECT pk, sk, item, checksum FROM items"):
            self._store.replace(pk, sk, None, kept(packed, checksum, pk, sk))
        self._store.flush()

    def told(self, entry: Entry) -> None:
        """Learn of a write, some time from now, but never before an earlier write of the same item."""
        key = (entry.pk, entry.sk)
        due = max(self._due.get(key, 0), self._now + self._random.randrange(LAG_MAX))
        self._due[key] = due
        self._count += 1
        heapq.heappush(self._coming, (due, self._count, entry))

    def passed(self) -> None:
        """Let a moment pass."""
        self._now += 1
        while self._coming and self._coming[0][0] <= self._now:
            _, _, entry = heapq.heappop(self._coming)
            new = None if entry.new is None else Kept(unpacked(entry.new), entry.new)
            self._store.replace(entry.pk, entry.sk, self._store.find(entry.pk, entry.sk), new)
        self._store.flush()

    def close(self) -> None:
        self._connection.close()


class Adversary:
    """Delayed indexes and interleaved changes."""

    def __init__(self, source: apsw.Connection, clock: Clock, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 — repeatable on purpose
        self._replicas = {index: Replica(source, clock, self._random) for index in Index}

    def told(self, transactions: Sequence[Sequence[Entry]]) -> None:
        for entries in transactions:
            for replica in self._replicas.values():
                for entry in entries:
                    replica.told(entry)
                replica.passed()

    def index(self, index: Index) -> Reads:
        """What that index shows at this moment. Looking lets time pass, so that waiting ends."""
        replica = self._replicas[index]
        replica.passed()
        return replica.reads

    async def changes(self, reads: Reads, after: Followed, limit: int) -> list[tuple[Followed, Entry]]:
        """Some of the changes not yet handed out, each item's in order, others' between them."""
        known = await reads.changes(after.low, limit + len(after.ahead) + WINDOW)
        ahead = set(after.ahead)
        coming = [(position, entry) for position, entry in known if position not in ahead]
        order = [position for position, _ in known]
        low, handed = after.low, list[tuple[Followed, Entry]]()
        count = min(len(coming), self._random.randint(1, limit))
        while len(handed) < count:
            position, entry = coming.pop(self._chosen(coming, len(ahead)))
            ahead.add(position)
            while order and order[0] in ahead:
                low = order.pop(0)
                ahead.discard(low)
            handed.append((Followed(low, tuple(sorted(ahead))), entry))
        return handed

    def close(self) -> None:
        for replica in self._replicas.values():
            replica.close()

    def _chosen(self, coming: Sequence[tuple[Position, Entry]], ahead: int) -> int:
        if ahead >= AHEAD_MAX:
            return 0
        seen: set[tuple[str, str]] = set()
        free: list[int] = []
        for place, (_, entry) in enumerate(coming[:WINDOW]):
            if (entry.pk, entry.sk) not in seen:
                free.append(place)
            seen.add((entry.pk, entry.sk))
        return self._random.choice(free)
