"""The one storage port: items under a partition and a sort key, changed by transactions, watched as changes.

Two adapters stand behind it, SQLite and DynamoDB, under one contract suite; `ports/table_limits.py` refuses in both
what DynamoDB refuses. Reads of the table are consistent. Reads of an index are not: an index finds candidates, and the
commit expects the primary items' versions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, NewType, Protocol, TypeVar

from msgspec import Struct, field

from ecosystem.kernel.refusals import Conflict, Invalid, Refusal, Unavailable


class Stale(Conflict):
    """An item was not as expected: somebody else changed it first."""


class TokenReused(Conflict):
    """This transaction's token was used for other writes."""


class Unfit(Invalid):
    """The table does not take this: a key, an item, a counter or a transaction beyond its limits."""


class ChangesForgotten(Conflict):
    """Changes after this place are no longer kept: what was made of them must be made anew from the items."""


class TableDamaged(Unavailable):
    """The stored file is damaged; restore a backup."""


class TableFull(Unavailable):
    """There is no room left to write."""


class Stored(Struct, frozen=True, kw_only=True):
    """Base of every struct kept in the table.

    `entity` names its kind in the item. `schema` counts up when stored fields change meaning; `upgraded` then lifts an
    older item, as a plain mapping, by one version at a time.
    """

    entity: ClassVar[str]
    schema: ClassVar[int] = 1

    @classmethod
    def upgraded(cls, fields: dict[str, Any], schema: int) -> dict[str, Any]:
        """The fields of an item of version `schema`, as version `schema + 1` has them."""
        raise Unfit(f"{cls.entity} of version {schema} with {len(fields)} fields has no upgrade step.")


class Counter(Stored, frozen=True, kw_only=True):
    """An item that has counters only."""

    entity: ClassVar[str] = "counter"


S = TypeVar("S", bound=Stored)
Cursor = NewType("Cursor", str)


class Key(Struct, frozen=True):
    """The address of an item, in the table or in an index: a partition, and its place within it."""

    partition: str
    sort: str


class Index(StrEnum):
    """The four indexes: slug to owner, status, customer to bookings by time, provider to bookings by start.

    An entity may put itself under any of them with keys of its own; each access pattern is written beside its key.
    """

    SLUG = "GSI1"
    STATUS = "GSI2"
    CUSTOMER = "GSI3"
    PROVIDER = "GSI4"


class At(Struct, frozen=True):
    """The item is there, at this version."""

    version: int


class Absent(Struct, frozen=True):
    """There is no such item."""


class Present(Struct, frozen=True):
    """The item is there, at any version."""


ABSENT = Absent()
PRESENT = Present()
Expected = Absent | Present | At


class Put(Struct, frozen=True, kw_only=True):
    """Write the item whole: its value, its index keys, and its counters. Its version becomes the former plus one, or 1.

    `otherwise` is raised when the expectation is unmet, `Stale` when it is left out.
    """

    key: Key
    value: Stored
    index: Mapping[Index, Key] = field(default_factory=dict[Index, Key])
    counters: Mapping[str, int] = field(default_factory=dict[str, int])
    expires_at: datetime | None = None
    expected: Expected | None = None
    otherwise: Refusal | None = None


class Delete(Struct, frozen=True, kw_only=True):
    """Remove the item, if it is there."""

    key: Key
    expected: Expected | None = None
    otherwise: Refusal | None = None


class Check(Struct, frozen=True, kw_only=True):
    """Write nothing, but hold the transaction to this expectation."""

    key: Key
    expected: Expected
    otherwise: Refusal | None = None


class Add(Struct, frozen=True, kw_only=True):
    """Add to counters of one item without reading it; hot rows need this.

    Each of `by` is added to the counter of that name (0 before). The result may not fall below `at_least` nor rise
    above `at_most`, where these name it. Value and index keys stay as they are; the version grows by one; an absent
    item becomes a `Counter`.
    """

    key: Key
    by: Mapping[str, int]
    at_least: Mapping[str, int] = field(default_factory=dict[str, int])
    at_most: Mapping[str, int] = field(default_factory=dict[str, int])
    expected: Expected | None = None
    otherwise: Refusal | None = None


Write = Put | Delete | Check | Add


class Row(Struct, Generic[S], frozen=True, kw_only=True):
    """An item as read: where it is, what it holds, and the version to expect when changing it."""

    key: Key
    value: S
    version: int
    counters: Mapping[str, int] = field(default_factory=dict[str, int])
    index: Mapping[Index, Key] = field(default_factory=dict[Index, Key])
    expires_at: datetime | None = None

    @property
    def unchanged(self) -> At:
        """The expectation that nobody changed this row since it was read."""
        return At(self.version)


class Page(Struct, Generic[S], frozen=True):
    """Rows in order, and the cursor to go on from; `None` when there are no more."""

    rows: Sequence[Row[S]]
    next: Cursor | None = None

    @property
    def values(self) -> list[S]:
        return [row.value for row in self.rows]


class Image(Struct, frozen=True, kw_only=True):
    """One side of a change: the item as it was or became. `body` is the encoded value."""

    entity: str
    schema: int
    version: int
    body: bytes
    counters: Mapping[str, int] = field(default_factory=dict[str, int])
    expires_at: datetime | None = None


class Change(Struct, frozen=True, kw_only=True):
    """One item's change, old image and new. `cursor` resumes after it; order is promised per item only.

    `old` is None for a new item, `new` for a removed one; `expired` tells that the table removed it because its time
    had come.
    """

    cursor: Cursor
    key: Key
    old: Image | None
    new: Image | None
    expired: bool = False


class Table(Protocol):
    async def get(self, key: Key, kind: type[S]) -> Row[S] | None:
        """The item, consistent; None when absent or past its expiry. Raises `Unfit` when it is of another kind."""
        ...

    async def batch_get(self, keys: Sequence[Key], kind: type[S]) -> list[Row[S] | None]:
        """Up to 100 items in the order asked for, each consistent, but not a snapshot of all at one instant."""
        ...

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
        """Items of one partition in order of their sort key: those that begin with `prefix`, and lie in `[start, end)`.

        At most `limit` (1 to 1000). Of the table consistent, of an index eventually so.
        """
        ...

    async def transact(self, *writes: Write, token: str | None = None) -> None:
        """Carry out all writes, or none. On return they are on disk.

        Each expectation is held against the state before the transaction; the first that fails, in argument order, is
        raised as its `otherwise`. At most 100 writes (99 under a token) and 4 MB, one write per key. A `token` makes a
        retry safe for ten minutes: the same writes again succeed without effect, others raise `TokenReused`.
        """
        ...

    async def changes(self, after: Cursor | None, *, limit: int = 1000) -> Sequence[Change]:
        """Changes after the cursor, or all that are kept, oldest first; empty when there is nothing newer.

        Raises `ChangesForgotten` when any change after the cursor may be kept no longer: a follower never misses one
        without being told. Changes are kept for a day at least.
        """
        ...

    def hold_for(self, follower: Key) -> None:
        """Keep changes longer, where that can be had, for a follower who stores its `cursor` in that item's value."""
        ...

    async def changed(self) -> None:
        """Return when there may be a change that this process has not been told of."""
        ...

    async def scan(self, kind: type[S], *, after: Cursor | None = None, limit: int = 1000) -> Page[S]:
        """Every item of that kind, in no order, not a snapshot. For reports and rebuilds, never for a page."""
        ...


SCANNED = 1000
SCANS_MAX = 1_000_000


async def every(table: Table, kind: type[S]) -> AsyncIterator[Row[S]]:
    """Every item of that kind, page by page: see `Table.scan`. Raises `Unavailable` where the pages find no end."""
    after: Cursor | None = None
    for _ in range(SCANS_MAX):
        page = await table.scan(kind, after=after, limit=SCANNED)
        for row in page.rows:
            yield row
        after = page.next
        if after is None:
            return
    raise Unavailable("There are more items than can be read.")
