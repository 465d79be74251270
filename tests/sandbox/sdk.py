"""The official SDK, pointed at a sandbox, and a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import stripe
from msgspec.structs import replace

from ecosystem.sandbox import CALM, Sandbox, Settings
from ecosystem.sandbox.clock import StandingClock
from sandbox.calling import KEYS, Listener, listening

MONDAY = 1_790_553_600
"""2026-09-28T00:00:00Z."""
DAY = 86_400


class Recording(stripe.AIOHTTPClient):
    """The SDK's client, keeping what was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Any] = []

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        content, status, told = await super().request_async(method, url, headers, post_data)
        if status == 200 and content.startswith(b"{"):
            self.answers.append(msgspec.json.decode(content))
        return content, status, told


@dataclass
class World:
    """A sandbox at a standing clock, its listener, and the SDK that talks to it."""

    sandbox: Sandbox
    clock: StandingClock
    listener: Listener
    client: stripe.StripeClient
    http: Recording

    @property
    def v1(self) -> Any:
        return self.client.v1

    async def move(self, days: float) -> None:
        """Let that many days pass, day by day, with all that happens on each."""
        until = self.clock() + days * DAY
        while self.clock() < until:
            self.clock.move(min(until, (self.clock() // DAY + 1) * DAY))
            await self.sandbox.settled_by_now()

    async def settled(self) -> None:
        await self.sandbox.settled()

    async def account(self, number: str = "000123456789", **settings: Any) -> Any:
        """A connected account that is verified, with an American bank account of that number."""
        made = await self.v1.accounts.create_async(
            {
                "type": "custom",
                "country": "US",
                "email": "paula@example.org",
                "capabilities": {"transfers": {"requested": True}, "card_payments": {"requested": True}},
                "external_account": {
                    "object": "bank_account",
                    "country": "US",
                    "currency": "usd",
                    "routing_number": "110000000",
                    "account_number": number,
                },
                "settings": {"payouts": {"schedule": {"interval": "manual"}, **settings}},
            }
        )
        await self.happen("account.verified", made.id)
        return await self.v1.accounts.retrieve_async(made.id)

    async def happen(self, what: str, thing: str, **told: Any) -> None:
        """Have something happen that no request brings about."""
        await self.sandbox.happen(what, thing, told)
        await self.settled()

    async def paid(self, amount: int = 100_000, method: str = "pm_card_bypassPending", **more: Any) -> Any:
        """A payment; its money is available at once unless another card is named."""
        return await self.v1.payment_intents.create_async(
            {
                "amount": amount,
                "currency": "usd",
                "payment_method_types": ["card"],
                "payment_method": method,
                "confirm": True,
                **more,
            }
        )

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.listener.heard if event["type"] == kind]


@asynccontextmanager
async def world(folder: Path, at: float = MONDAY + 36_000) -> AsyncIterator[World]:
    clock = StandingClock(at)
    settings = Settings(data=folder / "sandbox.sqlite", keys=KEYS, profile=replace(CALM))
    async with listening() as listener, Sandbox.running(settings, now=clock) as sandbox:
        sandbox.deliver_to(listener.url)
        http = Recording()
        client = stripe.StripeClient(
            KEYS.secret_key,
            http_client=http,
            max_network_retries=0,
            base_addresses={"api": sandbox.origin, "files": sandbox.origin, "connect": sandbox.origin},
        )
        yield World(sandbox, clock, listener, client, http)
        await http.close_async()
