"""The sequencer: every transfer of a summed account counts once, whoever dies or runs beside it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from contexts.ledger.books import a_ledger, account, move, settle
from ecosystem.adapters.embedded.table_recent import Recent
from ecosystem.contexts.ledger import AccountFlag, Balances, Ledger, LedgerBusy, Sequencer, TransferFlag, verify
from ecosystem.kernel.refusals import Unavailable


async def sell(ledger: Ledger, count: int, since: int = 0) -> None:
    for number in range(since, since + count):
        await ledger.submit(move(f"t{number}", "sum", f"buyer{number % 3}", 10))


async def drained(sequencer: Sequencer) -> None:
    while await sequencer.step(limit=4):
        pass


async def open_all(ledger: Ledger) -> None:
    await ledger.open(account("sum", AccountFlag.SUMMED), *(account(f"buyer{number}") for number in range(3)))


async def test_no_transfer_writes_a_summed_account_and_the_sequencer_adds_them_up() -> None:
    async with a_ledger() as ledger:
        await open_all(ledger)
        sequencer = Sequencer(ledger.table, ledger.clock)
        await sell(ledger, 20)
        assert (await ledger.position("sum")).balances == Balances()

        while await sequencer.step(limit=7):
            pass

        assert (await ledger.position("sum")).balances == Balances(debits_posted=200)


async def test_it_comes_to_rest_when_nothing_is_new() -> None:
    async with a_ledger() as ledger:
        await open_all(ledger)
        sequencer = Sequencer(ledger.table, ledger.clock)
        await sell(ledger, 3)

        steps = 0
        while await sequencer.step():
            steps += 1

        assert steps < 5
        assert await sequencer.step() == 0


async def test_pending_posted_and_voided_transfers_are_told_apart() -> None:
    async with a_ledger() as ledger:
        await open_all(ledger)
        sequencer = Sequencer(ledger.table, ledger.clock)
        await ledger.submit(*(move(f"p{n}", "sum", "buyer0", 10, TransferFlag.PENDING) for n in range(3)))
        await sequencer.step()
        assert (await ledger.position("sum")).balances == Balances(debits_pending=30)

        await ledger.submit(settle("post", "p0", 4, TransferFlag.POST), settle("void", "p1", 0, TransferFlag.VOID))
        while await sequencer.step():
            pass

        assert (await ledger.position("sum")).balances == Balances(debits_pending=10, debits_posted=4)


async def test_one_that_dies_before_or_after_its_commit_counts_nothing_twice() -> None:
    async with a_ledger() as ledger:
        await open_all(ledger)
        for since, point in enumerate(("before", "after")):
            await sell(ledger, 5, since=5 * since)
            dying = Sequencer(DiesOnce(ledger.table, point), ledger.clock)
            with pytest.raises(Unavailable):
                await drained(dying)
            await drained(dying)

        successor = Sequencer(ledger.table, ledger.clock)
        while await successor.step():
            pass

        assert (await ledger.position("sum")).balances == Balances(debits_posted=100)


async def test_several_at_once_count_each_transfer_once() -> None:
    async def follow() -> None:
        sequencer = Sequencer(ledger.table, ledger.clock)
        for _ in range(60):
            try:
                await sequencer.step(limit=3)
            except LedgerBusy:
                await asyncio.sleep(0)

    async with a_ledger() as ledger:
        await open_all(ledger)

        await asyncio.gather(follow(), follow(), follow(), sell(ledger, 25), sell(ledger, 25, since=25))

        while await Sequencer(ledger.table, ledger.clock).step(limit=1000) > 10:
            pass
        assert (await ledger.position("sum")).balances == Balances(debits_posted=500)


async def test_its_lag_is_what_it_has_not_taken_in_and_how_old_that_is() -> None:
    async with a_ledger() as ledger:
        await open_all(ledger)
        sequencer = Sequencer(ledger.table, ledger.clock)
        assert (await sequencer.lag()).transfers == 0
        await sell(ledger, 3)
        ledger.clock.advance(timedelta(seconds=5))

        assert ((await sequencer.lag()).transfers, (await sequencer.lag()).seconds) == (3, 5.0)
        while await sequencer.step():
            pass
        assert ((await sequencer.lag()).transfers, (await sequencer.lag()).seconds) == (0, 0.0)


async def test_verify_agrees_whether_or_not_the_sequencer_has_caught_up() -> None:
    async with a_ledger() as ledger:
        await open_all(ledger)
        await sell(ledger, 10)
        assert (await verify(ledger.table, ledger.clock)).holds
        sequencer = Sequencer(ledger.table, ledger.clock)
        await sequencer.step(limit=5)
        await sell(ledger, 4, since=10)

        report = await verify(ledger.table, ledger.clock)

        assert report.holds, report.findings
        assert report.ledgers["EUR"].debits_posted == report.ledgers["EUR"].credits_posted == 140


async def forget(ledger: Ledger) -> None:
    """Let the table forget all it may, and those changes held for a follower too."""
    ledger.clock.advance(timedelta(days=91))
    await sell(ledger, 1, since=900)
    await ledger.table.prune()
    ledger.table._table._recent = Recent()


async def test_transfers_whose_changes_were_forgotten_are_counted_all_the_same() -> None:
    async with a_ledger() as ledger:
        await open_all(ledger)
        sequencer = Sequencer(ledger.table, ledger.clock)
        await sell(ledger, 10)
        await ledger.submit(move("p", "sum", "buyer0", 7, TransferFlag.PENDING))
        await drained(sequencer)
        await sell(ledger, 20, since=10)
        await ledger.submit(settle("post", "p", 4, TransferFlag.POST))
        await forget(ledger)
        assert (await sequencer.lag()).seconds > 0

        for each in (sequencer, Sequencer(ledger.table, ledger.clock)):
            await drained(each)

        assert (await ledger.position("sum")).balances == Balances(debits_posted=314)
        assert (await verify(ledger.table, ledger.clock)).holds


@pytest.mark.parametrize("point", ["before", "after"])
async def test_counting_anew_while_sales_go_on_and_one_dies_counts_each_transfer_once(point: str) -> None:
    async with a_ledger() as ledger:
        await open_all(ledger)
        await sell(ledger, 10)
        await drained(Sequencer(ledger.table, ledger.clock))
        await sell(ledger, 10, since=10)
        await forget(ledger)
        dying = Sequencer(DiesOnce(ledger.table, point), ledger.clock)

        done = await asyncio.gather(
            drained(dying),
            drained(Sequencer(ledger.table, ledger.clock)),
            drained(Sequencer(ledger.table, ledger.clock)),
            sell(ledger, 30, since=20),
            return_exceptions=True,
        )
        ledger.clock.advance(timedelta(minutes=10))
        await drained(Sequencer(ledger.table, ledger.clock))

        assert all(isinstance(each, Unavailable) for each in done if each is not None)
        assert (await ledger.position("sum")).balances == Balances(debits_posted=510)
        assert (await verify(ledger.table, ledger.clock)).holds


async def test_changes_that_were_not_read_are_held_back_for_the_sequencer() -> None:
    async with a_ledger() as ledger:
        await open_all(ledger)
        sequencer = Sequencer(ledger.table, ledger.clock)
        await sell(ledger, 10)
        await drained(sequencer)
        await sell(ledger, 10, since=10)
        ledger.clock.advance(timedelta(days=60))
        await ledger.table.prune()
        ledger.table._table._recent = Recent()

        assert (await sequencer.lag()).transfers == 10
        assert len(await ledger.table.changes(None)) < 60
        await drained(sequencer)
        assert (await ledger.position("sum")).balances == Balances(debits_posted=200)


class DiesOnce:
    """A table that fails the first commit of totals: before it is made, or after it is made but not yet known."""

    def __init__(self, table: object, point: str) -> None:
        self._table = table
        self._point: str | None = point

    def __getattr__(self, name: str) -> object:
        return getattr(self._table, name)

    async def transact(self, *writes: object, token: str | None = None) -> None:
        point, self._point = self._point, None
        if point == "before":
            raise Unavailable("the line went dead")
        await self._table.transact(*writes, token=token)
        if point == "after":
            raise Unavailable("the line went dead")
