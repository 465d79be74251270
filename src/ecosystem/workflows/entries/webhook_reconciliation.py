"""`webhook-reconciliation`: holds our books against what processor and bank have, once a day and when asked."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.workflows.triggers import Entry, Firing

DAILY, ASKED = "reconciliation", "asked-reconciliations"


async def reconcile(market: App, firing: Firing) -> None:
    if firing.schedule == DAILY:
        await market.reconciling.daily()
    else:
        await market.reconciling.step()


ENTRY = Entry(schedule=reconcile)
