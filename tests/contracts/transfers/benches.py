"""A processor at a standing clock, the ports to it, and money in its balances."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from contracts.accounts.benches import AGAIN, BACK, ORDER
from contracts.cards.benches import KEYS
from ecosystem.kernel.money import Money
from ecosystem.ports.accounts import AccountOrder, AccountOutcome, Accounts, AccountStanding
from ecosystem.ports.cards import Capture, Cards, Order, Outcome
from ecosystem.ports.transfers import TransferOrder, Transfers
from ecosystem.sandbox import Sandbox
from ecosystem.sandbox.clock import StandingClock

MONDAY_10H = 1_790_553_600 + 36_000
DAY = 86_400
AMERICAN = AccountOrder(
    provider_id="prv_01kag2m8xw00000000000pauli", name="Paul Sousa", zone="America/New_York", email=ORDER.email
)


@dataclass(frozen=True, slots=True)
class Told:
    """Our clock, which agrees with the processor's."""

    theirs: StandingClock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.theirs(), UTC)


@dataclass(frozen=True, slots=True)
class Bench:
    transfers: Transfers
    cards: Cards
    accounts: Accounts
    sandbox: Sandbox
    clock: StandingClock

    async def paid(
        self,
        payment_id: str,
        amount: Money,
        card: str = "pm_card_bypassPending",
        intended_at: datetime | None = None,
    ) -> Outcome:
        """A payment into the platform's balance, available at once unless another card is named."""
        order = Order(
            payment_id=payment_id,
            booking_id="bkg_1",
            amount=amount,
            card=card,
            capture=Capture.AUTOMATIC,
            return_url="http://127.0.0.1:8000/return",
            intended_at=intended_at,
        )
        return await self.cards.authorize(order)

    async def account(self, number: str = "000123456789") -> AccountOutcome:
        """An account that can be paid, with an American bank account of that number."""
        opened = await self.accounts.open(AMERICAN)
        link = await self.accounts.link(opened.account_id, back=BACK, again=AGAIN)
        told = {
            "first_name": "Paul",
            "last_name": "Sousa",
            "born": "1901-01-01",
            "routing": "110000000",
            "number": number,
            "terms": "1",
        }
        async with (
            aiohttp.ClientSession() as browser,
            browser.post(link.url, data=told, allow_redirects=False) as answer,
        ):
            assert answer.status == 303, await answer.text()
        await self.sandbox.settled()
        account = await self.accounts.account(opened.account_id)
        assert account.standing is AccountStanding.ACTIVE
        return account

    async def funded(self, amount: int, number: str = "000123456789") -> AccountOutcome:
        """An account with that much of the platform's money in its balance."""
        await self.paid("pay_funds", Money(2 * amount + 100_00, "USD"))
        account = await self.account(number)
        order = TransferOrder(
            transfer_id="trf_funds", account_id=account.account_id, amount=Money(amount, "USD"), group="bkg_1"
        )
        await self.transfers.transfer(order)
        return account

    async def days(self, number: int) -> None:
        """Let days pass, with all that happens on each."""
        for _ in range(number):
            self.clock.move((self.clock() // DAY + 1) * DAY + 36_000)
            await self.sandbox.settled_by_now()

    async def available(self, account_id: str | None) -> int:
        return (await self.transfers.balance(account_id)).of("USD").available

    async def at_the_desk(self, path: str, form: dict[str, str]) -> None:
        """What the platform's people do at the processor's own desk."""
        headers = {"Authorization": f"Bearer {KEYS.secret_key}"}
        async with (
            aiohttp.ClientSession() as desk,
            desk.post(f"{self.sandbox.origin}/v1/{path}", data=form, headers=headers) as answer,
        ):
            assert answer.status == 200, await answer.text()
