"""Files that were delivered and that the bank never answered about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clearing import PROVIDER, SECOND, Clearing, clearing
from ecosystem.contexts.ach import (
    AchFile,
    BankHasIt,
    ExceptionKind,
    FileState,
    MissingAlone,
    NothingSaidMissing,
)
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payouts import Payout, PayoutStatus
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.sandbank.plans import Plan
from market import OPERATOR, OWNER

SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
TUESDAY_NIGHT = datetime(2026, 11, 25, 2, tzinfo=UTC)
LOST = Plan(late=1.0, late_hours=100_000)
"""A bank that takes no file."""
WORD = "Ms. Ito at the desk: no such file."


@pytest.fixture
async def house(quick_path: Path) -> AsyncIterator[Clearing]:
    async with clearing(quick_path, plan=LOST) as made:
        yield made


async def lost(house: Clearing) -> tuple[AchFile, Payout]:
    """A file that lies where the bank does not look, and the payout in it."""
    payout = await house.payout(await house.account(), 12_345)
    await house.until(SATURDAY)
    [file] = (await house.app.ach.overview.files(OPERATOR)).values
    assert file.state is FileState.DELIVERED
    return file, payout


async def given_up(house: Clearing, file: AchFile) -> AchFile:
    await house.app.ach.delivering.say_missing(file.file_id, WORD, OPERATOR)
    return await house.app.ach.delivering.confirm_missing(file.file_id, SECOND)


def gone(house: Clearing) -> None:
    """Nothing of what lies at the bank is taken, ever; what comes is."""
    for path in (house.bank.folder / "to_bank").iterdir():
        if path.is_file():
            path.unlink()
    house.bank.plan = Plan()


async def test_entries_of_a_file_that_the_bank_does_not_have_are_sent_again(house: Clearing) -> None:
    file, payout = await lost(house)
    opening = house.bank.books.balance

    after = await given_up(house, file)
    assert (after.state, after.reason) == (FileState.REJECTED, WORD)
    gone(house)
    await house.app.ach.delivering.withdraw(file.file_id, "Send them again.", OPERATOR)
    await house.until(TUESDAY_NIGHT)

    assert (await house.paid(payout)).status is PayoutStatus.PAID
    assert opening - house.bank.books.balance == 12_345 == await house.balance(chart.bank("USD"))
    assert await house.balance(chart.clearing("USD")) == 0


async def test_the_money_of_a_file_that_the_bank_does_not_have_is_given_back(house: Clearing) -> None:
    file, payout = await lost(house)

    await given_up(house, file)
    await house.app.originating.give_back(file.file_id, OPERATOR)

    assert (await house.paid(payout)).status is PayoutStatus.FAILED
    assert await house.balance(chart.provider(PROVIDER, "USD")) == 12_345
    assert await house.balance(chart.clearing("USD")) == 0


async def test_that_the_bank_does_not_have_a_file_two_operators_say_in_their_own_name(house: Clearing) -> None:
    file, _ = await lost(house)
    delivering = house.app.ach.delivering

    with pytest.raises(Denied):
        await delivering.say_missing(file.file_id, WORD, OWNER)
    with pytest.raises(Invalid):
        await delivering.say_missing(file.file_id, " ", OPERATOR)
    with pytest.raises(NothingSaidMissing):
        await delivering.confirm_missing(file.file_id, SECOND)
    await delivering.say_missing(file.file_id, WORD, OPERATOR)
    with pytest.raises(MissingAlone):
        await delivering.confirm_missing(file.file_id, OPERATOR)
    with pytest.raises(Denied):
        await delivering.confirm_missing(file.file_id, OWNER)

    assert (await house.app.ach.building.row(file.file_id)).value.state is FileState.DELIVERED


async def test_no_file_that_the_bank_answered_about_is_said_missing(house: Clearing) -> None:
    file, _ = await lost(house)
    await house.app.ach.delivering.say_missing(file.file_id, WORD, OPERATOR)
    house.bank.plan = Plan()
    await house.step()

    with pytest.raises(BankHasIt):
        await house.app.ach.delivering.confirm_missing(file.file_id, SECOND)
    with pytest.raises(BankHasIt):
        await house.app.ach.delivering.say_missing(file.file_id, WORD, OPERATOR)


async def test_a_file_that_turns_up_before_its_entries_left_it_goes_on(house: Clearing) -> None:
    file, payout = await lost(house)
    await given_up(house, file)

    house.bank.plan = Plan()
    await house.until(TUESDAY_NIGHT)

    assert (await house.app.ach.building.row(file.file_id)).value.state is FileState.SETTLED
    assert (await house.paid(payout)).status is PayoutStatus.PAID


async def test_a_file_that_turns_up_after_its_entries_left_it_asks_for_a_person(house: Clearing) -> None:
    file, payout = await lost(house)
    await given_up(house, file)
    await house.app.originating.give_back(file.file_id, OPERATOR)

    house.bank.plan = Plan()
    await house.until(TUESDAY_NIGHT)

    kinds = [each.kind for each in (await house.app.ach.overview.exceptions(OPERATOR)).values]
    assert kinds.count(ExceptionKind.TAKEN_AFTER_ALL) == 2
    assert (await house.paid(payout)).status is PayoutStatus.FAILED
