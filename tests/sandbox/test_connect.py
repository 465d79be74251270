"""Money of connected accounts, through the official SDK: transfers, reversals, payouts, balances and their entries."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.sdk import DAY, MONDAY, World


def on(account: Any) -> dict[str, str]:
    return {"stripe_account": account.id}


async def available(at: World, account: Any = None) -> int:
    balance = await at.v1.balance.retrieve_async(options=on(account) if account else {})
    return sum(part.amount for part in balance.available if part.currency == "usd")


async def sent(at: World, account: Any, amount: int = 40_000, **more: Any) -> Any:
    told = {"amount": amount, "currency": "usd", "destination": account.id, **more}
    return await at.v1.transfers.create_async(told)


async def test_a_transfer_moves_money_from_the_platform_to_the_account_with_entries_on_both_sides(at: World) -> None:
    await at.paid()
    account = await at.account()
    before = await available(at)

    transfer = await sent(at, account, transfer_group="bkg_1", metadata={"booking": "bkg_1"})
    await at.settled()
    entries = await at.v1.balance_transactions.list_async({"source": transfer.id})
    there = await at.v1.balance_transactions.list_async(options=on(account))

    assert (await available(at), await available(at, account)) == (before - 40_000, 40_000)
    assert [(one.amount, one.type, one.reporting_category) for one in entries.data] == [
        (-40_000, "transfer", "transfer")
    ]
    assert [(one.amount, one.type, one.source) for one in there.data] == [
        (40_000, "payment", transfer.destination_payment)
    ]
    payment = await at.v1.charges.retrieve_async(transfer.destination_payment, options=on(account))
    assert payment.source_transfer == transfer.id
    assert [one.id for one in (await at.v1.transfers.list_async({"transfer_group": "bkg_1"})).data] == [transfer.id]
    assert at.told("transfer.created")[0]["data"]["object"]["id"] == transfer.id
    assert "account" not in at.told("transfer.created")[0]


async def test_more_than_is_available_cannot_be_transferred(at: World) -> None:
    await at.paid(method="pm_card_visa")
    account = await at.account()

    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sent(at, account)

    assert (refused.value.code, refused.value.http_status) == ("balance_insufficient", 400)
    assert await available(at, account) == 0


async def test_a_transfer_out_of_a_charge_waits_for_its_money_and_cannot_exceed_it(at: World) -> None:
    paid = await at.paid(method="pm_card_visa", transfer_group="bkg_1")
    account = await at.account()

    transfer = await sent(at, account, 60_000, source_transaction=paid.latest_charge)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sent(at, account, 40_001, source_transaction=paid.latest_charge)

    assert refused.value.code == "balance_insufficient"
    assert transfer.transfer_group == "bkg_1"
    assert await available(at, account) == 0
    await at.move(3)
    assert await available(at, account) == 60_000
    matured = [event["account"] for event in at.told("balance.available") if "account" in event]
    assert matured == [account.id]


async def test_reversals_together_cannot_exceed_the_transfer_and_may_leave_the_account_in_debt(at: World) -> None:
    await at.paid()
    account = await at.account()
    transfer = await sent(at, account)
    await at.v1.payouts.create_async({"amount": 30_000, "currency": "usd"}, options=on(account))
    before = await available(at)

    reversal = await at.v1.transfers.reversals.create_async(transfer.id, {"amount": 25_000})
    with pytest.raises(stripe.InvalidRequestError):
        await at.v1.transfers.reversals.create_async(transfer.id, {"amount": 15_001})
    balance = await at.v1.balance.retrieve_async()

    assert (reversal.amount, reversal.transfer) == (25_000, transfer.id)
    assert await available(at, account) == -15_000
    assert [part.amount for part in balance.connect_reserved if part.currency == "usd"] == [15_000]
    assert await available(at) == before + 25_000 - 15_000
    assert (await at.v1.transfers.retrieve_async(transfer.id)).amount_reversed == 25_000

    await sent(at, account, 20_000)
    assert await available(at, account) == 5_000
    balance = await at.v1.balance.retrieve_async()
    assert [part.amount for part in balance.connect_reserved if part.currency == "usd"] == [0]
    kinds = [one.type for one in (await at.v1.balance_transactions.list_async({"limit": 100})).data]
    assert kinds.count("reserve_transaction") == 2


async def test_a_payout_is_sent_at_the_end_of_the_day_and_arrives_two_working_days_later(at: World) -> None:
    await at.paid()
    account = await at.account()
    await sent(at, account)

    payout = await at.v1.payouts.create_async(
        {"amount": 40_000, "currency": "usd", "metadata": {"payout": "pyo_1"}}, options=on(account)
    )
    assert (payout.status, payout.arrival_date) == ("pending", MONDAY + 2 * DAY)
    assert await available(at, account) == 0
    await at.move(1)
    assert (await at.v1.payouts.retrieve_async(payout.id, options=on(account))).status == "in_transit"
    await at.move(1)

    paid = await at.v1.payouts.retrieve_async(payout.id, {"expand": ["destination"]}, options=on(account))
    assert (paid.status, paid.destination.last4) == ("paid", "6789")
    told = [event["type"] for event in at.listener.heard if event["type"].startswith("payout.")]
    assert told == ["payout.created", "payout.updated", "payout.updated", "payout.paid"]
    assert at.told("payout.updated")[0]["data"]["previous_attributes"] == {"status": "pending"}
    assert {event["account"] for event in at.told("payout.paid")} == {account.id}
    with pytest.raises(stripe.InvalidRequestError):
        await at.v1.payouts.retrieve_async(payout.id)


@pytest.mark.parametrize(
    ("number", "code", "after", "paid"),
    [
        ("000111111116", "no_account", 2, False),
        ("000111111113", "account_closed", 2, False),
        ("000222222227", "insufficient_funds", 2, False),
        ("000333333335", "debit_not_authorized", 2, False),
        ("000444444440", "invalid_currency", 2, False),
        ("000888888883", "account_closed", 6, True),
    ],
)
async def test_a_payout_that_comes_back_is_on_the_balance_again_and_its_bank_account_is_set_aside(
    at: World, number: str, code: str, after: int, *, paid: bool
) -> None:
    await at.paid()
    account = await at.account(number)
    await sent(at, account)
    payout = await at.v1.payouts.create_async({"amount": 40_000, "currency": "usd"}, options=on(account))

    await at.move(after)
    failed = await at.v1.payouts.retrieve_async(payout.id, options=on(account))

    assert (failed.status, failed.failure_code) == ("failed", code)
    assert failed.failure_balance_transaction
    assert bool(at.told("payout.paid")) == paid
    assert at.told("payout.failed")[0]["data"]["object"]["failure_code"] == code
    assert await available(at, account) == 40_000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await at.v1.payouts.create_async({"amount": 1, "currency": "usd"}, options=on(account))
    assert refused.value.code == "bank_account_unusable"


async def test_a_payout_is_cancelled_while_it_is_pending_only(at: World) -> None:
    await at.paid()
    account = await at.account()
    await sent(at, account)
    payout = await at.v1.payouts.create_async({"amount": 30_000, "currency": "usd"}, options=on(account))

    cancelled = await at.v1.payouts.cancel_async(payout.id, options=on(account))
    with pytest.raises(stripe.InvalidRequestError):
        await at.v1.payouts.cancel_async(payout.id, options=on(account))
    await at.settled()

    assert cancelled.status == "canceled"
    assert await available(at, account) == 40_000
    assert len(at.told("payout.canceled")) == 1


async def test_an_instant_payout_arrives_at_once_and_costs_one_in_a_hundred(at: World) -> None:
    await at.paid()
    account = await at.account()
    await sent(at, account, 40_400)

    payout = await at.v1.payouts.create_async(
        {"amount": 40_000, "currency": "usd", "method": "instant", "expand": ["balance_transaction"]},
        options=on(account),
    )
    await at.settled()

    assert (payout.balance_transaction.fee, payout.balance_transaction.net) == (400, -40_400)
    assert payout.balance_transaction.fee_details[0].type == "stripe_fee"
    assert (await at.v1.payouts.retrieve_async(payout.id, options=on(account))).status == "paid"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await at.v1.payouts.create_async({"amount": 1, "currency": "usd", "method": "instant"}, options=on(account))
    assert refused.value.code == "balance_insufficient"


async def test_an_automatic_schedule_pays_out_what_becomes_available_and_tells_which_entries(at: World) -> None:
    await at.paid(method="pm_card_visa")
    paid = await at.paid(method="pm_card_visa")
    account = await at.account(schedule={"interval": "daily"})
    await sent(at, account, 60_000, source_transaction=paid.latest_charge)

    await at.move(3)
    [payout] = (await at.v1.payouts.list_async(options=on(account))).data
    entries = await at.v1.balance_transactions.list_async({"payout": payout.id}, options=on(account))
    await at.move(4)

    assert (payout.amount, payout.automatic, payout.reconciliation_status) == (60_000, True, "in_progress")
    assert sorted(one.amount for one in entries.data) == [-60_000, 60_000]
    assert at.told("payout.reconciliation_completed")[0]["data"]["object"]["reconciliation_status"] == "completed"


async def test_the_platform_withdraws_its_own_money(at: World) -> None:
    await at.paid()
    before = await available(at)

    payout = await at.v1.payouts.create_async({"amount": before, "currency": "usd"})
    await at.move(4)

    assert (await at.v1.payouts.retrieve_async(payout.id)).status == "paid"
    assert await available(at) == 0
