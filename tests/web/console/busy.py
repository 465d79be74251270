"""A shop in which something happened, for an operator to look at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from tests.web.shop import OLGA, Shop, post

from ecosystem.contexts.booking import CancelBooking, ReportNoShow, Side
from ecosystem.journeys.happenings import Wanted
from ecosystem.kernel.actor import Actor, Group
from ecosystem.ports.bus import Event
from ecosystem.workflows.deliveries import ATTEMPTS_MAX, Delivery, failed, kept
from ecosystem.workflows.wiring import Wiring
from market import ADA, GUEST

FRAGMENT = {"hx-request": "true", "hx-request-type": "partial"}


@dataclass(frozen=True, slots=True)
class Busy:
    """What happened: bookings by how they stand, the provider they are with, and the operator as an actor."""

    shop: Shop
    bookings: dict[str, str]
    provider_id: str
    service_id: str
    operator: Actor

    async def settle(self) -> None:
        await Wiring.of(self.shop.market.app).settled()


async def busy(shop: Shop) -> Busy:
    """Bookings ahead, under way, done, called off, missed and disputed; a guest's among them."""
    opened, app = shop.market, shop.market.app
    provider_id = await opened.provider()
    service_id = await opened.service(provider_id)
    operator = Actor(actor_id=shop.people[OLGA], groups=(Group.CUSTOMERS, Group.ADMINS))
    ids: dict[str, str] = {}
    for at, name in enumerate(("done", "disputed", "missed", "running")):
        paid = await opened.book(service_id, opened.tomorrow(8 + 2 * at))
        ids[name] = paid.booking.booking_id
    called_off = await opened.book(service_id, opened.tomorrow(16), GUEST)
    ids["cancelled"] = called_off.booking.booking_id
    await app.closing.cancel(CancelBooking(booking_id=ids["cancelled"], reason="Ill"), operator)
    opened.clock.advance(timedelta(days=1, hours=8))
    await app.closing.complete(ids["done"], ADA)
    await app.closing.dispute(ids["disputed"], "Half the time", ADA)
    await app.closing.report_no_show(
        ReportNoShow(booking_id=ids["missed"], absent=Side.CUSTOMER, reason="Nobody opened"), operator
    )
    await app.bookings.start(ids["running"], operator)
    ahead = await opened.book(service_id, opened.tomorrow(20), GUEST)
    ids["ahead"] = ahead.booking.booking_id
    found = Busy(shop=shop, bookings=ids, provider_id=provider_id, service_id=service_id, operator=operator)
    await found.settle()
    return found


async def dead_letter(found: Busy, reason: str = "Unavailable: The mail was away.") -> Delivery:
    """A delivery that was tried for the last time."""
    app = found.shop.market.app
    told = Wanted(types=("BookingConfirmed",))
    event: Event = (await app.happenings.latest(found.operator, told, limit=1)).events[0]
    delivery = failed(event, "notification-handler", reason, app.ports.clock.now())
    for _ in range(ATTEMPTS_MAX - 1):
        delivery = failed(event, "notification-handler", reason, app.ports.clock.now(), delivery)
    await app.ports.table.transact(kept(delivery))
    return delivery


async def act(client: httpx.AsyncClient, path: str, **fields: Any) -> httpx.Response:
    """Post a form from the page at that address."""
    return await post(client, path, seen_on=path, **fields)


def said(page: httpx.Response) -> str:
    """The page's words, without markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
