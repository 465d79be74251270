"""How a stored struct becomes bytes and comes back, lifted to its present schema.

MessagePack of a map: field names stay in the item, so that a field added with a default needs no upgrade step.
"""

from __future__ import annotations

import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from ecosystem.ports.table import Cursor, Image, Key, Stored, Unfit

S = TypeVar("S", bound=Stored)
_encoder = msgspec.msgpack.Encoder()


def encode(value: Stored) -> bytes:
    """The value's bytes. Raises `Unfit` for what cannot be encoded, such as a lone surrogate."""
    try:
        return _encoder.encode(value)
    except (UnicodeEncodeError, OverflowError, TypeError) as refused:
        raise Unfit(f"A {value.entity} holds what cannot be stored: {refused}.") from refused


def decode(kind: type[S], entity: str, schema: int, body: bytes) -> S:
    """The stored bytes as `kind`. Raises `Unfit` for another kind, or for a schema newer than this code knows."""
    if entity != kind.entity:
        raise Unfit(f"That item is a {entity}, not a {kind.entity}.")
    if schema == kind.schema:
        return _decoder(kind).decode(body)
    if schema > kind.schema:
        raise Unfit(f"{entity} of version {schema} was written by a newer release; this one knows {kind.schema}.")
    fields: dict[str, Any] = msgspec.msgpack.decode(body)
    for version in range(schema, kind.schema):
        fields = kind.upgraded(fields, version)
    return msgspec.convert(fields, kind)


def decoded(image: Image, kind: type[S]) -> S:
    """The image's value as that kind, lifted to its present schema. Raises `Unfit` when it is of another kind."""
    return decode(kind, image.entity, image.schema, image.body)


@lru_cache(maxsize=1024)
def _decoder(kind: type[S]) -> msgspec.msgpack.Decoder[S]:
    return msgspec.msgpack.Decoder(kind)


class Place(Struct, frozen=True, array_like=True):
    """Where a page ended: a place in the table, or in an index together with the item found there."""

    partition: str
    sort: str
    item: Key | None = None


def cursor(place: Place) -> Cursor:
    """The cursor that goes on after this place. Opaque to callers, the same in every adapter."""
    packed = msgspec.msgpack.encode(
        (place.partition, place.sort, *((place.item.partition, place.item.sort) if place.item else ()))
    )
    return Cursor(urlsafe_b64encode(packed).rstrip(b"=").decode())


def place(cursor: Cursor) -> Place:
    """The place a cursor stands for. Raises `Unfit` for what is no cursor: they come back from outside."""
    try:
        parts = msgspec.msgpack.decode(
            urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)), type=list[str]
        )
    except (ValueError, msgspec.MsgspecError) as refused:
        raise Unfit("That is not a cursor of this table.", field="after") from refused
    match parts:
        case [partition, sort]:
            return Place(partition, sort)
        case [partition, sort, item_partition, item_sort]:
            return Place(partition, sort, Key(item_partition, item_sort))
        case _:
            raise Unfit("That is not a cursor of this table.", field="after")


def successor(prefix: str) -> str | None:
    """The least text above every text that begins with `prefix`, in the order of UTF-8; None when there is none."""
    for end in range(len(prefix), 0, -1):
        point = ord(prefix[end - 1])
        if point < sys.maxunicode:
            # UTF-8 has no surrogates: what follows U+D7FF is U+E000.
            return prefix[: end - 1] + chr(0xE000 if point == 0xD7FF else point + 1)
    return None
