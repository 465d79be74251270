"""A whole marketplace in a folder, with the card processor beside it and a clock moved by hand."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from ecosystem.adapters.embedded.deployment import Place, embedded
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.credentials import Argon2Cost
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.adapters.outside.sftp_account import SftpAccount
from ecosystem.adapters.outside.stripe import Account
from ecosystem.app import App
from ecosystem.contexts.booking import Contact, Hold, SetPlan, TakeHold, Week, Window
from ecosystem.contexts.catalogue import DraftService, Location, Mode, ProviderFields, RegisterProvider, ServiceFields
from ecosystem.contexts.ledger.verify import LATE
from ecosystem.journeys.checkout import Paid, PayForHold
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.money import Money
from ecosystem.ports import Ports
from ecosystem.ports.entropy import mint
from ecosystem.sandbox import CALM, Keys, Sandbox, Settings
from ecosystem.workflows.wiring import Wiring

ADA = Actor(actor_id="usr_01kag2m8xw0000000000000ada", groups=(Group.CUSTOMERS,))
GUEST = Actor(actor_id="gst_01kag2m8xw000000000000gast")
OWNER = Actor(actor_id="usr_01kag2m8xw00000000000paula", groups=(Group.CUSTOMERS, Group.PROVIDERS))
OPERATOR = Actor(actor_id="usr_01kag2m8xw00000000000oscar", groups=(Group.ADMINS,))
ALWAYS = (Window("00:00", "24:00"),)
OPEN_WEEK = Week(
    monday=ALWAYS, tuesday=ALWAYS, wednesday=ALWAYS, thursday=ALWAYS, friday=ALWAYS, saturday=ALWAYS, sunday=ALWAYS
)
VISA = "pm_card_visa"
KEYS = Keys(secret_key="sk_test_tests", publishable_key="pk_test_tests", webhook_secret="whsec_tests")
SYSTEM = system("test")


@dataclass(slots=True)
class Market:
    """The product over real adapters; the sandbox is the same program that `serve` starts as a child."""

    app: App
    clock: VirtualClock
    entropy: SeededEntropy
    provider_id: str = ""
    sandbox: Sandbox = field(default=cast("Sandbox", None))
    _wiring: Wiring | None = field(default=None, init=False)

    @property
    def wiring(self) -> Wiring:
        """Everything that runs beside the pages."""
        if self._wiring is None:
            self._wiring = Wiring.of(self.app)
        return self._wiring

    async def passes(self, by: timedelta = timedelta()) -> None:
        """Let time go by from one instant to the next at which something is due, and have done what follows from it."""
        end = self.clock.now() + by
        await self.wiring.caught_up()
        while self.clock.now() < end:
            self.clock.advance(await self._pause(end))
            await self.wiring.caught_up()

    async def _pause(self, end: datetime) -> timedelta:
        """Until a machine goes on by itself, or a one-time schedule fires; what recurs may come late."""
        now = self.clock.now()
        due = [each.next_at for each in await self.wiring.scheduler.upcoming(OPERATOR) if each.matter]
        instants = [each for each in (*due, await self.app.ports.workflows.next_at()) if each and now < each < end]
        return min(instants, default=end) - now

    def id(self, prefix: str) -> str:
        return mint(prefix, self.clock.now(), self.entropy)

    async def provider(self, owner: Actor = OWNER) -> str:
        """An active provider in Lisbon who works at all hours."""
        fields = ProviderFields(
            name="Paula Sousa",
            headline="Portraits in daylight",
            biography="Ten years of portraits.",
            location=Location(lat=38.72, lon=-9.14, place="Lisbon", zone="Europe/Lisbon"),
            languages=("en", "pt"),
        )
        request = RegisterProvider(provider_id=self.id("prv"), fields=fields, owner_id=owner.actor_id)
        row = await self.app.providers.register(request, owner)
        await self.app.standings.submit(row.value.provider_id, owner)
        plan = SetPlan(provider_id=row.value.provider_id, zone="Europe/Lisbon", week=OPEN_WEEK)
        await self.app.plans.set(plan, owner_id=owner.actor_id, actor=owner)
        self.provider_id = row.value.provider_id
        return row.value.provider_id

    async def service(
        self,
        provider_id: str,
        price: Money | None = None,
        *,
        owner: Actor = OWNER,
        instant: bool = True,
        **fields: object,
    ) -> str:
        """A published service of an hour."""
        wanted = ServiceFields(
            title="Portrait session",
            description="An hour in your neighbourhood.",
            category="plumbing",
            price=price or Money(10_000, "EUR"),
            duration_min=60,
            mode=Mode.AT_PROVIDER,
            instant=instant,
            **fields,
        )
        request = DraftService(service_id=self.id("svc"), provider_id=provider_id, fields=wanted)
        row = await self.app.services.draft(request, owner)
        await self.app.publishing.publish(row.value.service_id, owner)
        return row.value.service_id

    async def hold(self, service_id: str, start_at: datetime, actor: Actor = ADA) -> Hold:
        request = TakeHold(hold_id=self.id("hld"), service_id=service_id, start_at=start_at, zone="Europe/Lisbon")
        return await self.app.checkout.hold(request, actor)

    async def request(self, hold: Hold, actor: Actor = ADA, card: str = VISA) -> PayForHold:
        return PayForHold(
            booking_id=self.id("bkg"),
            payment_id=self.id("pay"),
            hold_id=hold.hold_id,
            contact=Contact(name="Ada Lovelace", email="ada@example.org"),
            total=(await self.app.checkout.lines(hold, actor)).total,
            card=card,
            return_url="http://127.0.0.1/bookings",
        )

    async def book(self, service_id: str, start_at: datetime, actor: Actor = ADA, card: str = VISA) -> Paid:
        """Hold and pay."""
        hold = await self.hold(service_id, start_at, actor)
        return await self.app.checkout.pay(await self.request(hold, actor, card), actor)

    async def verified(self) -> None:
        """Assert that every invariant holds. Time goes on: of what has just moved no escrow is judged."""
        self.clock.advance(2 * LATE)
        await self.sequence()
        report = await self.app.verifying.verify()
        assert report.holds, report.findings

    async def sequence(self) -> None:
        while await self.app.sequencer.step():
            pass

    async def balance(self, account_id: str) -> int:
        """Posted credits less posted debits."""
        positions = await self.app.ledger.positions([account_id])
        return positions[account_id].balances.net if account_id in positions else 0

    def tomorrow(self, hour: int = 10) -> datetime:
        return self.clock.now().replace(hour=hour, minute=0) + timedelta(days=1)


@asynccontextmanager
async def sandbox_in(
    folder: Path, clock: VirtualClock, *, seed: int = 1, embedders: tuple[str, ...] = ()
) -> AsyncGenerator[Sandbox]:
    """The card processor, with its state in that folder. `embedders` are the pages that may frame its card fields."""
    settings = Settings(data=folder / "sandbox.sqlite", keys=KEYS, profile=CALM, seed=seed, embedders=embedders)
    entropy = SeededEntropy(seed)
    async with Sandbox.running(settings, now=lambda: clock.now().timestamp(), random=entropy.bytes) as sandbox:
        yield sandbox


@asynccontextmanager
async def over(
    folder: Path,
    processor: str,
    keys: Keys,
    clock: VirtualClock,
    *,
    seed: int = 1,
    index_lag: int | None = None,
    with_script: bool = False,
    bank: SftpAccount | None = None,
    compares_apart: bool = False,
) -> AsyncGenerator[tuple[Market, Ports]]:
    """A marketplace in that folder that talks to a processor at that origin, which its `sandbox` does not have yet.

    `with_script`: pages load the real processor's own script, as they do when cards are taken by it.
    """
    entropy = SeededEntropy(seed)
    compare = (sys.executable, "-m", "ecosystem", "reconcile", "--data", str(folder / "data"), "--compare")
    place = Place(
        data=folder / "data",
        url="http://127.0.0.1:8000",
        processor=Account(
            origin=processor,
            browser_origin=None if with_script else processor,
            secret_key=keys.secret_key,
            publishable_key=keys.publishable_key,
            patience_s=0.001,
        ),
        webhook_secrets=(keys.webhook_secret,),
        argon2=Argon2Cost(memory_kib=64, passes=1),
        index_lag=index_lag,
        bank=bank,
        inspect=(sys.executable, "-m", "ecosystem", "verify", "--json", "--data", str(folder / "data")),
        inspect_audit=(sys.executable, "-m", "ecosystem", "audit", "verify", "--json", "--data", str(folder / "data")),
        compare=compare if compares_apart else (),
    )
    async with embedded(place, clock=clock, entropy=entropy) as opened:
        yield Market(app=App.of(opened.ports), clock=clock, entropy=entropy), opened.ports


@asynccontextmanager
async def market(
    folder: Path,
    clock: VirtualClock,
    *,
    seed: int = 1,
    index_lag: int | None = None,
    embedders: tuple[str, ...] = (),
    with_script: bool = False,
    compares_apart: bool = False,
) -> AsyncGenerator[Market]:
    """A marketplace and its processor, until the end of the block."""
    async with (
        sandbox_in(folder, clock, seed=seed, embedders=embedders) as sandbox,
        over(
            folder,
            sandbox.origin,
            sandbox.keys,
            clock,
            seed=seed,
            index_lag=index_lag,
            with_script=with_script,
            compares_apart=compares_apart,
        ) as (made, _),
    ):
        yield replace(made, sandbox=sandbox)
