"""What the person who runs it looks at: is it alive, is it ready, and how is it doing."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CHECK_TIMEOUT_S = 2.0
STALL_PROBE_S = 0.1
BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(slots=True)
class Operations:
    """Health checks and metrics of one process.

    `checks` are the dependencies, each passing by returning and failing by raising; `gauges` are read when asked for,
    and so are `lags`: how far what follows the changes is behind them.
    """

    checks: Mapping[str, Callable[[], Awaitable[None]]]
    gauges: Mapping[str, tuple[str, Callable[[], float]]]
    lags: Mapping[str, tuple[str, Callable[[], Awaitable[float]]]] = field(
        default_factory=dict[str, tuple[str, Callable[[], Awaitable[float]]]]
    )
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: Histogram = field(init=False)
    failures: Counter = field(init=False)
    stall: Gauge = field(init=False)
    is_stopping: bool = False
    _worst: float = field(default=0.0, init=False)
    _by_route: dict[tuple[str, str, int], Histogram] = field(
        default_factory=dict[tuple[str, str, int], Histogram], init=False
    )
    _lags: dict[str, Gauge] = field(default_factory=dict[str, Gauge], init=False)

    def __post_init__(self) -> None:
        self.requests = Histogram(
            "ecosystem_request_seconds",
            "Requests by route, method and status class",
            ["route", "method", "status"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self.failures = Counter("ecosystem_failures", "Requests that ended in a fault", registry=self.registry)
        self.stall = Gauge(
            "ecosystem_loop_stall_seconds", "Longest stall of the event loop since last read", registry=self.registry
        )
        for name, (meaning, read) in self.gauges.items():
            Gauge(f"ecosystem_{name}", meaning, registry=self.registry).set_function(read)
        for name, (meaning, _) in self.lags.items():
            self._lags[name] = Gauge(f"ecosystem_{name}", meaning, registry=self.registry)

    def measured(self, route: str, method: str, status: int, seconds: float) -> None:
        """Take in how long a request took."""
        which = (route, method, status // 100)
        histogram = self._by_route.get(which)
        if histogram is None:
            # Routes are templates and their methods few, so this stays small; finding a histogram by its labels takes
            # longer than adding to it.
            histogram = self._by_route[which] = self.requests.labels(route, method, f"{status // 100}xx")
        histogram.observe(seconds)

    async def watch_loop(self) -> None:
        """Note how late the loop wakes who slept: its longest stall. Runs until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(STALL_PROBE_S)
            late = time.perf_counter() - began - STALL_PROBE_S
            self._worst = max(self._worst, late)
            self.stall.set(self._worst)

    async def ready(self) -> dict[str, str]:
        """Each dependency: `ok`, or what is wrong with it."""

        async def one(check: Callable[[], Awaitable[None]]) -> str:
            try:
                await asyncio.wait_for(check(), CHECK_TIMEOUT_S)
            except Exception as failure:  # noqa: BLE001 — whatever is wrong is the answer
                return f"{type(failure).__name__}: {failure}"
            return "ok"

        found = {name: await one(check) for name, check in self.checks.items()}
        return found | ({"process": "stopping"} if self.is_stopping else {})

    async def _look(self) -> None:
        """Read the lags. One that cannot be read is not a number: what else is measured is still told."""
        for name, (_, read) in self.lags.items():
            try:
                lag = await asyncio.wait_for(read(), CHECK_TIMEOUT_S)
            except Exception:  # noqa: BLE001 — whatever is wrong, `ready` says it
                lag = math.nan
            self._lags[name].set(lag)

    def handlers(self) -> list[HTTPRouteHandler]:
        """The routes `/health/live`, `/health/ready` and `/metrics`."""

        @get("/health/live", include_in_schema=False, media_type=MediaType.JSON)
        async def live() -> dict[str, str]:
            return {"status": "ok"}

        @get("/health/ready", include_in_schema=False, media_type=MediaType.JSON)
        async def ready() -> Response[dict[str, object]]:
            found = await self.ready()
            is_ready = all(state == "ok" for state in found.values())
            body: dict[str, object] = {"status": "ok" if is_ready else "unavailable", "checks": found}
            return Response(body, status_code=200 if is_ready else 503)

        @get("/metrics", include_in_schema=False)
        async def metrics() -> Response[bytes]:
            await self._look()
            text = generate_latest(self.registry)
            self._worst = 0.0
            return Response(text, media_type=CONTENT_TYPE_LATEST)

        return [live, ready, metrics]
