"""`profile-events`: tells people what happened to their account, and what a new provider's profile lacks."""

from __future__ import annotations

from typing import Any

from ecosystem.app import App
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import TaskCall
from ecosystem.workflows.triggers import Entry

ACTOR = system("profile-events")


async def tell(market: App, event: Event) -> None:
    await market.access.tell(event)


async def check(market: App, call: TaskCall) -> dict[str, Any]:
    """What registration left to do: what is missing before the first customer can book."""
    found = await market.welcoming.profile(call.input["provider_id"], ACTOR)
    missing = [{"step": lack.step.value, "field": lack.field, "reason": lack.reason} for lack in found.missing]
    return {"provider_id": found.provider_id, "complete": found.complete, "missing": missing}


ENTRY = Entry(event=tell, tasks={"check": check})
