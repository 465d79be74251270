"""An item as the file holds it, and how a write decides what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zlib import crc32

import msgspec
from msgspec import Struct

from ecosystem.kernel.refusals import Refusal
from ecosystem.ports import table_codec, table_limits
from ecosystem.ports.table import (
    Absent,
    Add,
    At,
    Counter,
    Expected,
    Image,
    Index,
    Key,
    Put,
    Row,
    Stale,
    Stored,
    TableDamaged,
    Write,
)

S = TypeVar("S", bound=Stored)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NUMBERS: Mapping[Index, int] = {index: number for number, index in enumerate(Index, start=1)}
INDEXES: Mapping[int, Index] = {number: index for index, number in NUMBERS.items()}

_encode = msgspec.msgpack.Encoder().encode
_counters = msgspec.msgpack.Decoder(dict[str, int])
_places = msgspec.msgpack.Decoder(list[tuple[int, str, str]])
_EMPTY = table_codec.encode(Counter())


class Item(Struct, frozen=True, array_like=True):
    """The columns of an item. Counters and index keys stay encoded until somebody asks; None where there are none."""

    entity: str
    schema: int
    version: int
    body: bytes
    counters: bytes | None
    indexed: bytes | None
    expires: int | None
    checksum: int

    def places(self) -> list[tuple[int, str, str]]:
        """Its keys in the indexes: number, partition, sort."""
        return _places.decode(self.indexed) if self.indexed else []

    def counted(self) -> dict[str, int]:
        return _counters.decode(self.counters) if self.counters else {}


class Entry(Struct, frozen=True, array_like=True):
    """One item's part of a transaction's change row."""

    pk: str
    sk: str
    old: Item | None
    new: Item | None
    expired: bool = False


def met(expected: Expected | None, item: Item | None) -> bool:
    """Whether the item is as expected; `item` is None when it is absent or past its expiry."""
    if expected is None:
        return True
    if isinstance(expected, Absent):
        return item is None
    if isinstance(expected, At):
        return item is not None and item.version == expected.version
    return item is not None


def put(write: Put, body: bytes, version: int) -> Item:
    """The item that a put leaves, at that version."""
    counters = _encode(dict(write.counters)) if write.counters else None
    indexed = None
    if write.index:
        places = [(NUMBERS[index], key.partition, key.sort) for index, key in write.index.items()]
        # In order, so that equal keys are equal bytes.
        indexed = _encode(sorted(places))
    expires = None if write.expires_at is None else micros(write.expires_at)
    kind = type(write.value)
    checksum = checksum_of(version, body, counters, indexed)
    return Item(kind.entity, kind.schema, version, body, counters, indexed, expires, checksum)


def added(write: Add, item: Item | None, version: int) -> Item:
    """The item with its counters added to, at that version. Raises the write's refusal past a bound."""
    counters = item.counted() if item else {}
    for name, by in write.by.items():
        counters[name] = table_limits.counter(write.key, name, counters.get(name, 0) + by)
    for name, bound in write.at_least.items():
        if counters.get(name, 0) < bound:
            raise _passed(write, name, f"fall below {bound}")
    for name, bound in write.at_most.items():
        if counters.get(name, 0) > bound:
            raise _passed(write, name, f"rise above {bound}")
    encoded = _encode(counters)
    if item is None:
        checksum = checksum_of(version, _EMPTY, encoded, None)
        return Item(Counter.entity, Counter.schema, version, _EMPTY, encoded, None, None, checksum)
    table_limits.counters(write.key, counters)
    places = [Key(pk, sk) for _, pk, sk in item.places()]
    table_limits.item(write.key, table_limits.item_bytes(write.key, item.body, counters, places))
    checksum = checksum_of(version, item.body, encoded, item.indexed)
    return Item(item.entity, item.schema, version, item.body, encoded, item.indexed, item.expires, checksum)


def refused(write: Write) -> Refusal:
    """What an unmet expectation raises."""
    if write.otherwise is None:
        return Stale(f"{table_limits.shown(write.key)} is not as expected: somebody else changed it first.")
    # One refusal may stand for many attempts; it must not carry the traceback of each.
    return write.otherwise.with_traceback(None)


def row(key: Key, item: Item, kind: type[S]) -> Row[S]:
    """The item as its readers see it. Raises `Unfit` when it is of another kind, `TableDamaged` when it is not whole."""
    whole(key, item)
    return Row(
        key=key,
        value=table_codec.decode(kind, item.entity, item.schema, item.body),
        version=item.version,
        counters=item.counted(),
        index={INDEXES[number]: Key(pk, sk) for number, pk, sk in item.places()} if item.indexed else {},
        expires_at=None if item.expires is None else instant(item.expires),
    )


def image(item: Item | None) -> Image | None:
    """The item as one side of a change."""
    if item is None:
        return None
    return Image(
        entity=item.entity,
        schema=item.schema,
        version=item.version,
        body=item.body,
        counters=item.counted(),
        expires_at=None if item.expires is None else instant(item.expires),
    )


def whole(key: Key, item: Item) -> None:
    """Raises `TableDamaged` when the item's bytes are not those written: SQLite itself does not look."""
    if item.checksum != checksum_of(item.version, item.body, item.counters, item.indexed):
        raise TableDamaged(f"The stored bytes of {table_limits.shown(key)} are damaged; restore a backup.")


def checksum_of(version: int, body: bytes, counters: bytes | None, indexed: bytes | None) -> int:
    checksum = crc32(body, version & 0xFFFFFFFF)
    if counters:
        checksum = crc32(counters, checksum)
    if indexed:
        checksum = crc32(indexed, checksum)
    return checksum


def micros(at: datetime) -> int:
    """The instant in microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def _passed(write: Add, name: str, how: str) -> Refusal:
    return (
        refused(write)
        if write.otherwise
        else Stale(f"The counter {name} of {table_limits.shown(write.key)} would {how}.")
    )
