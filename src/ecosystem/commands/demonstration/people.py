"""Who takes part: the operator, the customers, the providers of the catalogue, and those who become providers."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from ecosystem.app import App
from ecosystem.contexts.booking import Contact
from ecosystem.contexts.identity import Admission
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.ports.entropy import mint

ACTOR = system("demo")
ZONE = "Europe/Lisbon"
OPERATOR = ("olga@demo.example", "Olga Pires")
PROVIDER = "teresa-sousa@demo.example"
CUSTOMERS = (
    ("ana@demo.example", "Ana Ferreira"),
    ("hugo@demo.example", "Hugo Martins"),
    ("ruth@demo.example", "Ruth Keller"),
    ("sam@demo.example", "Sam Okafor"),
    ("yuki@demo.example", "Yuki Tanaka"),
    ("marta@demo.example", "Marta Gomes"),
    ("pedro@demo.example", "Pedro Almeida"),
    ("ines@demo.example", "Inês Carvalho"),
    ("luca@demo.example", "Luca Bianchi"),
    ("amelie@demo.example", "Amélie Laurent"),
    ("jonas@demo.example", "Jonas Weber"),
    ("priya@demo.example", "Priya Nair"),
    ("diogo@demo.example", "Diogo Lopes"),
    ("sofia@demo.example", "Sofia Ribeiro"),
    ("omar@demo.example", "Omar Haddad"),
    ("greta@demo.example", "Greta Lindqvist"),
    ("tiago@demo.example", "Tiago Nunes"),
    ("chloe@demo.example", "Chloe Bennett"),
    ("rui@demo.example", "Rui Fonseca"),
    ("beatriz@demo.example", "Beatriz Antunes"),
)
GUESTS = ("Nuno Reis", "Elena Popescu", "Carla Duarte", "Milan Novak", "Fátima Rocha", "Owen Price")


class Newcomer(Struct, frozen=True, kw_only=True):
    """Somebody who becomes a provider while the demo lives."""

    email: str
    name: str
    headline: str
    service: str
    category: str
    price: int
    """In cents."""


NEWCOMERS = (
    Newcomer(
        email="bruno@demo.example",
        name="Bruno Matos",
        headline="Tiles laid straight",
        service="A wall of tiles repaired",
        category="plumbing",
        price=9_000,
    ),
    Newcomer(
        email="lidia@demo.example",
        name="Lídia Faria",
        headline="Sewing and repairs",
        service="Trousers taken in",
        category="event-photography",
        price=2_400,
    ),
    Newcomer(
        email="kofi@demo.example",
        name="Kofi Mensah",
        headline="Locks opened and changed",
        service="A lock changed",
        category="plumbing",
        price=7_200,
    ),
    Newcomer(
        email="vera@demo.example",
        name="Vera Pinto",
        headline="Portraits of families",
        service="A family, at home",
        category="event-photography",
        price=12_000,
    ),
)


class Cast(Struct, frozen=True, kw_only=True):
    """Everybody, as they act."""

    operator: Actor
    customers: tuple[tuple[Actor, Contact], ...]
    owners: tuple[tuple[Actor, str], ...]
    newcomers: tuple[tuple[Actor, Newcomer], ...]

    def customer(self, part: float, *, as_guest: bool, guest_id: str) -> tuple[Actor, Contact]:
        """The customer at that part of all there are, or a guest of that id."""
        if not as_guest:
            return self.customers[int(part * len(self.customers))]
        name = GUESTS[int(part * len(GUESTS))]
        return Actor(actor_id=guest_id), Contact(name=name, email=f"{name.split()[0].lower()}@guest.example")


async def admit(market: App, catalogue: bytes, password: str) -> Cast:
    """Accounts for everybody, confirmed. Who has one already keeps it."""
    listed: list[dict[str, Any]] = msgspec.json.decode(catalogue)["providers"]
    hashed = await market.ports.passwords.hashed(password)
    people = [
        (*OPERATOR, (Group.CUSTOMERS, Group.ADMINS)),
        *((one["owner_email"], one["name"], (Group.CUSTOMERS, Group.PROVIDERS)) for one in listed),
        *((*customer, (Group.CUSTOMERS,)) for customer in CUSTOMERS),
        *((newcomer.email, newcomer.name, (Group.CUSTOMERS,)) for newcomer in NEWCOMERS),
    ]
    for email, name, groups in people:
        if await market.identity.people.owner_of(email) is None:
            admission = Admission(
                user_id=mint("usr", market.ports.clock.now(), market.ports.entropy),
                email=email,
                password=hashed,
                name=name,
                zone=ZONE,
                groups=groups,
            )
            await market.ports.table.transact(*market.identity.people.admitting(admission, ACTOR))
    await market.identity.first_operators.close()

    async def actor(email: str, *groups: Group) -> Actor:
        user_id = await market.identity.people.owner_of(email)
        assert user_id is not None
        return Actor(actor_id=user_id, groups=groups)

    return Cast(
        operator=await actor(OPERATOR[0], Group.CUSTOMERS, Group.ADMINS),
        customers=tuple(
            [(await actor(email, Group.CUSTOMERS), Contact(name=name, email=email)) for email, name in CUSTOMERS]
        ),
        owners=tuple(
            [(await actor(one["owner_email"], Group.CUSTOMERS, Group.PROVIDERS), one["name"]) for one in listed]
        ),
        newcomers=tuple([(await actor(one.email, Group.CUSTOMERS), one) for one in NEWCOMERS]),
    )
