"""A listing that was made for somebody before they came: who is offered it, and who may take it over."""

from __future__ import annotations

import httpx
from tests.web.provider.desk import csrf, opened_desk, signed_in
from tests.web.shop import ANA, PEDRO, Shop

from ecosystem.contexts.catalogue import Location, ProviderFields, RegisterProvider
from ecosystem.kernel.actor import Group
from market import OPERATOR


async def listed(shop: Shop, email: str, name: str = "Ana Baker") -> str:
    """A provider that an operator listed for whoever has that address, with a service on offer."""
    app, market = shop.market.app, shop.market
    fields = ProviderFields(
        name=name,
        headline="Bread that takes its time",
        location=Location(lat=38.72, lon=-9.14, place="Graça, Lisbon", zone="Europe/Lisbon"),
        languages=("pt",),
    )
    request = RegisterProvider(provider_id=market.id("prv"), fields=fields, owner_email=email)
    provider_id = (await app.providers.register(request, OPERATOR)).value.provider_id
    await app.standings.submit(provider_id, OPERATOR)
    await market.service(provider_id, owner=OPERATOR)
    return provider_id


async def take(client: httpx.AsyncClient, provider_id: str) -> httpx.Response:
    return await client.post(f"/provider/claim/{provider_id}", data={"csrf_token": await csrf(client)})


async def test_who_has_the_address_is_offered_the_listing_and_takes_it_over(shop: Shop) -> None:
    provider_id = await listed(shop, ANA.upper())
    async with shop.client() as ana:
        await signed_in(ana, ANA)
        landing, start = await ana.get("/provider"), await ana.get("/provider/start")
        page = await ana.get("/provider/claim")

        taken = await take(ana, provider_id)
        again = await take(ana, provider_id)
        inside, after = await ana.get("/provider"), await ana.get("/provider/claim")

    assert "Is this you?" in landing.text
    assert start.headers["location"] == "/provider/claim"
    assert "Bread that takes its time" in page.text
    assert "Portrait session" in page.text
    assert {taken.headers["location"], again.headers["location"]} == {"/provider"}
    assert "Overview" in inside.text
    assert "Nothing waits for you" in after.text
    row = await shop.market.app.providers.load(provider_id)
    assert row.value.owner_id == shop.people[ANA]
    person = await shop.market.app.identity.people.person(shop.people[ANA], OPERATOR)
    assert Group.PROVIDERS in person.groups


async def test_nobody_else_is_offered_it_or_may_take_it(shop: Shop) -> None:
    provider_id = await listed(shop, ANA)
    async with shop.client() as pedro, shop.client() as visitor:
        away = await visitor.get("/provider/claim")
        await signed_in(pedro, PEDRO)
        landing, page = await pedro.get("/provider"), await pedro.get("/provider/claim")
        refused = await take(pedro, provider_id)
        unknown = await take(pedro, "prv_01kag2m8xw0000000000000000")
        bare = await pedro.post(f"/provider/claim/{provider_id}")

    assert away.headers["location"] == "/sign-in?next=/provider/claim"
    assert "Is this you?" not in landing.text
    assert "Ana Baker" not in page.text
    assert refused.headers["location"] == "/provider/claim"
    assert (unknown.status_code, bare.status_code) == (404, 403)
    assert (await shop.market.app.providers.load(provider_id)).value.owner_id is None


async def test_a_provider_who_has_one_already_may_take_another(shop: Shop) -> None:
    desk = await opened_desk(shop)
    provider_id = await listed(shop, PEDRO, "Ferreira & Sons")
    async with shop.client() as pedro:
        await signed_in(pedro, PEDRO)
        page = await pedro.get("/provider/claim")
        await take(pedro, provider_id)

    assert "Back to your listing" in page.text
    owned = await shop.market.app.providers.owned_by(desk.owner.actor_id)
    assert {row.value.provider_id for row in owned} == {desk.provider_id, provider_id}


async def test_the_public_page_of_a_listing_without_an_owner_says_how_to_take_it(shop: Shop) -> None:
    provider_id = await listed(shop, ANA)
    row = await shop.market.app.providers.load(provider_id)
    async with shop.client() as visitor:
        page = await visitor.get(f"/providers/{row.value.slug}")

    assert "Take this listing over" in page.text
