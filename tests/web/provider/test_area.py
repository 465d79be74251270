"""Who gets into a provider's area, what is refused and how, and that nothing leaks of what is another's."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import httpx
from tests.web.provider.desk import (
    Desk,
    csrf,
    filled,
    opened_desk,
    said,
    sent,
    signed_in,
)
from tests.web.shop import ANA, OLGA, Shop, hidden, token

from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.catalogue import ProviderStatus, ServiceStatus
from market import OPERATOR

NOBODYS = {"bkg": "bkg_01kag2m8xw0000000000000000", "svc": "svc_01kag2m8xw0000000000000000"}


async def test_visitors_read_what_it_is_and_customers_may_begin(shop: Shop) -> None:
    async with shop.client() as visitor, shop.client() as ana:
        landing = await visitor.get("/provider")
        inside = await visitor.get("/provider/services")
        await signed_in(ana, ANA)
        begin = await ana.get("/provider/start")
        elsewhere = [
            await ana.get(f"/provider/{page}") for page in ("services", "bookings", "earnings", "availability")
        ]
        written = await ana.post("/provider/services/new", data={"csrf_token": await csrf(ana), "title": "Taps"})

    assert "You keep 90 % of your price" in landing.text
    assert inside.headers["location"] == "/sign-in?next=/provider/services"
    assert begin.headers["location"] == "/provider/start/profile"
    assert {page.headers["location"] for page in elsewhere} == {"/provider"}
    assert (written.status_code, written.headers["location"]) == (303, "/provider")


async def test_every_page_is_there_and_every_act_needs_its_token(desk: Desk, pedro: httpx.AsyncClient) -> None:
    booking, service = desk.ids["ahead"], desk.ids["instant"]
    pages = """/provider /provider/requests /provider/bookings /provider/bookings?view=past /provider/bookings?view=day
        /provider/services /provider/services/new /provider/availability /provider/availability/dates
        /provider/availability/preview /provider/profile /provider/earnings /provider/earnings/statement.csv
        /provider/start/profile /provider/start/place /provider/start/photos /provider/start/service
        /provider/start/hours /provider/start/live""".split()
    pages += [f"/provider/services/{service}", f"/provider/bookings/{booking}/move"]
    pages += [f"/provider/bookings/{desk.ids[name]}" for name in ("earned", "absent", "waiting", "moving", "off")]
    for page in pages:
        assert (await pedro.get(page)).status_code == 200, page

    acts = [f"/provider/services/{service}{act}" for act in ("", "/close", "/publish")]
    acts += [
        f"/provider/bookings/{booking}/{act}" for act in ("accept", "decline", "cancel", "move", "answer", "no-show")
    ]
    acts += [
        "/provider/availability",
        "/provider/availability/off",
        "/provider/availability/dates/remove?day=2026-12-01",
    ]
    acts += ["/provider/pause", "/provider/calendar/renew", "/provider/profile/about", "/provider/start/live"]
    acts += [f"/provider/photos/{desk.provider_id}", "/provider/services/new"]
    for act in acts:
        assert (await pedro.post(act, data={"reason": "x"})).status_code == 403, act
    assert (await desk.shop.market.app.bookings.get(booking, desk.owner)).status is BookingStatus.CONFIRMED


async def test_what_is_anothers_looks_like_what_is_not_there(desk: Desk, shop: Shop) -> None:
    """Olga is a provider too, and an operator: here she is only herself."""
    async with shop.client() as other, shop.client() as customer:
        await signed_in(other, ANA)
        first = await other.get("/provider/start/profile")
        made = {"provider_id": hidden(first.text, "provider_id"), "name": "Ana Prata", "act": "later"}
        await other.post("/provider/start/profile", data=made | {"csrf_token": token(first.text)})
        proof = await csrf(other)
        for name, act in (("bookings", "accept"), ("bookings", "cancel"), ("bookings", "move"), ("services", "close")):
            theirs = desk.ids["waiting" if name == "bookings" else "instant"]
            none = NOBODYS["bkg" if name == "bookings" else "svc"]
            seen = [await other.get(f"/provider/{name}/{each}") for each in (theirs, none, "x")]
            done = [
                await other.post(f"/provider/{name}/{each}/{act}", data={"csrf_token": proof, "reason": "x"})
                for each in (theirs, none)
            ]
            assert {answer.status_code for answer in (*seen, *done)} == {404}, (name, act)
            assert _alike(seen[0].text, theirs) == _alike(seen[1].text, none)
        photo = await other.post(f"/provider/photos/{desk.ids['instant']}", data={"csrf_token": proof})
        foreign = await other.post(
            f"/provider/photos/{desk.provider_id}/order", data={"csrf_token": proof, "move": "x"}
        )
        await signed_in(customer, OLGA)
        operator = await customer.get(f"/provider/bookings/{desk.ids['waiting']}")

    assert (photo.status_code, foreign.status_code) == (404, 404)
    assert operator.headers["location"] == "/provider"
    row = await desk.shop.market.app.bookings.get(desk.ids["waiting"], desk.owner)
    assert row.status is BookingStatus.AWAITING_PROVIDER


async def test_a_customer_finds_no_booking_of_theirs_on_the_providers_side(desk: Desk, shop: Shop) -> None:
    """Pedro booked with somebody else: in his own area that booking is not there."""
    app = shop.market.app
    theirs = next(
        row.value
        for row in await app.services.of(shop.providers["Mei Nunes"])
        if row.value.status is ServiceStatus.PUBLISHED
    )
    start = shop.market.clock.now().replace(hour=9, minute=0) + timedelta(days=5)
    paid = await shop.market.book(theirs.service_id, start, desk.owner)
    async with shop.client() as pedro:
        await signed_in(pedro)
        assert (await pedro.get(f"/provider/bookings/{paid.booking.booking_id}")).status_code == 404


async def test_who_pauses_is_not_found_and_comes_back_by_undo(shop: Shop, pedro: httpx.AsyncClient) -> None:
    desk = await opened_desk(shop)
    proof = await csrf(pedro)
    paused = await pedro.post("/provider/pause", data={"csrf_token": proof})
    page = unescape((await pedro.get(paused.headers["location"])).text)
    status = (await shop.market.app.providers.load(desk.provider_id)).value.status
    await pedro.post("/provider/resume", data={"csrf_token": proof})

    assert status is ProviderStatus.PAUSED
    assert "You are paused" in page
    assert 'action="/provider/resume"' in page
    assert (await shop.market.app.providers.load(desk.provider_id)).value.status is ProviderStatus.ACTIVE


async def test_who_was_suspended_is_told_why_and_may_change_nothing(shop: Shop, pedro: httpx.AsyncClient) -> None:
    desk = await opened_desk(shop)
    await shop.market.app.standings.suspend(desk.provider_id, "Complaints", OPERATOR)
    home = await pedro.get("/provider")
    about = {"csrf_token": await csrf(pedro), "name": "Pedro", "headline": "New", "languages": "en"}
    refused = await pedro.post("/provider/profile/about", data=about)

    assert "Reason: Complaints." in home.text
    assert refused.status_code == 403
    assert "This provider is suspended." in refused.text


async def test_the_first_steps_lead_from_a_name_to_a_listing_without_a_script(shop: Shop) -> None:
    async with shop.client() as ana:
        await signed_in(ana, ANA)
        ahead = await ana.get("/provider/start/hours")
        first = (await ana.get("/provider/start/profile")).text
        fields = {"csrf_token": token(first), "provider_id": hidden(first, "provider_id"), "name": "Ana Ferreira"}
        partly = await ana.post("/provider/start/profile", data=fields | {"act": "continue"})
        resumed = await ana.get("/provider/start")
        proof = {"csrf_token": await csrf(ana)}
        you = fields | {
            "version": hidden(partly.text, "version"),
            "headline": "Bread",
            "languages": "pt",
            "act": "continue",
        }
        place = await ana.post("/provider/start/profile", data=you)
        where = {
            "place": "Graça, Lisbon",
            "point": "https://www.openstreetmap.org/#map=16/38.7167/-9.1303",
            "zone": "Europe/Lisbon",
        }
        photos = await ana.post("/provider/start/place", data=proof | where | {"act": "continue"})
        service = (await ana.get("/provider/start/service")).text
        what = filled(service) | proof | {"title": "A loaf each Saturday", "price": "7", "act": "continue"}
        lacking = await ana.post("/provider/start/service", data=what)
        what = filled(lacking.text) | what | {"category": "catering", "description": "Sourdough, baked that morning."}
        what["version"] = hidden(lacking.text, "version")
        hours = await ana.post("/provider/start/service", data=what)
        early = await ana.post("/provider/start/live", data=proof)
        week = [*proof.items(), ("version", "0"), ("zone", "Europe/Lisbon"), ("step", "30"), ("act", "continue")]
        shut = await sent(ana, week, "/provider/start/hours")
        week = [(name, "1" if name == "version" else text) for name, text in week]
        live = await sent(
            ana, [*week, ("saturday.opens", "08:00"), ("saturday.closes", "12:00")], "/provider/start/hours"
        )
        done = await ana.post("/provider/start/live", data=proof)
        home = (await ana.get("/provider")).text
        over = await ana.get("/provider/start")

    assert ahead.headers["location"] == "/provider/start/profile"
    assert partly.status_code == 422
    assert {"Say in one line what you do.", "Name at least one language you speak with customers."} <= set(
        said(partly.text)
    )
    assert resumed.headers["location"] == "/provider/start/profile"
    assert place.headers["location"] == "/provider/start/place"
    assert photos.headers["location"] == "/provider/start/photos"
    assert lacking.status_code == 422
    assert {"Describe what the customer gets.", "Choose a category."} <= set(said(lacking.text))
    assert hours.headers["location"] == "/provider/start/hours"
    assert early.status_code == 422
    assert "1 thing is missing" in early.text
    assert shut.status_code == 422
    assert "Say at which hours you can be booked." in shut.text
    assert live.headers["location"] == "/provider/start/live"
    assert done.headers["location"] == "/provider"
    assert "You are live" in home
    assert over.headers["location"] == "/provider"
    owned = await shop.market.app.providers.owned_by(shop.people[ANA])
    assert [row.value.status for row in owned] == [ProviderStatus.ACTIVE]


def _alike(page: str, name: str) -> str:
    """A page without what differs by chance: nonces, tokens, the id asked for."""
    return re.sub(r"[0-9a-f]{32}|[A-Za-z0-9_=-]{60,}|bkg_\w+|svc_\w+|data-now=\S+", "", page.replace(name, ""))
