"""Bookings paid from a bank account, through real files, with a bank at the other end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from clearing import SYSTEM, Clearing, clearing
from ecosystem.contexts.ach import Entry, EntryState, ExceptionKind, Purpose, banking_days_after
from ecosystem.contexts.bank_accounts import AccountKind, AccountState, AddBankAccount, BankAccount, HolderKind
from ecosystem.contexts.bank_accounts import Purpose as AccountPurpose
from ecosystem.contexts.booking import BookingStatus, CancelBooking
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.notifications import Kind
from ecosystem.contexts.payments import RefundState, mandate_digest
from ecosystem.journeys.bank_debits import PayByBank
from ecosystem.journeys.checkout import Paid
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.sandbank.plans import Plan
from market import ADA, OPERATOR, OWNER

PRICE = Money(10_000, "USD")
FEE = 200
"""What the bank takes for a debit that came back, by its plan."""
SETTLED_ON = date(2026, 11, 23)
"""What is agreed to on Friday goes out in its night, and settles on Monday."""
FUNDS_HERE = datetime(2026, 11, 25, 22, tzinfo=UTC)


@pytest.fixture
async def house(quick_path: Path) -> AsyncIterator[Clearing]:
    async with clearing(quick_path) as made:
        await made.market.provider()
        yield made


async def account_of(house: Clearing, number: str, owner: Actor = ADA) -> BankAccount:
    """A verified account that its owner pays from."""
    request = AddBankAccount(
        account_id=house.market.id("bac"),
        owner_id=owner.actor_id,
        purpose=AccountPurpose.DEBIT,
        routing_number="021000021",
        account_number=number,
        holder="Ada Lovelace",
        holder_kind=HolderKind.PERSON,
        kind=AccountKind.CHECKING,
    )
    made = await house.app.bank_accounts.add(request, owner, user_id=owner.actor_id)
    await house.app.bank_accounts.verifying(made.account_id, SYSTEM)
    return await house.app.bank_accounts.verified(made.account_id, SYSTEM)


async def booked(house: Clearing, number: str = "000398217465", *, days: int = 10) -> Paid:
    """Booked at the checkout, and paid from that bank account."""
    market = house.market
    account = await account_of(house, number)
    service = await market.service(market.provider_id, PRICE)
    hold = await market.hold(service, market.tomorrow() + timedelta(days=days))
    offer = await house.app.bank_debits.offer(hold, (await house.app.checkout.lines(hold, ADA)).total, ADA)
    bank = PayByBank(account_id=account.account_id, text_sha256=mandate_digest(offer.texts[0]))
    asked = replace(await market.request(hold, card=""), bank=bank)
    paid = await house.app.checkout.pay(asked, ADA, address="203.0.113.77")
    await market.sequence()
    return paid


async def completed(house: Clearing, paid: Paid) -> None:
    """The work was done, and the customer says so."""
    await house.until(paid.booking.start_at + timedelta(hours=2))
    await house.app.bookings.start(paid.booking.booking_id, SYSTEM)
    await house.app.closing.complete(paid.booking.booking_id, OPERATOR)


async def entries(house: Clearing, paid: Paid, purpose: Purpose = Purpose.DEBIT) -> list[Entry]:
    found = await house.app.ach.entries.of(paid.payment.payment_id)
    return [each for each in found if each.purpose is purpose]


async def status(house: Clearing, paid: Paid) -> BookingStatus:
    return (await house.app.bookings.row(paid.booking.booking_id)).value.status


async def sums(house: Clearing, paid: Paid) -> dict[str, int]:
    """Where the booking's money is: credits less debits, what is nothing left out."""
    named = {
        "escrow": f"escrow:{paid.booking.booking_id}",
        "provider": chart.provider(paid.booking.provider_id, "USD"),
        "commission": chart.commission("USD"),
        "bank": chart.bank("USD"),
        "clearing": chart.clearing("USD"),
        "costs": chart.costs("USD"),
    }
    found = {name: await house.balance(account) for name, account in named.items()}
    return {name: cents for name, cents in found.items() if cents}


async def test_a_debit_goes_out_in_a_file_settles_and_is_released_when_the_work_is_done(house: Clearing) -> None:
    opening = house.bank.books.balance
    paid = await booked(house)
    assert await sums(house, paid) == {"escrow": 10_000, "clearing": -10_000}

    await house.until(datetime(2026, 11, 24, 2, tzinfo=UTC))
    [entry] = await entries(house, paid)
    assert (entry.state, entry.settled_on, entry.entry_class) == (EntryState.SETTLED, SETTLED_ON, "WEB")
    assert await sums(house, paid) == {"escrow": 10_000, "bank": -10_000}
    assert house.bank.books.balance == opening + 10_000
    await completed(house, paid)

    assert await sums(house, paid) == {"provider": 9_000, "commission": 1_000, "bank": -10_000}
    await house.market.verified()


async def test_a_debit_without_money_is_presented_again_and_settles(house: Clearing) -> None:
    house.bank.plan = Plan(returns={"R01": 1.0})
    paid = await booked(house, days=20)
    await house.until(datetime(2026, 11, 25, 2, tzinfo=UTC))
    house.bank.plan = Plan()

    first, second = await entries(house, paid)
    assert (first.return_code, second.description, second.presentment) == ("R01", "RETRY PYMT", 2)
    assert await status(house, paid) is BookingStatus.CONFIRMED
    assert await sums(house, paid) == {"escrow": 10_000, "clearing": -10_000, "bank": FEE, "costs": -FEE}
    await completed(house, paid)

    assert (await entries(house, paid))[1].state is EntryState.SETTLED
    assert await sums(house, paid) == {"provider": 9_000, "commission": 1_000, "bank": FEE - 10_000, "costs": -FEE}
    await house.market.verified()


async def test_a_debit_that_never_finds_money_is_presented_three_times_and_no_more(house: Clearing) -> None:
    opening = house.bank.books.balance
    paid = await booked(house, "000222222227", days=55)

    await house.until(datetime(2027, 1, 10, 2, tzinfo=UTC))
    await house.market.passes(timedelta(hours=1))

    presented = await entries(house, paid)
    assert [(each.presentment, each.return_code) for each in presented] == [(1, "R01"), (2, "R01"), (3, "R01")]
    assert [each.description for each in presented] == ["BOOKING", "RETRY PYMT", "RETRY PYMT"]
    assert await status(house, paid) in {BookingStatus.CANCELLED, BookingStatus.COMPLETED}
    assert await sums(house, paid) == {"bank": 3 * FEE, "costs": -3 * FEE}
    assert house.bank.books.balance == opening - 3 * FEE
    await house.market.verified()


@pytest.mark.parametrize(("number", "code"), [("9902398217", "R02"), ("000111111116", "R03")])
async def test_a_debit_of_an_account_that_is_not_there_ends_the_booking(
    house: Clearing, number: str, code: str
) -> None:
    paid = await booked(house, number)

    await house.until(datetime(2026, 11, 26, 2, tzinfo=UTC))
    await house.market.passes(timedelta(hours=1))

    [entry] = await entries(house, paid)
    assert (entry.state, entry.return_code) == (EntryState.RETURNED, code)
    assert await status(house, paid) in {BookingStatus.CANCELLED, BookingStatus.COMPLETED}
    assert await sums(house, paid) == {"bank": FEE, "costs": -FEE}
    account = (await house.app.bank_accounts.row(entry.receiver.bank_account_id)).value
    assert (account.state, account.code) == (AccountState.REFUSED, code)
    await house.market.verified()


async def test_what_was_not_authorized_comes_back_on_day_59_from_the_providers_balance(house: Clearing) -> None:
    paid = await booked(house, "9910398217")
    await completed(house, paid)
    assert (await sums(house, paid))["provider"] == 9_000
    await house.until(datetime.combine(SETTLED_ON + timedelta(days=59), datetime.min.time(), UTC))
    assert (await sums(house, paid))["provider"] == 9_000

    await house.until(house.clock.now() + timedelta(days=3))
    await house.market.passes(timedelta(minutes=5))

    [entry] = await entries(house, paid)
    assert entry.return_code == "R10"
    assert await sums(house, paid) == {"bank": FEE, "costs": -FEE}
    letters = await house.app.notifications.outbox.latest(OPERATOR, limit=50)
    assert "Your bank sent $100.00 back" in {letter.subject for letter in letters}
    notices = await house.app.notifications.board.latest(OWNER.actor_id, OWNER)
    assert any(notice.kind is Kind.CHARGED_BACK for notice in notices.notices)
    kinds = {each.kind for each in (await house.app.ach.overview.exceptions(OPERATOR)).values}
    assert kinds == {ExceptionKind.CODE_ASKS_FOR_A_PERSON}
    await house.market.verified()


async def test_a_refund_goes_back_as_a_credit_once_the_funds_are_here(house: Clearing) -> None:
    opening = house.bank.books.balance
    paid = await booked(house, days=20)
    await house.until(datetime(2026, 11, 24, 2, tzinfo=UTC))
    await house.app.closing.cancel(CancelBooking(booking_id=paid.booking.booking_id), ADA)
    await house.until(FUNDS_HERE - timedelta(hours=1))
    assert await entries(house, paid, Purpose.REFUND) == []

    await house.until(datetime(2026, 12, 1, 2, tzinfo=UTC))

    [credit] = await entries(house, paid, Purpose.REFUND)
    assert (credit.state, credit.entry_class, credit.cents) == (EntryState.SETTLED, "PPD", 10_000)
    [refund] = await house.app.refunds.refunds_of(paid.booking.booking_id)
    assert refund.value.state is RefundState.ISSUED
    assert await sums(house, paid) == {}
    assert house.bank.books.balance == opening
    await house.market.verified()


@pytest.mark.parametrize("ended", [AccountState.REMOVED, AccountState.REFUSED])
async def test_a_debit_of_an_account_that_ended_while_it_waited_is_not_filed(
    house: Clearing, ended: AccountState
) -> None:
    opening = house.bank.books.balance
    paid = await booked(house)
    other = await booked(house, "000777777777", days=11)
    [entry] = await entries(house, paid)
    account_id = entry.receiver.bank_account_id
    if ended is AccountState.REMOVED:
        await house.app.bank_accounts.remove(account_id, ADA)
    else:
        await house.app.bank_accounts.verification_failed(account_id, "R02", "It is closed.", SYSTEM)

    await house.until(datetime(2026, 11, 24, 2, tzinfo=UTC))

    assert [each.state for each in await entries(house, paid)] == [EntryState.CANCELLED]
    assert [each.state for each in await entries(house, other)] == [EntryState.SETTLED]
    assert await status(house, paid) is not BookingStatus.CONFIRMED
    assert await sums(house, paid) == {"bank": -10_000}
    assert house.bank.books.balance == opening + 10_000
    payment = (await house.app.payments.payment(paid.booking.booking_id, paid.payment.payment_id)).value
    assert payment.chargebacks[0].reason == "The bank account was removed or refused before it was sent"
    await house.market.verified()


async def test_a_debit_that_the_bank_took_out_of_its_batch_ends_its_booking_and_the_others_have_their_funds(
    house: Clearing,
) -> None:
    stays, taken_out = await booked(house), await booked(house, "9700000001", days=11)
    await house.until(datetime(2026, 11, 24, 2, tzinfo=UTC))
    [entry] = await entries(house, taken_out)
    assert await sums(house, stays) == {"escrow": 10_000, "clearing": -20_000}

    await house.app.originating.settle_without(entry.file_id, 1, [entry.trace_number], OPERATOR)
    await house.market.passes(timedelta(hours=1))

    assert [each.state for each in await entries(house, stays)] == [EntryState.SETTLED]
    assert [each.state for each in await entries(house, taken_out)] == [EntryState.RETURNED]
    assert await status(house, stays) is BookingStatus.CONFIRMED
    assert await status(house, taken_out) is BookingStatus.CANCELLED
    assert await sums(house, stays) == {"escrow": 10_000, "bank": -10_000}
    assert await sums(house, taken_out) == {"bank": -10_000}
    [_, _, rate] = await house.app.ach.overview.rates(OPERATOR)
    assert (rate.debits, rate.returned) == (1, 0)
    await house.market.verified()


async def test_a_refund_to_an_account_that_was_removed_is_not_filed_and_waits_for_an_operator(house: Clearing) -> None:
    paid = await booked(house, days=20)
    await house.until(datetime(2026, 11, 24, 2, tzinfo=UTC))
    await house.app.closing.cancel(CancelBooking(booking_id=paid.booking.booking_id), ADA)
    for _ in range(48):
        if await entries(house, paid, Purpose.REFUND):
            break
        await house.until(house.clock.now() + timedelta(hours=1))
    [credit] = await entries(house, paid, Purpose.REFUND)
    assert credit.state is EntryState.WAITING
    await house.app.bank_accounts.remove(credit.receiver.bank_account_id, ADA)

    await house.until(datetime(2026, 12, 1, 2, tzinfo=UTC))

    [credit] = await entries(house, paid, Purpose.REFUND)
    [refund] = await house.app.refunds.refunds_of(paid.booking.booking_id)
    assert (credit.state, refund.value.state) == (EntryState.CANCELLED, RefundState.FAILED)
    assert await sums(house, paid) == {"escrow": 10_000, "bank": -10_000}
    await house.market.verified()


async def test_a_verification_of_an_account_that_was_removed_is_not_filed(house: Clearing) -> None:
    account = await house.account(verified=False)
    await house.app.originating.verify(account.account_id)
    await house.app.bank_accounts.remove(account.account_id, OWNER)

    await house.until(datetime(2026, 11, 24, 2, tzinfo=UTC))

    [entry] = await house.app.ach.entries.of(account.account_id)
    assert entry.state is EntryState.CANCELLED
    assert house.lying() == []


async def test_a_correction_of_a_customers_account_holds_for_the_next_debit(house: Clearing) -> None:
    paid = await booked(house, "9801398217")

    await house.until(datetime(2026, 11, 26, 2, tzinfo=UTC))

    [entry] = await entries(house, paid)
    numbers = await house.app.bank_accounts.opened(entry.receiver.bank_account_id, SYSTEM, why="test")
    assert numbers.account_number == "10398217"
    assert entry.state is EntryState.SETTLED
    [change] = (await house.app.ach.overview.changes(OPERATOR)).values
    assert change.due_on == banking_days_after(date(2026, 11, 24), 6)
    await house.market.verified()
