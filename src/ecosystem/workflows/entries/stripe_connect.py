"""`stripe-connect`: has payout accounts opened at the payment processor."""

from __future__ import annotations

from typing import Any

from ecosystem.app import App
from ecosystem.contexts.payments import PayoutAccount
from ecosystem.kernel.actor import system
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows.triggers import Entry

ACTOR = system("stripe-connect")


async def request(market: App, call: TaskCall) -> dict[str, Any]:
    """Ask for the provider's account, unless it was asked for. Fails as `ProcessorSilent` when it has to be repeated."""
    return _said(await market.payout_accounts.request(call.input["provider_id"], ACTOR))


def _said(account: PayoutAccount) -> dict[str, Any]:
    return {
        "provider_id": account.provider_id,
        "account_id": account.account_id,
        "state": account.state.value,
        "reasons": list(account.reasons),
    }


ENTRY = Entry(tasks={"request": request})
