"""How an item lies in DynamoDB: which attributes it has, and how it is read from them.

| attribute | type | what |
| --- | --- | --- |
| `PK`, `SK` | S | the key |
| `GSI1PK`, `GSI1SK` ... `GSI4SK` | S | the keys in the indexes, where the item is in them |
| `entity`, `schema`, `version` | S, N, N | kind, schema of the value, version of the item |
| `body` | B | the encoded value |
| `c_<name>` | N | a counter; at the top level, since `ADD` reaches no deeper |
| `counted` | SS | the counters' names, so that a put can tell which it would leave behind |
| `expires_us` | N | microseconds since 1970: what every condition and read goes by |
| `expires_at` | N | seconds since 1970, rounded up: what DynamoDB's own removal goes by, hours or days later |
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from ecosystem.ports import table_codec
from ecosystem.ports.table import Image, Index, Key, Put, Row, Stored

S = TypeVar("S", bound=Stored)
Attributes = dict[str, Any]
"""Attributes as the service speaks of them: name to type and value, such as `{"SK": {"S": "METADATA"}}`."""

PARTITION = "PK"
SORT = "SK"
ENTITY = "entity"
SCHEMA = "schema"
VERSION = "version"
BODY = "body"
COUNTED = "counted"
COUNTER_PREFIX = "c_"
EXPIRES_US = "expires_us"
EXPIRES_AT = "expires_at"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def keys_of(index: Index | None) -> tuple[str, str]:
    """The names of partition and sort key, of the table or of an index."""
    return (PARTITION, SORT) if index is None else (f"{index.value}PK", f"{index.value}SK")


def address(key: Key, index: Index | None = None) -> Attributes:
    partition, sort = keys_of(index)
    return {partition: text(key.partition), sort: text(key.sort)}


def found_at(item: Attributes, index: Index | None = None) -> Key:
    """Where the item is, in the table or in an index that it is in."""
    partition, sort = keys_of(index)
    return Key(item[partition]["S"], item[sort]["S"])


def put_item(put: Put, body: bytes, version: int) -> Attributes:
    """The whole item that a put leaves behind."""
    item = address(put.key) | value_of(put.value.entity, type(put.value).schema, body)
    item[VERSION] = number(version)
    for index, key in put.index.items():
        item |= address(key, index)
    item |= counters(put.counters)
    if put.expires_at is not None:
        item |= expiry(put.expires_at)
    return item


def value_of(entity: str, schema: int, body: bytes) -> Attributes:
    return {ENTITY: text(entity), SCHEMA: number(schema), BODY: {"B": body}}


def counters(values: Mapping[str, int]) -> Attributes:
    """The counters' attributes, and that of their names, which no item has empty."""
    if not values:
        return {}
    return {counter(name): number(value) for name, value in values.items()} | {COUNTED: texts(values)}


def expiry(at: datetime) -> Attributes:
    us = micros(at)
    return {EXPIRES_US: number(us), EXPIRES_AT: number(-(-us // 1_000_000))}


def row(item: Attributes, kind: type[S]) -> Row[S]:
    """The item as its readers see it. Raises `Unfit` when it is of another kind."""
    return Row(
        key=found_at(item),
        value=table_codec.decode(kind, item[ENTITY]["S"], int(item[SCHEMA]["N"]), _bytes(item[BODY]["B"])),
        version=version_of(item),
        counters=counters_of(item),
        index={index: found_at(item, index) for index in Index if f"{index.value}PK" in item},
        expires_at=_expires_at(item),
    )


def image(item: Attributes | None) -> Image | None:
    """The item as one side of a change."""
    if item is None:
        return None
    return Image(
        entity=item[ENTITY]["S"],
        schema=int(item[SCHEMA]["N"]),
        version=version_of(item),
        body=_bytes(item[BODY]["B"]),
        counters=counters_of(item),
        expires_at=_expires_at(item),
    )


def version_of(item: Attributes) -> int:
    return int(item[VERSION]["N"])


def counters_of(item: Attributes) -> dict[str, int]:
    names: list[str] = item.get(COUNTED, {}).get("SS", [])
    return {name: int(item[counter(name)]["N"]) for name in sorted(names)}


def is_live(item: Attributes, now: int) -> bool:
    """Whether the item is not past its expiry; DynamoDB keeps it for hours after."""
    return EXPIRES_US not in item or int(item[EXPIRES_US]["N"]) > now


def counter(name: str) -> str:
    """The attribute of the counter of that name."""
    return f"{COUNTER_PREFIX}{name}"


def micros(at: datetime) -> int:
    """The instant in microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def text(value: str) -> Attributes:
    return {"S": value}


def texts(values: Mapping[str, int]) -> Attributes:
    return {"SS": sorted(values)}


def number(value: int) -> Attributes:
    return {"N": str(value)}


def _expires_at(item: Attributes) -> datetime | None:
    if EXPIRES_US not in item:
        return None
    return _EPOCH + timedelta(microseconds=int(item[EXPIRES_US]["N"]))


def _bytes(value: bytes | str) -> bytes:
    # A function that the stream calls is handed the record as JSON, and bytes in base 64.
    return b64decode(value) if isinstance(value, str) else value
