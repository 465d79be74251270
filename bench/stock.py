"""A marketplace stocked for measuring: providers who work at all hours, what they offer, and customers.

Everything is made by the product's own acts, many at once. People are called by their numbers, all names equally long.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

from msgspec import Struct

from bench.search import documents
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
from ecosystem.workflows.functions import TABLE
from ecosystem.workflows.wiring import Wiring

ACTOR = system("bench")
AT_ONCE = 64
TOGETHER = 10_000
ZONE = "Europe/Lisbon"
PRICE = Money(10_000, "EUR")
_DAY = (Window("00:00", "24:00"),)
_WEEK = Week(monday=_DAY, tuesday=_DAY, wednesday=_DAY, thursday=_DAY, friday=_DAY, saturday=_DAY, sunday=_DAY)

T = TypeVar("T")
R = TypeVar("R")


class Customer(Struct, frozen=True, kw_only=True):
    """Somebody with an account. `token` is the access token of their session, empty without one."""

    user_id: str
    email: str
    token: str = ""


class Supplier(Struct, frozen=True, kw_only=True):
    """A provider, who runs it, and the services it offers, each of an hour."""

    provider_id: str
    owner_id: str
    services: list[str]


class Stock(Struct, frozen=True, kw_only=True):
    """What there is to buy, and who may buy it. `services` has one of each provider."""

    suppliers: list[Supplier]
    customers: list[Customer]

    @property
    def services(self) -> list[str]:
        return [supplier.services[0] for supplier in self.suppliers]


class Wanted(Struct, frozen=True, kw_only=True):
    """How much of what: `seats` says how many people the services of each provider take at a time."""

    providers: int
    customers: int
    services_each: int = 1
    signed_in: bool = True
    seats: Callable[[int], int] = lambda _: 1


async def stocked(chosen: Settings, wanted: Wanted, told: Callable[[str], None] = lambda _: None) -> Stock:
    """Fill the folder, which nobody serves yet, and let everything follow that follows."""
    async with without_processor(chosen) as (market, _):
        password = await market.ports.passwords.hashed("Bench-1234-words")
        offered = _offered(wanted.providers * wanted.services_each)

        async def provider(number: int) -> Supplier:
            fields = list(itertools.islice(offered, wanted.services_each))
            return await _provider(market, number, password, fields, wanted.seats(number))

        async def customer(number: int) -> Customer:
            return await _customer(market, number, password, signed_in=wanted.signed_in)

        suppliers = await _each(range(wanted.providers), provider, lambda done: told(f"{done:,} providers"))
        customers = await _each(range(wanted.customers), customer, lambda done: told(f"{done:,} customers"))
        # Without a processor there are no payout accounts: the executions that would ask for them are not begun.
        functions = [function for function in TABLE if function.name != "workflow-orchestrator"]
        await Wiring.of(market, functions).settled()
    return Stock(suppliers=suppliers, customers=customers)


def email(role: str, number: int) -> str:
    return f"{role}-{number:07d}@bench.example"


def name(role: str, number: int) -> str:
    return f"{role.title()} {number:07d}"


def _offered(count: int) -> Iterator[ServiceFields]:
    """Services of all kinds, in invented words."""
    for document in documents(count):
        yield ServiceFields(
            title=document.title,
            description=document.description,
            category=document.path[-1],
            price=PRICE,
            duration_min=60,
            mode=Mode.AT_PROVIDER,
            instant=True,
        )


async def _person(market: App, role: str, number: int, password: str, *groups: Group) -> Account:
    admission = Admission(
        user_id=mint("usr", market.ports.clock.now(), market.ports.entropy),
        email=email(role, number),
        password=password,
        name=name(role, number),
        zone=ZONE,
        groups=groups,
    )
    writes = market.identity.people.admitting(admission, ACTOR)
    await market.ports.table.transact(*writes)
    return next(each.value for each in writes if isinstance(each, Put) and isinstance(each.value, Account))


async def _customer(market: App, number: int, password: str, *, signed_in: bool) -> Customer:
    account = await _person(market, "customer", number, password, Group.CUSTOMERS)
    if not signed_in:
        return Customer(user_id=account.user_id, email=account.email)
    signed = await market.identity.sessions.open(account, Origin(address="127.0.0.1", device="bench"))
    return Customer(user_id=account.user_id, email=account.email, token=signed.access_token)


async def _provider(market: App, number: int, password: str, offered: list[ServiceFields], seats: int) -> Supplier:
    """An active provider with published services."""
    account = await _person(market, "provider", number, password, Group.CUSTOMERS, Group.PROVIDERS)
    owner = Actor(actor_id=account.user_id, groups=account.groups)
    now, entropy = market.ports.clock.now(), market.ports.entropy
    fields = ProviderFields(
        name=account.name,
        headline="Done well, and on time",
        biography="Ten years in this trade, in the street and at home. Unhurried, in the light there is.",
        location=Location(lat=38.0 + number % 1000 / 1000, lon=-9.14, place="Lisbon", zone=ZONE),
        languages=("en", "pt"),
    )
    request = RegisterProvider(provider_id=mint("prv", now, entropy), fields=fields, owner_id=owner.actor_id)
    provider_id = (await market.providers.register(request, owner)).value.provider_id
    await market.standings.submit(provider_id, owner)
    plan = SetPlan(provider_id=provider_id, zone=ZONE, week=_WEEK, step_min=60)
    await market.plans.set(plan, owner_id=owner.actor_id, actor=owner)
    services: list[str] = []
    for each in offered:
        seated = ServiceFields(
            **{field: getattr(each, field) for field in each.__struct_fields__ if field != "capacity"}, capacity=seats
        )
        draft = DraftService(service_id=mint("svc", now, entropy), provider_id=provider_id, fields=seated)
        service_id = (await market.services.draft(draft, owner)).value.service_id
        await market.publishing.publish(service_id, owner)
        services.append(service_id)
    return Supplier(provider_id=provider_id, owner_id=owner.actor_id, services=services)


async def _each(things: Iterable[T], act: Callable[[T], Awaitable[R]], done: Callable[[int], None]) -> list[R]:
    """What each came to, in order, so many at once."""
    waiting = enumerate(things)
    found: dict[int, R] = {}

    async def worker() -> None:
        for place, thing in waiting:
            found[place] = await act(thing)
            if len(found) % TOGETHER == 0:
                done(len(found))

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return [found[place] for place in range(len(found))]
