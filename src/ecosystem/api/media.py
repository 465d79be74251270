"""Pictures that programs send: `POST /api/media`, the picture itself as the body.

A provider's access token says who asks. `alt` and `mediaId` stand in the address; the id is the caller's to make, and
sending the same once more has one effect. What comes back names the picture for `editService` and `editProvider`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qsl

import msgspec
from litestar import asgi
from litestar.types import HTTPScope, Receive, Scope, Send

from ecosystem.api import problems, wire
from ecosystem.api.catalogue import picture
from ecosystem.app import App
from ecosystem.contexts.catalogue import MediaId
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Denied, Invalid, NotFound, Refusal, Unavailable
from ecosystem.ports.images import BYTES_MAX, ImageTooLarge

JSON = "application/json"
QUERY_MAX = 2_000
_BEARER = "bearer "
_STATUS: Mapping[type[Refusal], HTTPStatus] = {
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Denied: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


class TokenNeeded(Denied):
    """Send `Authorization: Bearer` and the access token of a provider."""


class ProvidersOnly(Denied):
    """Pictures are kept for providers: become one first."""


class UnknownArgument(Invalid):
    """The address takes `alt` and `mediaId`, each once."""


@asgi("/api/media", copy_scope=False)
async def upload(scope: Scope, receive: Receive, send: Send) -> None:
    """Take one picture, with the checks of the pages. Who asks is looked at before what is sent."""
    http = cast("HTTPScope", scope)
    wire.method(http, "POST")
    market = cast("App", scope["litestar_app"].state.market)
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    extra = {"cache-control": "no-store"}
    try:
        actor = await _provider(market, headers.get(b"authorization", ""))
    except ProvidersOnly as refused:
        await _refuse(send, refused, HTTPStatus.FORBIDDEN, extra)
    except Denied as refused:
        await _refuse(
            send, refused, HTTPStatus.UNAUTHORIZED, extra | {"www-authenticate": 'Bearer error="invalid_token"'}
        )
    else:
        await _take(market, actor, http, headers, lambda: wire.body(receive, bytes_max=BYTES_MAX), send, extra)


async def _take(
    market: App,
    actor: Actor,
    scope: HTTPScope,
    headers: Mapping[bytes, str],
    body: Callable[[], Awaitable[bytes]],
    send: Send,
    extra: dict[str, str],
) -> None:
    try:
        asked = _asked(scope["query_string"])
        if int(headers.get(b"content-length", "0") or 0) > BYTES_MAX:
            raise ImageTooLarge(field="content")
        media = await market.media.upload(
            actor.actor_id,
            await body(),
            asked.get("alt", ""),
            actor,
            media_id=MediaId(asked["mediaId"]) if "mediaId" in asked else None,
        )
    except Refusal as refused:
        status = next((code for kind, code in _STATUS.items() if isinstance(refused, kind)), HTTPStatus.BAD_REQUEST)
        await _refuse(send, refused, status, extra)
    else:
        said = msgspec.json.encode(picture(media))
        await wire.answer(send, said, status=HTTPStatus.CREATED, media_type=JSON, headers=extra)


async def _provider(market: App, authorization: str) -> Actor:
    """Who asks. Raises `TokenNeeded`, what identity says of a token that does not hold, `ProvidersOnly`."""
    if authorization[: len(_BEARER)].lower() != _BEARER:
        raise TokenNeeded
    actor = (await market.identity.sessions.identified(authorization[len(_BEARER) :].strip())).actor
    if not await market.providers.owned_by(actor.actor_id):
        raise ProvidersOnly
    return actor


def _asked(query: bytes) -> Mapping[str, str]:
    """What the address says. Raises `UnknownArgument`."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=2)
    except (ValueError, UnicodeError) as unread:
        raise UnknownArgument from unread
    asked = dict(pairs)
    if len(query) > QUERY_MAX or len(asked) != len(pairs) or asked.keys() - {"alt", "mediaId"}:
        raise UnknownArgument
    return asked


async def _refuse(send: Send, refused: Refusal, status: HTTPStatus, extra: Mapping[str, str]) -> None:
    said = msgspec.json.encode({"errors": [problems.of_refusal(refused)]})
    await wire.answer(send, said, status=status, media_type=JSON, headers=extra)
