"""A marketplace and its bank, with a clock moved by hand: payouts and verifications that go through real files."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.app import App
from ecosystem.contexts import ledger as books
from ecosystem.contexts import payouts as paying
from ecosystem.contexts.ach import Entry, FileState, SetOriginator, windows
from ecosystem.contexts.bank_accounts import AccountKind, AddBankAccount, BankAccount, HolderKind, Method, Purpose
from ecosystem.contexts.catalogue import ProviderFields, RegisterProvider
from ecosystem.contexts.ledger import Transfer, chart
from ecosystem.contexts.payouts import Destination, Origin, Payout, PayoutId, Rail, Speed
from ecosystem.journeys.payout_passage import disbursement
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.money import Money, zero
from ecosystem.sandbank.bank import Bank
from ecosystem.sandbank.plans import Plan
from market import KEYS, OPERATOR, OWNER, Market, over

SECOND = Actor(actor_id="usr_01kag2m8xw0000000000olivia", groups=(Group.ADMINS,))
THIRD = Actor(actor_id="usr_01kag2m8xw00000000000otto1", groups=(Group.ADMINS,))
SYSTEM = system("ach-processor")
FRIDAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""Seven in the morning in New York, on a banking day; the Thursday after is Thanksgiving."""
PROVIDER = "prv_01kag2m8xw0000000000000000"
ROUTING = "121000248"
STEP = timedelta(minutes=5)

AGREED = SetOriginator(
    odfi="076401251",
    destination="076401251",
    destination_name="SANDBANK",
    origin="1234567890",
    origin_name="ECOSYSTEM",
    company_name="Ecosystem",
    company_identification="1234567890",
    lead_s=900,
    approval_cents=1_000_000,
)


@dataclass(slots=True)
class Clearing:
    market: Market
    bank: Bank
    clock: VirtualClock

    @property
    def app(self) -> App:
        return self.market.app

    async def account(
        self,
        number: str = "000123456789",
        *,
        method: Method = Method.PRENOTE,
        holder_kind: HolderKind = HolderKind.PERSON,
        verified: bool = True,
        owner_id: str = PROVIDER,
    ) -> BankAccount:
        """A provider's bank account."""
        request = AddBankAccount(
            account_id=self.market.id("bac"),
            owner_id=owner_id,
            purpose=Purpose.PAYOUT,
            routing_number=ROUTING,
            account_number=number,
            holder="Paula Sousa",
            holder_kind=holder_kind,
            kind=AccountKind.CHECKING,
            method=method,
        )
        made = await self.app.bank_accounts.add(request, OWNER, user_id=OWNER.actor_id)
        if verified:
            await self.app.bank_accounts.verifying(made.account_id, SYSTEM)
            made = await self.app.bank_accounts.verified(made.account_id, SYSTEM)
        return made

    async def payout(self, account: BankAccount, cents: int = 12_345, *, instant: bool = False) -> Payout:
        """A payout that waits for a file, its money off the provider's balance."""
        now, amount = self.clock.now(), Money(cents, "USD")
        payout_id = self.market.id("pyt")
        await self.app.ledger.submit(
            Transfer(
                transfer_id=f"{payout_id}.earned",
                debit_account_id=chart.processor("USD"),
                credit_account_id=chart.provider(PROVIDER, "USD"),
                amount=cents,
                ledger="USD",
                code=1,
            )
        )
        made = Payout(
            payout_id=PayoutId(payout_id),
            provider_id=PROVIDER,
            amount=amount,
            fee=zero("USD"),
            destination=Destination(rail=Rail.ACH, account_id=account.account_id, last4=account.last4),
            speed=Speed.INSTANT if instant else Speed.STANDARD,
            origin=Origin.SCHEDULED,
            requested_by="system:test",
            rules=1,
            intended_at=now,
            send_at=now,
            ask_at=now,
        )
        taken = await self.app.ledger.writes(*books.disbursed(disbursement(made)))
        await self.app.ports.table.transact(*paying.payout_made(made, SYSTEM, now), *taken)
        return made

    async def paid(self, payout: Payout) -> Payout:
        """The payout as it stands."""
        return (await self.app.payouts.row(payout.payout_id)).value

    async def entry(self, payout: Payout) -> Entry:
        return (await self.app.ach.entries.row(f"{payout.payout_id}.1")).value

    async def step(self) -> None:
        """What schedules do every five minutes, and the bank all the time."""
        originating, hearing = self.app.originating, self.app.hearing_bank
        await self.app.bank_debits.release_due()
        await originating.draw()
        await originating.build(SYSTEM)
        await originating.deliver()
        self.bank.work(self.clock.now())
        await hearing.collect()
        await hearing.work()
        await originating.settle_empty()
        await originating.deliver()
        await self.market.sequence()  # What nobody follows is forgotten when days go by at once.

    async def until(self, at: datetime) -> None:
        """Live on to that instant: at each cut-off, deadline, and whenever the bank has something to do."""
        await self.step()
        while self.clock.now() < at:
            now = self.clock.now()
            instants = [at, now + timedelta(hours=1)]
            if next_at := self.bank.next_at():
                instants.append(max(next_at, now + timedelta(seconds=1)))
            window = self._next_cutoff(now)
            instants += [window + timedelta(seconds=1)]
            self.clock.advance(min(instants) - now)
            await self.step()

    def _next_cutoff(self, now: datetime) -> datetime:
        return next(w.cutoff_at for w in windows(now, timedelta(seconds=AGREED.lead_s)) if w.cutoff_at >= now)

    async def approve_all(self) -> None:
        """A second person lets every file go that waits."""
        for file in await self.app.ach.delivering.open_files():
            if file.state is FileState.NEEDS_APPROVAL:
                await self.app.ach.delivering.approve(file.file_id, file.content_sha256, SECOND)

    async def balance(self, account_id: str) -> int:
        """Credits less debits, of a summed account too."""
        await self.market.sequence()
        return await self.market.balance(account_id)

    def lying(self, folder: str = "to_bank/taken") -> list[Path]:
        return sorted(path for path in (self.bank.folder / folder).iterdir() if path.is_file())


async def agreed(app: App) -> None:
    """We have said who we are to the bank, and there is somebody to be paid out."""
    await app.ach.agreement.say(AGREED, OPERATOR)
    fields = ProviderFields(name="Studio")
    studio = RegisterProvider(provider_id=PROVIDER, fields=fields, owner_id=OWNER.actor_id)
    await app.providers.register(studio, OWNER)


@asynccontextmanager
async def clearing(
    folder: Path, *, plan: Plan | None = None, at: datetime = FRIDAY, index_lag: int | None = None
) -> AsyncGenerator[Clearing]:
    """The marketplace, its bank, and the folder between them."""
    clock = VirtualClock(at)
    async with over(folder, "http://127.0.0.1:9", KEYS, clock, index_lag=index_lag) as (made, _):
        bank = Bank.open(folder / "data" / "bank", folder / "sandbank", plan or Plan())
        try:
            await agreed(made.app)
            yield Clearing(made, bank, clock)
        finally:
            bank.books.close()
