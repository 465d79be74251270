"""The same over SFTP, with the bank as a process of its own whose clock is moved at its desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from clearing import FRIDAY, PROVIDER, SYSTEM, Clearing, agreed
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.sftp_account import SftpAccount
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payouts import PayoutStatus
from ecosystem.sandbank.desk import ask
from ecosystem.sandbank.process import Child, child
from market import KEYS, over

NIGHTS = 4


async def test_payouts_settle_and_come_back_over_sftp(tmp_path: Path) -> None:
    folder = tmp_path / "at-the-bank"
    how = Child(data=tmp_path / "sandbank", folder=folder, password="between us")
    assert "between us" not in " ".join(how.command) + repr(how)
    async with child(how) as ready:
        account = SftpAccount(
            host="127.0.0.1",
            port=ready.sftp_port,
            user=ready.user,
            password="between us",
            fingerprint=ready.fingerprint,
        )
        clock = VirtualClock(FRIDAY)
        await ask(ready.desk, act="clock", at=clock.now().timestamp())
        async with over(tmp_path, "http://127.0.0.1:9", KEYS, clock, bank=account) as (made, _):
            await agreed(made.app)
            house = Clearing(made, None, clock)  # pyright: ignore[reportArgumentType] - this bank is elsewhere
            paid = await house.payout(await house.account(), 900)
            returned = await house.payout(await house.account("9902000001"), 400)
            await _round(house, ready.desk)
            # Just after the cut-off of the night, when returns are out, and once the day's statement is.
            for night in range(NIGHTS):
                for at in (
                    timedelta(hours=19, minutes=1),
                    timedelta(hours=25, minutes=45),
                    timedelta(hours=37, minutes=1),
                ):
                    moment = FRIDAY + timedelta(days=night) + at
                    if moment > clock.now():
                        clock.advance(moment - clock.now())
                    await _round(house, ready.desk)

            assert (await house.paid(paid)).status is PayoutStatus.PAID
            assert (await house.paid(returned)).status is PayoutStatus.RETURNED
            assert await house.balance(chart.provider(PROVIDER, "USD")) == 400
            fee = -await house.balance(chart.costs("USD"))
            assert fee > 0
            assert await house.balance(chart.bank("USD")) == 900 + fee
            assert await house.balance(chart.clearing("USD")) == 0


async def _round(house: Clearing, desk: int) -> None:
    now = house.clock.now()
    originating, hearing = house.app.originating, house.app.hearing_bank
    await ask(desk, act="clock", at=now.timestamp())
    for _ in range(2):
        await originating.draw()
        await originating.build(SYSTEM)
        await originating.deliver()
        await ask(desk, act="work")
        await hearing.collect()
        await hearing.work()


def test_the_rounds_pass_the_cutoff_of_the_night() -> None:
    cutoff = datetime(2026, 11, 21, 7, tzinfo=UTC)

    assert cutoff < FRIDAY + timedelta(hours=19, minutes=1) < cutoff + timedelta(minutes=15)
