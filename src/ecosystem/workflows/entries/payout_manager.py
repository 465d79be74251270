"""`payout-manager`: decides the payouts whose date has come, sees them through, and comes by for what was left."""

from __future__ import annotations

from typing import Any

from ecosystem.app import App
from ecosystem.contexts.payouts import (
    NoSuchPayout,
    PayoutNews,
    PayoutNotThere,
    PayoutStatus,
    PayoutUnderWay,
    let_through,
)
from ecosystem.journeys.payouts import LOOKED_INTO
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows import payouts
from ecosystem.workflows.entries import rounds
from ecosystem.workflows.triggers import Entry, Firing, OnChanges

ACTOR = system("payout-manager")
ASK = payouts.ASK
DUE, LEFT, PAID = "due-payouts", "left-payouts", "paid-payouts"
WITHDRAWALS, FEES, FILL = "left-withdrawals", "processor-fees", "fill-bank"
HEARD = ("BankAccountVerified", "PayoutAccountChanged", "ReviewApproved", "ReviewDeclined")
"""From then on somebody can be paid, or can be paid again; or an operator has looked at a payout."""


async def follow_up(market: App, event: Event) -> None:
    detail = event.detail
    match event.type:
        case "PayoutAccountChanged":
            if detail["state"] == "active" and detail["was"] != "active":
                await market.payout_settings.begin(detail["provider_id"])
        case "BankAccountVerified":
            if detail["owner_id"].startswith("prv_"):
                await market.payout_settings.begin(detail["owner_id"])
        case _:
            if detail["kind"] == "payout":
                await _looked_at(market, detail["subject_id"], approved=event.type == "ReviewApproved")


async def _looked_at(market: App, payout_id: str, *, approved: bool) -> None:
    """Let a payout go on, or give its money back to the balance and pause those after it."""
    try:
        if approved:
            await market.payout_passage.note(payout_id, let_through, ACTOR)
            await market.processor_payouts.carry_out(payout_id, ACTOR)
            return
        refused = await market.payout_passage.learn(payout_id, PayoutNews(status=PayoutStatus.CANCELLED), ACTOR)
    except (NoSuchPayout, PayoutUnderWay, PayoutNotThere):
        return  # It never came about, or its owner has called it off.
    await market.payout_settings.hold(refused.provider_id, LOOKED_INTO)


async def move_on(market: App, firing: Firing) -> None:
    sweeps = {
        DUE: market.paying_out.pay_due,
        LEFT: market.sweep.payouts_left,
        PAID: market.sweep.payouts_paid,
        WITHDRAWALS: market.sweep.withdrawals_left,
    }
    if firing.schedule == ASK:
        await payouts.ask(market, firing.matter, ACTOR)
    elif firing.schedule == FEES:
        await market.processor_fees.take_in()
    elif firing.schedule == FILL:
        await market.bank_filling.fill()
    else:
        await rounds(sweeps[firing.schedule])


async def carry_out(market: App, call: TaskCall) -> dict[str, Any]:
    return await payouts.carry_out(market, call, ACTOR)


async def follow(market: App, trigger: OnChanges) -> int:
    """Keep what providers owe true to their accounts in the ledger."""
    return await market.receivable_follower.step(trigger.batch)


ENTRY = Entry(
    event=follow_up,
    schedule=move_on,
    changes=follow,
    tasks={"ask-payout-later": payouts.ask_later, "carry-out": carry_out},
)
