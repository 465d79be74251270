"""What the card processor tells, held back until a test hands it on; and the processor's own desk."""

from __future__ import annotations

import hmac
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import msgspec

from ecosystem.contexts.payments import Webhook
from market import KEYS, Market
from sandbox.calling import Caller, Listener, listening


@dataclass
class News:
    """Nothing reaches the marketplace but what is handed on."""

    shop: Market
    listener: Listener
    desk: Caller

    async def at_desk(self, path: str, account: str = "", **form: Any) -> dict[str, Any]:
        """Somebody does this at the processor's own desk."""
        headers = {"Stripe_Account": account} if account else {}
        said = await self.desk("POST", f"/v1/{path}", {name: str(told) for name, told in form.items()}, **headers)
        assert said.status == 200, said.body
        return said.body

    async def happens(self, what: str, thing_id: str, **told: Any) -> None:
        await self.shop.sandbox.happen(what, thing_id, told)
        await self.shop.sandbox.settled()

    async def days(self, count: int) -> None:
        """Days go by at the processor, and nobody sweeps here."""
        for _ in range(count):
            self.shop.clock.advance(timedelta(days=1))
            await self.shop.sandbox.settled_by_now()

    async def told(self, kind: str) -> list[dict[str, Any]]:
        """The events of that type so far."""
        await self.shop.sandbox.settled_by_now()
        return [event for event in self.listener.heard if event["type"] == kind]

    async def all(self) -> list[bytes]:
        """Every event so far, as it came."""
        await self.shop.sandbox.settled_by_now()
        return [body for body, _ in self.listener.raw]

    async def hand_on(self, body: bytes) -> Webhook:
        """Deliver an event now, and have it acted upon."""
        at = int(self.shop.clock.now().timestamp())
        signed = hmac.digest(KEYS.webhook_secret.encode(), f"{at}.".encode() + body, "sha256").hex()
        receipt = await self.shop.app.webhooks.receive(body, f"t={at},v1={signed}")
        await self.shop.app.hearing.act(receipt.hint.event_id)
        return (await self.shop.app.webhooks.webhook(receipt.hint.event_id)).value

    async def only(self, kind: str) -> None:
        """Deliver the events of that type and no other, each three times."""
        bodies = [body for body in await self.all() if msgspec.json.decode(body)["type"] == kind]
        assert bodies, f"no {kind} among {sorted(set(self.listener.types))}"
        for body in bodies * 3:
            assert (await self.hand_on(body)).is_closed

    async def in_disorder(self, chance: random.Random, days: float = 0) -> None:
        """Deliver all events three times in any order, over so many days."""
        bodies = await self.all() * 3
        chance.shuffle(bodies)
        pauses = [chance.random() for _ in bodies]
        for body, pause in zip(bodies, pauses, strict=True):
            self.shop.clock.advance(timedelta(days=days) * (pause / sum(pauses)))
            assert (await self.hand_on(body)).is_closed


def retyped(event: dict[str, Any], kind: str, **subject: Any) -> bytes:
    """The event as one of another type would come, pointing at the same thing, or at another."""
    told = {**event["data"], "object": {**event["data"]["object"], **subject}}
    return msgspec.json.encode({**event, "id": f"evt_{kind.replace('.', '_')}", "type": kind, "data": told})


@asynccontextmanager
async def held_back(shop: Market) -> AsyncGenerator[News]:
    """The processor's events arrive here, until the end of the block."""
    async with listening() as listener, aiohttp.ClientSession() as http:
        shop.sandbox.deliver_to(listener.url)
        yield News(shop, listener, Caller(shop.sandbox.origin, http, KEYS.secret_key))
