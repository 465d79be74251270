"""`ecosystem serve`: the marketplace in one process, with the sandbox processor as another company beside it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from types import FrameType
from urllib.parse import urlsplit

import uvicorn
import uvloop

from ecosystem.adapters.embedded.deployment import Embedded
from ecosystem.adapters.outside.clock import HeldClock
from ecosystem.app import App
from ecosystem.commands import banking, control, demo, logs
from ecosystem.commands.acts import acts
from ecosystem.commands.demonstration.passage import stood_at
from ecosystem.commands.opening import STANDS_AT, opened
from ecosystem.commands.settings import Settings, Wrong, is_loopback
from ecosystem.operations import Operations
from ecosystem.site import site
from ecosystem.web.cookies import Jar
from ecosystem.web.kit import Kit
from ecosystem.web.session import Door
from ecosystem.web.templates import Site
from ecosystem.workflows.wiring import Wiring

log = logging.getLogger(__name__)
GRACE_S = 10


class PortTaken(Wrong):
    """Another program listens on this port."""


class _Server(uvicorn.Server):
    """Says that it is open once it listens, and not ready from the moment it is told to stop."""

    def __init__(self, config: uvicorn.Config, operations: Operations, opened: Callable[[], None]) -> None:
        super().__init__(config)
        self._operations = operations
        self._opened = opened

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._opened()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._operations.is_stopping = True
        super().handle_exit(sig, frame)


def serve(chosen: Settings) -> int:
    """Serve until told to stop; 0 after a graceful end."""
    logs.configure(chosen.log_level)
    # uvicorn raises the signal that ended it again once it is done: by then there is still a table to close.
    told = _Told()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told.note)
    uvloop.run(_serve(chosen, told))
    return 0


class _Told:
    """Whether the process was told to stop, before there was a server to tell."""

    def __init__(self) -> None:
        self.to_stop = False

    def note(self, _number: int, _frame: FrameType | None) -> None:
        self.to_stop = True


async def _serve(chosen: Settings, told: _Told) -> None:
    began = time.perf_counter()
    _must_be_free(chosen.host, chosen.port)
    if not chosen.stripe:
        _must_be_free(chosen.processor_host, chosen.processor_port)
    clock = HeldClock(stood_at(chosen.data / STANDS_AT))
    async with opened(chosen, clock) as (market, deployment):
        first = await demo.first_start(
            market, deployment, clock, chosen, lambda line: print(line, flush=True), lambda: told.to_stop
        )
        if clock.is_held:
            return  # Told to stop while the demo was made: it goes on at the next start.
        wiring = Wiring.of(market)
        operations = _operations(deployment, wiring)
        kit = _kit(market, chosen)
        server = _Server(
            _uvicorn(site(market, kit, operations), chosen),
            operations,
            lambda: print(_welcome(chosen, first, time.perf_counter() - began), flush=True),
        )
        listening = await control.listen(chosen.data, acts(market))
        wiring.runner.start()
        watching = [asyncio.create_task(operations.watch_loop())]
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        try:
            if not told.to_stop:
                async with banking.beside(chosen, market):
                    await server.serve()
        finally:
            operations.is_stopping = True
            listening.close()
            await wiring.stop(GRACE_S)
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            log.info("stopped")


def _audit_lags(market: App) -> dict[str, tuple[str, Callable[[], Awaitable[float]]]]:
    """How far the audit log, its signatures and its witness are behind."""

    async def audit() -> float:
        return (await market.audit.lag()).seconds

    async def unsigned() -> float:
        lag = await market.audit.lag()
        return float(lag.size - lag.signed)

    async def unwitnessed() -> float:
        lag = await market.audit.lag()
        return float(lag.signed - lag.witnessed)

    return {
        "audit_lag_seconds": ("Age of the oldest act that the audit log lacks", audit),
        "audit_unsigned_entries": ("Entries of the audit log that no checkpoint covers yet", unsigned),
        "audit_unwitnessed_entries": ("Signed entries that the witness lacks; all once it was lost", unwitnessed),
    }


def _operations(deployment: Embedded, wiring: Wiring) -> Operations:
    ports = deployment.ports
    origin = urlsplit(deployment.processor)

    async def table() -> None:
        await wiring.market.ledger.positions(["readiness"])

    async def search() -> None:
        await ports.search.checkpoint()

    async def processor() -> None:
        port = origin.port or {"https": 443}.get(origin.scheme, 80)
        _, writer = await asyncio.open_connection(origin.hostname, port)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def sequencer() -> float:
        return (await wiring.market.sequencer.lag()).seconds

    async def tally() -> float:
        return float(await wiring.market.tally.lag())

    async def learning() -> float:
        return float(await wiring.market.learning.lag())

    async def dead() -> float:
        return float(len((await wiring.deliveries.dead()).rows))

    return Operations(
        checks={"table": table, "search": search, "processor": processor},
        gauges={
            "table_waiting": ("Writes waiting for their commit", lambda: float(deployment.table.load.waiting)),
            "table_commit_seconds": ("Mean of the latest commits", lambda: deployment.table.load.commit_s),
            "background_failures": (
                "Failures of background work since the start",
                lambda: float(sum(wiring.runner.failures.values())),
            ),
        },
        lags={
            "sequencer_lag_seconds": ("Age of the oldest transfer that the platform's totals lack", sequencer),
            **_audit_lags(wiring.market),
            "tally_lag_changes": ("Changes that the figures lack, at most a thousand", tally),
            "fraud_learning_lag_changes": ("Changes that fraud's histories lack, at most a thousand", learning),
            "dead_letters": ("Events that a reaction gave up, at most fifty", dead),
        },
    )


def _kit(market: App, chosen: Settings) -> Kit:
    element = market.ports.cards.element
    site = Site(
        name=chosen.name,
        url=chosen.url,
        currency=chosen.currency,
        cards_origin=element.origin if not element.script_url else "",
        trusted_proxies=chosen.trusted_proxies,
    )
    door = Door(market.identity, Jar(site.https), market.notifications.board)
    return Kit.of(site, clock=market.ports.clock, entropy=market.ports.entropy, door=door)


def _uvicorn(application: object, chosen: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        application,  # pyright: ignore[reportArgumentType] - an ASGI application by any name
        host=chosen.host,
        port=chosen.port,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=2048,
        timeout_graceful_shutdown=GRACE_S,
    )


def _must_be_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as taken:
            raise PortTaken(
                f"Port {port} on {host} is not free ({taken.strerror}). Choose others: "
                "ECOSYSTEM_PORT=8100 make run (the card processor takes the port after it)."
            ) from None


def _welcome(chosen: Settings, first: list[str], seconds: float) -> str:
    lines = [f"{chosen.name} is open at {chosen.url} (ready in {seconds:.1f} s; Ctrl-C closes it)", *first]
    if chosen.stripe:
        lines.append("Stripe takes the cards: " + ("real money moves." if chosen.stripe.is_live else "in test mode."))
    elif is_loopback(chosen.processor_url) and not is_loopback(chosen.url):
        lines.append("Only this machine can pay by card: ECOSYSTEM_PROCESSOR_URL names an address for others.")
    if sys.stdout.isatty():
        return "\n".join(["", *lines, ""])
    return "\n".join(lines)
