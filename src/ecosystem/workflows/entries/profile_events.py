"""`profile-events`: tells people what happened to their account."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.ports.bus import Event
from ecosystem.workflows.triggers import Entry


async def tell(market: App, event: Event) -> None:
    await market.access.tell(event)


ENTRY = Entry(event=tell)
