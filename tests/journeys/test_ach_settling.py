"""Batches that settle for another amount than they were sent with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clearing import PROVIDER, Clearing, clearing
from ecosystem.contexts.ach import (
    AchFile,
    BatchNotShown,
    EntryState,
    ExceptionKind,
    FileState,
    NoSuchBatch,
)
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payouts import Payout, PayoutStatus
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.sandbank.books import Line
from market import OPERATOR, OWNER

MONDAY_NIGHT = datetime(2026, 11, 24, 2, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def house(quick_path: Path) -> AsyncIterator[Clearing]:
    async with clearing(quick_path) as made:
        yield made


async def pulled(house: Clearing) -> tuple[AchFile, Payout, Payout]:
    """A file of which the bank takes one entry of 700 cents out, and settles the other of 12,345."""
    stays = await house.payout(await house.account("000123456789"), 12_345)
    taken_out = await house.payout(await house.account("9700000001"), 700)
    await house.until(MONDAY_NIGHT)
    [file] = (await house.app.ach.overview.files(OPERATOR)).values
    return file, stays, taken_out


def rest_settles(house: Clearing) -> None:
    """The bank settles on Tuesday what it took out of Monday's batch."""
    [settled] = [line for line in house.bank.books.lines("2026-11-23") if line.type == "466"]
    with house.bank.books.together():
        house.bank.books.line("2026-11-24", Line("466", 700, False, "late", settled.ours, "THE REST"))


async def test_a_batch_settles_without_the_entry_that_the_bank_took_out_of_it(house: Clearing) -> None:
    opening = house.bank.books.balance
    file, stays, taken_out = await pulled(house)
    assert file.state is FileState.ACKNOWLEDGED
    assert [(await house.paid(each)).status for each in (stays, taken_out)] == [PayoutStatus.SENT] * 2
    [exception] = (await house.app.ach.overview.exceptions(OPERATOR)).values
    assert (exception.kind, exception.file_id) == (ExceptionKind.SETTLED_OTHERWISE, file.file_id)

    trace = (await house.entry(taken_out)).trace_number
    after = await house.app.originating.settle_without(file.file_id, 1, [trace], OPERATOR)

    assert after.state is FileState.SETTLED
    assert (await house.paid(stays)).status is PayoutStatus.PAID
    assert (await house.entry(stays)).state is EntryState.SETTLED
    assert (await house.paid(taken_out)).status is PayoutStatus.FAILED
    assert (await house.entry(taken_out)).state is EntryState.RETURNED
    assert await house.balance(chart.bank("USD")) == 12_345 == opening - house.bank.books.balance
    assert await house.balance(chart.clearing("USD")) == 0
    assert await house.balance(chart.provider(PROVIDER, "USD")) == 700
    again = await house.app.originating.settle_without(file.file_id, 1, [trace], OPERATOR)
    assert again.state is FileState.SETTLED
    assert await house.balance(chart.provider(PROVIDER, "USD")) == 700


async def test_what_is_left_of_a_batch_must_be_what_the_statement_shows(house: Clearing) -> None:
    file, stays, taken_out = await pulled(house)
    wrong, right = [(await house.entry(each)).trace_number for each in (stays, taken_out)]
    act = house.app.originating.settle_without

    with pytest.raises(Invalid, match=r"\$7.00 are left, and the statement shows \$123.45"):
        await act(file.file_id, 1, [wrong], OPERATOR)
    with pytest.raises(Invalid, match="999"):
        await act(file.file_id, 1, [right, "999"], OPERATOR)
    with pytest.raises(Invalid):
        await act(file.file_id, 1, [], OPERATOR)
    with pytest.raises(NoSuchBatch):
        await act(file.file_id, 2, [right], OPERATOR)
    with pytest.raises(Denied):
        await act(file.file_id, 1, [right], OWNER)

    assert (await house.entry(taken_out)).state is EntryState.SENT
    assert await house.balance(chart.clearing("USD")) == 13_045


async def test_no_batch_is_settled_without_entries_before_the_bank_had_to_show_it(house: Clearing) -> None:
    payout = await house.payout(await house.account("9700000001"), 700)
    await house.until(SATURDAY)
    [file] = (await house.app.ach.overview.files(OPERATOR)).values
    trace = (await house.entry(payout)).trace_number

    with pytest.raises(BatchNotShown):
        await house.app.originating.settle_without(file.file_id, 1, [trace], OPERATOR)
    await house.until(MONDAY_NIGHT)
    await house.app.originating.settle_without(file.file_id, 1, [trace], OPERATOR)

    assert (await house.paid(payout)).status is PayoutStatus.FAILED
    assert await house.balance(chart.provider(PROVIDER, "USD")) == 700
    assert await house.balance(chart.clearing("USD")) == 0


async def test_settling_without_entries_goes_on_where_it_was_cut_off(house: Clearing) -> None:
    file, stays, taken_out = await pulled(house)
    trace = (await house.entry(taken_out)).trace_number

    await house.app.ach.delivering.settle_without(file.file_id, 1, [trace], OPERATOR)
    await house.step()

    assert (await house.app.ach.building.row(file.file_id)).value.state is FileState.SETTLED
    assert (await house.paid(stays)).status is PayoutStatus.PAID
    assert (await house.paid(taken_out)).status is PayoutStatus.FAILED
    assert await house.balance(chart.clearing("USD")) == 0


async def test_a_batch_whose_rest_the_bank_settles_a_day_later_is_settled_whole(house: Clearing) -> None:
    file, stays, taken_out = await pulled(house)
    rest_settles(house)

    await house.until(house.clock.now() + timedelta(days=1))

    assert (await house.app.ach.building.row(file.file_id)).value.state is FileState.SETTLED
    assert [(await house.paid(each)).status for each in (stays, taken_out)] == [PayoutStatus.PAID] * 2
    assert await house.balance(chart.bank("USD")) == 13_045


async def test_a_rest_that_settles_although_it_was_given_back_asks_for_a_person(house: Clearing) -> None:
    file, _, taken_out = await pulled(house)
    trace = (await house.entry(taken_out)).trace_number
    await house.app.originating.settle_without(file.file_id, 1, [trace], OPERATOR)
    rest_settles(house)

    await house.until(house.clock.now() + timedelta(days=1))

    kinds = [each.kind for each in (await house.app.ach.overview.exceptions(OPERATOR)).values]
    assert kinds == [ExceptionKind.SETTLED_OTHERWISE] * 2
    assert (await house.paid(taken_out)).status is PayoutStatus.FAILED
