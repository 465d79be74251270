"""Ends the work around a file at every moment, and goes on: `python -m bench.ach_kills [--every N]`.

Building, delivering, collecting and working through files of the bank are cut off after so many turns of the loop, at
whatever they were waiting for, then done again from what was kept. In the end there is one file at the bank, each
payout was paid or came back once, and the ledger's accounts are even. What a process loses when it is killed is what a
task loses when it is cancelled: all it had in memory. Commits under way land or do not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from clearing import PROVIDER, SYSTEM, Clearing, clearing
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payouts import PayoutStatus
from market import OPERATOR

FEE = 200
"""What the bank takes for the entry that came back."""
CUTOFF = datetime(2026, 11, 21, 7, 0, 1, tzinfo=UTC)
EVENINGS = (
    datetime(2026, 11, 24, 1, tzinfo=UTC),
    datetime(2026, 11, 24, 14, tzinfo=UTC),
    datetime(2026, 11, 25, 1, tzinfo=UTC),
)


class Told(Struct):
    """What came of it. `wrong` says what happened twice, or not at all."""

    killed: int = 0
    files_at_bank: int = 0
    wrong: list[str] = []


async def cut_off(act: Callable[[], Awaitable[object]], turns: int) -> bool:
    """Begin an act and end it after so many turns of the loop; whether it was still going on."""
    task = asyncio.ensure_future(act())
    for _ in range(turns):
        await asyncio.sleep(0)
        if task.done():
            break
    going_on = not task.done()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return going_on


async def lived(folder: Path, moments: Iterable[int]) -> Told:
    """Live some days with a payout that is paid and one that comes back, ended at each of these moments on the way."""
    told, turns = Told(), list(moments)
    async with clearing(folder) as house:
        paid = await house.payout(await house.account(), 1_000)
        returned = await house.payout(await house.account("9902000001"), 700)
        # Drawn before they are built: all entries of the window are then in one file, however often it is begun.
        await _killed(house, told, turns, house.app.originating.draw)
        house.clock.advance(CUTOFF - house.clock.now())
        await _killed(house, told, turns, lambda: house.app.originating.build(SYSTEM))
        await _killed(house, told, turns, house.app.originating.deliver)
        house.bank.work(house.clock.now())
        for evening in EVENINGS:
            house.clock.advance(evening - house.clock.now())
            house.bank.work(house.clock.now())
            await _killed(house, told, turns, house.app.hearing_bank.collect)
            await _killed(house, told, turns, house.app.hearing_bank.work)
            house.clock.advance(timedelta(seconds=1))
        told.files_at_bank = len(house.lying())
        expected = {
            chart.provider(PROVIDER, "USD"): 700,
            chart.bank("USD"): 1_000 + FEE,
            chart.clearing("USD"): 0,
        }
        for account, amount in expected.items():
            if (balance := await house.balance(account)) != amount:
                told.wrong.append(f"{account} is {balance}, not {amount}")
        for payout, status in ((paid, PayoutStatus.PAID), (returned, PayoutStatus.RETURNED)):
            if (found := (await house.paid(payout)).status) is not status:
                told.wrong.append(f"a payout is {found}, not {status}")
        returns = (await house.app.ach.overview.returns(OPERATOR)).values
        if len(returns) != 1:
            told.wrong.append(f"there are {len(returns)} returns, not 1")
    return told


async def _killed(house: Clearing, told: Told, turns: list[int], act: Callable[[], Awaitable[object]]) -> None:
    """Cut the act off at each moment, then let it end."""
    for count in turns:
        told.killed += await cut_off(act, count)
    await act()
    assert house.app is not None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=2, help="a kill at each so-many-th turn, up to 400")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(lived(Path(folder), range(1, 400, asked.every)))
    print(f"killed {told.killed} times; files at the bank {told.files_at_bank}; wrong: {told.wrong or 'nothing'}")
    return 1 if told.wrong or told.files_at_bank != 1 else 0


if __name__ == "__main__":
    sys.exit(main())
