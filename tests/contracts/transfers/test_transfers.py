"""What every processor behind the port of transfers promises: money between balances."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from contracts.transfers.benches import AMERICAN, Bench, Told
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.cards import ProcessorSilent, RefundOrder
from ecosystem.ports.transfers import (
    BalanceTooLow,
    DestinationUnfit,
    ReversalOrder,
    ReversalRefused,
    TransferOrder,
    UnknownTransfer,
)
from ecosystem.sandbox import Fault, What


def order(account_id: str, minor: int = 40_000, transfer_id: str = "trf_1") -> TransferOrder:
    return TransferOrder(
        transfer_id=transfer_id, account_id=account_id, amount=Money(minor, "USD"), group="bkg_1", description="Work"
    )


async def test_money_moves_to_an_account_once_however_often_it_is_asked_for(bench: Bench) -> None:
    await bench.paid("pay_1", Money(100_000, "USD"))
    account = await bench.account()
    before = await bench.available(None)

    made = await bench.transfers.transfer(order(account.account_id))
    again = await bench.transfers.transfer(order(account.account_id))

    assert again == made
    assert (made.transfer_id, made.account_id, made.group) == ("trf_1", account.account_id, "bkg_1")
    assert (made.amount, made.taken_back) == (Money(40_000, "USD"), Money(0, "USD"))
    assert (await bench.available(None), await bench.available(account.account_id)) == (before - 40_000, 40_000)
    assert await bench.transfers.transfer_status(made.processor_id) == made
    listed = await bench.transfers.transfers(since=made.made_at, group="bkg_1")
    assert (listed.items, listed.after) == ((made,), None)
    assert (await bench.transfers.transfers(group="bkg_2")).items == ()


async def test_another_transfer_under_the_same_id_is_refused(bench: Bench) -> None:
    await bench.paid("pay_1", Money(100_000, "USD"))
    account = await bench.account()
    await bench.transfers.transfer(order(account.account_id))

    with pytest.raises(IdReused):
        await bench.transfers.transfer(order(account.account_id, 30_000))


async def test_more_than_there_is_cannot_be_moved(bench: Bench) -> None:
    account = await bench.account()

    with pytest.raises(BalanceTooLow):
        await bench.transfers.transfer(order(account.account_id))

    assert await bench.available(account.account_id) == 0


async def test_money_of_a_charge_is_moved_before_it_is_available_and_comes_with_it(bench: Bench) -> None:
    paid = await bench.paid("pay_1", Money(100_000, "USD"), card="pm_card_visa")
    account = await bench.account()

    made = await bench.transfers.transfer(replace(order(account.account_id), source_charge=paid.charge_id))

    assert made.source_charge == paid.charge_id
    funds = (await bench.transfers.balance(account.account_id)).of("USD")
    assert (funds.available, funds.pending) == (0, 40_000)
    await bench.days(4)
    assert await bench.available(account.account_id) == 40_000


async def test_an_account_that_is_not_there_or_not_ready_is_not_paid(bench: Bench) -> None:
    await bench.paid("pay_1", Money(100_000, "USD"))
    unready = await bench.accounts.open(AMERICAN)

    for number, account_id in enumerate(("acct_nobody", unready.account_id)):
        with pytest.raises(DestinationUnfit):
            await bench.transfers.transfer(order(account_id, transfer_id=f"trf_{number}"))


async def test_reversals_take_back_up_to_the_whole_transfer_once_each(bench: Bench) -> None:
    account = await bench.funded(40_000)
    [made] = (await bench.transfers.transfers()).items
    part = ReversalOrder(reversal_id="rev_1", processor_id=made.processor_id, amount=Money(15_000, "USD"))

    first = await bench.transfers.reverse(part)
    again = await bench.transfers.reverse(part)

    assert again == first
    assert (first.reversal_id, first.transfer, first.amount) == ("rev_1", made.processor_id, Money(15_000, "USD"))
    assert (await bench.transfers.transfer_status(made.processor_id)).taken_back == Money(15_000, "USD")
    assert await bench.available(account.account_id) == 25_000
    with pytest.raises(IdReused):
        await bench.transfers.reverse(replace(part, amount=Money(14_000, "USD")))
    with pytest.raises(ReversalRefused):
        await bench.transfers.reverse(replace(part, reversal_id="rev_2", amount=Money(25_001, "USD")))
    rest = await bench.transfers.reverse(replace(part, reversal_id="rev_3", amount=Money(25_000, "USD")))
    assert await bench.transfers.reversals(made.processor_id) == (first, rest)


async def test_orders_that_are_given_again_days_later_still_move_money_once(bench: Bench) -> None:
    at = Told(bench.clock).now()
    await bench.paid("pay_1", Money(300_000, "USD"))
    account = await bench.account()
    wanted = replace(order(account.account_id), intended_at=at)
    made = await bench.transfers.transfer(wanted)
    back = ReversalOrder(
        reversal_id="rev_1", processor_id=made.processor_id, amount=Money(10_000, "USD"), intended_at=at
    )
    taken = await bench.transfers.reverse(back)
    await bench.days(3)

    again, taken_again = await bench.transfers.transfer(wanted), await bench.transfers.reverse(back)

    assert (again.processor_id, again.taken_back) == (made.processor_id, Money(10_000, "USD"))
    assert taken_again == taken
    assert await bench.available(account.account_id) == 30_000


async def test_payments_and_refunds_that_are_asked_for_again_days_later_happen_once(bench: Bench) -> None:
    at = Told(bench.clock).now()
    paid = await bench.paid("pay_1", Money(10_000, "USD"))
    wanted = RefundOrder(
        refund_id="rfd_1",
        payment_id="pay_1",
        booking_id="bkg_1",
        intent_id=paid.intent_id,
        amount=Money(4_000, "USD"),
        intended_at=at,
    )
    given = await bench.cards.refund(wanted)
    await bench.days(3)

    again, given_again = (
        await bench.paid("pay_1", Money(10_000, "USD"), intended_at=at),
        await bench.cards.refund(wanted),
    )

    assert (again.intent_id, given_again.processor_id) == (paid.intent_id, given.processor_id)
    assert len((await bench.cards.payments()).items) == len(await bench.cards.refunds(paid.intent_id)) == 1


@pytest.mark.parametrize("named", ["tr_nobody", "../balance", "", "é"])
async def test_a_transfer_nobody_made_is_unknown(bench: Bench, named: str) -> None:
    with pytest.raises(UnknownTransfer):
        await bench.transfers.transfer_status(named)
    with pytest.raises(UnknownTransfer):
        await bench.transfers.reversals(named)
    with pytest.raises(UnknownTransfer):
        await bench.transfers.reverse(ReversalOrder(reversal_id="rev_1", processor_id=named, amount=Money(100, "USD")))


@pytest.mark.parametrize("what", [What.LOSE_REQUEST, What.LOSE_ANSWER, What.FAIL_ANSWER, What.REFUSE])
async def test_a_call_that_goes_wrong_moves_money_once(bench: Bench, what: What) -> None:
    await bench.paid("pay_1", Money(100_000, "USD"))
    account = await bench.account()
    bench.sandbox.fail_next(Fault(what=what, path="/v1/transfers"))

    await bench.transfers.transfer(order(account.account_id))

    assert await bench.available(account.account_id) == 40_000
    assert len((await bench.transfers.transfers()).items) == 1


@pytest.mark.parametrize("status", [409, 429, 500, 503])
async def test_what_may_have_happened_is_a_silence_and_never_a_refusal(bench: Bench, status: int) -> None:
    await bench.paid("pay_1", Money(100_000, "USD"))
    account = await bench.account()
    bench.sandbox.fail_next(Fault(what=What.REFUSE, path="/v1/transfers", times=3, status=status))

    with pytest.raises(ProcessorSilent):
        await bench.transfers.transfer(order(account.account_id))

    assert (await bench.transfers.transfer(order(account.account_id))).amount == Money(40_000, "USD")
