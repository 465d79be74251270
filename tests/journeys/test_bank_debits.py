"""Paying from a bank account: agreed to, originated, settled, given back, and returned early, late and very late."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.ach import Entry, EntryState, MoneyAction, Purpose, SetOriginator
from ecosystem.contexts.ach import presented_again as presenting
from ecosystem.contexts.bank_accounts import AccountKind, AddBankAccount, BankAccount, HolderKind
from ecosystem.contexts.bank_accounts import Purpose as AccountPurpose
from ecosystem.contexts.booking import BookingStatus, CancelBooking, Hold
from ecosystem.contexts.notifications import Kind
from ecosystem.contexts.payments import (
    Payment,
    PaymentState,
    RefundState,
    TermsChanged,
    mandate_digest,
)
from ecosystem.journeys.bank_debits import BankOffer, DebitRefused, NotOffered, PayByBank
from ecosystem.journeys.checkout import Paid, PayForHold
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, IdReused
from ecosystem.sandbox import Keys
from market import ADA, GUEST, OPERATOR, OWNER, Market, over

BANK = system("ach-processor")
NUMBER = "000398217465"
PRICE = Money(10_000, "USD")
ADDRESS = "203.0.113.77"


@pytest.fixture
def market(shop: Market) -> Market:
    return shop


async def originating(market: Market) -> None:
    """Our bank has agreed to send our files."""
    await market.app.ach.agreement.say(
        SetOriginator(
            odfi="091000019",
            destination="091000019",
            destination_name="FIRST BANK",
            origin="1234567890",
            origin_name="ECOSYSTEM",
            company_name="ECOSYSTEM",
            company_identification="1234567890",
        ),
        OPERATOR,
    )


async def account(market: Market, owner: Actor = ADA) -> BankAccount:
    """A bank account of that person which was verified."""
    book = market.app.bank_accounts
    request = AddBankAccount(
        account_id=market.id("bac"),
        owner_id=owner.actor_id,
        purpose=AccountPurpose.DEBIT,
        routing_number="021000021",
        account_number=NUMBER,
        holder="Ada Lovelace",
        holder_kind=HolderKind.PERSON,
        kind=AccountKind.CHECKING,
    )
    added = await book.add(request, owner, user_id=owner.actor_id)
    await book.verifying(added.account_id, BANK)
    return await book.verified(added.account_id, BANK)


async def held(market: Market, days: int = 10, actor: Actor = ADA, **service: Any) -> Hold:
    service_id = await market.service(market.provider_id, PRICE, **service)
    return await market.hold(service_id, market.tomorrow() + timedelta(days=days), actor)


async def offered(market: Market, hold: Hold, actor: Actor = ADA) -> BankOffer:
    return await market.app.bank_debits.offer(hold, (await market.app.checkout.lines(hold, actor)).total, actor)


async def request(market: Market, hold: Hold) -> PayForHold:
    offer = await offered(market, hold)
    bank = PayByBank(account_id=offer.accounts[0].account_id, text_sha256=mandate_digest(offer.texts[0]))
    return replace(await market.request(hold, card=""), bank=bank)


async def paid(market: Market, days: int = 10, **service: Any) -> Paid:
    """Booked and paid from a bank account."""
    await originating(market)
    await account(market)
    known = await market.app.checkout.pay(
        await request(market, await held(market, days, **service)), ADA, address=ADDRESS
    )
    await market.sequence()  # What nobody follows is forgotten when days go by at once.
    return known


async def entry_of(market: Market, payment: Payment, purpose: Purpose = Purpose.DEBIT) -> Entry:
    return next(each for each in await market.app.ach.entries.of(payment.payment_id) if each.purpose is purpose)


async def filed(market: Market) -> None:
    """Time goes by until the entries that wait stand in a file, and it lies at the bank."""
    app = market.app
    for _ in range(24 * 14):
        if await app.originating.build(BANK):
            await app.originating.deliver()
            return
        market.clock.advance(timedelta(minutes=15))
    raise AssertionError("no window closed")


async def presented_again(market: Market, entry: Entry) -> Entry:
    """The entry that presents this one again, as it waits for its file."""
    book = market.app.ach.entries
    request = presenting(entry, await book.particulars(entry), market.clock.now().date())
    await market.app.ports.table.transact(*await book.originate(request, BANK))
    return (await book.row(request.entry_id)).value


async def settle(market: Market, entry: Entry) -> Entry:
    """The bank's statement shows the file of that entry."""
    known = (await market.app.ach.entries.row(entry.entry_id)).value
    if not known.file_id:
        await filed(market)
        known = (await market.app.ach.entries.row(entry.entry_id)).value
    assert known.settled_on is not None
    writes = await market.app.bank_debits.settled(known)
    if writes:
        await market.app.ports.table.transact(*writes)
    await market.sequence()
    return known


async def released(market: Market) -> None:
    """Everything that the bank put out by now was heard, and what is due is shared out."""
    await market.app.ach.inbox.emptied(market.clock.now())
    await market.app.bank_debits.release_due()


async def reread(market: Market, payment: Payment) -> Payment:
    return (await market.app.payments.payment(payment.booking_id, payment.payment_id)).value


async def status(market: Market, known: Paid) -> BookingStatus:
    return (await market.app.bookings.row(known.booking.booking_id)).value.status


async def summed(market: Market, account_id: str) -> int:
    """The balance of an account of the platform, once the sequencer has added it up."""
    await market.sequence()
    return await market.balance(account_id)


async def test_a_debit_confirms_the_booking_and_its_money_is_due_in(market: Market) -> None:
    known = await paid(market)

    assert known.booking.status is BookingStatus.CONFIRMED
    assert (known.payment.state, known.payment.captured) == (PaymentState.CAPTURED, PRICE)
    assert await market.balance(f"escrow:{known.booking.booking_id}") == 10_000
    assert await summed(market, "clearing:USD") == -10_000
    assert await summed(market, "processor:USD") == 0
    entry = await entry_of(market, known.payment)
    assert (entry.entry_class, entry.cents, entry.state) == ("WEB", 10_000, EntryState.WAITING)
    assert entry.authorization is not None
    await market.verified()


async def test_the_very_text_that_was_agreed_to_is_kept_with_who_agreed(market: Market) -> None:
    known = await paid(market)

    mandate = await market.app.mandates.of(known.payment.payment_id, ADA)
    assert "authorize Ecosystem to debit my checking account at JPMorgan Chase ending in 7465" in mandate.text
    assert "USD 100.00" in mandate.text
    assert mandate.network == "203.0.113.0/24"
    assert b"203.0.113.77" not in mandate.evidence
    assert (await market.app.mandates.evidence(known.payment.payment_id, BANK))["address"] == "203.0.113.77"
    assert mandate.kept_until - mandate.given_at >= timedelta(days=730)
    entry = await entry_of(market, known.payment)
    assert entry.authorization is not None
    assert entry.authorization.text_sha256 == mandate.text_sha256
    with pytest.raises(Denied):
        await market.app.mandates.of(known.payment.payment_id, OWNER)
    with pytest.raises(Denied):
        await market.app.mandates.evidence(known.payment.payment_id, OPERATOR)


async def test_the_same_request_again_originates_nothing_more_and_another_account_is_another_request(
    market: Market,
) -> None:
    await originating(market)
    await account(market)
    asked = await request(market, await held(market))
    other = await account(market)

    first = await market.app.checkout.pay(asked, ADA)
    again = await market.app.checkout.pay(asked, ADA)

    assert first == again
    assert len(await market.app.ach.entries.of(first.payment.payment_id)) == 1
    assert asked.bank is not None
    with pytest.raises(IdReused):
        await market.app.checkout.pay(replace(asked, bank=replace(asked.bank, account_id=other.account_id)), ADA)


async def test_an_altered_text_is_not_agreed_to(market: Market) -> None:
    await originating(market)
    await account(market)
    asked = await request(market, await held(market))
    assert asked.bank is not None
    altered = replace(asked.bank, text_sha256=mandate_digest("I agree to nothing."))

    with pytest.raises(TermsChanged):
        await market.app.checkout.pay(replace(asked, bank=altered), ADA)


async def test_it_is_offered_only_where_it_can_be_kept(market: Market) -> None:
    assert (await offered(market, await held(market, 11))).why_not
    await originating(market)
    await account(market)
    far = await held(market)
    soon = await held(market, 1)
    first = await held(market, 12, instant=False)

    assert (await offered(market, far)).accounts
    assert "too soon" in (await offered(market, soon)).why_not
    assert "by card" in (await offered(market, first)).why_not
    assert "Sign in" in (await offered(market, far, GUEST)).why_not
    asked = replace(await market.request(soon, card=""), bank=(await request(market, far)).bank)
    with pytest.raises(NotOffered):
        await market.app.checkout.pay(asked, ADA)


async def test_somebody_elses_account_and_one_that_is_not_verified_are_refused(market: Market) -> None:
    await originating(market)
    mine, theirs = await account(market), await account(market, OWNER)
    asked = await request(market, await held(market))
    assert asked.bank is not None

    with pytest.raises(DebitRefused):
        await market.app.checkout.pay(replace(asked, bank=replace(asked.bank, account_id=theirs.account_id)), ADA)
    await market.app.bank_accounts.verification_failed(mine.account_id, "R02", "It was closed.", BANK)
    with pytest.raises(DebitRefused):
        await market.app.checkout.pay(asked, ADA)


async def test_a_process_that_died_before_the_debit_was_originated_leaves_nothing_undone(market: Market) -> None:
    await originating(market)
    await account(market)
    asked = await request(market, await held(market))
    intend = market.app.checkout._intend  # pyright: ignore[reportPrivateUsage] — it dies after this
    provider_id = market.provider_id
    booking, payment = await market.app.bookings.calendar.settle(provider_id, lambda: intend(asked, ADA, "", None))
    assert payment.is_open

    await market.app.checkout.check(booking.booking_id, payment.payment_id, BANK)

    assert (await market.app.bookings.row(booking.booking_id)).value.status is BookingStatus.CONFIRMED
    assert len(await market.app.ach.entries.of(payment.payment_id)) == 1


async def test_a_booking_that_ends_before_the_debit_was_originated_takes_no_money(market: Market) -> None:
    await originating(market)
    await account(market)
    asked = await request(market, await held(market))
    intend = market.app.checkout._intend  # pyright: ignore[reportPrivateUsage] — it dies after this
    booking, payment = await market.app.bookings.calendar.settle(
        market.provider_id, lambda: intend(asked, ADA, "", None)
    )

    await market.app.checkout.let_go(booking.booking_id, BANK)

    assert (await reread(market, payment)).state is PaymentState.FAILED
    assert await market.app.ach.entries.of(payment.payment_id) == []


async def test_the_share_of_an_early_end_waits_until_the_money_is_beyond_return(market: Market) -> None:
    known = await paid(market, policy="strict")
    await filed(market)
    await market.app.closing.cancel(CancelBooking(booking_id=known.booking.booking_id), ADA)
    provider = f"provider:{known.booking.provider_id}:USD"
    before = await market.balance(provider)
    await market.verified()

    entry = await settle(market, await entry_of(market, known.payment))
    assert entry.settled_on is not None
    await released(market)
    waiting = await market.balance(provider)
    market.clock.advance(timedelta(days=7))
    await released(market)
    await released(market)

    payment = await reread(market, known.payment)
    kept = payment.captured - payment.refunding - payment.refunded
    assert before == waiting == 0
    assert await market.balance(provider) == kept.minor * 9 // 10
    assert await market.balance(f"escrow:{known.booking.booking_id}") == 0
    await market.verified()


async def test_a_settled_debit_is_in_our_bank_and_is_released_when_the_work_is_done(market: Market) -> None:
    known = await paid(market)
    await settle(market, await entry_of(market, known.payment))
    assert await summed(market, "bank:USD") == -10_000
    assert await summed(market, "clearing:USD") == 0

    market.clock.advance(timedelta(days=16))
    await released(market)
    await market.app.bookings.start(known.booking.booking_id, BANK)
    await market.app.closing.complete(known.booking.booking_id, OPERATOR)

    assert await market.balance(f"provider:{known.booking.provider_id}:USD") == 9_000
    await market.verified()


async def test_funds_are_not_here_while_the_bank_was_not_heard(market: Market) -> None:
    known = await paid(market)
    await settle(market, await entry_of(market, known.payment))
    provider = f"provider:{known.booking.provider_id}:USD"

    market.clock.advance(timedelta(days=16))
    await market.app.bookings.start(known.booking.booking_id, BANK)
    await market.app.closing.complete(known.booking.booking_id, OPERATOR)
    await market.app.bank_debits.release_due()
    unheard = await market.balance(provider)
    await released(market)

    assert unheard == 0
    assert await market.balance(provider) == 9_000
    await market.verified()


async def test_a_refund_waits_for_the_funds_and_then_goes_to_the_same_account(market: Market) -> None:
    known = await paid(market)
    await filed(market)
    await market.app.closing.cancel(CancelBooking(booking_id=known.booking.booking_id), ADA)
    (refund,) = await market.app.refunds.refunds_of(known.booking.booking_id)
    await market.app.refunding.carry_out(known.booking.booking_id, refund.value.refund_id, BANK)
    assert [each.purpose for each in await market.app.ach.entries.of(known.payment.payment_id)] == [Purpose.DEBIT]

    await settle(market, await entry_of(market, known.payment))
    market.clock.advance(timedelta(days=7))
    await released(market)
    credit = await entry_of(market, known.payment, Purpose.REFUND)
    assert (credit.entry_class, credit.cents, credit.receiver.last4) == ("PPD", 10_000, "7465")
    await settle(market, credit)
    await settle(market, credit)

    after = await market.app.refunds.refund(known.booking.booking_id, refund.value.refund_id)
    assert after is not None
    assert after.value.state is RefundState.ISSUED
    assert (await summed(market, "clearing:USD"), await summed(market, "bank:USD")) == (0, 0)
    await market.verified()


async def test_a_refund_that_the_bank_sends_back_waits_for_an_operator_with_its_money(market: Market) -> None:
    known = await paid(market)
    await filed(market)
    await market.app.closing.cancel(CancelBooking(booking_id=known.booking.booking_id), ADA)
    await settle(market, await entry_of(market, known.payment))
    market.clock.advance(timedelta(days=7))
    await released(market)
    credit = await settle(market, await entry_of(market, known.payment, Purpose.REFUND))

    for _ in range(2):
        await market.app.bank_debits.returned(credit, MoneyAction.REFUND_FAILED, "R02")

    assert [refund.state for refund in await market.app.refunds.failed()] == [RefundState.FAILED]
    assert await market.balance(f"escrow:{known.booking.booking_id}") == 10_000
    assert (await summed(market, "clearing:USD"), await summed(market, "bank:USD")) == (0, -10_000)
    await market.verified()


async def test_want_of_money_is_presented_again_and_nothing_is_shared_out_meanwhile(market: Market) -> None:
    known = await paid(market)
    entry = await settle(market, await entry_of(market, known.payment))

    await market.app.bank_debits.returned(entry, MoneyAction.PRESENT_AGAIN, "R01")

    payment = await reread(market, known.payment)
    assert payment.debit is not None
    assert payment.debit.funds_at is None
    assert await summed(market, "clearing:USD") == -10_000
    assert await summed(market, "bank:USD") == 0
    assert await status(market, known) is BookingStatus.CONFIRMED
    await market.verified()


async def test_a_debit_that_comes_back_for_good_ends_the_booking_and_nobody_is_paid(market: Market) -> None:
    known = await paid(market)
    entry = await settle(market, await entry_of(market, known.payment))

    for _ in range(2):
        await market.app.bank_debits.returned(entry, MoneyAction.TAKE_DEBIT_BACK, "R02")
    await market.passes(timedelta(hours=1))

    payment = await reread(market, known.payment)
    assert payment.left == Money(0, "USD")
    assert await market.balance(f"escrow:{known.booking.booking_id}") == 0
    assert await market.balance(f"provider:{known.booking.provider_id}:USD") == 0
    assert await summed(market, "bank:USD") == 0
    assert await status(market, known) in {BookingStatus.CANCELLED, BookingStatus.COMPLETED}
    await market.verified()


async def test_a_debit_returned_before_it_settled_is_taken_back_out_of_clearing(market: Market) -> None:
    known = await paid(market)
    await filed(market)
    entry = await entry_of(market, known.payment)

    await market.app.bank_debits.returned(entry, MoneyAction.TAKE_DEBIT_BACK, "refused")

    assert await market.balance(f"escrow:{known.booking.booking_id}") == 0
    assert (await summed(market, "clearing:USD"), await summed(market, "bank:USD")) == (0, 0)
    assert await summed(market, "costs:USD") == 0
    await market.verified()


async def test_a_return_drops_refunds_that_were_decided_and_not_sent(market: Market) -> None:
    known = await paid(market)
    await filed(market)
    await market.app.closing.cancel(CancelBooking(booking_id=known.booking.booking_id), ADA)
    entry = await settle(market, await entry_of(market, known.payment))

    await market.app.bank_debits.returned(entry, MoneyAction.TAKE_DEBIT_BACK, "R02")

    (refund,) = await market.app.refunds.refunds_of(known.booking.booking_id)
    assert refund.value.state is RefundState.FAILED
    assert refund.value.followed is not None
    assert await market.app.refunds.failed() == []
    assert await market.balance(f"escrow:{known.booking.booking_id}") == 0
    await market.verified()


async def test_what_was_not_authorized_is_taken_from_the_providers_balance_on_day_59(market: Market) -> None:
    known = await paid(market)
    entry = await settle(market, await entry_of(market, known.payment))
    market.clock.advance(timedelta(days=16))
    await released(market)
    await market.app.bookings.start(known.booking.booking_id, BANK)
    await market.app.closing.complete(known.booking.booking_id, OPERATOR)
    assert entry.settled_on is not None
    day = date.fromordinal(entry.settled_on.toordinal() + 59)
    market.clock.advance(timedelta(days=(day - market.clock.now().date()).days))

    await market.app.bank_debits.returned(entry, MoneyAction.TAKE_DEBIT_BACK, "R10")

    provider = f"provider:{known.booking.provider_id}:USD"
    assert await market.balance(provider) == 0
    assert await summed(market, "commission:USD") == 0
    assert await summed(market, "bank:USD") == 0
    assert (await reread(market, known.payment)).chargeback is not None
    await market.verified()


async def test_a_return_after_its_funds_were_here_waits_for_those_of_the_next_presentment(market: Market) -> None:
    known = await paid(market)
    entry = await settle(market, await entry_of(market, known.payment))
    debit = (await reread(market, known.payment)).debit
    assert debit is not None
    assert debit.funds_at is not None
    market.clock.advance(debit.funds_at - market.clock.now() + timedelta(hours=1))
    await released(market)
    again = await presented_again(market, entry)
    await market.app.bank_debits.returned(entry, MoneyAction.PRESENT_AGAIN, "R01")

    market.clock.advance(timedelta(days=1))
    booking = (await market.app.bookings.row(known.booking.booking_id)).value
    market.clock.advance(max(booking.start_at - market.clock.now(), timedelta(0)) + timedelta(hours=3))
    await market.app.bookings.start(known.booking.booking_id, BANK)
    await market.app.closing.complete(known.booking.booking_id, OPERATOR)
    assert await market.balance(f"provider:{known.booking.provider_id}:USD") == 0
    await settle(market, again)
    market.clock.advance(timedelta(days=7))
    await released(market)

    assert await market.balance(f"escrow:{known.booking.booking_id}") == 0
    assert await market.balance(f"provider:{known.booking.provider_id}:USD") == 9_000
    await market.verified()


async def test_a_return_takes_out_the_credit_of_a_refund_that_waits_for_its_file(market: Market) -> None:
    known = await paid(market)
    await filed(market)
    await market.app.closing.cancel(CancelBooking(booking_id=known.booking.booking_id), ADA)
    entry = await settle(market, await entry_of(market, known.payment))
    market.clock.advance(timedelta(days=7))
    await released(market)
    assert (await entry_of(market, known.payment, Purpose.REFUND)).state is EntryState.WAITING

    for _ in range(2):
        await market.app.bank_debits.returned(entry, MoneyAction.TAKE_DEBIT_BACK, "R10")

    assert (await entry_of(market, known.payment, Purpose.REFUND)).state is EntryState.CANCELLED
    (refund,) = await market.app.refunds.refunds_of(known.booking.booking_id)
    assert refund.value.state is RefundState.FAILED
    assert await market.app.refunds.failed() == []
    assert (await summed(market, "clearing:USD"), await summed(market, "bank:USD")) == (0, 0)
    assert await market.balance(f"escrow:{known.booking.booking_id}") == 0
    assert await market.balance(f"provider:{known.booking.provider_id}:USD") == 0
    await market.verified()


@pytest.mark.parametrize("policy", ["flexible", "strict"])
async def test_cancelling_before_the_debit_is_sent_draws_nothing(market: Market, policy: str) -> None:
    known = await paid(market, policy=policy)

    await market.app.closing.cancel(CancelBooking(booking_id=known.booking.booking_id), ADA)

    assert (await entry_of(market, known.payment)).state is EntryState.CANCELLED
    (refund,) = await market.app.refunds.refunds_of(known.booking.booking_id)
    assert (refund.value.state, refund.value.amount) == (RefundState.ISSUED, PRICE)
    assert (await reread(market, known.payment)).left == Money(0, "USD")
    assert await market.balance(f"escrow:{known.booking.booking_id}") == 0
    assert await summed(market, "clearing:USD") == 0
    assert await market.app.originating.build(BANK) is None
    await market.passes(timedelta(hours=1))
    assert [entry.purpose for entry in await market.app.ach.entries.of(known.payment.payment_id)] == [Purpose.DEBIT]
    await market.verified()


async def test_cancelling_is_told_to_draw_nothing_until_the_debit_is_sent_and_then_the_terms_hold(
    market: Market,
) -> None:
    known = await paid(market, policy="strict")
    booking_id = known.booking.booking_id
    market.clock.advance(timedelta(days=3, hours=1))
    before = await market.app.closing.preview(booking_id, ADA)
    await filed(market)
    after = await market.app.closing.preview(booking_id, ADA)

    cancelled = await market.app.closing.cancel(CancelBooking(booking_id=booking_id), ADA)

    assert (before.amount, after.amount) == (PRICE, Money(5_000, "USD"))
    assert cancelled.refund is not None
    assert cancelled.refund.amount == Money(5_000, "USD")


async def test_what_was_revoked_in_time_is_told_as_all_given_back(market: Market) -> None:
    known = await paid(market, policy="strict")
    market.clock.advance(timedelta(days=3, hours=1))

    cancelled = await market.app.closing.cancel(CancelBooking(booking_id=known.booking.booking_id), ADA)

    assert cancelled.refund is not None
    assert cancelled.refund.amount == PRICE


async def test_a_refund_that_waited_ends_with_the_debit_that_is_called_off(market: Market) -> None:
    known = await paid(market)
    half = GiveBack(
        refund_id=market.id("rfd"), booking_id=known.booking.booking_id, amount=Money(4_000, "USD"), reason="kindness"
    )
    await market.app.refunding.give_back(half, OPERATOR)

    await market.app.closing.cancel(CancelBooking(booking_id=known.booking.booking_id), ADA)

    refunds = [row.value for row in await market.app.refunds.refunds_of(known.booking.booking_id)]
    assert sorted(each.amount.minor for each in refunds) == [4_000, 6_000]
    assert {each.state for each in refunds} == {RefundState.ISSUED}
    assert await summed(market, "clearing:USD") == 0
    await market.verified()


async def test_a_debit_of_a_cancelled_booking_is_not_presented_again(market: Market) -> None:
    known = await paid(market)
    entry = await settle(market, await entry_of(market, known.payment))
    assert await market.app.bank_debits.still_wants(entry)

    await market.app.closing.cancel(CancelBooking(booking_id=known.booking.booking_id), ADA)

    assert not await market.app.bank_debits.still_wants(entry)


async def test_cancelling_calls_off_the_presentment_that_waits(market: Market) -> None:
    known = await paid(market)
    entry = await settle(market, await entry_of(market, known.payment))
    again = await presented_again(market, entry)
    await market.app.bank_debits.returned(entry, MoneyAction.PRESENT_AGAIN, "R01")

    await market.app.closing.cancel(CancelBooking(booking_id=known.booking.booking_id), ADA)

    assert (await market.app.ach.entries.row(again.entry_id)).value.state is EntryState.CANCELLED
    assert (await summed(market, "clearing:USD"), await summed(market, "bank:USD")) == (0, 0)
    await market.verified()


async def test_the_customer_is_mailed_what_they_agreed_to_and_what_came_back(market: Market) -> None:
    known = await paid(market)
    entry = await settle(market, await entry_of(market, known.payment))

    await market.app.bank_debits.returned(entry, MoneyAction.PRESENT_AGAIN, "R01")
    await market.app.bank_debits.returned(entry, MoneyAction.TAKE_DEBIT_BACK, "R10")
    await market.passes(timedelta(minutes=5))

    letters = await market.app.notifications.outbox.latest(OPERATOR, limit=50)
    subjects = {letter.subject for letter in letters}
    assert {
        "You authorized a debit of $100.00",
        "Your bank did not pay $100.00",
        "Your bank sent $100.00 back",
    } <= subjects, subjects
    notices = await market.app.notifications.board.latest(OWNER.actor_id, OWNER)
    assert any(notice.kind is Kind.CHARGED_BACK for notice in notices.notices)


async def test_a_debit_runs_without_the_card_processor(tmp_path: Path, clock: VirtualClock) -> None:
    keys = Keys(secret_key="sk_test_none", publishable_key="pk_test_none", webhook_secret="whsec_none")
    async with over(tmp_path, "http://127.0.0.1:9", keys, clock) as (alone, _):
        await alone.provider()
        known = await paid(alone)
        await settle(alone, await entry_of(alone, known.payment))
        clock.advance(timedelta(days=16))
        await released(alone)
        await alone.app.bookings.start(known.booking.booking_id, BANK)
        await alone.app.closing.complete(known.booking.booking_id, OPERATOR)

        assert await alone.balance(f"provider:{known.booking.provider_id}:USD") == 9_000
        await alone.verified()
