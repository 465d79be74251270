"""The courier: delivers signed events to the account's address, and rings the timers that are due.

An event travels as the profile says: late, twice, out of order, but at least once. What was not answered with a 2xx is
tried again with growing patience, for three days. What waits is in the store, and survives a restart.
"""

from __future__ import annotations

import asyncio
import heapq
import hmac
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

import aiohttp
import apsw
from msgspec import Struct

from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.endpoints import Address, addresses
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.routes import TIMERS
from ecosystem.sandbox.settings import Profile
from ecosystem.sandbox.store import Delivery, Store, Timer

log = logging.getLogger(__name__)

TIMEOUT_S = 20.0
WATCH_S = 0.2
"""How often a clock that may be moved by hand is looked at."""
PRUNE_S = 6 * 3600.0
KEPT_S = 30 * 86400
"""Events and remembered answers are kept this long."""


class Backlog(Struct, frozen=True, kw_only=True):
    """What is yet to be delivered, and to happen soon. `oldest_s` is the age of the oldest delivery."""

    deliveries: int
    due: int
    in_flight: int
    timers: int
    oldest_s: float
    delivered: int
    failed: int


class Courier:
    """Runs from `start` to `stop`."""

    def __init__(
        self,
        store: Store,
        address: Address | None,
        profile: Profile,
        *,
        now: Callable[[], float],
        begin: Callable[[], Act],
        seed: int,
        concurrency: int,
    ) -> None:
        self.profile = profile
        self.address = address
        self.endpoints: dict[str, Address] = {}
        self.paused = False
        self._store = store
        self._now = now
        self._begin = begin
        self._random = random.Random(seed)  # noqa: S311 — a repeatable disorder, not a secret
        self._deliveries: list[tuple[float, int, Delivery]] = []
        self._timers: list[tuple[float, int, Timer]] = []
        self._concurrency = concurrency
        self._flights: set[asyncio.Task[None]] = set()
        self._rings: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None
        self._pruned = now()
        self._delivered = self._failed = 0

    def start(self) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        self._store.planned = self._plan
        self._store.kept = self._take
        self._store.rerouted = self._reroute
        self._reroute()
        self._take(*self._store.outstanding())

    async def stop(self) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._concurrency = 0
        tasks = [*self._flights, *self._rings]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def nudge(self) -> None:
        """Look again now: the clock, the address or the profile changed."""
        self._pump()

    def backlog(self) -> Backlog:
        now = self._now()
        firsts = [delivery.first for _, _, delivery in self._deliveries]
        return Backlog(
            deliveries=len(self._deliveries) + len(self._flights),
            due=sum(due <= now for due, _, _ in self._deliveries),
            in_flight=len(self._flights),
            timers=sum(due <= now + self.profile.afterwards_s for due, _, _ in self._timers) + len(self._rings),
            oldest_s=max(0.0, now - min(firsts)) if firsts else 0.0,
            delivered=self._delivered,
            failed=self._failed,
        )

    async def quiet(self) -> None:
        """Return once everything that is due by now has been delivered and has happened."""
        self._pump()
        while self._flights or self._rings or self._is_due():
            self._idle.clear()
            try:
                await asyncio.wait_for(self._idle.wait(), WATCH_S)
            except TimeoutError:
                self._pump()

    def next_at(self) -> float | None:
        """When the next delivery or timer is due."""
        dues = [waiting[0][0] for waiting in (self._deliveries, self._timers) if waiting]
        return min(dues) if dues else None

    async def settled(self) -> None:
        """Return once nothing is on its way and nothing is about to happen."""
        while True:
            backlog = self.backlog()
            if not (backlog.deliveries or backlog.timers):
                return
            self._idle.clear()
            try:
                await asyncio.wait_for(self._idle.wait(), WATCH_S)
            except TimeoutError:
                self._pump()

    def _reroute(self) -> None:
        self.endpoints = addresses(self._store.reading)

    def _to(self, endpoint: str) -> Address | None:
        return self.endpoints.get(endpoint) if endpoint else self.address

    def _plan(self, event: Record) -> Sequence[tuple[str, float]]:
        """Where an event is delivered and after which delays, drawn by the seed."""
        named = [name for name, address in self.endpoints.items() if address.takes(event.body)]
        if self.address and self.address.takes(event.body):
            named.append("")
        return [(name, delay) for name in named for delay in self._delays()]

    def _delays(self) -> Sequence[float]:
        profile = self.profile
        if not profile.delay_most_s and not profile.late and not profile.twice and not profile.lost:
            return (0.0,)
        if self._random.random() < profile.lost:
            return ()
        delays = [self._delay()]
        if self._random.random() < profile.twice:
            delays.append(self._delay() + self._random.random() * profile.late_s)
        return delays

    def _delay(self) -> float:
        profile = self.profile
        delay = self._random.uniform(profile.delay_least_s, profile.delay_most_s)
        return delay + (profile.late_s if self._random.random() < profile.late else 0.0)

    def _take(self, deliveries: list[Delivery], timers: list[Timer]) -> None:
        for delivery in deliveries:
            heapq.heappush(self._deliveries, (delivery.due, delivery.seq, delivery))
        for timer in timers:
            heapq.heappush(self._timers, (timer.due, timer.seq, timer))
        self._pump()

    def _pump(self) -> None:
        """Start what is due, and come again when the next is."""
        if self._session is None or self._session.closed:
            return
        now = self._now()
        while self._timers and self._timers[0][0] <= now:
            self._start(self._rings, self._ring(heapq.heappop(self._timers)[2]))
        while self._may_deliver() and self._deliveries[0][0] <= now:
            self._start(self._flights, self._deliver(heapq.heappop(self._deliveries)[2]))
        if now - self._pruned > PRUNE_S:
            self._pruned = now
            self._start(self._rings, self._store.prune(int(now) - KEPT_S))
        if self._alarm:
            self._alarm.cancel()
        dues = [waiting[0][0] for waiting in (self._deliveries if self._may_deliver() else [], self._timers) if waiting]
        # A clock that may be moved by hand is looked at from time to time.
        wait = min(max(min(dues) - now, 0.0), WATCH_S) if dues else None
        self._alarm = asyncio.get_running_loop().call_later(wait, self._pump) if wait is not None else None

    def _is_due(self) -> bool:
        now = self._now()
        goes = bool(self._deliveries and self._reaches) and not self.paused
        return bool(self._timers and self._timers[0][0] <= now) or (goes and self._deliveries[0][0] <= now)

    @property
    def _reaches(self) -> bool:
        """Whether events go anywhere; else they wait for an address."""
        return bool(self.address or self.endpoints)

    def _may_deliver(self) -> bool:
        there = bool(self._deliveries and self._reaches) and not self.paused
        return there and len(self._flights) < self._concurrency

    def _start(self, among: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        among.add(task)
        task.add_done_callback(lambda done: self._ended(among, done))

    def _ended(self, among: set[asyncio.Task[None]], done: asyncio.Task[None]) -> None:
        among.discard(done)
        if done.cancelled():
            return
        if broken := done.exception():
            log.error("The courier stumbled.", exc_info=broken)
        if self._deliveries or self._timers:
            self._pump()
        if not (self._flights or self._rings):
            self._idle.set()

    async def _ring(self, timer: Timer) -> None:
        act = self._begin()

        def work(act: Act) -> None:
            act.rung.append(timer.seq)
            if thing := act.books.record(timer.subject):
                act.seen[thing.id] = thing
                act.account = thing.owner
                TIMERS[timer.what](act, thing)

        try:
            await self._store.run(act, work)
        except (apsw.Error, Refused):
            log.exception("The timer %s of %s could not run; it runs again in a minute.", timer.what, timer.subject)
            self._take([], [replace(timer, due=self._now() + 60.0)])

    async def _deliver(self, delivery: Delivery) -> None:
        body = self._store.reading.event_body(delivery.event)
        address = self._to(delivery.endpoint)
        if body is None or address is None:
            self._store.finish(delivery)
            return
        if await self._posted(body, address):
            self._delivered += 1
            self._store.finish(delivery)
            return
        self._failed += 1
        now = self._now()
        if now - delivery.first > self.profile.give_up_s:
            self._store.finish(delivery)
            return
        patience = min(self.profile.retry_s * 2**delivery.attempt, self.profile.retry_most_s)
        again = replace(delivery, due=now + patience * self._random.uniform(0.8, 1.2), attempt=delivery.attempt + 1)
        self._store.postpone(again)
        self._take([again], [])

    async def _posted(self, body: bytes, address: Address) -> bool:
        assert self._session
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, address.secret, int(self._now())),
            "User-Agent": "Ecosystem-Sandbox/1.0",
        }
        try:
            async with self._session.post(address.url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


def signature(body: bytes, secret: str, at: int) -> str:
    """The header that proves who sent the body, and when: HMAC-SHA256 over `<at>.<body>`."""
    digest = hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256").hex()
    return f"t={at},v1={digest}"
