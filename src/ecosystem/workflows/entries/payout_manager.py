"""`payout-manager`: decides the payouts whose date has come, sees them through, and comes by for what was left."""

from __future__ import annotations

from typing import Any

from ecosystem.app import App
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows import payouts
from ecosystem.workflows.entries import rounds
from ecosystem.workflows.triggers import Entry, Firing

ACTOR = system("payout-manager")
ASK = payouts.ASK
DUE, LEFT, PAID = "due-payouts", "left-payouts", "paid-payouts"
HEARD = ("BankAccountVerified", "PayoutAccountChanged")
"""From then on somebody can be paid, or can be paid again."""


async def follow_up(market: App, event: Event) -> None:
    if event.type == "PayoutAccountChanged":
        if event.detail["state"] == "active" and event.detail["was"] != "active":
            await market.payout_settings.begin(event.detail["provider_id"])
    elif event.detail["owner_id"].startswith("prv_"):
        await market.payout_settings.begin(event.detail["owner_id"])


async def move_on(market: App, firing: Firing) -> None:
    sweeps = {DUE: market.paying_out.pay_due, LEFT: market.sweep.payouts_left, PAID: market.sweep.payouts_paid}
    if firing.schedule == ASK:
        await payouts.ask(market, firing.matter, ACTOR)
    else:
        await rounds(sweeps[firing.schedule])


async def carry_out(market: App, call: TaskCall) -> dict[str, Any]:
    return await payouts.carry_out(market, call, ACTOR)


ENTRY = Entry(event=follow_up, schedule=move_on, tasks={"ask-payout-later": payouts.ask_later, "carry-out": carry_out})
