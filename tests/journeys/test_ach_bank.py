"""Payouts and verifications through files, with a bank at the other end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from clearing import PROVIDER, ROUTING, SECOND, SYSTEM, Clearing, clearing
from ecosystem.contexts.ach import EntryState, ExceptionKind, FileState
from ecosystem.contexts.bank_accounts import AccountState, Method
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payouts import PayoutStatus
from ecosystem.sandbank.plans import Plan
from market import OPERATOR

MONDAY_NIGHT = datetime(2026, 11, 24, 2, tzinfo=UTC)
TUESDAY_NIGHT = datetime(2026, 11, 25, 2, tzinfo=UTC)
FEE = 200
"""What the bank takes for an entry that came back, by its plan."""


@pytest.fixture
async def house(quick_path: Path) -> AsyncIterator[Clearing]:
    async with clearing(quick_path) as made:
        yield made


async def test_a_payout_travels_in_a_file_and_is_paid_when_the_statement_shows_it(house: Clearing) -> None:
    payout = await house.payout(await house.account(), 12_345)
    opening = house.bank.books.balance

    await house.until(MONDAY_NIGHT)

    assert (await house.paid(payout)).status is PayoutStatus.PAID
    entry = await house.entry(payout)
    assert (entry.state, entry.settled_on, entry.entry_class) == (EntryState.SETTLED, date(2026, 11, 23), "PPD")
    assert house.bank.books.balance == opening - 12_345
    assert await house.balance(chart.bank("USD")) == 12_345
    assert await house.balance(chart.clearing("USD")) == 0
    assert await house.balance(chart.provider(PROVIDER, "USD")) == 0
    [file] = (await house.app.ach.overview.files(OPERATOR)).values
    assert (file.state, file.totals.credit_cents, file.totals.entries) == (FileState.SETTLED, 12_345, 1)


async def test_an_instant_payout_goes_with_the_next_window_of_the_day(house: Clearing) -> None:
    payout = await house.payout(await house.account(), 500, instant=True)

    await house.until(datetime(2026, 11, 21, 2, tzinfo=UTC))

    assert (await house.entry(payout)).file_id == "2026-11-20-1-first"
    assert (await house.paid(payout)).status is PayoutStatus.PAID


@pytest.mark.parametrize(
    ("number", "code"), [("000111111116", "R03"), ("9902000001", "R02"), ("9916000001", "R16"), ("9923000001", "R23")]
)
async def test_a_returned_payout_is_back_on_the_balance_and_its_account_refused(
    house: Clearing, number: str, code: str
) -> None:
    account = await house.account(number)
    payout = await house.payout(account, 7_000)
    opening = house.bank.books.balance

    await house.until(TUESDAY_NIGHT)

    paid = await house.paid(payout)
    assert paid.status is PayoutStatus.RETURNED
    assert paid.trouble is not None
    assert paid.trouble.code == code
    assert await house.balance(chart.provider(PROVIDER, "USD")) == 7_000
    assert await house.balance(chart.bank("USD")) == -await house.balance(chart.costs("USD")) == FEE
    assert await house.balance(chart.clearing("USD")) == 0
    assert house.bank.books.balance == opening - FEE
    assert (await house.app.bank_accounts.row(account.account_id)).value.state is AccountState.REFUSED


async def test_an_account_is_verified_by_a_prenote_that_does_not_come_back(house: Clearing) -> None:
    account = await house.account(verified=False)
    await house.app.originating.verify(account.account_id)

    # Thanksgiving is no banking day: three of them after Monday are over on Friday morning.
    await house.until(datetime(2026, 11, 27, 13, 29, tzinfo=UTC))
    await house.app.bank_accounts.end_due(SYSTEM)
    assert (await house.app.bank_accounts.row(account.account_id)).value.state is AccountState.VERIFYING
    await house.until(datetime(2026, 11, 27, 13, 30, tzinfo=UTC))
    await house.app.bank_accounts.end_due(SYSTEM)

    assert (await house.app.bank_accounts.row(account.account_id)).value.state is AccountState.VERIFIED


async def test_an_account_whose_prenote_comes_back_is_refused(house: Clearing) -> None:
    account = await house.account("9903000001", verified=False)
    await house.app.originating.verify(account.account_id)

    await house.until(TUESDAY_NIGHT)

    known = (await house.app.bank_accounts.row(account.account_id)).value
    assert (known.state, known.code) == (AccountState.REFUSED, "R03")


async def test_micro_deposits_are_two_credits_below_a_dollar_that_the_platform_bears(house: Clearing) -> None:
    account = await house.account(verified=False, method=Method.MICRO_DEPOSITS)
    amounts = await house.app.bank_accounts.amounts(account.account_id, SYSTEM)
    await house.app.originating.verify(account.account_id)

    await house.until(MONDAY_NIGHT)

    [file] = (await house.app.ach.overview.files(OPERATOR)).values
    [batch] = file.batches
    assert (batch.description, batch.entries, batch.cents) == ("ACCTVERIFY", 2, sum(amounts))
    assert await house.balance(chart.costs("USD")) == -sum(amounts)
    assert await house.balance(chart.bank("USD")) == sum(amounts)


async def test_a_correction_is_applied_to_the_account_at_once(house: Clearing) -> None:
    account = await house.account("9801000042")
    payout = await house.payout(account, 1_000)

    await house.until(TUESDAY_NIGHT)

    numbers = await house.app.bank_accounts.opened(account.account_id, SYSTEM, why="test")
    assert numbers.account_number == "10000042"
    assert (await house.paid(payout)).status is PayoutStatus.PAID
    [change] = (await house.app.ach.overview.changes(OPERATOR)).values
    assert (change.code, change.applied_at is not None, change.due_on) == ("C01", True, date(2026, 12, 3))
    assert b"10000042" not in change.corrected_box


async def test_an_account_abroad_is_closed_by_the_notification_that_says_so(house: Clearing) -> None:
    account = await house.account("9814000042")
    await house.payout(account, 1_000)

    await house.until(TUESDAY_NIGHT)

    after = (await house.app.bank_accounts.row(account.account_id)).value
    assert (after.state, after.code) == (AccountState.REFUSED, "C14")


async def test_a_file_above_the_limit_waits_for_a_second_person(house: Clearing) -> None:
    payout = await house.payout(await house.account(), 1_000_001)
    await house.until(datetime(2026, 11, 21, 7, 5, tzinfo=UTC))
    [file] = await house.app.ach.delivering.open_files()
    assert file.state is FileState.NEEDS_APPROVAL
    assert house.lying() == []

    await house.app.ach.delivering.approve(file.file_id, file.content_sha256, SECOND)
    await house.until(MONDAY_NIGHT)

    assert (await house.paid(payout)).status is PayoutStatus.PAID


async def test_a_file_that_nobody_approved_in_time_goes_back_and_its_entries_into_the_next(house: Clearing) -> None:
    payout = await house.payout(await house.account(), 1_000_001)
    await house.until(datetime(2026, 11, 21, 8, tzinfo=UTC))

    [file] = (await house.app.ach.overview.files(OPERATOR)).values
    assert file.state is FileState.WITHDRAWN
    entry = await house.entry(payout)
    assert (entry.state, entry.file_id) == (EntryState.WAITING, "")
    await house.until(datetime(2026, 11, 24, 7, 5, tzinfo=UTC))
    await house.approve_all()
    await house.until(TUESDAY_NIGHT)
    assert (await house.paid(payout)).status is PayoutStatus.PAID
    assert (await house.entry(payout)).trace_number != entry.trace_number


async def test_a_rejected_file_is_an_exception_and_can_be_sent_again(quick_path: Path) -> None:
    async with clearing(quick_path, plan=Plan(rejected=1.0)) as house:
        payout = await house.payout(await house.account(), 1_000)
        await house.until(datetime(2026, 11, 21, 8, tzinfo=UTC))
        [exception] = (await house.app.ach.overview.exceptions(OPERATOR)).values
        assert exception.kind is ExceptionKind.FILE_REJECTED

        house.bank.plan = Plan()
        await house.app.ach.delivering.withdraw(exception.file_id, "Send them again.", OPERATOR)
        await house.until(TUESDAY_NIGHT)

        assert (await house.paid(payout)).status is PayoutStatus.PAID


async def test_the_money_of_a_rejected_file_can_be_given_back(quick_path: Path) -> None:
    async with clearing(quick_path, plan=Plan(rejected=1.0)) as house:
        payout = await house.payout(await house.account(), 1_000)
        await house.until(datetime(2026, 11, 21, 8, tzinfo=UTC))
        [file] = await house.app.ach.delivering.open_files()

        await house.app.originating.give_back(file.file_id, OPERATOR)

        assert (await house.paid(payout)).status is PayoutStatus.FAILED
        assert await house.balance(chart.provider(PROVIDER, "USD")) == 1_000
        assert await house.balance(chart.clearing("USD")) == 0


async def test_truncated_and_doubled_files_of_the_bank_have_the_effect_of_one_whole_file(quick_path: Path) -> None:
    async with clearing(quick_path, plan=Plan(truncated=1.0, duplicated=1.0)) as house:
        payout = await house.payout(await house.account("9902000001"), 1_000)

        await house.until(TUESDAY_NIGHT)

        assert (await house.paid(payout)).status is PayoutStatus.RETURNED
        assert await house.balance(chart.provider(PROVIDER, "USD")) == 1_000
        kinds = [each.kind for each in (await house.app.ach.overview.exceptions(OPERATOR)).values]
        assert kinds == [ExceptionKind.FILE_UNREADABLE]
        assert len((await house.app.ach.overview.returns(OPERATOR)).values) == 1


async def test_a_bank_that_takes_the_file_late_settles_a_day_later(quick_path: Path) -> None:
    async with clearing(quick_path, plan=Plan(late=1.0, late_hours=72)) as house:
        payout = await house.payout(await house.account(), 1_000)

        await house.until(MONDAY_NIGHT)
        assert (await house.paid(payout)).status is PayoutStatus.SENT
        kinds = [each.kind for each in (await house.app.ach.overview.exceptions(OPERATOR)).values]
        assert kinds == [ExceptionKind.NOT_ACKNOWLEDGED]

        await house.until(TUESDAY_NIGHT)
        assert (await house.paid(payout)).status is PayoutStatus.PAID


async def test_no_item_or_event_tells_name_bank_or_number_of_a_receiver_in_clear(house: Clearing) -> None:
    account = await house.account("000987654321")
    payout = await house.payout(account, 1_000)
    await house.until(TUESDAY_NIGHT)

    stored = b"".join(path.read_bytes() for path in (house.bank.folder.parent).glob("table.sqlite*") if path.is_file())
    for secret in ("000987654321", "Paula Sousa", ROUTING):
        assert secret.encode() not in stored
        assert secret.encode() in house.lying()[0].read_bytes()
    assert "000987654321" not in repr(await house.entry(payout))
