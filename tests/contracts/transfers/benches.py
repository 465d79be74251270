"""A processor, the ports to it, and money in its balances."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.kernel.money import Money
from ecosystem.ports.accounts import Accounts
from ecosystem.ports.cards import Capture, Cards, Order, Outcome
from ecosystem.ports.transfers import Transfers
from ecosystem.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Bench:
    transfers: Transfers
    cards: Cards
    accounts: Accounts
    sandbox: Sandbox

    async def paid(self, payment_id: str, amount: Money) -> Outcome:
        """A payment into the platform's balance."""
        order = Order(
            payment_id=payment_id,
            booking_id="bkg_1",
            amount=amount,
            card="pm_card_visa",
            capture=Capture.AUTOMATIC,
            return_url="http://127.0.0.1:8000/return",
        )
        return await self.cards.authorize(order)
