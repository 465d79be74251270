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

_pack = msgspec.msgpack.Encoder().encode
_EMPTY = table_codec.encode(Counter())

Place = tuple[int, str, str]


class Item(Struct, frozen=True, array_like=True):
    """An item as it is packed. `places` are its keys in the indexes: number, partition, sort."""

    entity: str
    schema: int
    version: int
    body: bytes
    counters: dict[str, int]
    places: tuple[Place, ...]
    expires: int | None


class Kept(Struct, frozen=True):
    """An item together with its packed form."""

    item: Item
    packed: bytes


class Entry(Struct, frozen=True, array_like=True):
    """One item's part of a transaction's change row: packed, before and after."""

    pk: str
    sk: str
    old: bytes | None
    new: bytes | None
    expired: bool = False


unpacked = msgspec.msgpack.Decoder(Item).decode


def beginning(entity: str) -> bytes:
    """How the packed items of that kind begin: an array of so many fields, the first of them the kind."""
    return bytes([0x90 | len(Item.__struct_fields__)]) + _pack(entity)


def kept(packed: bytes, checksum: int, pk: str, sk: str) -> Kept:
    """The item as read. Raises `TableDamaged` when its bytes are not those written: SQLite itself does not look."""
    if crc32(packed) != checksum:
        raise TableDamaged(f"The stored bytes of {table_limits.shown(Key(pk, sk))} are damaged; restore a backup.")
    return Kept(unpacked(packed), packed)


def met(expected: Expected | None, item: Item | None) -> bool:
    """Whether the item is as expected; `item` is None when it is absent or past its expiry."""
    if expected is None:
        return True
    if isinstance(expected, Absent):
        return item is None
    if isinstance(expected, At):
        return item is not None and item.version == expected.version
    return item is not None


def put(write: Put, body: bytes, version: int) -> Kept:
    """The item that a put leaves, at that version."""
    kind = type(write.value)
    places: tuple[Place, ...] = ()
    if write.index:
        places = tuple((NUMBERS[index], key.partition, key.sort) for index, key in write.index.items())
    expires = None if write.expires_at is None else micros(write.expires_at)
    item = Item(kind.entity, kind.schema, version, body, dict(write.counters), places, expires)
    return Kept(item, _pack(item))


def added(write: Add, item: Item | None, version: int) -> Kept:
    """The item with its counters added to, at that version. Raises the write's refusal past a bound."""
    counters = dict(item.counters) if item else {}
    for name, by in write.by.items():
        counters[name] = table_limits.counter(write.key, name, counters.get(name, 0) + by)
    for name, bound in write.at_least.items():
        if counters.get(name, 0) < bound:
            raise _passed(write, name, f"fall below {bound}")
    for name, bound in write.at_most.items():
        if counters.get(name, 0) > bound:
            raise _passed(write, name, f"rise above {bound}")
    if item is None:
        becomes = Item(Counter.entity, Counter.schema, version, _EMPTY, counters, (), None)
        return Kept(becomes, _pack(becomes))
    if len(counters) != len(item.counters):
        _grown(write.key, item, counters)
    becomes = Item(item.entity, item.schema, version, item.body, counters, item.places, item.expires)
    return Kept(becomes, _pack(becomes))


def refused(write: Write) -> Refusal:
    """What an unmet expectation raises."""
    if write.otherwise is None:
        return Stale(f"{table_limits.shown(write.key)} is not as expected: somebody else changed it first.")
    # One refusal may stand for many attempts; it must not carry the traceback of each.
    return write.otherwise.with_traceback(None)


def row(key: Key, item: Item, kind: type[S]) -> Row[S]:
    """The item as its readers see it. Raises `Unfit` when it is of another kind."""
    return Row(
        key=key,
        value=table_codec.decode(kind, item.entity, item.schema, item.body),
        version=item.version,
        counters=item.counters,
        index={INDEXES[number]: Key(pk, sk) for number, pk, sk in item.places},
        expires_at=None if item.expires is None else instant(item.expires),
    )


def image(packed: bytes | None) -> Image | None:
    """The item as one side of a change."""
    if packed is None:
        return None
    item = unpacked(packed)
    return Image(
        entity=item.entity,
        schema=item.schema,
        version=item.version,
        body=item.body,
        counters=item.counters,
        expires_at=None if item.expires is None else instant(item.expires),
    )


def micros(at: datetime) -> int:
    """The instant in microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def _grown(key: Key, item: Item, counters: Mapping[str, int]) -> None:
    """Raises `Unfit` when the item would no longer fit with these counters."""
    table_limits.counters(key, counters)
    places = [Key(pk, sk) for _, pk, sk in item.places]
    table_limits.item(key, table_limits.item_bytes(key, item.body, counters, places))


def _passed(write: Add, name: str, how: str) -> Refusal:
    return (
        refused(write)
        if write.otherwise
        else Stale(f"The counter {name} of {table_limits.shown(write.key)} would {how}.")
    )
