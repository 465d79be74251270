"""Customers of a shop, without a browser: they choose a time, pay for it, and look after what they booked."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import httpx

from ecosystem.contexts.booking import Booking
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.time import sortable

from .shop import ANA, Shop, hidden, post, token

FRAGMENT = {"hx-request": "true", "hx-request-type": "partial"}
HAIRCUT = "a-haircut-that-grows-out-well"
PORTUGUESE = "portuguese-for-newcomers"  # on request
TAP = "leaking-tap-or-pipe"  # on request, at the customer
YOGA = "vinyasa-in-the-park"  # eight seats
GRACE = {"name": "Grace Hopper", "email": "grace@example.org"}


async def times(client: httpx.AsyncClient, slug: str = HAIRCUT) -> list[str]:
    """The starts that the service's page offers first."""
    page = await client.get(f"/services/{slug}")
    return re.findall(r'name="start" value="([^"]+)"', page.text)


async def choose(client: httpx.AsyncClient, slug: str = HAIRCUT, *, nth: int = 0, **more: Any) -> str:
    """Choose a time as the service's page has it; the path of the checkout."""
    page = await client.get(f"/services/{slug}")
    starts = re.findall(r'name="start" value="([^"]+)"', page.text)
    fields = {name: hidden(page.text, name) for name in ("csrf_token", "service_id", "hold_id")}
    answer = await client.post("/checkout", data={**fields, "start": starts[nth], "zone": "Europe/Lisbon", **more})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def form(client: httpx.AsyncClient, path: str, card: str = "pm_card_visa", **more: Any) -> dict[str, Any]:
    """The form of the checkout, filled in."""
    page = (await client.get(path)).text
    fields = {name: hidden(page, name) for name in ("booking_id", "payment_id", "total")}
    if 'name="email"' in page:
        fields |= GRACE
    return {"csrf_token": token(page), **fields, "card": card, **more}


async def pay(client: httpx.AsyncClient, path: str, card: str = "pm_card_visa", **more: Any) -> httpx.Response:
    """Fill in the checkout's form and send it."""
    return await client.post(f"{path}/pay", data=await form(client, path, card, **more))


async def book(client: httpx.AsyncClient, slug: str = HAIRCUT, *, nth: int = 0, **more: Any) -> str:
    """Choose a time and pay for it; the path of the booking."""
    path = await choose(client, slug, nth=nth)
    answer = await pay(client, path, **more)
    assert answer.status_code == 303, answer.text
    if answer.headers["location"] == path:
        answer = await client.get(path)
    found = re.fullmatch(r"(/bookings/bkg_\w+)/confirmed", answer.headers["location"])
    assert found, answer.headers
    return found[1]


async def act(client: httpx.AsyncClient, path: str, **fields: Any) -> httpx.Response:
    """Send the form of a page that asks about a booking."""
    return await post(client, path, seen_on=path, **fields)


async def booking(shop: Shop, path: str) -> Booking:
    """The booking of that page, as it is stored."""
    return (await shop.market.app.bookings.row(path.split("/")[2])).value


def ana(shop: Shop) -> Actor:
    return Actor(actor_id=shop.people[ANA], groups=(Group.CUSTOMERS,))


def owner(found: Booking) -> Actor:
    """Who runs the provider of a booking."""
    return Actor(actor_id=found.offer.owner_id, groups=(Group.PROVIDERS,))


def written(at: datetime) -> str:
    """An instant as forms carry it."""
    return sortable(at)
