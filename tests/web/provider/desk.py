"""A provider at work: Pedro, with a service at once and one on request, a week, and bookings in every state."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO

import httpx
from PIL import Image
from tests.web.shop import PEDRO, Shop, sign_in, token

from ecosystem.contexts.booking import CancelBooking, Reschedule, SetPlan, Week, Window
from ecosystem.contexts.catalogue import Location, ProviderFields, RegisterProvider
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.workflows.wiring import Wiring
from market import ADA, GUEST

HOURS = (Window("09:00", "13:00"), Window("14:00", "18:30"))
WEEK = Week(monday=HOURS, tuesday=HOURS, wednesday=HOURS, thursday=HOURS, friday=HOURS, saturday=(HOURS[0],))
FRAGMENT = {"hx-request": "true", "hx-request-type": "partial"}
RITA = Actor(actor_id="usr_01kag2m8xw0000000000000rta", groups=(Group.CUSTOMERS,))


@dataclass(frozen=True, slots=True)
class Desk:
    """Ids by a short name: `instant` and `asked` are services, the others bookings."""

    shop: Shop
    owner: Actor
    provider_id: str
    ids: dict[str, str]


def owner_of(shop: Shop, address: str = PEDRO) -> Actor:
    return Actor(actor_id=shop.people[address], groups=(Group.CUSTOMERS, Group.PROVIDERS))


async def opened_desk(shop: Shop) -> Desk:
    """Pedro as an active provider with two services, nothing booked."""
    owner, app, market = owner_of(shop), shop.market.app, shop.market
    fields = ProviderFields(
        name="Pedro Ferreira",
        headline="Repairs that hold, explained in plain words",
        biography="I mend what can be mended.\n\nTwenty years with pipes, taps and boilers in the old houses of Lisbon.",
        location=Location(lat=38.7223, lon=-9.1393, place="Graça, Lisbon", zone="Europe/Lisbon"),
        radius_km=15,
        languages=("pt", "en"),
    )
    request = RegisterProvider(provider_id=market.id("prv"), fields=fields)
    provider_id = (await app.providers.register(request, owner)).value.provider_id
    await app.standings.submit(provider_id, owner)
    plan = SetPlan(provider_id=provider_id, zone="Europe/Lisbon", week=WEEK)
    await app.plans.set(plan, owner_id=owner.actor_id, actor=owner)
    ids = {
        "instant": await market.service(provider_id, Money(6_500, "EUR"), owner=owner),
        "asked": await market.service(provider_id, Money(12_000, "EUR"), owner=owner, instant=False),
    }
    return Desk(shop=shop, owner=owner, provider_id=provider_id, ids=ids)


async def busy_desk(shop: Shop) -> Desk:
    """The same with bookings: asked for, ahead, to be moved, over, earned, called off."""
    desk = await opened_desk(shop)
    market, app = shop.market, shop.market.app
    day = market.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)

    async def book(name: str, service: str, days: int, hour: int, actor: Actor = ADA) -> str:
        paid = await market.book(desk.ids[service], day + timedelta(days=days, hours=hour), actor)
        desk.ids[name] = paid.booking.booking_id
        return paid.booking.booking_id

    await book("earned", "instant", 0, 10, RITA)
    await book("absent", "instant", 0, 11, GUEST)
    await book("today", "instant", 0, 15, GUEST)
    await book("waiting", "asked", 3, 9)
    await book("urgent", "asked", 1, 10, RITA)
    await book("ahead", "instant", 3, 14, RITA)
    await book("moving", "instant", 4, 10)
    await book("off", "instant", 5, 10)
    await app.closing.cancel(CancelBooking(booking_id=desk.ids["off"]), ADA)
    later = day + timedelta(days=6, hours=11)
    await app.bookings.reschedule(Reschedule(booking_id=desk.ids["moving"], start_at=later), desk.owner)
    market.clock.advance(timedelta(hours=3))
    await app.closing.complete(desk.ids["earned"], RITA)
    wiring = Wiring.of(app)
    await wiring.settled()
    return desk


def photograph(colour: str = "#0f766e", size: tuple[int, int] = (1600, 1200)) -> bytes:
    drawn = BytesIO()
    Image.new("RGB", size, colour).save(drawn, "PNG")
    return drawn.getvalue()


async def signed_in(client: httpx.AsyncClient, address: str = PEDRO) -> httpx.AsyncClient:
    await sign_in(client, address)
    return client


async def csrf(client: httpx.AsyncClient, path: str = "/account") -> str:
    """A token for the forms of this session."""
    return token((await client.get(path)).text)


def said(page: str) -> list[str]:
    """What a page says is wrong, beside fields and above forms."""
    found = re.findall(r'class="wrong"[^>]*>.*?<span>(.*?)</span>', page, re.DOTALL)
    found += re.findall(r'class="notice" data-tone="(?:bad|wait)"[^>]*>.*?</svg>(.*?)</div>', page, re.DOTALL)
    return [re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", text)).strip() for text in found]


def filled(page: str) -> dict[str, str]:
    """The fields of the page's form for a service, as a browser would send them."""
    form = page[page.index('<form id="service"') :]
    form = form[: form.index("</form>")]
    found = dict(
        re.findall(
            r'<input (?:class="input" )?(?:type="hidden" )?(?:id="\w+" )?name="(\w+)"(?: type="\w+")? value="([^"]*)"',
            form,
        )
    )
    found |= dict(re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n?([^<]*)</textarea>', form))
    for name, options in re.findall(r'<select[^>]* name="(\w+)".*?>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    found |= dict(re.findall(r'type="radio" class="input" name="(\w+)" value="(\w+)" required checked', form))
    return {name: text for name, text in found.items() if name not in {"csrf_token", "act"}}


async def sent(
    client: httpx.AsyncClient, fields: list[tuple[str, str]], to: str = "/provider/availability"
) -> httpx.Response:
    """A form in which a name may come more than once."""
    data: dict[str, list[str]] = {}
    for name, text in fields:
        data.setdefault(name, []).append(text)
    return await client.post(to, data=data)
