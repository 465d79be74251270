"""The sandbox as a whole: its state, its courier, and its address."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from ecosystem.sandbox import accounts, uploads
from ecosystem.sandbox.acts import Act, Effect
from ecosystem.sandbox.api import BODY_BYTES_MAX, Api
from ecosystem.sandbox.control import Control
from ecosystem.sandbox.courier import Backlog, Courier
from ecosystem.sandbox.endpoints import Address
from ecosystem.sandbox.faults import Fault, Faults
from ecosystem.sandbox.happenings import happen
from ecosystem.sandbox.hosted import Hosted
from ecosystem.sandbox.pages import MERCHANT, Pages
from ecosystem.sandbox.refusals import encoded, error
from ecosystem.sandbox.settings import Keys, Profile, Settings
from ecosystem.sandbox.setup import Setup
from ecosystem.sandbox.store import Store

SHUTDOWN_S = 5.0

Middleware = Callable[
    [web.Request, Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[web.StreamResponse]
]


class Sandbox:
    """A running card processor.

    `origin` is where its API and its pages are; `public_origin` is where browsers are told that its pages are.
    """

    def __init__(self, settings: Settings, now: Callable[[], float], random: Callable[[int], bytes]) -> None:
        self.settings = settings
        self.origin = ""
        self.faults = Faults()
        self._now = now
        self._random = random
        self._store = Store(settings.data)
        self._courier = Courier(
            self._store,
            self._address(settings.webhook_url),
            settings.profile,
            now=now,
            begin=self._begin,
            seed=settings.seed,
            concurrency=settings.concurrency,
        )

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        settings: Settings,
        *,
        now: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = os.urandom,
    ) -> AsyncGenerator[Sandbox]:
        """A sandbox that listens until the end of the block. `now` is unix time, and may be a clock moved by hand."""
        sandbox = cls(settings, now, random)
        try:
            runner = web.AppRunner(
                sandbox._application(), access_log=None, shutdown_timeout=SHUTDOWN_S, keepalive_timeout=75
            )
            await runner.setup()
            site = web.TCPSite(runner, settings.host, settings.port, backlog=1024)
            try:
                await site.start()
                host, port = runner.addresses[0][:2]
                sandbox.origin = f"http://{_reached(host)}:{port}"
                await sandbox._settle_in()
                sandbox._courier.start()
                yield sandbox
            finally:
                await sandbox._courier.stop()
                await runner.cleanup()
        finally:
            await sandbox._store.close()

    @property
    def keys(self) -> Keys:
        return self.settings.keys

    @property
    def public_origin(self) -> str:
        return self.settings.public_url or self.origin

    def fail_next(self, fault: Fault) -> None:
        """Have the next calls that fit go wrong."""
        self.faults.add(fault)

    def deliver_to(self, url: str | None) -> None:
        """Where events are delivered from now on; those that wait, too. Without an address events are only listed."""
        self._courier.address = self._address(url)
        self._courier.nudge()

    def travel(self, profile: Profile) -> None:
        """How events told from now on are delivered."""
        self._courier.profile = profile

    def pause(self, *, paused: bool = True) -> None:
        """Hold all deliveries back, or let them go."""
        self._courier.paused = paused
        self._courier.nudge()

    def nudge(self) -> None:
        """Look at the clock again, after it was moved by hand."""
        self._courier.nudge()

    def backlog(self) -> Backlog:
        return self._courier.backlog()

    async def settled(self) -> None:
        """Return once nothing is on its way and nothing is about to happen."""
        await self._courier.settled()

    async def settled_by_now(self) -> None:
        """Return once everything that is due by now has happened and is delivered."""
        await self._courier.quiet()

    async def happen(self, what: str, thing_id: str, told: dict[str, Any] | None = None) -> None:
        """Have something happen that no request brings about. Raises `Refused` for what cannot."""
        await self._store.run(self._begin(), lambda act: happen(act, what, thing_id, told or {}))

    def effects(self, idempotency_key: str | None = None) -> list[Effect]:
        """What moved, oldest first: all of it, or under one idempotency key."""
        return self._store.reading.effects(idempotency_key)

    def _address(self, url: str | None) -> Address | None:
        keys = self.settings.keys
        return Address(url, keys.webhook_secret, frozenset(self.settings.webhook_events)) if url else None

    async def _settle_in(self) -> None:
        """Find the platform's own account, or open it."""
        self._store.platform = await self._store.run(self._begin(), accounts.settled_in)

    def _begin(self) -> Act:
        act = Act(
            books=self._store.reading,
            moment=self._now(),
            random=self._random,
            sequence=self._store.sequence,
            origin=self.public_origin,
            platform=self._store.platform,
            afterwards_s=self._courier.profile.afterwards_s,
        )
        act.request_id = f"req_{act.secret(14)}"
        return act

    def _application(self) -> web.Application:
        api = Api(self._store, self.settings.keys, self.faults, self._begin)
        keys = self.settings.keys
        control = Control(
            self._store, self._courier, self.faults, keys.secret_key, keys.webhook_secret, self._now, self._begin
        )
        pages = Pages(self._store, self._begin, self.settings.keys.publishable_key, self.settings.embedders)
        hosted = Hosted(self._store, self._begin, pages.page, MERCHANT)
        setup = Setup(self._store, self._begin, pages.page, MERCHANT)
        application = web.Application(client_max_size=uploads.SIZE_BYTES_MAX + BODY_BYTES_MAX)
        application.router.add_route("*", "/v1/{path:.*}", api.respond)
        application.add_routes([*control.routes(), *pages.routes(), *setup.routes(), *hosted.routes()])
        application.router.add_route("*", "/{path:.*}", _nowhere)
        return application


def _reached(host: str) -> str:
    """The host of the address at which this machine reaches what listens there."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 — not to listen there, but to call
    return f"[{own}]" if ":" in own else own


async def _nowhere(request: web.Request) -> web.Response:
    body = encoded(error(f"Unrecognized request URL ({request.method}: {request.path[:200]})."))
    return web.Response(body=body, status=404, content_type="application/json")
