"""`webhook-reconciliation`: holds our books against what processor and bank have, and repairs what no webhook told."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.workflows.triggers import Entry, Firing

DAILY, ASKED, MISSED = "reconciliation", "asked-reconciliations", "missed-webhooks"


async def reconcile(market: App, firing: Firing) -> None:
    if firing.schedule == DAILY:
        await market.reconciling.daily()
    elif firing.schedule == MISSED:
        await market.missed_events.compare()
    else:
        await market.reconciling.step()


ENTRY = Entry(schedule=reconcile)
