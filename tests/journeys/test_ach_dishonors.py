"""Returns that we do not accept: dishonoured in a file, taken back by the other bank, or contested."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from clearing import PROVIDER, SYSTEM, Clearing, clearing
from ecosystem.contexts.ach import EntryState, ExceptionKind, Purpose, ReturnState
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payouts import PayoutStatus
from ecosystem.kernel.nacha import Entry as FileEntry
from ecosystem.kernel.nacha import Reading
from ecosystem.sandbank.plans import Plan
from market import OPERATOR

FEE = 200
IN_TIME = datetime(2026, 11, 25, 2, tzinfo=UTC)
LATER = datetime(2026, 12, 18, 2, tzinfo=UTC)


def dishonored_in(house: Clearing) -> list[dict[str, str]]:
    """The dishonoured returns in the files that lie at the bank: code, return code, what was wrong, amount."""
    found: list[dict[str, str]] = []
    for path in house.lying():
        for item in Reading().items([path.read_bytes()]):
            if isinstance(item, FileEntry) and item.addenda:
                addenda = item.addenda[0]
                found.append(
                    {
                        "code": addenda["dishonored_return_reason_code"],
                        "of": addenda["return_reason_code"],
                        "fields": addenda["addenda_information"].strip(),
                        "transaction": item.record["transaction_code"],
                        "cents": str(item.amount_cents),
                    }
                )
    return found


async def books(house: Clearing) -> tuple[int, int, int]:
    """Credits less debits of the provider's balance, our bank without its fees, and clearing."""
    bank = await house.balance(chart.bank("USD")) + await house.balance(chart.costs("USD"))
    return (
        await house.balance(chart.provider(PROVIDER, "USD")),
        bank,
        await house.balance(chart.clearing("USD")),
    )


async def test_a_return_that_comes_twice_is_dishonoured_once_in_a_file_and_taken_back(quick_path: Path) -> None:
    async with clearing(quick_path, plan=Plan(wrong={"twice": 1.0})) as house:
        payout = await house.payout(await house.account("9902000001"), 7_000)
        opening = house.bank.books.balance
        await house.until(datetime(2026, 11, 26, 2, tzinfo=UTC))
        first, second = reversed((await house.app.ach.overview.returns(OPERATOR)).values)
        assert (first.state, second.state, second.dishonor_code) == (ReturnState.ACTED, ReturnState.DISHONORED, "R67")
        assert await books(house) == (7_000, -7_000, 7_000)

        await house.until(LATER)

        [told] = dishonored_in(house)
        assert told == {"code": "R67", "of": "02", "fields": "", "transaction": "21", "cents": "7000"}
        [entry] = await house.app.ach.entries.of(second.return_id)
        assert (entry.purpose, entry.state) == (Purpose.DISHONOR, EntryState.SETTLED)
        assert (await house.paid(payout)).status is PayoutStatus.RETURNED
        assert await books(house) == (7_000, 0, 0)
        assert house.bank.books.balance == opening - 2 * FEE


async def test_a_return_of_another_amount_is_dishonoured_and_the_payout_stays_paid(quick_path: Path) -> None:
    async with clearing(quick_path, plan=Plan(wrong={"misstated": 1.0})) as house:
        payout = await house.payout(await house.account("9902000001"), 7_000)
        opening = house.bank.books.balance

        await house.until(LATER)

        [told] = dishonored_in(house)
        assert told == {"code": "R69", "of": "02", "fields": "03", "transaction": "21", "cents": "6999"}
        assert (await house.paid(payout)).status is PayoutStatus.PAID
        assert await books(house) == (0, 7_000, 0)
        assert house.bank.books.balance == opening - 7_000 - FEE
        [exception] = (await house.app.ach.overview.exceptions(OPERATOR)).values
        assert exception.kind is ExceptionKind.WRONG_AMOUNT


async def test_a_late_return_that_is_dishonoured_and_contested_holds_after_all(quick_path: Path) -> None:
    async with clearing(quick_path, plan=Plan(wrong={"late": 1.0}, contests=True)) as house:
        payout = await house.payout(await house.account("9902000001"), 7_000)
        opening = house.bank.books.balance
        await house.until(IN_TIME)
        assert (await house.paid(payout)).status is PayoutStatus.PAID

        await house.until(LATER)

        [told] = dishonored_in(house)
        assert (told["code"], told["cents"]) == ("R68", "7000")
        [returned] = (await house.app.ach.overview.returns(OPERATOR)).values
        assert (returned.state, returned.contested_code, returned.acted) == (ReturnState.CONTESTED, "R73", True)
        paid = await house.paid(payout)
        assert paid.status is PayoutStatus.RETURNED
        assert paid.trouble is not None
        assert paid.trouble.code == "R02"
        assert await books(house) == (7_000, 0, 0)
        assert house.bank.books.balance == opening - FEE


async def test_working_through_the_same_files_again_dishonours_nothing_twice(quick_path: Path) -> None:
    async with clearing(quick_path, plan=Plan(wrong={"late": 1.0}, duplicated=1.0, truncated=1.0)) as house:
        payout = await house.payout(await house.account("9902000001"), 7_000)

        await house.until(LATER)
        await house.app.originating.build(SYSTEM)

        assert len(dishonored_in(house)) == 1
        assert (await house.paid(payout)).status is PayoutStatus.PAID
        assert await books(house) == (0, 7_000, 0)
