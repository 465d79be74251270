"""Becoming a provider: step by step, once, and only with everything a customer needs."""

import asyncio

import pytest

from ecosystem.contexts.booking import SetPlan
from ecosystem.contexts.catalogue import (
    DraftService,
    Location,
    Mode,
    NotReady,
    ProviderFields,
    ProviderStatus,
    RegisterProvider,
    ServiceFields,
    ServiceStatus,
)
from ecosystem.contexts.identity import Admission
from ecosystem.journeys.onboarding import Step
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied
from market import ADA, GUEST, OPEN_WEEK, SYSTEM, Market


async def person(shop: Market) -> Actor:
    user_id = shop.id("usr")
    admission = Admission(user_id=user_id, email=f"{user_id}@example.org", password="-", name="Rita Nunes")
    await shop.app.ports.table.transact(*shop.app.identity.people.admitting(admission, SYSTEM))
    return Actor(actor_id=user_id, groups=(Group.CUSTOMERS,))


def wish(shop: Market, name: str = "Rita Nunes") -> RegisterProvider:
    return RegisterProvider(provider_id=shop.id("prv"), fields=ProviderFields(name=name))


async def test_a_person_becomes_a_provider_and_joins_the_group_at_once(shop: Market) -> None:
    rita = await person(shop)

    row = await shop.app.onboarding.begin(wish(shop), rita)

    assert (row.value.status, row.value.owner_id) == (ProviderStatus.DRAFT, rita.actor_id)
    joined = await shop.app.identity.people.person(rita.actor_id, SYSTEM)
    assert joined.groups == (Group.CUSTOMERS, Group.PROVIDERS)


async def test_two_windows_make_one_provider(shop: Market) -> None:
    rita = await person(shop)

    rows = await asyncio.gather(*(shop.app.onboarding.begin(wish(shop), rita) for _ in range(4)))

    assert len({row.value.provider_id for row in rows}) == 1
    assert len(await shop.app.providers.owned_by(rita.actor_id)) == 1


@pytest.mark.parametrize("actor", [GUEST, Actor(actor_id="visitor")])
async def test_nobody_becomes_one_without_an_account(shop: Market, actor: Actor) -> None:
    with pytest.raises(Denied):
        await shop.app.onboarding.begin(wish(shop), actor)


async def test_what_is_missing_is_told_by_step_and_field_until_it_is_there(shop: Market) -> None:
    rita = await person(shop)
    app, provider_id = shop.app, (await shop.app.onboarding.begin(wish(shop), rita)).value.provider_id

    async def missing() -> list[tuple[Step, str]]:
        return [(lack.step, lack.field) for lack in (await app.onboarding.progress(provider_id, rita)).lacks]

    assert await missing() == [
        (Step.PROFILE, "headline"), (Step.PROFILE, "languages"), (Step.PLACE, "location"), (Step.SERVICE, "title"),
        (Step.HOURS, "week"),
    ]  # fmt: skip
    with pytest.raises(NotReady):
        await app.onboarding.go_live(provider_id, rita)

    place = Location(lat=38.72, lon=-9.14, place="Lisbon", zone="Europe/Lisbon")
    await app.providers.edit(provider_id, ProviderFields(headline="Taps", languages=("pt",), location=place), rita)
    fields = ServiceFields(title="Leaking tap", mode=Mode.AT_CUSTOMER, price=Money(4_500, "EUR"))
    drafted = await app.services.draft(
        DraftService(service_id=shop.id("svc"), provider_id=provider_id, fields=fields), rita
    )
    assert await missing() == [
        (Step.PLACE, "radius_km"), (Step.SERVICE, "description"), (Step.SERVICE, "category"), (Step.HOURS, "week"),
    ]  # fmt: skip

    await app.providers.edit(provider_id, ProviderFields(radius_km=20), rita)
    more = ServiceFields(description="I come and mend it.", category="plumbing")
    await app.services.edit(drafted.value.service_id, more, rita)
    await app.plans.set(
        SetPlan(provider_id=provider_id, zone="Europe/Lisbon", week=OPEN_WEEK), owner_id=rita.actor_id, actor=rita
    )
    assert await missing() == []

    live = await app.onboarding.go_live(provider_id, rita)

    assert live.is_live
    assert live.service is not None
    assert live.service.value.status is ServiceStatus.PUBLISHED
    assert (await app.offering.offer(live.service.value.service_id)).title == "Leaking tap"
    assert (await app.onboarding.go_live(provider_id, rita)).is_live


async def test_the_steps_of_one_are_nobody_elses(shop: Market) -> None:
    with pytest.raises(Denied):
        await shop.app.onboarding.progress(shop.provider_id, ADA)
    with pytest.raises(Denied):
        await shop.app.onboarding.go_live(shop.provider_id, ADA)
