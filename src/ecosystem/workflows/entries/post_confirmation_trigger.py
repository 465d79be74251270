"""`post-confirmation-trigger`: who has confirmed a sign-up gets a profile."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.ports.bus import Event
from ecosystem.workflows.triggers import Entry


async def make_profile(market: App, event: Event) -> None:
    await market.identity.post_confirmation.handle(event)


ENTRY = Entry(event=make_profile)
