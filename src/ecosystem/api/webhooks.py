"""Where the card processor sends its events: the door of `webhook-authorizer`."""

from __future__ import annotations

from typing import cast

from litestar import asgi
from litestar.types import HTTPScope, Receive, Scope, Send

from ecosystem.api import wire
from ecosystem.app import App
from ecosystem.contexts.payments import BadSignature, UnreadableEvent
from ecosystem.workflows.entries import webhook_authorizer
from ecosystem.workflows.triggers import Posted

SIGNATURE = webhook_authorizer.SIGNATURE.encode()
BODY_BYTES_MAX = 262_144
TEXT = "text/plain; charset=utf-8"


@asgi("/api/stripe/webhook", copy_scope=False)
async def receive(scope: Scope, receive: Receive, send: Send) -> None:
    """Store the event and say so. What it means is worked out afterwards; a refusal makes the processor send it again."""
    wire.method(cast("HTTPScope", scope), "POST")
    market = cast("App", scope["litestar_app"].state.market)
    body = await wire.body(receive, bytes_max=BODY_BYTES_MAX)
    signature = next((value for name, value in scope["headers"] if name == SIGNATURE), b"").decode("latin-1")
    try:
        await webhook_authorizer.store(market, Posted(headers={webhook_authorizer.SIGNATURE: signature}, body=body))
    except (BadSignature, UnreadableEvent) as refused:
        await wire.answer(send, f"{refused.name}: {refused.message}".encode(), status=400, media_type=TEXT)
    else:
        await wire.answer(send, b"stored", media_type=TEXT)
