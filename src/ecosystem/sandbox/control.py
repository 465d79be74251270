"""The desk of the sandbox itself, under `/_sandbox/`: what no real processor offers, for tests, drills and benches.

| method and address | what |
| --- | --- |
| `GET /_sandbox/health` | alive, without a key |
| `GET /_sandbox/backlog` | what is yet to be delivered |
| `POST /_sandbox/settled` | answers once nothing is on its way |
| `GET, POST, DELETE /_sandbox/faults` | what goes wrong with the next calls (`faults.py`) |
| `GET /_sandbox/effects?idempotency_key=` | the log of what moved, to prove that it moved once |
| `GET, POST /_sandbox/webhooks` | pause and resume, address, profile |
| `POST /_sandbox/cards` | takes a number that nobody has as another test card (`cards.py`) |
| `POST /_sandbox/happen` | has something happen that no request brings about (`happenings.py`) |
| `POST /_sandbox/clock` | moves a standing clock; answers once all that was due by then is done |

All but health want the secret key.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct, field
from msgspec.structs import replace as with_fields

from ecosystem.sandbox import cards
from ecosystem.sandbox.acts import Act
from ecosystem.sandbox.clock import StandingClock
from ecosystem.sandbox.courier import Courier
from ecosystem.sandbox.endpoints import Address
from ecosystem.sandbox.faults import Fault, Faults
from ecosystem.sandbox.happenings import happen
from ecosystem.sandbox.refusals import Refused, encoded, error
from ecosystem.sandbox.settings import Profile
from ecosystem.sandbox.store import Store

SETTLED_S = 60.0

Handle = Callable[[web.Request], Awaitable[web.Response]]


class Travel(Struct, kw_only=True, forbid_unknown_fields=True):
    """How webhooks travel from now on; what is left out stays."""

    paused: bool | None = None
    url: str | None = None
    profile: Profile | None = None


class Likeness(Struct, kw_only=True, forbid_unknown_fields=True):
    """A number that is to be taken as the test card of another one, until the sandbox ends."""

    number: str
    like: str


class Moment(Struct, kw_only=True, forbid_unknown_fields=True):
    """Where the clock is to stand; None goes with the machine's time again."""

    at: float | None


class Happening(Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to happen, to which thing, and what is told with it."""

    what: str
    id: str
    told: dict[str, Any] = field(default_factory=dict[str, Any])


class Passed(Struct, frozen=True, kw_only=True):
    """What the time is, when something is due next, and how many deliveries were taken or refused since the start."""

    at: float
    next_at: float | None
    delivered: int
    failed: int


@dataclass(frozen=True, slots=True)
class Control:
    """Serves the desk."""

    store: Store
    courier: Courier
    faults: Faults
    secret_key: str
    webhook_secret: str
    now: Callable[[], float]
    begin: Callable[[], Act]

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/_sandbox/health", self.health),
            web.get("/_sandbox/backlog", self._guarded(self.backlog)),
            web.post("/_sandbox/settled", self._guarded(self.settled)),
            web.get("/_sandbox/faults", self._guarded(self.list_faults)),
            web.post("/_sandbox/faults", self._guarded(self.add_fault)),
            web.delete("/_sandbox/faults", self._guarded(self.clear_faults)),
            web.get("/_sandbox/effects", self._guarded(self.effects)),
            web.get("/_sandbox/webhooks", self._guarded(self.webhooks)),
            web.post("/_sandbox/webhooks", self._guarded(self.change_webhooks)),
            web.post("/_sandbox/cards", self._guarded(self.add_card)),
            web.post("/_sandbox/happen", self._guarded(self.happen)),
            web.post("/_sandbox/clock", self._guarded(self.move_clock)),
        ]

    async def health(self, _: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def backlog(self, _: web.Request) -> web.Response:
        return _json(self.courier.backlog())

    async def settled(self, _: web.Request) -> web.Response:
        try:
            await asyncio.wait_for(self.courier.settled(), SETTLED_S)
        except TimeoutError:
            return _json(self.courier.backlog(), status=503)
        return _json(self.courier.backlog())

    async def list_faults(self, _: web.Request) -> web.Response:
        return _json(self.faults.shown())

    async def add_fault(self, request: web.Request) -> web.Response:
        self.faults.add(msgspec.json.decode(await request.read(), type=Fault))
        return _json(self.faults.shown())

    async def clear_faults(self, _: web.Request) -> web.Response:
        self.faults.clear()
        return _json([])

    async def effects(self, request: web.Request) -> web.Response:
        return _json(self.store.reading.effects(request.query.get("idempotency_key")))

    async def webhooks(self, _: web.Request) -> web.Response:
        return _json(self._travel())

    async def change_webhooks(self, request: web.Request) -> web.Response:
        wanted = msgspec.json.decode(await request.read(), type=Travel)
        if wanted.paused is not None:
            self.courier.paused = wanted.paused
        if wanted.url is not None:
            known = self.courier.address
            self.courier.address = replace(known, url=wanted.url) if known else Address(wanted.url, self.webhook_secret)
        if wanted.profile is not None:
            self.courier.profile = wanted.profile
        self.courier.nudge()
        return _json(self._travel())

    async def add_card(self, request: web.Request) -> web.Response:
        wanted = msgspec.json.decode(await request.read(), type=Likeness)
        if not cards.is_number(wanted.number) or wanted.like not in cards.BY_NUMBER:
            raise msgspec.ValidationError("That is no card's number, or like no test card.")
        cards.BY_NUMBER[wanted.number] = with_fields(cards.BY_NUMBER[wanted.like], number=wanted.number)
        return _json({"last4": wanted.number[-4:]})

    async def happen(self, request: web.Request) -> web.Response:
        wanted = msgspec.json.decode(await request.read(), type=Happening)
        try:
            await self.store.run(self.begin(), lambda act: happen(act, wanted.what, wanted.id, wanted.told))
        except Refused as refused:
            return web.Response(body=encoded(refused.body), status=refused.status, content_type="application/json")
        return _json({"what": wanted.what, "id": wanted.id})

    async def move_clock(self, request: web.Request) -> web.Response:
        wanted = msgspec.json.decode(await request.read(), type=Moment)
        if not isinstance(self.now, StandingClock):
            raise msgspec.ValidationError("This sandbox goes by another clock.")
        self.now.move(wanted.at)
        try:
            await asyncio.wait_for(self.courier.quiet(), SETTLED_S)
        except TimeoutError:
            return _json(self.courier.backlog(), status=503)
        backlog = self.courier.backlog()
        return _json(
            Passed(
                at=self.now(),
                next_at=self.courier.next_at(),
                delivered=backlog.delivered,
                failed=backlog.failed,
            )
        )

    def _travel(self) -> Travel:
        return Travel(
            paused=self.courier.paused,
            url=self.courier.address.url if self.courier.address else None,
            profile=self.courier.profile,
        )

    def _guarded(self, handle: Handle) -> Handle:
        async def guarded(request: web.Request) -> web.Response:
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self.secret_key.encode()):
                return web.Response(
                    body=encoded(error("The sandbox's desk wants the secret key.")),
                    status=401,
                    content_type="application/json",
                )
            try:
                return await handle(request)
            except (msgspec.ValidationError, msgspec.DecodeError) as unread:
                return web.Response(body=encoded(error(str(unread))), status=400, content_type="application/json")

        return guarded


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
