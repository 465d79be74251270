"""What the table refuses, in both deployments: whatever DynamoDB refuses, asked before anything is sent or queued.

The limits are those of the DynamoDB Developer Guide, "Quotas": keys of 1 to 2048 and 1 to 1024 bytes of UTF-8, items of
400 KB, transactions of 100 writes and 4 MB with one write per key, batches of 100. Each refusal names what is at fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from ecosystem.ports import table_codec
from ecosystem.ports.table import Absent, Add, At, Check, Cursor, Expected, Index, Key, Present, Put, Unfit, Write

PARTITION_BYTES_MAX = 2048
SORT_BYTES_MAX = 1024
ITEM_BYTES_MAX = 400 * 1024
TRANSACTION_WRITES_MAX = 100
TRANSACTION_BYTES_MAX = 4 * 1024 * 1024
BATCH_MAX = 100
PAGE_MAX = 1000
COUNTERS_MAX = 50
NAME_BYTES_MAX = 255
TOKEN_BYTES_MAX = 256
COUNTER_MIN = -(2**63)
COUNTER_MAX = 2**63 - 1
# What an item costs beside its own bytes: attribute names, entity, schema, version, expiry, as DynamoDB counts them.
ITEM_BYTES_FIXED = 120
COUNTER_BYTES = 24
INDEX_BYTES = 16
# More than an item can have beside its value: keys, index keys and counters at their longest.
ROUGH_BYTES_MAX = 32 * 1024


class Sought(Struct, frozen=True, kw_only=True):
    """A query, found fit: the sort keys in `[low, high)`, and the place to go on from."""

    partition: str
    index: Index | None
    low: str
    high: str | None
    after: table_codec.Place | None
    descending: bool
    limit: int

    @property
    def empty(self) -> bool:
        """Nothing can lie in this range."""
        return self.high is not None and self.low >= self.high


def query(
    partition: str,
    *,
    index: Index | None,
    prefix: str,
    start: str | None,
    end: str | None,
    after: Cursor | None,
    descending: bool,
    limit: int,
) -> Sought:
    """The query's range, when its arguments are within the limits. Raises `Unfit` naming the one that is not."""
    _text(partition, PARTITION_BYTES_MAX, "partition")
    for name, bound in (("prefix", prefix), ("start", start), ("end", end)):
        if bound:
            _text(bound, SORT_BYTES_MAX, name)
    place = None if after is None else table_codec.place(after)
    if place is not None and (place.partition != partition or (place.item is not None) != (index is not None)):
        raise Unfit("That cursor belongs to another query.", field="after")
    below = table_codec.successor(prefix)
    high = min(below, end) if below is not None and end is not None else (end if below is None else below)
    return Sought(
        partition=partition,
        index=index,
        low=max(prefix, start or ""),
        high=high,
        after=place,
        descending=descending,
        limit=page(limit),
    )


def page(limit: int) -> int:
    """The limit, when a page may be that long."""
    if not 1 <= limit <= PAGE_MAX:
        raise Unfit(f"A page has 1 to {PAGE_MAX} items, not {limit}.", field="limit")
    return limit


def batch(keys: Sequence[Key]) -> None:
    """Raises `Unfit` unless these keys may be read together."""
    if len(keys) > BATCH_MAX:
        raise Unfit(f"At most {BATCH_MAX} items are read together, not {len(keys)}.", field="keys")
    for key in keys:
        check_key(key)


def transaction(writes: Sequence[Write], token: str | None = None) -> list[bytes]:
    """The encoded value of each write (empty where there is none), when the transaction is within the limits."""
    if not writes:
        raise Unfit("A transaction has at least one write.")
    # The token is kept by a write of its own, so that it is kept if and only if the others were carried out.
    most = TRANSACTION_WRITES_MAX - (token is not None)
    if len(writes) > most:
        raise Unfit(f"A transaction has at most {most} writes{' under a token' if token else ''}, not {len(writes)}.")
    if token is not None:
        _text(token, TOKEN_BYTES_MAX, "token")
    if len({write.key for write in writes}) != len(writes):
        raise Unfit(f"A transaction writes each key once: {shown(_twice(writes))} is there twice.", field="key")
    bodies = [_body(write) for write in writes]
    if sum(map(len, bodies)) > TRANSACTION_BYTES_MAX - TRANSACTION_WRITES_MAX * ROUGH_BYTES_MAX:
        total = sum(_write_bytes(write, body) for write, body in zip(writes, bodies, strict=True))
        if total > TRANSACTION_BYTES_MAX:
            raise Unfit(f"A transaction has at most {TRANSACTION_BYTES_MAX} bytes, not {total}.")
    return bodies


def item_bytes(key: Key, body: bytes, counters: Mapping[str, int], index: Iterable[Key]) -> int:
    """What an item counts towards its limit, never less than DynamoDB counts."""
    size = ITEM_BYTES_FIXED + len(body) + _bytes(key.partition) + _bytes(key.sort)
    size += sum(_bytes(name) + COUNTER_BYTES for name in counters)
    return size + sum(_bytes(other.partition) + _bytes(other.sort) + INDEX_BYTES for other in index)


def item(key: Key, size: int) -> int:
    """The item's bytes, when there are not too many."""
    if size > ITEM_BYTES_MAX:
        raise Unfit(f"{shown(key)} has {size} bytes; an item has at most {ITEM_BYTES_MAX}.", field="value")
    return size


def check_key(key: Key) -> None:
    """Raises `Unfit` when the key is empty, too long, or no text."""
    partition, sort = key.partition, key.sort
    # Nearly every key: too short to be too long in UTF-8, and ASCII.
    if 0 < len(partition) <= 512 and 0 < len(sort) <= 256 and partition.isascii() and sort.isascii():
        return
    _text(partition, PARTITION_BYTES_MAX, "partition")
    _text(sort, SORT_BYTES_MAX, "sort")


def counters(key: Key, values: Mapping[str, int]) -> None:
    """Raises `Unfit` unless these may be one item's counters."""
    if len(values) > COUNTERS_MAX:
        raise Unfit(f"{shown(key)} has {len(values)} counters; at most {COUNTERS_MAX} fit.", field="counters")
    for name, value in values.items():
        _text(name, NAME_BYTES_MAX, "counters")
        if type(value) is not int:
            raise Unfit(f"The counter {name} of {shown(key)} is no whole number.", field=name)
        counter(key, name, value)


def counter(key: Key, name: str, value: int) -> int:
    """The counter's value, when it fits into signed 64 bits."""
    if not COUNTER_MIN <= value <= COUNTER_MAX:
        raise Unfit(f"The counter {name} of {shown(key)} would leave signed 64 bits.", field=name)
    return value


def shown(key: Key) -> str:
    """The key as a refusal names it, cut to a readable length, whatever it holds."""
    text = f"{key.partition}/{key.sort}"
    text = text if len(text) <= 120 else f"{text[:117]}..."
    return text.encode("utf-8", "backslashreplace").decode()


def _body(write: Write) -> bytes:
    """The write's encoded value, when the write by itself is within the limits."""
    check_key(write.key)
    if write.expected is not None or isinstance(write, Check):
        _expectation(write.key, write.expected)
    if isinstance(write, Put):
        body = table_codec.encode(write.value)
        if write.index:
            _index(write)
        if write.counters:
            counters(write.key, write.counters)
        if write.expires_at is not None:
            _instant(write.key, write.expires_at)
        if len(body) > ITEM_BYTES_MAX - ROUGH_BYTES_MAX:
            item(write.key, _write_bytes(write, body))
        return body
    if isinstance(write, Add):
        if not write.by:
            raise Unfit(f"The add to {shown(write.key)} names no counter.", field="by")
        for values in (write.by, write.at_least, write.at_most):
            counters(write.key, values)
    return b""


def _write_bytes(write: Write, body: bytes) -> int:
    if isinstance(write, Put):
        return item_bytes(write.key, body, write.counters, write.index.values())
    return item_bytes(write.key, b"", write.by if isinstance(write, Add) else {}, ())


def _index(put: Put) -> None:
    for index, key in put.index.items():
        if type(index) is not Index:
            raise Unfit(f"{index!r} is no index.", field="index")
        try:
            check_key(key)
        except Unfit as refused:
            raise Unfit(f"{index.name} of {shown(put.key)}: {refused.message}", field=refused.field) from refused


def _expectation(key: Key, expected: Expected | None) -> None:
    if isinstance(expected, At):
        if type(expected.version) is not int or not 1 <= expected.version <= COUNTER_MAX:
            raise Unfit(f"{shown(key)} cannot be at version {expected.version}.", field="expected")
    elif not isinstance(expected, (Absent, Present)):
        raise Unfit(f"The check of {shown(key)} expects nothing.", field="expected")


def _instant(key: Key, at: datetime) -> None:
    if at.tzinfo is None:
        raise Unfit(f"{shown(key)} expires at a time without a zone.", field="expires_at")


def _text(text: str, bytes_max: int, name: str) -> int:
    size = _bytes(text, name)
    if size == 0:
        raise Unfit(f"The {name} is empty.", field=name)
    if size > bytes_max:
        raise Unfit(f"The {name} {text[:40]}... has {size} bytes; at most {bytes_max} fit.", field=name)
    return size


def _bytes(text: str, name: str = "key") -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as refused:
        readable = text[:40].encode("utf-8", "backslashreplace").decode()
        raise Unfit(f"The {name} {readable} is no text that can be stored.", field=name) from refused


def _twice(writes: Sequence[Write]) -> Key:
    seen: set[Key] = set()
    for write in writes:
        if write.key in seen:
            return write.key
        seen.add(write.key)
    raise AssertionError("no key is there twice")
