"""Programs that speak with the API over HTTP: clients with a token, and selections of everything there is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.api import sdl
from ecosystem.api.resolvers import ROOTS
from ecosystem.contexts.identity import Admission
from ecosystem.contexts.search import Indexer
from ecosystem.kernel.actor import Actor, Group
from ecosystem.operations import Operations
from ecosystem.site import site
from ecosystem.web.cookies import Jar
from ecosystem.web.kit import Kit
from ecosystem.web.session import Door
from ecosystem.web.templates import Site
from market import SYSTEM, Market, market

PASSWORD = "Quiet-Harbour-93"
ADA, EVE, PEDRO, OLGA = (f"{name}@example.org" for name in ("ada", "eve", "pedro", "olga"))
PEOPLE = {
    ADA: Actor(actor_id="usr_01kag2m8xw0000000000000ada", groups=(Group.CUSTOMERS,)),
    EVE: Actor(actor_id="usr_01kag2m8xw0000000000000eve", groups=(Group.CUSTOMERS,)),
    PEDRO: Actor(actor_id="usr_01kag2m8xw0000000000000ped", groups=(Group.CUSTOMERS, Group.PROVIDERS)),
    OLGA: Actor(actor_id="usr_01kag2m8xw0000000000000ga0", groups=(Group.CUSTOMERS, Group.ADMINS)),
}
SCHEMA: GraphQLSchema = sdl.schema(ROOTS)
"""The schema, for tests to look at; the site under test has its own."""


class Refused(AssertionError):
    """The API refused what a test took for granted."""


@dataclass(slots=True)
class Client:
    """One program. `answered` collects the root fields that answered something."""

    http: httpx.AsyncClient
    answered: set[str] = field(default_factory=set[str])
    token: str = ""

    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}

    async def post(self, text: str, variables: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        body = {"query": text, "variables": variables or {}, **more}
        return await self.http.post("/graphql", json=body, headers=self.headers())

    async def ask(self, text: str, /, **variables: Any) -> Any:
        """The data of a query; of its one root field if it has but one."""
        said = (await self.post(text, variables)).json()
        if "errors" in said:
            raise Refused(said["errors"])
        data = said["data"]
        self.answered |= {name for name, value in data.items() if value is not None}
        return next(iter(data.values())) if len(data) == 1 else data

    async def refusal(self, text: str, /, **variables: Any) -> dict[str, Any]:
        """The one error that a query is answered with."""
        said = (await self.post(text, variables)).json()
        (error,) = said["errors"]
        return error

    async def all_of(self, name: str, /, *, depth: int = 3, **arguments: Any) -> Any:
        """Ask one root field for everything it has, its arguments as variables."""
        return await self.ask(whole(name, arguments, depth=depth), **arguments)

    async def refusal_of(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        return await self.refusal(whole(name, arguments, depth=1), **arguments)


@dataclass(frozen=True, slots=True)
class Shop:
    """The site, and the marketplace behind it."""

    market: Market
    http: httpx.AsyncClient
    provider_id: str
    service_id: str
    answered: set[str] = field(default_factory=set[str])

    @property
    def clock(self) -> VirtualClock:
        return self.market.clock

    def visitor(self) -> Client:
        return Client(self.http, self.answered)

    async def signed_in(self, email: str, password: str = PASSWORD) -> Client:
        client = self.visitor()
        signed = await client.all_of("signIn", input={"email": email, "password": password})
        client.token = signed["signedIn"]["accessToken"]
        return client

    async def guest(self) -> Client:
        client = self.visitor()
        client.token = (await client.all_of("welcomeGuest"))["token"]
        return client

    def id(self, prefix: str) -> str:
        return self.market.id(prefix)

    def tomorrow(self, hour: int = 10) -> str:
        return text_of(self.market.tomorrow(hour))

    async def hold(self, client: Client, start_at: str, service_id: str = "") -> dict[str, Any]:
        wanted = {
            "holdId": self.id("hld"),
            "serviceId": service_id or self.service_id,
            "startAt": start_at,
            "zone": "Europe/Lisbon",
        }
        return await client.all_of("takeHold", input=wanted)

    def payment(self, held: dict[str, Any], card: str = "pm_card_visa") -> dict[str, Any]:
        total = held["price"]["total"]
        return {
            "bookingId": self.id("bkg"),
            "paymentId": self.id("pay"),
            "holdId": held["holdId"],
            "contact": {"name": "Ada Lovelace", "email": ADA},
            "total": {"minor": total["minor"], "currency": total["currency"]},
            "card": card,
            "returnUrl": "https://shop.example/back",
        }

    async def book(self, client: Client, start_at: str, service_id: str = "") -> dict[str, Any]:
        """Hold and pay; the booking."""
        held = await self.hold(client, start_at, service_id)
        return (await client.all_of("pay", input=self.payment(held)))["booking"]

    async def indexed(self) -> None:
        ports = self.market.app.ports
        await Indexer(ports.table, ports.search, self.market.app.shelf, self.clock).rebuild()


def text_of(at: datetime) -> str:
    return at.isoformat()


def root_field(name: str) -> GraphQLField:
    assert SCHEMA.query_type is not None
    assert SCHEMA.mutation_type is not None
    return SCHEMA.query_type.fields.get(name) or SCHEMA.mutation_type.fields[name]


def whole(name: str, arguments: dict[str, Any], *, depth: int) -> str:
    """A query or a mutation that selects everything of a root field, down to that depth."""
    assert SCHEMA.query_type is not None
    found = root_field(name)
    kind = "query" if name in SCHEMA.query_type.fields else "mutation"
    declared = ", ".join(f"${each}: {found.args[each].type}" for each in arguments)
    given = ", ".join(f"{each}: ${each}" for each in arguments)
    selected = _everything(found, depth, ())
    return f"{kind}{f'({declared})' if declared else ''} {{ {name}{f'({given})' if given else ''}{selected} }}"


def _everything(found: GraphQLField, depth: int, above: tuple[str, ...]) -> str:
    kind = get_named_type(found.type)
    if is_leaf_type(kind):
        return ""
    assert isinstance(kind, GraphQLObjectType)
    parts = ["__typename"]
    for name, each in kind.fields.items():
        inner = get_named_type(each.type)
        if is_leaf_type(inner):
            parts.append(name)
        elif _is_flat(inner) or (len(above) < depth and inner.name not in above):
            parts.append(name + _everything(each, depth, (*above, kind.name)))
    return f" {{ {' '.join(parts)} }}"


def _is_flat(kind: Any) -> bool:
    """Whether nothing lies in an object but values."""
    return all(is_leaf_type(get_named_type(each.type)) for each in kind.fields.values())


@asynccontextmanager
async def open_shop(folder: Path, clock: VirtualClock) -> AsyncGenerator[Shop]:
    async with market(folder, clock) as opened:
        app = opened.app
        encoded = await app.ports.passwords.hashed(PASSWORD)
        for email, actor in PEOPLE.items():
            name = email.partition("@")[0].title()
            admission = Admission(user_id=actor.actor_id, email=email, password=encoded, name=name, groups=actor.groups)
            await app.ports.table.transact(*app.identity.people.admitting(admission, SYSTEM))
        provider_id = await opened.provider(PEOPLE[PEDRO])
        service_id = await opened.service(provider_id, owner=PEOPLE[PEDRO])
        place = Site(
            name="Ecosystem",
            url="http://testserver",
            currency="EUR",
            zone="Europe/Lisbon",
            cards_origin="",
            trusted_proxies=1,
        )
        door = Door(app.identity, Jar(place.https), app.notifications.board)
        kit = Kit.of(place, clock=clock, entropy=SystemEntropy(), door=door)
        served = site(app, kit, Operations(checks={}, gauges={}))
        transport = httpx.ASGITransport(app=served, client=("127.0.0.1", 1))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            yield Shop(opened, http, provider_id, service_id)
