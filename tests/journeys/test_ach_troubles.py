"""What goes wrong while money is originated: nothing is paid twice, nothing is lost, nothing holds up the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from clearing import AGREED, PROVIDER, SYSTEM, Clearing, clearing
from ecosystem.contexts.ach import EntryState
from ecosystem.contexts.bank_accounts import Corrections
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payouts import PayoutStatus
from ecosystem.kernel.refusals import Invalid
from market import OPERATOR, OWNER

MONDAY_NIGHT = datetime(2026, 11, 24, 2, tzinfo=UTC)
TUESDAY_NIGHT = datetime(2026, 11, 25, 2, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def house(quick_path: Path) -> AsyncIterator[Clearing]:
    async with clearing(quick_path) as made:
        yield made


async def test_a_payout_whose_account_is_removed_while_its_entry_waits_comes_back_and_is_not_sent(
    house: Clearing,
) -> None:
    account = await house.account()
    payout = await house.payout(account, 12_345)
    opening = house.bank.books.balance
    await house.step()
    assert (await house.entry(payout)).state is EntryState.WAITING

    await house.app.bank_accounts.remove(account.account_id, OWNER)
    await house.until(MONDAY_NIGHT)

    assert (await house.paid(payout)).status is PayoutStatus.FAILED
    assert (await house.entry(payout)).state is EntryState.CANCELLED
    assert house.bank.books.balance == opening
    assert await house.balance(chart.provider(PROVIDER, "USD")) == 12_345
    assert await house.balance(chart.clearing("USD")) == 0


async def test_a_payout_that_came_back_is_in_no_file(house: Clearing) -> None:
    payout = await house.payout(await house.account(), 12_345)
    other = await house.payout(await house.account(), 700)
    opening = house.bank.books.balance
    await house.step()

    await house.app.originating.payouts.came_back(payout.payout_id, "R03", "It came back.", SYSTEM)
    await house.until(MONDAY_NIGHT)

    assert (await house.entry(payout)).state is EntryState.CANCELLED
    assert (await house.paid(other)).status is PayoutStatus.PAID
    assert house.bank.books.balance == opening - 700
    assert await house.balance(chart.provider(PROVIDER, "USD")) == 12_345


async def test_no_payout_goes_to_an_account_that_was_refused(house: Clearing) -> None:
    account = await house.account()
    payout = await house.payout(account, 12_345)
    opening = house.bank.books.balance

    await house.app.bank_accounts.verification_failed(account.account_id, "R02", "It is closed.", SYSTEM)
    await house.until(MONDAY_NIGHT)

    assert (await house.paid(payout)).status is PayoutStatus.FAILED
    assert house.bank.books.balance == opening
    assert await house.balance(chart.provider(PROVIDER, "USD")) == 12_345


async def test_a_corrected_account_stops_neither_its_payout_nor_others(house: Clearing) -> None:
    account = await house.account()
    payout = await house.payout(account, 12_345)
    await house.step()

    told = Corrections(code="C01", account_number="000987654321")
    await house.app.bank_accounts.corrected(account.account_id, told, SYSTEM)
    other = await house.payout(account, 700)
    await house.until(MONDAY_NIGHT)

    assert (await house.paid(payout)).status is PayoutStatus.PAID
    assert (await house.paid(other)).status is PayoutStatus.PAID


async def test_more_payouts_than_a_page_are_all_drawn_and_none_is_opened_twice(house: Clearing) -> None:
    account = await house.account()
    payouts = [await house.payout(account, 100 + number) for number in range(5)]

    pages = [page async for page in house.app.originating.payouts.queue(2)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {each.payout_id for page in pages for each in page} == {each.payout_id for each in payouts}
    assert [await house.app.originating.draw() for _ in range(2)] == [5, 0]


async def test_a_payout_filed_again_is_known_under_its_new_trace_number(house: Clearing) -> None:
    payout = await house.payout(await house.account(), 2_000_000)
    await house.until(datetime(2026, 11, 21, 7, 5, tzinfo=UTC))
    first = await house.paid(payout)
    [file] = await house.app.ach.delivering.open_files()

    await house.app.ach.delivering.withdraw(file.file_id, "Look again.", OPERATOR)
    await house.until(datetime(2026, 11, 24, 7, 5, tzinfo=UTC))

    again = await house.paid(payout)
    assert first.rail_id
    assert again.rail_id == (await house.entry(payout)).trace_number != first.rail_id
    assert first.expected_at is not None
    assert again.expected_at is not None
    assert again.expected_at > first.expected_at
    assert await house.balance(chart.clearing("USD")) == 2_000_000


async def test_a_lead_shorter_than_two_turns_of_the_schedule_is_refused(house: Clearing) -> None:
    with pytest.raises(Invalid) as refused:
        await house.app.ach.originators.say(replace(AGREED, lead_s=599, version=1), OPERATOR)

    assert refused.value.field == "lead_s"
