"""What every processor behind the port of transfers promises: balances sent to banks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from contracts.transfers.benches import Bench, Told
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.accounts import UnknownAccount
from ecosystem.ports.transfers import (
    BalanceTooLow,
    BankAccountUnusable,
    PayoutOrder,
    PayoutStanding,
    Speed,
    TooLate,
    TransferOrder,
    UnknownPayout,
)


def order(account_id: str | None, minor: int = 30_000, payout_id: str = "pyo_1") -> PayoutOrder:
    return PayoutOrder(
        payout_id=payout_id, account_id=account_id, amount=Money(minor, "USD"), descriptor="ECOSYSTEM 20 NOV"
    )


async def test_a_payout_goes_to_the_bank_in_its_time_and_once(bench: Bench) -> None:
    account = await bench.funded(40_000)

    made = await bench.transfers.pay_out(order(account.account_id))
    again = await bench.transfers.pay_out(order(account.account_id))

    assert again == made
    assert (made.payout_id, made.account_id, made.amount) == ("pyo_1", account.account_id, Money(30_000, "USD"))
    assert (made.standing, made.speed, made.automatic) == (PayoutStanding.PENDING, Speed.STANDARD, False)
    assert made.bank_last4 == "6789"
    assert made.arrives_on > made.made_at
    assert await bench.available(account.account_id) == 10_000
    with pytest.raises(IdReused):
        await bench.transfers.pay_out(order(account.account_id, 20_000))
    await bench.days(1)
    assert (
        await bench.transfers.payout_status(made.processor_id, account.account_id)
    ).standing is PayoutStanding.IN_TRANSIT
    await bench.days(3)
    paid = await bench.transfers.payout_status(made.processor_id, account.account_id)
    assert paid.standing is PayoutStanding.PAID
    assert (await bench.transfers.payouts(account.account_id, since=made.made_at)).items == (paid,)


async def test_an_order_that_is_given_again_days_later_is_still_one_payout(bench: Bench) -> None:
    account = await bench.funded(80_000)
    wanted = replace(order(account.account_id), intended_at=Told(bench.clock).now())
    made = await bench.transfers.pay_out(wanted)
    await bench.days(4)

    again = await bench.transfers.pay_out(wanted)

    assert (again.processor_id, again.standing) == (made.processor_id, PayoutStanding.PAID)
    assert await bench.available(account.account_id) == 50_000


async def test_a_payout_may_be_at_once_for_a_fee(bench: Bench) -> None:
    account = await bench.funded(40_000)

    made = await bench.transfers.pay_out(replace(order(account.account_id), speed=Speed.INSTANT))
    await bench.sandbox.settled()

    assert (made.speed, made.fee) == (Speed.INSTANT, Money(300, "USD"))
    now = await bench.transfers.payout_status(made.processor_id, account.account_id)
    assert now.standing is PayoutStanding.PAID
    assert account.instant


async def test_more_than_the_balance_is_not_paid_out(bench: Bench) -> None:
    account = await bench.funded(40_000)

    with pytest.raises(BalanceTooLow):
        await bench.transfers.pay_out(order(account.account_id, 40_001))
    with pytest.raises(BalanceTooLow):
        await bench.transfers.pay_out(replace(order(account.account_id, 40_000, "pyo_2"), speed=Speed.INSTANT))


@pytest.mark.parametrize(
    ("number", "code", "after", "at_fault"),
    [
        ("000111111116", "no_account", 3, True),
        ("000222222227", "insufficient_funds", 3, False),
        ("000888888883", "account_closed", 8, True),
    ],
)
async def test_a_payout_that_comes_back_says_why_and_the_balance_has_it_again(
    bench: Bench, number: str, code: str, after: int, *, at_fault: bool
) -> None:
    account = await bench.funded(40_000, number)
    made = await bench.transfers.pay_out(order(account.account_id))

    await bench.days(after)
    failed = await bench.transfers.payout_status(made.processor_id, account.account_id)

    assert failed.standing is PayoutStanding.FAILED
    assert failed.failure
    assert (failed.failure.code, failed.failure.account_at_fault) == (code, at_fault)
    assert failed.failure.sentence.endswith(".")
    assert failed.return_entry_id
    assert await bench.available(account.account_id) == 40_000
    with pytest.raises(BankAccountUnusable):
        await bench.transfers.pay_out(order(account.account_id, payout_id="pyo_2"))


async def test_a_payout_may_be_kept_from_leaving_until_the_bank_has_it(bench: Bench) -> None:
    account = await bench.funded(40_000)
    first = await bench.transfers.pay_out(order(account.account_id))
    second = await bench.transfers.pay_out(order(account.account_id, 10_000, "pyo_2"))

    kept = await bench.transfers.cancel_payout(first.processor_id, account.account_id)
    again = await bench.transfers.cancel_payout(first.processor_id, account.account_id)

    assert kept.standing is again.standing is PayoutStanding.CANCELLED
    assert await bench.available(account.account_id) == 30_000
    await bench.days(1)
    with pytest.raises(TooLate):
        await bench.transfers.cancel_payout(second.processor_id, account.account_id)


async def test_the_platform_pays_itself_out(bench: Bench) -> None:
    await bench.paid("pay_1", Money(100_000, "USD"))
    before = await bench.available(None)

    made = await bench.transfers.pay_out(order(None))
    await bench.days(4)

    assert made.account_id is None
    assert (await bench.transfers.payout_status(made.processor_id, None)).standing is PayoutStanding.PAID
    assert await bench.available(None) == before - 30_000


@pytest.mark.parametrize("named", ["po_nobody", "../balance", "", "é"])
async def test_a_payout_nobody_made_is_unknown(bench: Bench, named: str) -> None:
    account = await bench.account()

    for account_id in (None, account.account_id):
        with pytest.raises(UnknownPayout):
            await bench.transfers.payout_status(named, account_id)
        with pytest.raises(UnknownPayout):
            await bench.transfers.cancel_payout(named, account_id)


@pytest.mark.parametrize("named", ["acct_nobody", "../balance", "", "é"])
async def test_nothing_is_paid_out_or_told_of_an_account_nobody_has(bench: Bench, named: str) -> None:
    with pytest.raises(UnknownAccount):
        await bench.transfers.pay_out(order(named))
    with pytest.raises(UnknownAccount):
        await bench.transfers.balance(named)
    with pytest.raises(UnknownAccount):
        await bench.transfers.payouts(named)
    with pytest.raises(UnknownAccount):
        await bench.transfers.balance_entries(named)


async def test_what_was_made_is_found_although_our_clock_runs_ahead(bench: Bench) -> None:
    account = await bench.funded(80_000)
    ahead = Told(bench.clock).now() + timedelta(minutes=5)
    wanted = replace(order(account.account_id), intended_at=ahead)
    moved = TransferOrder(
        transfer_id="tfr_ahead",
        account_id=account.account_id,
        amount=Money(1_000, "USD"),
        group="any",
        intended_at=ahead,
    )
    made, transfer = await bench.transfers.pay_out(wanted), await bench.transfers.transfer(moved)
    await bench.days(4)

    again, transfer_again = await bench.transfers.pay_out(wanted), await bench.transfers.transfer(moved)

    assert again.processor_id == made.processor_id
    assert transfer_again.processor_id == transfer.processor_id
