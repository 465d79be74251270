"""`ecosystem keys list`, `keys rotate NAME` and `keys retire NAME VERSION [--now]`: the named keys, while they are in use or not."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from ecosystem.app import App
from ecosystem.commands import control
from ecosystem.commands.control import Arguments
from ecosystem.commands.opening import must_be_there, without_processor
from ecosystem.commands.settings import Settings
from ecosystem.contexts.keyring import Ring
from ecosystem.kernel.actor import Actor, Group
from ecosystem.ports.keys import KeyName

COMMAND = "keys"
TOLD_EVERY = 1000
ACTOR = Actor(actor_id="system:command-line", groups=(Group.ADMINS,))
"""Whoever may run a command on this machine is an operator."""


async def run(chosen: Settings, arguments: Arguments) -> int:
    """Have it carried out by the process that serves, or by this one where none does."""
    code = await control.ask(chosen.data, COMMAND, arguments, print)
    if code is not None:
        return code
    must_be_there(chosen.data)
    async with without_processor(chosen) as (market, _):
        async for line in carried_out(market, arguments):
            print(line, flush=True)
        await market.key_rings.keys.write_down()
    return 0


async def carried_out(market: App, arguments: Arguments) -> AsyncGenerator[str]:
    """The lines of the command. A rotation tells how far it is; ended here, it goes on by itself."""
    match arguments["act"]:
        case "list":
            for ring in await market.key_rings.all(ACTOR):
                for line in _shown(ring):
                    yield line
        case "rotate":
            async for line in _rotated(market, KeyName(arguments["name"])):
                yield line
        case _:
            name, version = KeyName(arguments["name"]), int(arguments["version"])
            await market.key_rings.retire(name, version, ACTOR, now=arguments["now"] == "yes")
            yield f"Version {version} of {name} is gone for ever."


async def _rotated(market: App, name: KeyName) -> AsyncGenerator[str]:
    rotation = await market.key_rings.rotate(name, ACTOR)
    yield f"Version {rotation.version} of {name} wraps from now on. Copy the file of keys to where you keep it."
    told = 0
    async for rotation in market.key_rings.steps(name, ACTOR):
        if rotation.moved - told >= TOLD_EVERY:
            told = rotation.moved
            yield f"{told:,} items re-wrapped so far."
    yield f"{rotation.moved:,} items were re-wrapped; nothing is left under former versions."
    if rotation.stuck:
        yield f"{rotation.stuck:,} items are damaged and stay as they are: ecosystem verify, or restore a backup."


def _shown(ring: Ring) -> list[str]:
    used = "never used" if ring.uses is None else f"last used {ring.uses.last_at:%Y-%m-%d %H:%M} UTC"
    lines = [f"{ring.name}: {used}"]
    for each in ring.versions:
        count = f"{each.messages:,}{' or more' if each.many else ''} messages"
        made = f"{each.version.made_at:%Y-%m-%d %H:%M} UTC"
        lines.append(f"  version {each.version.number}: {each.version.state}, made {made}, {count}")
    if ring.rotation is not None and ring.rotation.done_at is None:
        lines.append(f"  being re-wrapped: {ring.rotation.moved:,} items so far")
    return lines
