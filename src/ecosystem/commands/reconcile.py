"""`ecosystem reconcile --date D`: a day's three-way match, by the serving process if there is one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date

from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.app import App
from ecosystem.commands import control
from ecosystem.commands.control import Arguments
from ecosystem.commands.opening import must_be_there, opened
from ecosystem.commands.settings import Settings
from ecosystem.contexts.reconciliation import EXPLAINED, OPEN_STATES, Run, RunState, Side
from ecosystem.journeys.reconciling import ACTOR
from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import Money

COMMAND = "reconcile"
FAILED = "FAILED"


async def run(chosen: Settings, day: date) -> int:
    """Reconcile the day and print what it came to; 0 when nothing differs, 3 when something does, 1 when it failed."""
    differing = failed = False

    def say(line: str) -> None:
        nonlocal differing, failed
        differing = differing or line.startswith("  ")
        failed = failed or line.startswith(FAILED)
        print(line, flush=True)

    arguments = {"day": day.isoformat()}
    code = await control.ask(chosen.data, COMMAND, arguments, say)
    if code is None:
        must_be_there(chosen.data)
        async with opened(chosen, SystemClock()) as (market, _):
            async for line in carried_out(market, arguments):
                say(line)
        code = 0
    return code or (1 if failed else 3 if differing else 0)


async def carried_out(market: App, arguments: Arguments) -> AsyncGenerator[str]:
    """The run, line by line. Raises `DayNotOver`."""
    day = date.fromisoformat(arguments["day"])
    await market.reconciling.ask(day, ACTOR)
    done = await market.reconciling.carry_out(day)
    for line in _of_run(done):
        yield line
    if done.state is RunState.DONE:
        async for known in market.discrepancies.all_of(*OPEN_STATES):
            titles = ", ".join(EXPLAINED[kind].title for kind in known.kinds)
            amount = money_text(Money(abs(known.amount), known.currency))
            yield f"  {known.discrepancy_id}  {known.moved_on}  {amount:>14}  {known.key}: {titles}"


def _of_run(done: Run) -> list[str]:
    if done.state is RunState.FAILED:
        return [f"{FAILED}: {done.failure}"]
    read = ", ".join(f"{done.rows.get(side, 0):,} of the {side}" for side in Side)
    differ = f"{done.differing:,} differ ({done.new:,} new, {done.gone:,} gone)"
    lines = [
        f"Read {read} in the days up to {done.day}.",
        f"{done.agreed:,} movements agree, {done.on_their_way:,} are on their way, {differ}.",
    ]
    for proof in done.proofs:
        verdict = "holds" if proof.holds else f"is off by {proof.off}"
        lines.append(
            f"{proof.side} {proof.account} {proof.currency}: {proof.opening} + {proof.movements} = {proof.closing} {verdict}"
        )
    return lines + [f"No file of the {side} for that day." for side in done.unread]
