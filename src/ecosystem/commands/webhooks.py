"""`ecosystem webhooks reconcile`: what the processor's webhooks never told, found in its own lists and repaired."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.app import App
from ecosystem.commands import control
from ecosystem.commands.control import Arguments
from ecosystem.commands.opening import must_be_there, opened
from ecosystem.commands.settings import Settings

COMMAND = "webhooks"
LEFT = 3
"""The status with which the command ends when something could not be repaired."""


async def run(chosen: Settings) -> int:
    """Have it carried out by the process that serves, or by this one where none does."""
    left = False

    def say(line: str) -> None:
        nonlocal left
        left = left or line.startswith("  left: ")
        print(line, flush=True)

    code = await control.ask(chosen.data, COMMAND, {}, say)
    if code is None:
        must_be_there(chosen.data)
        async with opened(chosen, SystemClock()) as (market, _):
            async for line in carried_out(market, {}):
                say(line)
        code = 0
    return code or (LEFT if left else 0)


async def carried_out(market: App, _: Arguments) -> AsyncGenerator[str]:
    """The comparison, line by line. Raises `ProcessorSilent`."""
    made = await market.missed_events.compare()
    yield f"Compared {made.events:,} events since {made.since:%Y-%m-%d %H:%M} UTC, and {made.objects:,} things."
    for each in made.missed:
        yield (
            f"  left: {each.kind} {each.thing_id}: {each.trouble}"
            if each.trouble
            else (f"  repaired: {each.kind} {each.thing_id}")
        )
    if made.count > len(made.missed):
        yield f"  and {made.count - len(made.missed):,} more"
    yield f"{made.count:,} never arrived, {made.left:,} of them could not be repaired."
