"""`refund-processor`: gives money back; what was paid, and what a card still holds for a booking without use for it."""

from __future__ import annotations

from typing import Any

from ecosystem.app import App
from ecosystem.contexts.booking import BookingStatus
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows import charges, refunds
from ecosystem.workflows.entries import rounds
from ecosystem.workflows.triggers import Entry, Firing

ACTOR = system("refund-processor")
AWAITING = frozenset({BookingStatus.AWAITING_PAYMENT, BookingStatus.AWAITING_PROVIDER})
"""Bookings that have use for money that a card holds."""

ASK = refunds.ASK
LEFT_REFUNDS, LEFT_AUTHORIZATIONS = "left-refunds", "left-authorizations"


async def give_back(market: App, event: Event) -> None:
    booking_id = event.detail["booking_id"]
    if (await market.bookings.row(booking_id)).value.status not in AWAITING:
        await market.checkout.let_go(booking_id, ACTOR)


async def finish(market: App, firing: Firing) -> None:
    if firing.schedule == ASK:
        await refunds.ask(market, firing.input["booking_id"], firing.matter, ACTOR)
    else:
        left = firing.schedule == LEFT_REFUNDS
        await rounds(market.sweep.refunds_left if left else market.sweep.authorizations_left)


async def carry_out(market: App, call: TaskCall) -> dict[str, Any]:
    return await refunds.carry_out(market, call, ACTOR)


async def let_go(market: App, call: TaskCall) -> dict[str, Any]:
    return {"booking": (await charges.let_go(market, call.input["booking_id"], ACTOR)).value}


ENTRY = Entry(
    event=give_back,
    schedule=finish,
    tasks={"ask-refund-later": refunds.ask_later, "carry-out": carry_out, "let-go": let_go},
)
