"""How a stored struct becomes bytes and comes back, lifted to its present schema.

MessagePack of a map: field names stay in the item, so that a field added with a default needs no upgrade step.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from ecosystem.ports.table import Image, Stored, Unfit

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
