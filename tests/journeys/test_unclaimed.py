"""Providers that were imported, and booked before their owners came."""

from datetime import timedelta

import pytest

from ecosystem.contexts.booking import BookingStatus, SetPlan
from ecosystem.contexts.catalogue import Location, ProviderFields, RegisterProvider
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Denied
from ecosystem.workflows.wiring import Wiring
from market import OPEN_WEEK, OPERATOR, Market


async def unclaimed(shop: Market, email: str) -> str:
    """A provider that an operator listed for whoever has that address."""
    fields = ProviderFields(
        name="Eve Lund",
        headline="Pianos tuned",
        location=Location(lat=38.72, lon=-9.14, place="Lisbon", zone="Europe/Lisbon"),
        languages=("en",),
    )
    request = RegisterProvider(provider_id=shop.id("prv"), fields=fields, owner_email=email)
    provider_id = (await shop.app.providers.register(request, OPERATOR)).value.provider_id
    await shop.app.standings.submit(provider_id, OPERATOR)
    plan = SetPlan(provider_id=provider_id, zone="Europe/Lisbon", week=OPEN_WEEK)
    await shop.app.plans.set(plan, owner_id="", actor=OPERATOR)
    return provider_id


async def test_who_claims_a_provider_answers_what_was_asked_of_it_before(shop: Market) -> None:
    owner = Actor(actor_id="usr_01kag2m8xw0000000000000eve", groups=(Group.CUSTOMERS, Group.PROVIDERS))
    provider_id = await unclaimed(shop, "eve@example.org")
    service_id = await shop.service(provider_id, owner=OPERATOR, instant=False)
    asked = [await shop.book(service_id, shop.tomorrow(hour) + timedelta(days=2)) for hour in (9, 12)]
    with pytest.raises(Denied):
        await shop.app.acceptance.accept(asked[0].booking.booking_id, owner)

    await shop.app.providers.claim(provider_id, owner, confirmed_email="eve@example.org")
    await Wiring.of(shop.app).settled()

    accepted = await shop.app.acceptance.accept(asked[0].booking.booking_id, owner)
    declined = await shop.app.closing.decline(asked[1].booking.booking_id, "Away", owner)
    assert (accepted.status, declined.status) == (BookingStatus.CONFIRMED, BookingStatus.DECLINED)
    assert await shop.app.bookings.hand_over(provider_id, owner.actor_id, OPERATOR) == 0
