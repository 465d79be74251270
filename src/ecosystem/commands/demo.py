"""The first start: a demo marketplace, or a link that makes the first operator."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.commands.settings import Settings


async def first_start(market: App, chosen: Settings) -> list[str]:
    """What to tell whoever started it."""
    token = await market.identity.first_operators.invite()
    if token is None:
        return []
    return [f"Make the first operator here, within a day: {chosen.url}/first-operator/{token}"]
