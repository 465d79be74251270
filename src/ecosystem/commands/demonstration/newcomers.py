"""Somebody becomes a provider: registers, says what they offer and when, and where they are paid.

Those of the catalogue have only the last of it to do.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from ecosystem.commands.demonstration.people import ZONE, Newcomer
from ecosystem.commands.demonstration.stage import Stage, provider
from ecosystem.contexts.booking import SetPlan, Week, Window
from ecosystem.contexts.catalogue import (
    DraftService,
    Location,
    Mode,
    ProviderFields,
    ProviderId,
    RegisterProvider,
    ServiceFields,
    ServiceId,
)
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.sandbox import Fault, What

DAY = (Window("09:00", "18:00"),)
DOWN = Fault(what=What.REFUSE, path="/v1/accounts", times=3, status=503)
"""The processor is down when the account is asked for, as often as it is asked at once."""

BORN, LISTED, MISTAKEN = "1988-04-12", "1900-01-01", "111111111"
"""Whom the processor verifies, whom it looks into, and a number that it cannot verify: its published test values."""

NO_TIME = 3
"""Providers who never say where they are paid."""

_FILLS_IN_AFTER = timedelta(hours=3)


async def join(stage: Stage, person: Actor, who: Newcomer, at: datetime, *, processor_is_down: bool) -> None:
    """From the registration to payouts that can be made."""
    await stage.agenda.until(at)
    market = stage.market
    owned = await market.providers.owned_by(person.actor_id)
    if not owned and processor_is_down:
        await stage.desk.fail_next(DOWN)
    fields = ProviderFields(
        name=who.name,
        headline=who.headline,
        biography=f"{who.headline}, in Lisbon and around it. Ask me first if you are not sure; I answer the same day.",
        location=Location(lat=38.722, lon=-9.139, place="Lisbon", zone=ZONE),
        languages=("pt", "en"),
    )
    request = RegisterProvider(provider_id=ProviderId(_id("prv", who, at)), fields=fields)
    begun = await stage.tried(market.onboarding.begin(request, person))
    if begun is None:
        return
    provider_id, owner = begun.value.provider_id, provider(person.actor_id)
    await stage.agenda.until(at + timedelta(minutes=12))
    service = ServiceFields(
        title=who.service,
        description=f"{who.service}: with my own tools, cleaned up afterwards, at the price that stands here.",
        category=who.category,
        price=Money(who.price, "EUR"),
        duration_min=60,
        mode=Mode.AT_PROVIDER,
    )
    if not (await market.services.of(provider_id)):
        service_id = ServiceId(_id("svc", who, at))
        await stage.tried(
            market.services.draft(DraftService(service_id=service_id, provider_id=provider_id, fields=service), owner)
        )
        week = Week(monday=DAY, tuesday=DAY, wednesday=DAY, thursday=DAY, friday=DAY)
        plan = SetPlan(provider_id=provider_id, zone=ZONE, week=week)
        await stage.tried(market.plans.set(plan, owner_id=owner.actor_id, actor=owner))
    await stage.agenda.until(at + timedelta(minutes=25))
    await stage.tried(market.onboarding.go_live(provider_id, owner))
    await stage.agenda.until(at + _FILLS_IN_AFTER)
    await _filled_in(stage, owner, provider_id, who.name, BORN)


async def settle(stage: Stage, person: Actor, name: str, number: int, first: datetime) -> None:
    """A provider of the catalogue says where they are paid. One is looked into, one mistaken, the last have no time."""
    if number >= len(stage.cast.owners) - NO_TIME:
        return
    await stage.agenda.until(first + timedelta(hours=9) + number * timedelta(minutes=31))
    owned = await stage.market.providers.owned_by(person.actor_id)
    born, identity = {4: (LISTED, ""), 7: (BORN, MISTAKEN)}.get(number, (BORN, ""))
    for row in owned:
        await _filled_in(stage, person, row.value.provider_id, name, born, identity)


async def _filled_in(stage: Stage, owner: Actor, provider_id: str, name: str, born: str, identity: str = "") -> None:
    market = stage.market
    known = await market.payout_accounts.of(provider_id, owner)
    if not known.may_be_filled_in:
        return
    url = f"{market.notifications.brand.url}/provider/payouts"
    link = await stage.tried(market.payout_accounts.link(provider_id, owner, back=url, again=url))
    if link is not None:
        await stage.desk.fill_in(link.url, name, born=born, identity=identity)


def _id(prefix: str, who: Newcomer, at: datetime) -> str:
    """Always the same for the same person."""
    return ids.make(prefix, at, random.Random(who.email).randbytes(ids.RANDOM_BYTES))  # noqa: S311
