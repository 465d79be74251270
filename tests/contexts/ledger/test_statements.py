"""Statements: every transfer of an account once, newest first, page by page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contexts.ledger.books import NOON, a_ledger, account, move, settle
from ecosystem.contexts.ledger import AccountFlag, Ledger, Mark, NoSuchAccount, Statements, TransferFlag
from ecosystem.kernel.refusals import Invalid


async def paged(statements: Statements, account_id: str, limit: int, **between: object) -> list[str]:
    found: list[str] = []
    mark: Mark | None = None
    while True:
        statement = await statements.account(account_id, limit=limit, after=mark, **between)
        found += [line.transfer.transfer_id for line in statement.lines]
        if statement.next is None:
            return found
        mark = statement.next


async def a_month(ledger: Ledger) -> None:
    """Thirty transfers on ten days, three at each instant."""
    await ledger.open(account("bank"), account("shop"), account("sum", AccountFlag.SUMMED))
    for day in range(10):
        await ledger.submit(
            move(f"d{day}.1", "bank", "shop", 10),
            move(f"d{day}.2", "shop", "bank", 4),
            move(f"d{day}.3", "sum", "shop", 1, reference="bkg_1"),
        )
        ledger.clock.advance(timedelta(days=1))


async def test_a_statement_has_every_transfer_newest_first_on_pages_of_any_size() -> None:
    async with a_ledger() as ledger:
        await a_month(ledger)
        statements = Statements(ledger.table, ledger)
        expected = [f"d{day}.{place}" for day in reversed(range(10)) for place in (3, 2, 1)]

        for limit in (1, 2, 7, 50):
            assert await paged(statements, "shop", limit) == expected


async def test_each_line_has_the_balance_after_it() -> None:
    async with a_ledger() as ledger:
        await a_month(ledger)
        statements = Statements(ledger.table, ledger)

        first = await statements.account("shop", limit=4)
        second = await statements.account("shop", limit=4, after=first.next)

        assert [(line.posted, line.balance) for line in first.lines] == [(1, 70), (-4, 69), (10, 73), (1, 63)]
        assert (second.lines[0].posted, second.lines[0].balance) == (-4, 62)
        assert first.lines[1].counter_account_id == "bank"


async def test_a_stretch_of_time_is_half_open() -> None:
    async with a_ledger() as ledger:
        await a_month(ledger)
        statements = Statements(ledger.table, ledger)

        found = await paged(statements, "shop", 2, start_at=NOON + timedelta(days=3), end_at=NOON + timedelta(days=5))

        assert found == ["d4.3", "d4.2", "d4.1", "d3.3", "d3.2", "d3.1"]


async def test_a_summed_account_is_read_by_days() -> None:
    async with a_ledger() as ledger:
        await a_month(ledger)
        statements = Statements(ledger.table, ledger)
        between = {"start_at": NOON, "end_at": NOON + timedelta(days=20)}

        assert await paged(statements, "sum", 3, **between) == [f"d{day}.3" for day in reversed(range(10))]
        with pytest.raises(Invalid) as refused:
            await statements.account("sum")
        assert refused.value.field == "start_at"


async def test_a_booking_has_a_statement_of_its_own() -> None:
    async with a_ledger() as ledger:
        await a_month(ledger)

        found = await Statements(ledger.table, ledger).reference("bkg_1")

        assert [transfer.transfer_id for transfer in found] == [f"d{day}.3" for day in range(10)]


async def test_a_pending_transfer_is_listed_until_it_is_settled() -> None:
    async with a_ledger() as ledger:
        await ledger.open(account("bank"), account("shop"))
        statements = Statements(ledger.table, ledger)
        await ledger.submit(*(move(f"p{n}", "bank", "shop", 5, TransferFlag.PENDING) for n in range(3)))
        await ledger.submit(settle("post", "p0", 5, TransferFlag.POST), settle("void", "p1", 5, TransferFlag.VOID))

        later = await statements.pending(before=NOON + timedelta(seconds=1))

        assert [transfer.transfer_id for transfer in later] == ["p2"]
        assert await statements.pending(before=NOON) == []


@pytest.mark.parametrize("mark", ["", "nonsense", "1.5|2026", "|"])
async def test_what_is_no_mark_is_refused(mark: str) -> None:
    async with a_ledger() as ledger:
        await ledger.open(account("shop"))
        with pytest.raises(Invalid) as refused:
            await Statements(ledger.table, ledger).account("shop", after=Mark(mark))
    assert refused.value.field == "after"


async def test_an_account_that_is_none_has_no_statement() -> None:
    async with a_ledger() as ledger:
        with pytest.raises(NoSuchAccount):
            await Statements(ledger.table, ledger).account("nobody")
