"""`stripe-connect`: has payout accounts opened at the payment processor, and cards kept and forgotten there."""

from __future__ import annotations

from typing import Any

from ecosystem.app import App
from ecosystem.contexts.payments import CardForgotten, CardOffered, PayoutAccount
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows.triggers import Entry

ACTOR = system("stripe-connect")


async def request(market: App, call: TaskCall) -> dict[str, Any]:
    """Ask for the provider's account, unless it was asked for. Fails as `ProcessorSilent` when it has to be repeated."""
    return _said(await market.payout_accounts.request(call.input["provider_id"], ACTOR))


async def keep_or_forget(market: App, event: Event) -> None:
    """Take a card in that paid and that its owner wants kept, or have the processor forget one."""
    detail = event.detail
    if event.type == CardOffered.__name__:
        await market.card_keeping.keep(detail["booking_id"], detail["payment_id"], ACTOR)
    elif event.type == CardForgotten.__name__:
        await market.card_keeping.let_go(detail["card_id"])


def _said(account: PayoutAccount) -> dict[str, Any]:
    return {
        "provider_id": account.provider_id,
        "account_id": account.account_id,
        "state": account.state.value,
        "reasons": list(account.reasons),
    }


ENTRY = Entry(event=keep_or_forget, tasks={"request": request})
