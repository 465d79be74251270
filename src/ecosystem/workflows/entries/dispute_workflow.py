"""`dispute-workflow`: takes disputes on, as `ecosystem-dispute-resolution` asks, and when a bank has decided."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.contexts.disputes import State
from ecosystem.ports.bus import Event
from ecosystem.workflows import disputes
from ecosystem.workflows.triggers import Entry, Firing

LEFT = "left-disputes"
BANK_NEWS = ("ChargebackClosed", "ChargebackMoved")


async def conclude(market: App, event: Event) -> None:
    """End the dispute that a chargeback is, once the bank has decided."""
    for dispute in await market.disputes.of_booking(event.detail["booking_id"]):
        if dispute.chargeback_id == event.detail["chargeback_id"] and dispute.state is State.BANK_DECIDED:
            await market.disputing.conclude_bank(dispute.booking_id, dispute.dispute_id, disputes.ACTOR)


async def catch_up(market: App, _: Firing) -> None:
    # Once: those that are stuck are found again however often it looks.
    await market.sweep.disputes_left()


ENTRY = Entry(event=conclude, schedule=catch_up, tasks=disputes.ACTS)
