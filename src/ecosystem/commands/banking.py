"""The bank beside, for who has none yet; and what an operator does about files from the command line."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ecosystem.app import App
from ecosystem.commands import control
from ecosystem.commands.opening import must_be_there, without_processor
from ecosystem.commands.settings import Settings
from ecosystem.contexts.ach import AchFile, SetOriginator
from ecosystem.kernel.actor import system
from ecosystem.sandbank.process import Child, Ready, child

COMMAND = "ach"
ACTOR = system("command-line")
FILES_SHOWN = 20
AGREED = SetOriginator(
    odfi="076401251",
    destination="076401251",
    destination_name="SANDBANK",
    origin="1234567890",
    origin_name="ECOSYSTEM",
    company_name="Ecosystem",
    company_identification="1234567890",
    lead_s=3600,
    approval_cents=1_000_000,
)
"""What the sandbank agreed with us."""


@asynccontextmanager
async def beside(chosen: Settings, market: App) -> AsyncGenerator[Ready | None]:
    """The sandbank, until the end of the block, where the settings ask for it."""
    if not chosen.sandbank:
        yield None
        return
    if await market.ach.originators.find() is None:
        await market.ach.agreement.say(AGREED, ACTOR)
    async with child(Child(data=chosen.data / "sandbank", folder=chosen.data / "bank")) as ready:
        yield ready


async def carried_out(market: App, arguments: Mapping[str, Any]) -> AsyncIterator[str]:
    """Carry a command out: `files`, `build`, `deliver`, `collect`. Approving is for people, in the console."""
    match arguments["act"]:
        case "files":
            for file in (await market.ach.overview.files(ACTOR, limit=FILES_SHOWN)).values:
                yield line(file)
        case "build":
            await market.originating.draw()
            built = await market.originating.build(ACTOR)
            yield line(built) if built else "No window is closed now, or nothing waits for it."
        case "deliver":
            moved = await market.originating.deliver()
            for file in moved:
                yield line(file)
            yield f"{len(moved)} files went on."
        case _:
            collected, worked = await market.hearing_bank.collect(), await market.hearing_bank.work()
            yield f"{collected} files of the bank were kept, {worked} worked through."


def line(file: AchFile) -> str:
    """A file in a line."""
    credits_usd, debits_usd = file.totals.credit_cents / 100, file.totals.debit_cents / 100
    return (
        f"{file.file_id}  {file.state}  entries {file.totals.entries}, credits {credits_usd:,.2f}, "
        f"debits {debits_usd:,.2f}, settles {file.settles_at:%Y-%m-%d %H:%M} UTC"
    )


async def run(chosen: Settings, act: str) -> int:
    """Have the serving process carry the command out; do it here when none serves."""
    status = await control.ask(chosen.data, COMMAND, {"act": act}, print)
    if status is not None:
        return status
    must_be_there(chosen.data)
    async with without_processor(chosen) as (market, _):
        async for said in carried_out(market, {"act": act}):
            print(said)
    return 0
