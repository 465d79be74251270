"""A payout on its rail, as `ecosystem-payment-processing` carries it out, and asking on when that is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ecosystem.app import App
from ecosystem.contexts.payouts import GIVEN_BACK, Payout, PayoutStatus, Rail, asked_later
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Unavailable
from ecosystem.kernel.time import sortable
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows.schedules import kept, one_time

ASK = "ask-payout"
PATIENCE = timedelta(minutes=4)
"""How long after the intention an execution asks by itself: its ten minutes are enough for the last turn
with all its tries, and for handing the matter over. A test adds them up."""

AGAIN = timedelta(minutes=5)


def standing(payout: Payout, at: datetime) -> str:
    """What a machine goes by: `early`, `moving`, `paid`, `given-back`; `filed` when it travels in a file.

    `short` is one for which the processor has too little of our money yet: that takes days.
    """
    if payout.status in GIVEN_BACK:
        return "given-back"
    if payout.status is PayoutStatus.PAID:
        return "paid"
    if payout.rail is Rail.ACH:
        return "filed"
    if payout.status is PayoutStatus.INTENDED and payout.attempt > 1:
        return "short"
    return "early" if payout.may_be_cancelled and at < payout.send_at else "moving"


async def carry_out(market: App, call: TaskCall, actor: Actor) -> dict[str, Any]:
    """Take it as far as it goes. Fails as `ProcessorSilent` when it has to be repeated."""
    payout = await market.processor_payouts.carry_out(call.input["payout_id"], actor)
    until = sortable(payout.intended_at + PATIENCE)
    return {"standing": standing(payout, market.ports.clock.now()), "until": until}


async def ask_later(market: App, call: TaskCall) -> dict[str, Any]:
    """Have the rail be asked again in a while."""
    at = market.ports.clock.now() + AGAIN
    await _put(market, call.input["payout_id"], at)
    return {"at": sortable(at)}


async def ask(market: App, payout_id: str, actor: Actor) -> None:
    """Ask once more, and again in a while unless its end is known."""
    try:
        payout = await market.processor_payouts.carry_out(payout_id, actor)
    except Unavailable:
        await _put(market, payout_id, market.ports.clock.now() + AGAIN)
        return
    if payout.is_open:
        await _put(market, payout_id, asked_later(payout, market.ports.clock.now()).ask_at)


async def _put(market: App, payout_id: str, at: datetime) -> None:
    await market.ports.table.transact(kept(one_time(ASK, payout_id, at)))
