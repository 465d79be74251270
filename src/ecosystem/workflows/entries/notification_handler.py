"""`notification-handler`: tells customers, providers and operators what happened to a booking or to money."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.journeys.telling import TOLD
from ecosystem.ports.bus import Event
from ecosystem.workflows.triggers import Entry


async def tell(market: App, event: Event) -> None:
    if event.type in TOLD:
        await market.telling.tell(event)
    if event.type in market.payout_accounts.TOLD:
        await market.payout_accounts.tell(event)
    if event.type in market.alarms.TOLD:
        await market.alarms.tell(event)


ENTRY = Entry(event=tell)
