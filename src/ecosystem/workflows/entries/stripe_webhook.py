"""`stripe-webhook`: acts upon what the card processor tells."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.ports.bus import Event
from ecosystem.workflows.entries import rounds
from ecosystem.workflows.triggers import Entry, Firing

UNHEARD = "unheard-webhooks"


async def act_upon(market: App, event: Event) -> None:
    await market.hearing.act(event.detail["processor_event_id"])


async def catch_up(market: App, _: Firing) -> None:
    await rounds(market.sweep.webhooks_left)


ENTRY = Entry(event=act_upon, schedule=catch_up)
