"""A processor, the port to it, and the owner of an account at the processor's own pages."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp

from contracts.cards.benches import KEYS
from ecosystem.ports.accounts import AccountOrder, AccountOutcome, Accounts
from ecosystem.sandbox import Sandbox

BACK, AGAIN = "http://127.0.0.1:8000/provider/payouts?back=1", "http://127.0.0.1:8000/provider/payouts/continue"
ORDER = AccountOrder(
    provider_id="prv_01kag2m8xw00000000000paula",
    name="Paula Sousa",
    email="paula@example.org",
    zone="Europe/Lisbon",
    page="http://127.0.0.1:8000/p/paula",
)
TOLD = {
    "first_name": "Paula",
    "last_name": "Sousa",
    "born": "1901-01-01",
    "number": "PT50 0002 0123 1234 5678 9015 4",
    "terms": "1",
}


@dataclass(frozen=True, slots=True)
class Bench:
    accounts: Accounts
    sandbox: Sandbox

    async def filled_in(self, account_id: str, **told: str) -> str:
        """What the owner says on the processor's pages; where they are led then."""
        link = await self.accounts.link(account_id, back=BACK, again=AGAIN)
        async with (
            aiohttp.ClientSession() as browser,
            browser.post(link.url, data={**TOLD, **told}, allow_redirects=False) as answer,
        ):
            assert answer.status == 303, await answer.text()
            await self.sandbox.settled()
            return answer.headers["Location"]

    async def at_the_desk(self, path: str, form: dict[str, str]) -> None:
        """What the platform's people do at the processor's own desk."""
        headers = {"Authorization": f"Bearer {KEYS.secret_key}"}
        async with (
            aiohttp.ClientSession() as desk,
            desk.post(f"{self.sandbox.origin}/v1/{path}", data=form, headers=headers) as answer,
        ):
            assert answer.status == 200, await answer.text()

    async def active(self) -> AccountOutcome:
        opened = await self.accounts.open(ORDER)
        await self.filled_in(opened.account_id)
        return await self.accounts.account(opened.account_id)
