"""A caller of the sandbox's API, and a listener for its events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from ecosystem.sandbox import Keys

KEYS = Keys.new()
SHOP = "http://127.0.0.1:8000"


@dataclass
class Said:
    """An answer of the API."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def error(self) -> dict[str, Any]:
        return self.body["error"]


@dataclass
class Caller:
    """Calls the API with a key."""

    origin: str
    session: aiohttp.ClientSession
    secret: str = KEYS.secret_key

    async def __call__(
        self,
        method: str,
        path: str,
        form: dict[str, str] | bytes | None = None,
        *,
        key: str | None = None,
        secret: str | None = None,
        **headers: str,
    ) -> Said:
        told = {"Authorization": f"Bearer {self.secret if secret is None else secret}"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            told["Idempotency-Key"] = key
        sent = {"params": form} if method == "GET" else {"data": form or {}}
        async with self.session.request(method, f"{self.origin}{path}", headers=told, **sent) as answer:
            return Said(answer.status, msgspec.json.decode(await answer.read()), dict(answer.headers))

    async def pay(self, card: str = "pm_card_visa", key: str | None = None, **form: str) -> Said:
        return await self("POST", "/v1/payment_intents", payment(card, **form), key=key)


def payment(card: str = "pm_card_visa", **form: str) -> dict[str, str]:
    return {
        "amount": "11000",
        "currency": "eur",
        "payment_method_types[]": "card",
        "payment_method": card,
        "confirm": "true",
        **form,
    }


@dataclass
class Listener:
    """Where events are delivered. `answers` are the statuses given to the next deliveries; 200 after them."""

    url: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    raw: list[tuple[bytes, str]] = field(default_factory=list[tuple[bytes, str]])
    answers: list[int] = field(default_factory=list[int])

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.heard]

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.raw.append((body, request.headers["Stripe-Signature"]))
        self.heard.append(msgspec.json.decode(body))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    application = web.Application()
    application.router.add_post("/hook", listener.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield listener
    await runner.cleanup()
