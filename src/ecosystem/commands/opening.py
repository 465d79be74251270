"""The product on a data folder, opened by whichever command needs it."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ecosystem.adapters.embedded.deployment import Embedded, Place, embedded
from ecosystem.adapters.outside.mail import Security, SmtpAccount
from ecosystem.adapters.outside.stripe import API, FILES, Account
from ecosystem.app import App
from ecosystem.commands.settings import Settings, bracketed, reached
from ecosystem.contexts.notifications import Brand
from ecosystem.journeys.hearing import SUBSCRIBED
from ecosystem.kernel.refusals import NotFound
from ecosystem.ports import Ports
from ecosystem.ports.clock import Clock
from ecosystem.sandbox import Keys
from ecosystem.sandbox.process import Child, child

STANDS_AT = "stands-at"
"""The file that says at which instant the clocks of an unfinished demo stand, ours and the card processor's."""


class MarketplaceMissing(NotFound):
    """There is no marketplace in that folder. Say which with --data FOLDER; `ecosystem serve` makes a new one."""


def must_be_there(data: Path) -> None:
    """Raises `MarketplaceMissing`: a command that looks at what there is makes no new marketplace."""
    if not (data / "table.sqlite").exists():
        raise MarketplaceMissing(field="data")


@asynccontextmanager
async def opened(chosen: Settings, clock: Clock) -> AsyncGenerator[tuple[App, Embedded]]:
    """The product and the processor it talks to, until the end of the block."""
    if chosen.stripe:
        async with without_processor(chosen, clock=clock) as made:
            yield made
        return
    chosen.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    how = Child(
        data=chosen.data / "processor",
        keys=chosen.data / "processor" / "keys.json",
        host=chosen.processor_host,
        port=chosen.processor_port,
        public_url=chosen.processor_url,
        webhook_url=f"http://{bracketed(reached(chosen.host))}:{chosen.port}/api/stripe/webhook",
        embedders=_origins(chosen),
        events=SUBSCRIBED,
        profile=chosen.processor_profile,
        clock=chosen.data / STANDS_AT,
    )
    async with child(how) as origin, without_processor(chosen, origin, clock) as made:
        yield made


@asynccontextmanager
async def without_processor(
    chosen: Settings, origin: str = "http://127.0.0.1:9", clock: Clock | None = None
) -> AsyncGenerator[tuple[App, Embedded]]:
    """The product alone, for commands that move no money. Raises `TableHeld` while another process serves it."""
    processor, webhook_secrets = _processor(chosen, origin)
    place = Place(
        data=chosen.data,
        url=chosen.url,
        processor=processor,
        webhook_secrets=webhook_secrets,
        smtp=_smtp(chosen),
        witness=chosen.audit_witness,
        bank=chosen.bank,
        inspect=(sys.executable, "-m", "ecosystem", "verify", "--json", "--data", str(chosen.data)),
        inspect_audit=_inspects_audit(chosen),
        compare=(sys.executable, "-m", "ecosystem", "reconcile", "--data", str(chosen.data), "--compare"),
    )
    async with embedded(place, clock=clock) as deployment:
        market = product(deployment.ports, chosen)
        await market.key_rings.check()
        yield market, deployment


def product(ports: Ports, chosen: Settings) -> App:
    """The product over these ports, under the name that was chosen."""
    return App.of(ports, Brand(name=chosen.name, url=chosen.url))


def _processor(chosen: Settings, origin: str) -> tuple[Account, tuple[str, ...]]:
    """Our account at whoever takes the cards, and what its events are signed with."""
    if stripe := chosen.stripe:
        account = Account(
            origin=stripe.api,
            files_origin=FILES if stripe.api == API else None,
            secret_key=stripe.secret_key,
            publishable_key=stripe.publishable_key,
        )
        return account, stripe.webhook_secrets
    keys = Keys.kept(chosen.data / "processor" / "keys.json")
    account = Account(
        origin=origin,
        secret_key=keys.secret_key,
        publishable_key=keys.publishable_key,
        browser_origin=chosen.processor_url or origin,
    )
    return account, (keys.webhook_secret,)


def _inspects_audit(chosen: Settings) -> tuple[str, ...]:
    command = (sys.executable, "-m", "ecosystem", "audit", "verify", "--json", "--data", str(chosen.data))
    return (*command, "--witness", str(chosen.audit_witness)) if chosen.audit_witness else command


def _origins(chosen: Settings) -> tuple[str, ...]:
    """Where pages that show the card element come from: the public address, and both names of this machine."""
    local = {f"http://{name}:{chosen.port}" for name in ("127.0.0.1", "localhost")}
    return tuple(sorted({chosen.url, *local}))


def _smtp(chosen: Settings) -> SmtpAccount | None:
    if not chosen.smtp_url:
        return None
    parts = urlsplit(chosen.smtp_url)
    secured = Security.TLS if parts.scheme == "smtps" else Security.STARTTLS
    is_local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    return SmtpAccount(
        host=parts.hostname or "",
        port=parts.port or (465 if secured is Security.TLS else 587),
        sender=chosen.mail_from,
        sender_name=chosen.name,
        security=Security.NONE if is_local and secured is Security.STARTTLS else secured,
        username=parts.username or "",
        password=parts.password or "",
    )
