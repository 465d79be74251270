"""What events look like, for programs: the list of their types, and the JSON Schema of each. Anyone may read it."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from ecosystem.kernel.refusals import NotFound
from ecosystem.workflows.event_schemas import ADDRESS, listed, published

A_WHILE = "public, max-age=3600"


class NoSuchEventType(NotFound):
    """There is no event of that type."""


@get(ADDRESS, include_in_schema=False, sync_to_thread=False)
def types() -> Response[bytes]:
    """Every type of event, with where its schema is."""
    return _sent(_list(), "application/json")


@get(f"{ADDRESS}/{{name:str}}", include_in_schema=False, sync_to_thread=False)
def schema(name: FromPath[str]) -> Response[bytes]:
    """The JSON Schema of one type: `/api/schemas/events/BookingConfirmed.json`."""
    found = _files().get(name)
    if found is None:
        raise NoSuchEventType
    return _sent(found, "application/schema+json")


@cache
def _list() -> bytes:
    return msgspec.json.encode({"types": listed(published())})


@cache
def _files() -> dict[str, bytes]:
    return {f"{name}.json": msgspec.json.encode(each) for name, each in published().items()}


def _sent(body: bytes, media_type: str) -> Response[Any]:
    return Response(body, media_type=media_type, headers={"Cache-Control": A_WHILE, "Access-Control-Allow-Origin": "*"})
