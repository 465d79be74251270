"""A refund at the card processor, as `ecosystem-payment-processing` carries it out, and asking on when that is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ecosystem.app import App
from ecosystem.contexts.payments import Refund, RefundState
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Unavailable
from ecosystem.kernel.time import sortable
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows.schedules import kept, one_time

ASK = "ask-refund"
PATIENCE = timedelta(minutes=4)
"""How long after the request an execution asks by itself: its ten minutes are enough for the last turn
with all its tries, and for handing the matter over. A test adds them up."""

AGAIN, AGAIN_MAX = timedelta(minutes=1), timedelta(hours=6)
"""A refund is asked about when it is twice as old as before, within these bounds: some banks take days."""

_STANDING = {RefundState.ISSUED: "issued", RefundState.FAILED: "failed"}


async def carry_out(market: App, call: TaskCall, actor: Actor) -> dict[str, Any]:
    """Have the processor give it back, or ask what became of it. Fails as `ProcessorSilent` when it has to be repeated."""
    refund = await market.refunding.carry_out(call.input["booking_id"], call.input["refund_id"], actor)
    until = sortable(refund.requested_at + PATIENCE)
    return {"standing": _STANDING.get(refund.state, "pending"), "until": until}


async def ask_later(market: App, call: TaskCall) -> dict[str, Any]:
    """Have the processor be asked again in a while."""
    at = market.ports.clock.now() + AGAIN
    await _put(market, call.input["booking_id"], call.input["refund_id"], at)
    return {"at": sortable(at)}


async def ask(market: App, booking_id: str, refund_id: str, actor: Actor) -> None:
    """Ask once more, and again in a while unless its end is known."""
    now = market.ports.clock.now()
    try:
        refund = await market.refunding.carry_out(booking_id, refund_id, actor)
    except Unavailable:
        await _put(market, booking_id, refund_id, now + AGAIN)
        return
    if refund.is_open:
        await _put(market, booking_id, refund_id, now + pause(refund, now))


def pause(refund: Refund, at: datetime) -> timedelta:
    """How long to wait before it is asked about again."""
    return min(max(at - refund.requested_at, AGAIN), AGAIN_MAX)


async def _put(market: App, booking_id: str, refund_id: str, at: datetime) -> None:
    await market.ports.table.transact(kept(one_time(ASK, refund_id, at, booking_id=booking_id)))
