"""`webhook-authorizer`: checks who signed an event of the card processor, and stores it before it is answered."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.workflows.triggers import Entry, Posted

SIGNATURE = "stripe-signature"


async def store(market: App, request: Posted) -> None:
    """Raises `BadSignature`, `UnreadableEvent`."""
    await market.webhooks.receive(request.body, request.headers.get(SIGNATURE, ""))


ENTRY = Entry(request=store)
