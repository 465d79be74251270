"""The payment processor through its official SDK: cards, saved cards, payout accounts, transfers, over one connection.

The sandbox processor is spoken with in the same way; only the address differs.
"""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.adapters.outside.stripe.accounts import StripeAccounts
from ecosystem.adapters.outside.stripe.calls import API, API_VERSION, FILES, Account, Calls
from ecosystem.adapters.outside.stripe.cards import StripeCards
from ecosystem.adapters.outside.stripe.saved_cards import StripeSavedCards
from ecosystem.adapters.outside.stripe.transfers import StripeTransfers
from ecosystem.ports.clock import Clock

__all__ = ["API", "API_VERSION", "FILES", "Account", "Stripe"]


@dataclass(frozen=True, slots=True)
class Stripe:
    """What the processor does for us. Open it on the loop that uses it, and close it."""

    calls: Calls
    cards: StripeCards
    saved_cards: StripeSavedCards
    accounts: StripeAccounts
    transfers: StripeTransfers

    @classmethod
    async def open(cls, account: Account, clock: Clock | None = None) -> Stripe:
        calls = await Calls.open(account, clock or SystemClock())
        return cls(
            calls=calls,
            cards=StripeCards(calls),
            saved_cards=StripeSavedCards(calls),
            accounts=StripeAccounts(calls),
            transfers=StripeTransfers(calls),
        )

    async def close(self) -> None:
        await self.calls.close()
