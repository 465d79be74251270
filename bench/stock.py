"""A marketplace stocked for measuring: providers who work at all hours, and customers who are signed in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from msgspec import Struct

from ecosystem.app import App
from ecosystem.commands.opening import without_processor
from ecosystem.commands.settings import Settings
from ecosystem.contexts.booking import SetPlan, Week, Window
from ecosystem.contexts.catalogue import DraftService, Location, Mode, ProviderFields, RegisterProvider, ServiceFields
from ecosystem.contexts.identity import Admission, Origin
from ecosystem.contexts.identity.accounts import Account
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.money import Money
from ecosystem.ports.entropy import mint
from ecosystem.ports.table import Put

ACTOR = system("bench")
AT_ONCE = 64
ZONE = "Europe/Lisbon"
PRICE = Money(10_000, "EUR")
_DAY = (Window("00:00", "24:00"),)
_WEEK = Week(monday=_DAY, tuesday=_DAY, wednesday=_DAY, thursday=_DAY, friday=_DAY, saturday=_DAY, sunday=_DAY)

T = TypeVar("T")
R = TypeVar("R")


class Customer(Struct, frozen=True, kw_only=True):
    """Somebody with an account and a session. `token` is the session's access token."""

    user_id: str
    email: str
    token: str


class Stock(Struct, frozen=True, kw_only=True):
    """What there is to buy, a service of an hour of each provider, and who may buy it."""

    services: list[str]
    customers: list[Customer]


async def stocked(
    chosen: Settings, *, providers: int, customers: int, seats: Callable[[int], int] = lambda _: 1
) -> Stock:
    """Fill the folder, which nobody serves yet, through the product's own acts.

    `seats` says how many people the service of each provider takes at a time.
    """
    async with without_processor(chosen) as (market, _):
        password = await market.ports.passwords.hashed("Bench-1234-words")
        services = await _each(range(providers), lambda number: _provider(market, number, password, seats(number)))
        buyers = await _each(range(customers), lambda number: _customer(market, number, password))
    return Stock(services=services, customers=buyers)


async def _person(market: App, name: str, password: str, *groups: Group) -> Account:
    admission = Admission(
        user_id=mint("usr", market.ports.clock.now(), market.ports.entropy),
        email=f"{name}@bench.example",
        password=password,
        name=name.replace("-", " ").title(),
        zone=ZONE,
        groups=groups,
    )
    writes = market.identity.people.admitting(admission, ACTOR)
    await market.ports.table.transact(*writes)
    return next(each.value for each in writes if isinstance(each, Put) and isinstance(each.value, Account))


async def _customer(market: App, number: int, password: str) -> Customer:
    account = await _person(market, f"customer-{number}", password, Group.CUSTOMERS)
    signed = await market.identity.sessions.open(account, Origin(address="127.0.0.1", device="bench"))
    return Customer(user_id=account.user_id, email=account.email, token=signed.access_token)


async def _provider(market: App, number: int, password: str, seats: int) -> str:
    """An active provider with one published service; the service's id."""
    account = await _person(market, f"provider-{number}", password, Group.CUSTOMERS, Group.PROVIDERS)
    owner = Actor(actor_id=account.user_id, groups=account.groups)
    now, entropy = market.ports.clock.now(), market.ports.entropy
    fields = ProviderFields(
        name=account.name,
        headline="Portraits in daylight",
        biography="Ten years of portraits, in the street and at home. Unhurried, in the light there is.",
        location=Location(lat=38.72, lon=-9.14, place="Lisbon", zone=ZONE),
        languages=("en", "pt"),
    )
    request = RegisterProvider(provider_id=mint("prv", now, entropy), fields=fields, owner_id=owner.actor_id)
    provider_id = (await market.providers.register(request, owner)).value.provider_id
    await market.standings.submit(provider_id, owner)
    plan = SetPlan(provider_id=provider_id, zone=ZONE, week=_WEEK, step_min=60)
    await market.plans.set(plan, owner_id=owner.actor_id, actor=owner)
    service = ServiceFields(
        title="Portrait session",
        description="An hour in your neighbourhood, and twenty pictures to keep.",
        category="plumbing",
        price=PRICE,
        duration_min=60,
        mode=Mode.AT_PROVIDER,
        capacity=seats,
        instant=True,
    )
    draft = DraftService(service_id=mint("svc", now, entropy), provider_id=provider_id, fields=service)
    service_id = (await market.services.draft(draft, owner)).value.service_id
    await market.publishing.publish(service_id, owner)
    return service_id


async def _each(things: Iterable[T], act: Callable[[T], Awaitable[R]]) -> list[R]:
    """What each came to, in order, so many at once."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(thing: T) -> R:
        async with turns:
            return await act(thing)

    return list(await asyncio.gather(*map(one, things)))
