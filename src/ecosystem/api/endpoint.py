"""The door of the GraphQL API: `POST /graphql`, and `GET` for queries, as "GraphQL over HTTP" describes them.

A bearer token says who asks: an access token of a person, or a guest's token; without one it is a visitor. Cookies are
not looked at, so that no other site can act in a visitor's name here. One operation at a time: batches are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

import msgspec
from graphql import GraphQLSchema, OperationType
from litestar import Request as Arrived
from litestar import Response, asgi, get
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.types import HTTPScope, Receive, Scope, Send
from msgspec import Struct

from ecosystem.api import execution, problems, sdl, wire
from ecosystem.api.documents import DocumentRefused, Library
from ecosystem.api.resolvers import ROOTS
from ecosystem.app import App
from ecosystem.contexts.identity import Identified, Origin
from ecosystem.kernel.actor import VISITOR
from ecosystem.kernel.refusals import Denied, Invalid, Refusal
from ecosystem.ports.tokens import TokenExpired, TokenRefused

BODY_BYTES_MAX = 262_144
JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
KEYS_AGE_S = 300
_BEARER = "bearer "
_NOBODY = Identified(actor=VISITOR)


class NotJson(Invalid):
    """Send one JSON object with a query."""


class OnlyJson(Invalid):
    """Send the query as application/json."""


class BatchRefused(Invalid):
    """One operation at a time: batches are not taken."""


class OnlyQueries(Invalid):
    """Only queries are taken by GET. Send a mutation by POST."""


class BearerNeeded(Denied):
    """Send `Authorization: Bearer` and an access token, or a guest's."""


class Posed(Struct, frozen=True, rename="camel"):
    """What is asked."""

    query: str
    operation_name: str | None = None
    variables: dict[str, Any] | None = None


class Told(Struct, frozen=True):
    """The answer: an HTTP status, and what the body says."""

    status: int
    said: dict[str, Any]


_POSED = msgspec.json.Decoder(Posed)


@dataclass(frozen=True, slots=True)
class Api:
    """The API over a product."""

    market: App
    schema: GraphQLSchema
    library: Library

    @classmethod
    def of(cls, market: App) -> Self:
        schema = sdl.schema(ROOTS)
        return cls(market=market, schema=schema, library=Library(schema))

    async def answer(self, posed: Posed, identified: Identified, origin: Origin, *, reads_only: bool = False) -> Told:
        """What the operation came to. A request that never began is 400, whatever came of one that did is 200."""
        try:
            document = self.library.read(posed.query)
            operation = document.operation(posed.operation_name)
            if reads_only and operation.operation is not OperationType.QUERY:
                return _refused(405, OnlyQueries())
        except DocumentRefused as refused:
            return Told(400, {"errors": problems.of_errors(refused.errors, refused.document)})
        except Refusal as refused:
            return _refused(400, refused)
        request = execution.Request(self.market, identified, origin, document)
        result = await execution.carried_out(self.schema, request, posed.operation_name, posed.variables or {})
        if result.errors is None:
            return Told(200, {"data": result.data})
        errors = problems.of_errors(result.errors, document.node)
        began = result.data is not None or any(error.path for error in result.errors)
        return Told(200, {"data": result.data, "errors": errors}) if began else Told(400, {"errors": errors})

    async def identified(self, authorization: str) -> Identified:
        """Who a request is from. Raises `BearerNeeded`, and what identity says of a token that does not hold."""
        if not authorization:
            return _NOBODY
        if authorization[: len(_BEARER)].lower() != _BEARER:
            raise BearerNeeded
        token = authorization[len(_BEARER) :].strip()
        identity = self.market.identity
        try:
            return await identity.sessions.identified(token)
        except TokenExpired:
            raise
        except TokenRefused:
            return identity.guests.identified(token)

    async def serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        reads_only = wire.method(scope, "GET", "POST") == "GET"
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        media_type = GRAPHQL_JSON if GRAPHQL_JSON in headers.get(b"accept", "") else JSON
        extra: dict[str, str] = {"cache-control": "no-store"}
        try:
            if reads_only:
                posed = _asked(Arrived[Any, Any, Any](scope).query_params)
            else:
                posed = _read(await wire.body(receive, bytes_max=BODY_BYTES_MAX), headers)
            identified = await self.identified(headers.get(b"authorization", ""))
        except Denied as refused:
            told = _refused(401, refused)
            extra["www-authenticate"] = 'Bearer error="invalid_token"'
        except Invalid as refused:
            told = _refused(415 if isinstance(refused, OnlyJson) else 400, refused)
        else:
            told = await self.answer(posed, identified, _origin(scope, headers), reads_only=reads_only)
            if told.status == 400 and media_type == JSON:
                # Who knows only the older media type reads a query's errors from an answer of 200.
                told = Told(200, told.said)
        if told.status == 405:
            extra["allow"] = "POST"
        said = msgspec.json.encode(told.said)
        await wire.answer(send, said, status=told.status, media_type=media_type, headers=extra)

    def handlers(self) -> list[HTTPRouteHandler | ASGIRouteHandler]:
        """The routes `/graphql` and `/.well-known/jwks.json`."""

        @asgi("/graphql", copy_scope=False)
        async def graphql(scope: Scope, receive: Receive, send: Send) -> None:
            await self.serve(cast("HTTPScope", scope), receive, send)

        @get("/.well-known/jwks.json", include_in_schema=False)
        async def keys() -> Response[dict[str, Any]]:
            """The public keys that tokens are signed under (RFC 7517), for whoever else takes them."""
            headers = {"cache-control": f"public, max-age={KEYS_AGE_S}"}
            return Response(self.market.identity.tokens.keys(), headers=headers)

        return [graphql, keys]


def _read(body: bytes, headers: Mapping[bytes, str]) -> Posed:
    """What a POST asks. Raises `OnlyJson`, `NotJson`, `BatchRefused`."""
    if headers.get(b"content-type", "").partition(";")[0].strip().lower() not in {JSON, GRAPHQL_JSON}:
        raise OnlyJson
    try:
        return _POSED.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as unread:
        if body.lstrip()[:1] == b"[":
            raise BatchRefused from unread
        raise _not_json(unread) from unread


def _asked(parameters: Mapping[str, str]) -> Posed:
    """What the address of a GET asks. Raises `NotJson`."""
    given: dict[str, Any] = {name: parameters[name] for name in ("query", "operationName") if parameters.get(name)}
    try:
        if parameters.get("variables"):
            given["variables"] = msgspec.json.decode(parameters["variables"])
        return msgspec.convert(given, Posed)
    except (msgspec.MsgspecError, UnicodeError) as unread:
        raise _not_json(unread) from unread


def _not_json(unread: Exception) -> NotJson:
    reason, _, place = str(unread).partition(" - at `$.")
    if isinstance(unread, msgspec.ValidationError):
        field = place.rstrip("`") or ("query" if "`query`" in reason else None)
        return NotJson(f"{reason.replace('`', '')}.", field=field)
    return NotJson(f"{NotJson.__doc__} {reason}.")


def _refused(status: int, refused: Refusal) -> Told:
    return Told(status, {"errors": [problems.of_refusal(refused)]})


def _origin(scope: HTTPScope, headers: Mapping[bytes, str]) -> Origin:
    client = scope["client"]
    return Origin(address=client[0] if client else "unknown", device=headers.get(b"user-agent", ""))
