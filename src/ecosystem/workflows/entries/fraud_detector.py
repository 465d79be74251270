"""`fraud-detector`: scores checkouts and payouts (called by them), remembers what happened, follows decisions."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.workflows.triggers import Entry, Firing, OnChanges

ACTOR = system("fraud-detector")
DRIFT, OVERDUE = "fraud-drift", "fraud-overdue"
DECIDED = ("ReviewApproved", "ReviewDeclined")


async def follow(market: App, trigger: OnChanges) -> int:
    """Take the next changes into the histories."""
    return await market.learning.step(trigger.batch)


async def go_on(market: App, event: Event) -> None:
    """Do what follows from a decision, in the name of who decided; a payout's follows elsewhere."""
    if event.detail["booking_id"]:
        await market.casework.follow(event.detail["booking_id"], event.detail["subject_id"], event.actor)


async def look(market: App, firing: Firing) -> None:
    """End cases that nobody decided in time; and whether what is seen still looks like what the model learned from."""
    if firing.schedule == OVERDUE:
        await market.casework.end_overdue()
    else:
        await market.fraud_models.look(ACTOR)


ENTRY = Entry(changes=follow, event=go_on, schedule=look)
