"""`notification-handler`: tells customers, providers and operators what happened to a booking or to money."""

from __future__ import annotations

from typing import Any

from ecosystem.app import App
from ecosystem.journeys.telling import TOLD
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows.triggers import Entry

ACTOR = system("notification-handler")


async def tell(market: App, event: Event) -> None:
    if event.type in TOLD:
        await market.telling.tell(event)
    if event.type in market.payout_accounts.TOLD:
        await market.payout_accounts.tell(event)
    if event.type in market.alarms.TOLD:
        await market.alarms.tell(event)


async def welcome(market: App, call: TaskCall) -> dict[str, Any]:
    """Welcome a new provider, once however often it is asked for."""
    provider_id = call.input["provider_id"]
    return {"provider_id": provider_id, "told": await market.welcoming.welcome(provider_id, ACTOR)}


ENTRY = Entry(event=tell, tasks={"welcome": welcome})
