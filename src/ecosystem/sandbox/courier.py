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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import aiohttp
import apsw
from msgspec import Struct

from ecosystem.sandbox.acts import Act
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


@dataclass(slots=True)
class Address:
    """Where events go. `only` names the types that go there, all when it is empty."""

    url: str | None
    secret: str
    only: frozenset[str]


class Courier:
    """Runs from `start` to `stop`."""

    def __init__(
        self,
        store: Store,
        address: Address,
        profile: Profile,
        *,
        now: Callable[[], float],
        begin: Callable[[], Act],
        seed: int,
        concurrency: int,
    ) -> None:
        self.profile = profile
        self.address = address
        self.paused = False
        self._store = store
        self._now = now
        self._begin = begin
        self._random = random.Random(seed)  # noqa: S311 — a repeatable disorder, not a secret
        self._deliveries: list[tuple[float, int, Delivery]] = []
        self._timers: list[tuple[float, int, Timer]] = []
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._places = asyncio.Semaphore(concurrency)
        self._flights: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._ringing = False
        self._delivered = self._failed = 0

    def start(self) -> None:
        self._store.planned = self._plan
        self._store.kept = self._take
        self._take(*self._store.outstanding())
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        self._task = asyncio.create_task(self._run(), name="sandbox-courier")

    async def stop(self) -> None:
        tasks = [task for task in (self._task, *self._flights) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def nudge(self) -> None:
        """Look again now: the clock, the address or the profile changed."""
        self._news.set()

    def backlog(self) -> Backlog:
        now = self._now()
        firsts = [delivery.first for _, _, delivery in self._deliveries]
        return Backlog(
            deliveries=len(self._deliveries) + len(self._flights),
            due=sum(due <= now for due, _, _ in self._deliveries),
            in_flight=len(self._flights),
            timers=sum(due <= now + self.profile.afterwards_s for due, _, _ in self._timers) + self._ringing,
            oldest_s=max(0.0, now - min(firsts)) if firsts else 0.0,
            delivered=self._delivered,
            failed=self._failed,
        )

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
                self._news.set()

    def _plan(self, kind: str) -> Sequence[float]:
        """The delays of an event's deliveries, drawn by the seed."""
        if self.address.url is None or (self.address.only and kind not in self.address.only):
            return ()
        profile = self.profile
        if not profile.delay_most_s and not profile.late and not profile.twice:
            return (0.0,)
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
        self._news.set()

    async def _run(self) -> None:
        pruned = self._now()
        while True:
            now = self._now()
            if now - pruned > PRUNE_S:
                pruned = now
                await self._store.prune(int(now) - KEPT_S)
            while self._timers and self._timers[0][0] <= now:
                self._ringing = True
                await self._ring(heapq.heappop(self._timers)[2])
                self._ringing = False
            while self._may_deliver(now):
                await self._places.acquire()
                flight = asyncio.create_task(self._deliver(heapq.heappop(self._deliveries)[2]))
                self._flights.add(flight)
                flight.add_done_callback(self._landed)
            self._news.clear()
            if not self._deliveries and not self._timers:
                self._idle.set()
            wait = self._wait()
            if wait is None or wait > 0:
                try:
                    await asyncio.wait_for(self._news.wait(), wait)
                except TimeoutError:
                    continue

    def _may_deliver(self, now: float) -> bool:
        return bool(self._deliveries and self._deliveries[0][0] <= now and self.address.url and not self.paused)

    def _wait(self) -> float | None:
        """How long nothing is due; None when nothing waits at all."""
        delivering = self._deliveries if self.address.url and not self.paused else []
        dues = [waiting[0][0] for waiting in (delivering, self._timers) if waiting]
        return min(min(dues) - self._now(), WATCH_S) if dues else None

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flights.discard(flight)
        self._places.release()
        if not flight.cancelled() and (broken := flight.exception()):
            log.error("A delivery broke off.", exc_info=broken)
        if not self._flights:
            self._idle.set()

    async def _ring(self, timer: Timer) -> None:
        act = self._begin()

        def work(act: Act) -> None:
            act.rung.append(timer.seq)
            if thing := act.books.record(timer.subject):
                act.seen[thing.id] = thing
                TIMERS[timer.what](act, thing)

        try:
            await self._store.run(act, work)
        except (apsw.Error, Refused):
            log.exception("The timer %s of %s could not run; it runs again in a minute.", timer.what, timer.subject)
            self._take([], [replace(timer, due=self._now() + 60.0)])

    async def _deliver(self, delivery: Delivery) -> None:
        body = self._store.reading.event_body(delivery.event)
        if body is None:
            self._store.finish(delivery)
            return
        if await self._posted(body):
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

    async def _posted(self, body: bytes) -> bool:
        assert self._session
        assert self.address.url
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, self.address.secret, int(self._now())),
            "User-Agent": "Ecosystem-Sandbox/1.0",
        }
        try:
            async with self._session.post(
                self.address.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


def signature(body: bytes, secret: str, at: int) -> str:
    """The header that proves who sent the body, and when: HMAC-SHA256 over `<at>.<body>`."""
    digest = hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256").hex()
    return f"t={at},v1={digest}"
