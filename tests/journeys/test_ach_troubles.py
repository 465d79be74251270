"""What goes wrong while money is originated: nothing is paid twice, nothing is lost, nothing holds up the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace as with_other
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from clearing import AGREED, PROVIDER, SYSTEM, Clearing, clearing
from ecosystem.contexts.ach import (
    AchFile,
    Direction,
    Entry,
    EntryState,
    ExceptionKind,
    FileGone,
    FileState,
    OriginateEntry,
    Vault,
    Window,
    nothing_follows,
    windows,
)
from ecosystem.contexts.ach import Purpose as EntryPurpose
from ecosystem.contexts.ach.files import FileChanging, file_becomes, file_takes, withdrawn
from ecosystem.contexts.bank_accounts import Corrections
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payouts import PayoutNews, PayoutStatus, PayoutUnderWay
from ecosystem.journeys.ach_causes import NoCause
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.table import Write
from ecosystem.sandbank.plans import Plan
from market import OPERATOR, OWNER

MONDAY_NIGHT = datetime(2026, 11, 24, 2, tzinfo=UTC)
TUESDAY_NIGHT = datetime(2026, 11, 25, 2, tzinfo=UTC)
LEAD = timedelta(seconds=AGREED.lead_s)
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


CALLED_OFF = PayoutNews(status=PayoutStatus.CANCELLED)


async def test_a_payout_that_waits_for_its_file_is_called_off_with_its_entry(house: Clearing) -> None:
    account = await house.account()
    payout, other = await house.payout(account, 12_345), await house.payout(account, 700)
    await house.step()

    waits = (await house.entry(payout)).state
    await house.app.payout_passage.learn(payout.payout_id, CALLED_OFF, OPERATOR)
    await house.until(MONDAY_NIGHT)

    assert waits is EntryState.WAITING
    assert (await house.paid(payout)).status is PayoutStatus.CANCELLED
    assert (await house.entry(payout)).state is EntryState.CANCELLED
    assert (await house.paid(other)).status is PayoutStatus.PAID
    assert await house.balance(chart.provider(PROVIDER, "USD")) == 12_345
    assert await house.balance(chart.bank("USD")) == 700


async def test_a_payout_called_off_while_its_file_is_built_is_either_sent_or_back_and_never_both(
    house: Clearing,
) -> None:
    account = await house.account()
    payouts = [await house.payout(account, 1_000 + number) for number in range(6)]
    await house.step()
    entries = [await house.entry(each) for each in payouts]
    house.clock.advance(max(each.cutoff_at for each in entries) + timedelta(seconds=1) - house.clock.now())

    async def call_off(number: int) -> None:
        for _ in range(4 * number):
            await asyncio.sleep(0)
        with suppress(PayoutUnderWay):
            await house.app.payout_passage.learn(payouts[number].payout_id, CALLED_OFF, OPERATOR)

    await asyncio.gather(house.app.originating.build(SYSTEM), *(call_off(number) for number in range(6)))

    for payout in payouts:
        found = ((await house.paid(payout)).status, (await house.entry(payout)).state)
        assert found in {
            (PayoutStatus.SENT, EntryState.FILED),
            (PayoutStatus.CANCELLED, EntryState.CANCELLED),
        }
    for payout in [each for each in payouts if (await house.paid(each)).status is PayoutStatus.SENT]:
        with pytest.raises(PayoutUnderWay):
            await house.app.payout_passage.learn(payout.payout_id, CALLED_OFF, OPERATOR)


@pytest.mark.parametrize("drawn", [False, True])
async def test_nothing_is_filed_for_a_provider_whose_payouts_are_paused(house: Clearing, *, drawn: bool) -> None:
    payout = await house.payout(await house.account(), 12_345)
    if drawn:
        await house.step()

    await house.app.payout_settings.pause(PROVIDER, "We look into it.", OPERATOR)
    await house.until(MONDAY_NIGHT)
    waits, queued = await house.paid(payout), [page async for page in house.app.bank_payouts.queue()]
    await house.app.payout_settings.resume(PROVIDER, OPERATOR)
    await house.until(datetime(2026, 11, 26, 2, tzinfo=UTC))

    assert waits.status is PayoutStatus.INTENDED
    assert queued == [[]]
    assert (await house.paid(payout)).status is PayoutStatus.PAID
    assert await house.balance(chart.bank("USD")) == 12_345


async def test_nothing_is_filed_for_a_provider_who_is_suspended(house: Clearing) -> None:
    payout = await house.payout(await house.account(), 12_345)
    await house.step()
    await house.app.standings.suspend(PROVIDER, "Complaints.", OPERATOR)

    await house.until(MONDAY_NIGHT)

    assert (await house.paid(payout)).status is PayoutStatus.INTENDED
    assert (await house.entry(payout)).state is EntryState.WAITING
    assert (await house.app.ach.overview.exceptions(OPERATOR)).values == []


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


class Cut(RuntimeError):
    """The process dies here."""


class Dying(Vault):
    """A vault during whose use the process dies."""

    async def keep(self, content_id: str, content: bytes) -> None:
        raise Cut


async def test_two_who_build_one_file_pay_what_is_in_it_and_lose_nothing(house: Clearing) -> None:
    account = await house.account()
    first, second = await house.payout(account, 1_111), await house.payout(account, 2_222)
    await house.app.originating.draw()
    opening = house.bank.books.balance
    waiting = [(await house.entry(each)).entry_id for each in (first, second)]
    house.clock.advance((await house.entry(first)).cutoff_at - house.clock.now() + timedelta(seconds=1))
    building = house.app.ach.building
    window = next(windows(house.clock.now() - LEAD, LEAD))

    filing = partial(filed_by, house)

    async def meanwhile(entry: Entry) -> Sequence[Write]:
        """Another one builds the same file, from beginning to end."""
        await building.build(window, filing, SYSTEM)
        return await filing(entry)

    await building.build(window, meanwhile, SYSTEM)
    await house.until(TUESDAY_NIGHT)

    assert [(await house.paid(each)).status for each in (first, second)] == [PayoutStatus.PAID] * 2
    assert opening - house.bank.books.balance == 3_333 == await house.balance(chart.bank("USD"))
    [file] = (await house.app.ach.overview.files(OPERATOR)).values
    places = [place.entry_id async for place in building.entries_of(file.file_id)]
    assert sorted(places) == sorted(waiting)
    assert file.totals.entries == 2


async def test_what_is_put_into_a_file_while_it_is_composed_is_not_left_out_of_it(house: Clearing) -> None:
    account = await house.account()
    first = await house.payout(account, 1_111)
    await house.app.originating.draw()
    house.clock.advance((await house.entry(first)).cutoff_at - house.clock.now() + timedelta(seconds=1))
    building, window = house.app.ach.building, next(windows(house.clock.now() - LEAD, LEAD))
    row = await building.row((await cut_off(house, window)).file_id)

    await house.app.ports.table.transact(file_takes(row, 1, 2_222, house.clock.now()))

    with pytest.raises(FileChanging):
        await house.app.ports.table.transact(*file_becomes(row, replace(row.value, state=FileState.READY), SYSTEM))
    assert (await building.build(window, nothing_follows, SYSTEM) or row.value).state is FileState.BUILDING


async def test_a_file_taken_back_while_it_is_built_takes_in_no_more(house: Clearing) -> None:
    payout = await house.payout(await house.account(), 1_111)
    await house.app.originating.draw()
    house.clock.advance((await house.entry(payout)).cutoff_at - house.clock.now() + timedelta(seconds=1))
    building, window = house.app.ach.building, next(windows(house.clock.now() - LEAD, LEAD))

    async def meanwhile(_: Entry) -> Sequence[Write]:
        await house.app.ach.delivering.withdraw(window.window_id, "Not this one.", OPERATOR)
        return ()

    file = await building.build(window, meanwhile, SYSTEM)

    assert file is not None
    assert file.state is FileState.WITHDRAWN
    assert (await house.entry(payout)).state is EntryState.WAITING


async def test_a_file_not_complete_in_time_is_an_exception_and_its_entries_go_with_the_next(house: Clearing) -> None:
    payout = await house.payout(await house.account(), 5_000)
    await house.app.originating.draw()
    house.clock.advance((await house.entry(payout)).cutoff_at - house.clock.now() + timedelta(seconds=1))
    await cut_off(house, next(windows(house.clock.now() - LEAD, LEAD)))
    assert (await house.entry(payout)).state is EntryState.FILED

    house.clock.advance(timedelta(hours=1))
    await house.until(TUESDAY_NIGHT)

    assert (await house.paid(payout)).status is PayoutStatus.PAID
    kinds = [each.kind for each in (await house.app.ach.overview.exceptions(OPERATOR)).values]
    assert kinds == [ExceptionKind.WINDOW_MISSED]


async def test_entries_of_a_withdrawn_file_wait_again_although_the_process_died(house: Clearing) -> None:
    payout = await house.payout(await house.account(), 5_000_000)
    await house.until(datetime(2026, 11, 21, 7, 5, tzinfo=UTC))
    [file] = await house.app.ach.delivering.open_files()

    row = await house.app.ach.building.row(file.file_id)
    taken_back = withdrawn(file, "Look again.", OPERATOR, house.clock.now())
    await house.app.ports.table.transact(*file_becomes(row, taken_back, OPERATOR))
    assert (await house.entry(payout)).state is EntryState.FILED
    await house.step()

    assert (await house.entry(payout)).state is EntryState.WAITING
    assert await house.app.ach.delivering.open_files() == []


async def test_giving_the_money_of_a_rejected_file_back_goes_on_where_it_was_cut_off(quick_path: Path) -> None:
    async with clearing(quick_path, plan=Plan(rejected=1.0)) as house:
        payout = await house.payout(await house.account(), 5_000)
        await house.until(SATURDAY)
        [file] = await house.app.ach.delivering.open_files()

        await house.app.ach.delivering.give_back(file.file_id, OPERATOR)
        await house.app.ach.delivering.entries_come_back(file)
        with pytest.raises(FileGone):
            await house.app.ach.delivering.withdraw(file.file_id, "Send it again.", OPERATOR)
        await house.step()

        assert (await house.paid(payout)).status is PayoutStatus.FAILED
        assert await house.balance(chart.provider(PROVIDER, "USD")) == 5_000
        assert await house.balance(chart.clearing("USD")) == 0
        assert await house.app.ach.delivering.open_files() == []
        again = await house.app.originating.give_back(file.file_id, OPERATOR)
        assert again.state is FileState.WITHDRAWN
        assert await house.balance(chart.provider(PROVIDER, "USD")) == 5_000


async def test_an_entry_that_is_refused_holds_up_no_other_and_asks_for_a_person(house: Clearing) -> None:
    account = await house.account()
    payout = await house.payout(account, 700)
    await house.step()
    known = await house.entry(payout)
    nobodys = OriginateEntry(
        entry_id="nobodys.1",
        purpose=EntryPurpose.PAYOUT,
        direction=Direction.CREDIT,
        cause_id="nobody",
        receiver=known.receiver,
        particulars=await house.app.ach.entries.particulars(known),
        cents=1,
    )
    await house.app.ports.table.transact(*await house.app.ach.entries.originate(nobodys, SYSTEM))

    await house.until(MONDAY_NIGHT)

    assert (await house.paid(payout)).status is PayoutStatus.PAID
    exceptions = (await house.app.ach.overview.exceptions(OPERATOR)).values
    assert exceptions
    assert {each.kind for each in exceptions} == {ExceptionKind.STUCK}
    assert all("nobodys.1" in each.exception_id for each in exceptions)


async def test_a_step_that_is_refused_holds_up_no_other_and_asks_once_a_day(house: Clearing) -> None:
    apart = house.app.originating.apart

    async def act(name: str) -> None:
        if name != "well":
            raise NoCause if name == "refused" else FileChanging

    for _ in range(2):
        assert await apart.each(["refused", "changing", "well"], str, act) == 1

    [exception] = (await house.app.ach.overview.exceptions(OPERATOR)).values
    assert exception.exception_id == "2026-11-20.stuck.refused"


async def test_a_return_that_came_in_time_holds_although_we_read_it_days_later(house: Clearing) -> None:
    payout = await house.payout(await house.account("000111111116"), 7_000)
    await house.until(datetime(2026, 11, 20, 23, tzinfo=UTC))

    while house.clock.now() < datetime(2026, 11, 29, 2, tzinfo=UTC):
        house.clock.advance(timedelta(minutes=10))
        await house.app.originating.build(SYSTEM)
        await house.app.originating.deliver()
        house.bank.work(house.clock.now())
    await house.step()
    await house.step()

    assert (await house.paid(payout)).status is PayoutStatus.RETURNED
    assert await house.balance(chart.provider(PROVIDER, "USD")) == 7_000
    [returned] = (await house.app.ach.overview.returns(OPERATOR)).values
    assert returned.dishonor_code == ""


async def test_another_origin_waits_until_no_file_is_under_way(house: Clearing) -> None:
    payout = await house.payout(await house.account(), 5_000)
    await house.until(SATURDAY)
    row = await house.app.ach.originators.find()
    assert row is not None
    other = replace(AGREED, origin="0987654321", version=row.value.version)

    with pytest.raises(Invalid) as refused:
        await house.app.ach.agreement.say(other, OPERATOR)
    assert refused.value.field == "origin"
    await house.app.ach.agreement.say(replace(AGREED, lead_s=1200, version=row.value.version), OPERATOR)
    await house.until(MONDAY_NIGHT)
    assert (await house.paid(payout)).status is PayoutStatus.PAID

    await house.app.ach.agreement.say(replace(other, version=row.value.version + 1), OPERATOR)
    assert (await house.app.ach.originators.current()).origin == "0987654321"


async def filed_by(house: Clearing, entry: Entry) -> Sequence[Write]:
    """What is committed with an entry that goes into a file."""
    return await house.app.originating.causes.of(entry).filed(entry)


async def cut_off(house: Clearing, window: Window) -> AchFile:
    """A build that dies when its first entries are in the file."""
    died = with_other(house.app.ach.building, vault=Dying(house.app.ports.table, house.app.ach.vault.keys))
    with pytest.raises(Cut):
        await died.build(window, partial(filed_by, house), SYSTEM)
    return (await house.app.ach.building.row(window.window_id)).value


async def test_a_lead_shorter_than_two_turns_of_the_schedule_is_refused(house: Clearing) -> None:
    with pytest.raises(Invalid) as refused:
        await house.app.ach.agreement.say(replace(AGREED, lead_s=599, version=1), OPERATOR)

    assert refused.value.field == "lead_s"
