"""`stripe-webhook`: acts upon what the card processor tells, and asks it where it has told nothing."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.ports.bus import Event
from ecosystem.workflows.entries import rounds
from ecosystem.workflows.triggers import Entry, Firing

UNHEARD = "unheard-webhooks"
UNANSWERED = "unanswered-payments"


async def act_upon(market: App, event: Event) -> None:
    await market.hearing.act(event.detail["processor_event_id"])


async def ask(market: App, firing: Firing) -> None:
    await rounds(market.sweep.webhooks_due if firing.schedule == UNHEARD else market.sweep.payments_due)


ENTRY = Entry(event=act_upon, schedule=ask)
