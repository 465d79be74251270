"""The whole site over a furnished marketplace: over ASGI, or served on loopback for a browser."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import AsyncGenerator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
from litestar import Litestar
from litestar.datastructures import State

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.api import calendar
from ecosystem.contexts.identity import Admission
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.web.cookies import Jar
from ecosystem.web.errors import handlers
from ecosystem.web.gate import Asgi, Gate
from ecosystem.web.kit import Kit
from ecosystem.web.limits import Rate, Rates
from ecosystem.web.pages import pages
from ecosystem.web.session import Door
from ecosystem.web.templates import Site
from ecosystem.web.visit import Visit
from market import Market, market

from .bazaar import furnished

T = TypeVar("T")
MORNING = datetime(2026, 11, 20, 9, 20, tzinfo=UTC)
PASSWORD = "Quiet-Harbour-93"
ANA, PEDRO, OLGA, IVO = "ana@example.org", "pedro@example.org", "olga@example.org", "ivo@example.org"


@dataclass(frozen=True, slots=True)
class Shop:
    """A site, and the marketplace behind it. `people` are ids of those who can sign in with `PASSWORD`, by address."""

    site: Asgi
    market: Market
    people: dict[str, str]
    providers: dict[str, str]

    def client(self, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """A browser without a browser: it keeps cookies and follows no redirects."""
        transport = httpx.ASGITransport(app=self.site, client=(address, 1))  # type: ignore[arg-type]
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


@asynccontextmanager
async def open_shop(folder: Path, url: str = "http://127.0.0.1", *, with_script: bool = False) -> AsyncGenerator[Shop]:
    """A site over a marketplace in Lisbon on a Friday morning."""
    clock = VirtualClock(MORNING)
    async with market(folder, clock, embedders=(url,), with_script=with_script) as opened:
        app = opened.app
        people = {
            address: await _admitted(opened, address, groups)
            for address, groups in (
                (ANA, (Group.CUSTOMERS,)),
                (PEDRO, (Group.CUSTOMERS, Group.PROVIDERS)),
                (OLGA, (Group.CUSTOMERS, Group.ADMINS)),
                (IVO, (Group.CUSTOMERS,)),
            )
        }
        providers = await furnished(opened)
        place = Site(
            name="Ecosystem",
            url=url,
            currency="EUR",
            zone="Europe/Lisbon",
            cards_origin="" if with_script else app.ports.cards.element.origin,
            trusted_proxies=1,
        )
        # Tests share one address and one second: their limits are tested where limits are.
        rates = Rates(writes_by_session=Rate(1_000, 1_000))
        door = Door(app.identity, Jar(place.https), app.notifications.board)
        kit = Kit.of(place, clock=clock, entropy=SystemEntropy(), door=door, rates=rates)
        inner = Litestar(
            route_handlers=[pages(), calendar.file, calendar.feed], request_class=Visit, state=State({"market": app}), exception_handlers=handlers(),
            openapi_config=None, logging_config=None,
        )  # fmt: skip
        yield Shop(site=Gate(inner, kit), market=opened, people=people, providers=providers)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Served:
    """A shop that is served. `run` does something in it, on its own loop."""

    shop: Shop
    address: str
    loop: asyncio.AbstractEventLoop

    def run(self, act: Awaitable[T]) -> T:
        return asyncio.run_coroutine_threadsafe(_awaited(act), self.loop).result(20)


@contextmanager
def served(folder: Path, *, with_script: bool = False) -> Iterator[Served]:
    """A shop on a port of its own, in a thread of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    opened: list[Served] = []
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with open_shop(folder, address, with_script=with_script) as shop:
            config = uvicorn.Config(
                shop.site, host="127.0.0.1", port=port, log_level="warning", lifespan="off", ws="none"
            )  # type: ignore[arg-type]
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            opened.append(Served(shop, address, asyncio.get_running_loop()))
            ready.set()
            while not over.is_set():
                await asyncio.sleep(0.05)
            server.should_exit = True
            await serving

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(30)
    yield opened[0]
    over.set()
    thread.join(10)


def token(page: str) -> str:
    """The token of a page's first form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


async def post(client: httpx.AsyncClient, path: str, *, seen_on: str, **fields: Any) -> httpx.Response:
    """Send a form as a person would: from the page it stands on, with that page's token."""
    page = await client.get(seen_on)
    return await client.post(path, data={"csrf_token": token(page.text), **fields})


async def sign_in(client: httpx.AsyncClient, address: str) -> None:
    answer = await post(client, "/sign-in", seen_on="/sign-in", email=address, password=PASSWORD)
    assert answer.status_code == 303, answer.text


async def mailed(shop: Shop, address: str) -> tuple[str, str]:
    """The code and the link's path of the last mail to that address."""
    operator = Actor(actor_id=shop.people[OLGA], groups=(Group.ADMINS,))
    outbox = shop.market.app.notifications.outbox
    latest = (await outbox.to(address, operator))[0]
    _, mail = await outbox.read(latest.mail_id, operator)
    code = re.search(r"\b(\d{6})\b", mail.text)
    path = re.search(r"https?://[^/\s]+(/\S+)", mail.text)
    return (code[1] if code else ""), (path[1] if path else "")


async def _admitted(opened: Market, address: str, groups: tuple[Group, ...]) -> str:
    app = opened.app
    user_id = opened.id("usr")
    name = f"{address.partition('@')[0].title()} Ferreira"
    admission = Admission(
        user_id=user_id,
        email=address,
        password=await app.ports.passwords.hashed(PASSWORD),
        name=name,
        locale="en",
        zone="Europe/Lisbon",
        groups=groups,
    )
    await app.ports.table.transact(*app.identity.people.admitting(admission, system("tests")))
    return user_id


async def _awaited(act: Awaitable[T]) -> T:
    return await act


__all__ = [
    "ANA",
    "OLGA",
    "PASSWORD",
    "PEDRO",
    "Served",
    "Shop",
    "hidden",
    "mailed",
    "open_shop",
    "post",
    "served",
    "sign_in",
    "token",
]
