"""`notification-handler`: tells customers, providers and operators what happened to a booking or to money."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ecosystem.app import App
from ecosystem.journeys.happenings import NoSuchEvent
from ecosystem.journeys.telling import CAME_ABOUT, TOLD
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
    if event.type in market.payout_news.TOLD:
        await market.payout_news.tell(event)
    if event.type in market.bank_notices.TOLD:
        await market.bank_notices.tell(event)
    if event.type in market.alarms.TOLD:
        await market.alarms.tell(event)


async def welcome(market: App, call: TaskCall) -> dict[str, Any]:
    """Welcome a new provider, once however often it is asked for."""
    provider_id = call.input["provider_id"]
    return {"provider_id": provider_id, "told": await market.welcoming.welcome(provider_id, ACTOR)}


async def told(market: App, call: TaskCall) -> dict[str, Any]:
    """See that both sides were told of a booking: its event tells them too, and mostly has by now."""
    if await market.telling.told_lately(call.input["event_id"]):
        return {"now": False}
    event = await _event(market, call.input["booking_id"], call.input["event_id"])
    if await market.telling.has_told(event):
        return {"now": False}
    await market.telling.tell(event)
    return {"now": True}


async def account_failed(market: App, call: TaskCall) -> dict[str, Any]:
    """Tell operators that a provider has no payout account, once however often it is asked for."""
    error = call.input["error"]
    await market.alarms.account_not_opened(call.input["provider_id"], error.get("Cause") or error.get("Error") or "")
    return {"provider_id": call.input["provider_id"]}


async def _event(market: App, booking_id: str, event_id: str) -> Event:
    """What told that the booking came about: the event of that id, or the first in its timeline. Raises `NoSuchEvent`."""
    with suppress(NoSuchEvent):
        return await market.happenings.event(event_id, ACTOR)
    for event in await market.timelines.of_booking(booking_id, ACTOR):
        if event.type in CAME_ABOUT:
            return event
    raise NoSuchEvent


ENTRY = Entry(event=tell, tasks={"account-failed": account_failed, "told": told, "welcome": welcome})
