"""Where the card processor sends its events: `webhook-authorizer` and `stripe-webhook` in one door."""

from __future__ import annotations

from typing import Any, cast

from litestar import MediaType, Request, Response, post

from ecosystem.app import App
from ecosystem.contexts.payments import BadSignature, UnreadableEvent

SIGNATURE = "stripe-signature"
BODY_BYTES_MAX = 262_144


@post("/api/stripe/webhook", request_max_body_size=BODY_BYTES_MAX, include_in_schema=False, status_code=200)
async def receive(request: Request[Any, Any, Any]) -> Response[str]:
    """Store the event and say so. What it means is worked out afterwards; a refusal makes the processor send it again."""
    market = cast("App", request.app.state.market)
    try:
        await market.webhooks.receive(await request.body(), request.headers.get(SIGNATURE, ""))
    except (BadSignature, UnreadableEvent) as refused:
        return Response(f"{refused.name}: {refused.message}", status_code=400, media_type=MediaType.TEXT)
    return Response("stored", status_code=200, media_type=MediaType.TEXT)
