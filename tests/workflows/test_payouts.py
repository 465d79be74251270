"""Payouts through the processor: each way through the machine, silence, and money that comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from ecosystem.contexts.bank_accounts import PAUSE, AccountKind, AddBankAccount, BankAccount, HolderKind, Purpose
from ecosystem.contexts.catalogue import Location, ProviderFields
from ecosystem.contexts.fraud import SetPolicy
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payouts import (
    Cadence,
    Filling,
    PausedBy,
    Payout,
    PayoutStatus,
    PayoutUnderWay,
    Rail,
    SetPayoutPlan,
    Speed,
    Withdraw,
    WithdrawalStatus,
    plan_becomes,
)
from ecosystem.contexts.reconciliation import OPEN_STATES
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.ports.bus import Event
from ecosystem.ports.cards import ProcessorSilent
from ecosystem.ports.transfers import TransferOrder
from ecosystem.sandbox import Fault, What
from ecosystem.workflows.entries import payout_manager
from market import OPERATOR, SYSTEM, Market
from payday import can_be_paid, days, earned, known, nothing_is_kept_back, of_processor, wanted
from workflows.lives import MINUTE, PAYMENT, SECOND, admitted, path, told

GOES = ["CarryOutPayout", "WhatThePayoutIs"]
SILENT = Fault(what=What.LOSE_REQUEST, times=10_000)


@pytest.fixture
async def paula(lively: Market) -> Actor:
    """A provider who can be paid, with 90.00 on the balance."""
    owner = await admitted(lively, "Paula Sousa", Group.PROVIDERS)
    await lively.provider(owner)
    await can_be_paid(lively, owner)
    await nothing_is_kept_back(lively)
    await earned(lively, owner=owner)
    return owner


async def looked_at(shop: Market, kind: str, payout: Payout) -> None:
    """An operator decided on the payout's case."""
    detail = {"kind": "payout", "subject_id": payout.payout_id, "booking_id": "", "provider_id": "", "score": 1}
    event = Event(
        event_id=kind,
        source="fraud",
        type=kind,
        at=shop.clock.now(),
        aggregate="any",
        sequence=2,
        actor=OPERATOR,
        detail=detail,
    )
    assert payout_manager.ENTRY.event
    await payout_manager.ENTRY.event(shop.app, event)


async def balance(shop: Market) -> int:
    return await shop.balance(chart.provider(shop.provider_id, "EUR"))


async def asked(shop: Market, owner: Actor, minor: int = 9_000, speed: Speed = Speed.STANDARD) -> Payout:
    return await shop.app.paying_out.ask(wanted(shop, minor, speed), owner)


async def test_a_payout_reaches_the_bank_and_the_books_follow_it(lively: Market, paula: Actor) -> None:
    before = (await of_processor(lively))["EUR"]
    payout = await asked(lively, paula)
    assert await balance(lively) == 0
    assert await lively.balance(chart.payout(payout.payout_id)) == 9_000

    await lively.passes(2 * MINUTE)
    sent = await known(lively, payout)
    await days(lively, 5)

    assert sent.status is PayoutStatus.IN_TRANSIT
    assert (await of_processor(lively))["EUR"] == before - 9_000
    assert await lively.balance(chart.payout(payout.payout_id)) == 0
    assert (await known(lively, payout)).status is PayoutStatus.PAID
    assert (await path(lively, PAYMENT, payout.payout_id))[:5] == ["Kind", *GOES, "LetItBeCalledOff", GOES[0]]
    assert (await path(lively, PAYMENT, payout.payout_id))[-2:] == ["HandedOver", "SUCCEEDED"]
    assert (await told(lively, paula))[-2:] == ["payout-sent", "payout-paid"]
    await lively.verified()


async def test_its_owner_calls_it_off_within_a_minute_and_not_later(lively: Market, paula: Actor) -> None:
    first = await asked(lively, paula, 4_000)
    second = await asked(lively, paula, 5_000)
    await lively.passes(30 * SECOND)

    off = await lively.app.paying_out.cancel(first.payout_id, paula)
    await lively.passes(2 * MINUTE)

    assert off.status is PayoutStatus.CANCELLED
    assert await balance(lively) == 4_000
    assert (await path(lively, PAYMENT, first.payout_id))[-2:] == ["GivenBack", "SUCCEEDED"]
    with pytest.raises(PayoutUnderWay):
        await lively.app.paying_out.cancel(second.payout_id, paula)
    await lively.verified()


async def test_one_that_the_bank_refuses_is_back_on_the_balance_and_pauses_the_next(lively: Market) -> None:
    owner = await admitted(lively, "Paula Sousa", Group.PROVIDERS)
    await lively.provider(owner)
    await can_be_paid(lively, owner, number="DE89370400440532013002")
    await nothing_is_kept_back(lively)
    await earned(lively, owner=owner)
    before = (await of_processor(lively))["EUR"]

    payout = await asked(lively, owner)
    await days(lively, 5)

    failed = await known(lively, payout)
    plan = await lively.app.payout_plans.find(lively.provider_id)
    assert failed.status is PayoutStatus.FAILED
    assert failed.trouble is not None
    assert failed.trouble.code == "account_closed"
    assert await balance(lively) == 9_000
    assert (await of_processor(lively))["EUR"] == before
    assert plan is not None
    assert plan.value.pause is not None
    assert (plan.value.pause.by, plan.value.pause.payout_id) == (PausedBy.TROUBLE, payout.payout_id)
    assert (await told(lively, owner))[-1] == "payout-failed"
    await lively.verified()


async def test_a_silent_processor_is_asked_until_it_speaks_and_pays_once(lively: Market, paula: Actor) -> None:
    payout = await asked(lively, paula)
    lively.sandbox.fail_next(SILENT)
    await lively.passes(20 * MINUTE)
    silent = await known(lively, payout)

    lively.sandbox.faults.clear()
    lively.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/transfers", times=3))
    lively.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/payouts", times=3))
    await days(lively, 5)

    assert silent.status is PayoutStatus.INTENDED
    assert silent.begun_at is not None
    assert (await known(lively, payout)).status is PayoutStatus.PAID
    listed = await lively.app.ports.transfers.transfers()
    assert [each.amount.minor for each in listed.items] == [9_000]
    await lively.verified()


async def test_an_instant_payout_is_there_at_once_and_its_price_is_the_providers(lively: Market, paula: Actor) -> None:
    payout = await asked(lively, paula, 9_000, Speed.INSTANT)

    await lively.passes(5 * MINUTE)

    paid = await known(lively, payout)
    assert (paid.fee.minor, paid.net.minor) == (89, 8_911)
    assert paid.status is PayoutStatus.PAID
    assert await balance(lively) == 0
    await lively.verified()


async def test_money_that_is_not_available_yet_is_waited_for(lively: Market, paula: Actor) -> None:
    await asked(lively, paula)
    await earned(lively, 50_000, card="pm_card_visa", owner=paula)
    await lively.sequence()
    payout = await asked(lively, paula, 45_000)

    await lively.passes(10 * MINUTE)
    short = await known(lively, payout)
    await days(lively, 10)

    assert short.status is PayoutStatus.INTENDED
    assert short.attempt > 1
    assert (await known(lively, payout)).status is PayoutStatus.PAID
    await lively.verified()


async def test_one_that_waits_for_money_is_called_off_and_never_sent(lively: Market, paula: Actor) -> None:
    await asked(lively, paula)
    await earned(lively, 50_000, card="pm_card_visa", owner=paula)
    await lively.sequence()
    payout = await asked(lively, paula, 45_000)
    await lively.passes(10 * MINUTE)

    off = await lively.app.paying_out.cancel(payout.payout_id, paula)
    back = await balance(lively)
    await days(lively, 3)

    assert off.attempt > 1
    assert back == 45_000
    assert (await known(lively, payout)).status is PayoutStatus.CANCELLED
    listed = await lively.app.ports.transfers.transfers()
    assert payout.payout_id not in {each.group for each in listed.items}
    await lively.verified()


@pytest.mark.parametrize("how", ["paused", "suspended"])
async def test_what_was_intended_before_waits_while_nothing_is_paid_out(lively: Market, paula: Actor, how: str) -> None:
    payout, app, provider_id = await asked(lively, paula), lively.app, lively.provider_id

    if how == "paused":
        await app.payout_settings.pause(provider_id, "We look into it.", OPERATOR)
    else:
        await app.standings.suspend(provider_id, "We look into it.", OPERATOR)
    await days(lively, 2)
    waits, held = await known(lively, payout), await app.paying_out.outlooks.held(provider_id, paula)
    listed = await app.ports.transfers.transfers()
    if how == "paused":
        await app.payout_settings.resume(provider_id, OPERATOR)
    else:
        await app.standings.reinstate(provider_id, OPERATOR)
    await days(lively, 7)

    assert (waits.status, waits.may_be_cancelled) == (PayoutStatus.INTENDED, True)
    assert held
    assert not listed.items
    assert (await known(lively, payout)).status is PayoutStatus.PAID
    await lively.verified()


async def test_a_plan_pays_on_its_day_and_sets_the_next(lively: Market, paula: Actor) -> None:
    row = await lively.app.payout_plans.find(lively.provider_id)
    wish = SetPayoutPlan(cadence=Cadence.WEEKLY, weekday=3, version=row.version if row else 0)
    plan = await lively.app.payout_settings.set(lively.provider_id, wish, paula)
    assert plan.next_at is not None

    await lively.passes(plan.next_at - lively.clock.now() + 11 * MINUTE)

    [payout] = (await lively.app.paying_out.payouts(lively.provider_id, paula)).values
    after = await lively.app.payout_plans.find(lively.provider_id)
    assert payout.amount.minor == 9_000
    assert payout.origin == "scheduled"
    assert after is not None
    assert after.value.next_at == plan.next_at + timedelta(days=7)
    await days(lively, 6)
    assert len((await lively.app.paying_out.payouts(lively.provider_id, paula)).values) == 1


async def test_one_that_comes_back_after_it_was_paid_is_on_the_balance_again(lively: Market) -> None:
    owner = await admitted(lively, "Paula Sousa", Group.PROVIDERS)
    await lively.provider(owner)
    there = Location(lat=40.7, lon=-74.0, place="New York", zone="America/New_York")
    await lively.app.providers.edit(lively.provider_id, ProviderFields(location=there), owner)
    await can_be_paid(lively, owner, number="000888888883", routing="110000000")
    await nothing_is_kept_back(lively)
    await earned(lively, currency="USD", owner=owner)

    payout = await lively.app.paying_out.ask(wanted(lively, 9_000, currency="USD"), owner)
    await days(lively, 4)
    paid = await known(lively, payout)
    await days(lively, 8)

    returned = await known(lively, payout)
    assert paid.status is PayoutStatus.PAID
    assert returned.status is PayoutStatus.RETURNED
    assert await lively.balance(chart.provider(lively.provider_id, "USD")) == 9_000
    plan = await lively.app.payout_plans.find(lively.provider_id)
    assert plan is not None
    assert plan.value.pause is not None
    await lively.verified()


async def test_one_that_an_operator_looks_at_waits_and_goes_on_or_back(lively: Market, paula: Actor) -> None:
    policy = await lively.app.fraud_policies.current()
    strict = SetPolicy(version=policy.version, review_at=1, decline_at=1_000, rules=())
    await lively.app.fraud_policies.set(strict, OPERATOR)
    lively.clock.advance(MINUTE)
    first, second = await asked(lively, paula, 4_000), await asked(lively, paula, 5_000)
    await lively.passes(20 * MINUTE)
    waits = [(await known(lively, payout)).status for payout in (first, second)]

    for payout, kind in ((first, "ReviewApproved"), (second, "ReviewDeclined")):
        await looked_at(lively, kind, payout)
    await days(lively, 5)

    assert waits == [PayoutStatus.INTENDED] * 2
    assert (await known(lively, first)).status is PayoutStatus.PAID
    assert (await known(lively, second)).status is PayoutStatus.CANCELLED
    assert await balance(lively) == 5_000


async def test_the_price_for_speed_that_is_kept_when_an_instant_payout_comes_back_is_our_cost(
    lively: Market, paula: Actor
) -> None:
    before = (await of_processor(lively))["EUR"]
    payout = await asked(lively, paula, 9_000, Speed.INSTANT)
    await days(lively, 2)
    paid = await known(lively, payout)

    await lively.sandbox.happen("payout.failed", paid.rail_id, {"code": "account_closed"})
    await days(lively, 2)

    returned = await known(lively, payout)
    assert returned.status is PayoutStatus.RETURNED
    assert returned.fee_kept == returned.fee
    assert (await of_processor(lively))["EUR"] == before - returned.fee.minor
    assert await balance(lively) == 9_000
    there = await lively.app.ports.transfers.balance(payout.destination.account_id)
    assert sum(funds.available + funds.pending for funds in there.funds) == 0
    assert -await lively.balance(chart.processor("EUR")) == (await of_processor(lively))["EUR"]
    await lively.verified()


async def test_instant_payouts_agree_with_the_processor_those_that_come_back_too(lively: Market, paula: Actor) -> None:
    stays = await asked(lively, paula, 4_000, Speed.INSTANT)
    returns = await asked(lively, paula, 5_000, Speed.INSTANT)
    await days(lively, 2)
    await lively.sandbox.happen("payout.failed", (await known(lively, returns)).rail_id, {"code": "account_closed"})
    await days(lively, 5)

    await lively.app.reconciling.daily()

    assert (await known(lively, stays)).status is PayoutStatus.PAID
    assert (await known(lively, returns)).fee_kept
    open_now = [one async for one in lively.app.discrepancies.all_of(*OPEN_STATES)]
    assert [(one.movement, one.kinds) for one in open_now] == []


async def test_a_withdrawal_whose_answer_was_lost_is_found_when_the_processor_has_forgotten_its_key(
    lively: Market, paula: Actor
) -> None:
    request = Withdraw(withdrawal_id=lively.id("wdr"), amount=Money(5_000, "EUR"))
    lively.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/payouts", times=10))
    with pytest.raises(ProcessorSilent):
        await lively.app.withdrawing.withdraw(request, OPERATOR)
    before = (await of_processor(lively))["EUR"]
    lively.sandbox.faults.clear()

    lively.clock.advance(timedelta(days=3))
    await days(lively, 4)

    known = (await lively.app.withdrawing.book.row(request.withdrawal_id)).value
    assert known.status is WithdrawalStatus.ARRIVED
    assert (await of_processor(lively))["EUR"] == before
    assert await lively.balance(chart.bank("EUR")) == -5_000


async def test_one_whose_money_is_not_given_back_is_told_to_operators_and_asked_for_until_it_is(
    lively: Market, paula: Actor
) -> None:
    oscar = await admitted(lively, "Oscar Oliva", Group.ADMINS)
    payout = await asked(lively, paula, 9_000, Speed.INSTANT)
    await lively.passes(5 * MINUTE)
    paid = await known(lively, payout)
    reversals = f"/v1/transfers/{paid.transfer_id}/reversals"
    lively.sandbox.fail_next(Fault(what=What.REFUSE, path=reversals, status=400, times=1_000))

    await lively.sandbox.happen("payout.failed", paid.rail_id, {"code": "account_closed"})
    await lively.app.processor_payouts.carry_out(payout.payout_id, OPERATOR)
    await lively.app.processor_payouts.carry_out(payout.payout_id, OPERATOR)
    lively.clock.advance(timedelta(days=11))
    await lively.app.sweep.payouts_left()
    stranded = await known(lively, payout)
    before = await balance(lively)
    lively.sandbox.faults.clear()
    lively.clock.advance(timedelta(days=1))
    await lively.app.sweep.payouts_left()

    assert paid.status is PayoutStatus.PAID
    assert (stranded.status, stranded.is_stranded, before) == (PayoutStatus.PAID, True, 0)
    assert (await told(lively, oscar)).count("payout-stranded") == 1
    after = await known(lively, payout)
    assert (after.status, after.is_stranded) == (PayoutStatus.RETURNED, False)
    assert await balance(lively) == 9_000
    await lively.verified()


async def test_one_that_waits_for_our_balance_for_three_days_is_told_to_operators_once(
    lively: Market, paula: Actor
) -> None:
    oscar = await admitted(lively, "Oscar Oliva", Group.ADMINS)
    there = (await lively.app.withdrawing.balance(OPERATOR)).of("EUR")
    leaves = Withdraw(withdrawal_id=lively.id("wdr"), amount=Money(there.available, "EUR"))
    await lively.app.withdrawing.withdraw(leaves, OPERATOR)
    payout = await asked(lively, paula)

    await days(lively, 2)
    early = (await told(lively, oscar)).count("payout-waits")
    await days(lively, 3)

    assert (await known(lively, payout)).status is PayoutStatus.INTENDED
    assert (early, (await told(lively, oscar)).count("payout-waits")) == (0, 1)


async def test_a_plan_that_is_refused_holds_up_nobody_and_operators_are_told_once(lively: Market, paula: Actor) -> None:
    oscar = await admitted(lively, "Oscar Oliva", Group.ADMINS)
    row = await lively.app.payout_plans.find(lively.provider_id)
    assert row is not None
    assert row.value.next_at is not None
    stray = replace(row.value, provider_id="prv_01kag2m8xw000000000000lost", next_at=lively.clock.now())
    await lively.app.ports.table.transact(*plan_becomes(None, stray, SYSTEM, lively.clock.now()))

    await days(lively, 8)

    page = await lively.app.paying_out.payouts(lively.provider_id, paula)
    assert [(each.status, each.amount.minor) for each in page.values] == [(PayoutStatus.PAID, 9_000)]
    assert (await told(lively, oscar)).count("payout-undecided") == 1


async def test_our_bank_account_is_filled_for_payouts_in_files_and_the_processor_keeps_what_is_to_stay(
    lively: Market, paula: Actor
) -> None:
    begun = await lively.app.payout_plans.find(lively.provider_id)
    by_hand = SetPayoutPlan(cadence=Cadence.MANUAL, version=begun.version if begun else 0)
    await lively.app.payout_settings.set(lively.provider_id, by_hand, paula)
    oscar = await admitted(lively, "Oscar Oliva", Group.ADMINS)
    await earned(lively, currency="USD", owner=paula, hour=14)
    rules = await lively.app.payout_rules.current()
    filling = Filling(least=Money(1_000, "USD"), left=Money(2_500, "USD"))
    await lively.app.payout_rules.set(replace(rules, filling=filling), OPERATOR)
    await days(lively, 5)
    first = await withdrawn(lively)
    early = await told(lively, oscar)

    account = await verified_account(lively, paula)
    plan = await lively.app.payout_plans.find(lively.provider_id)
    by_bank = SetPayoutPlan(
        cadence=Cadence.MANUAL, rail=Rail.ACH, bank_account_id=account.account_id, version=plan.version if plan else 0
    )
    await lively.app.payout_settings.set(lively.provider_id, by_bank, paula)
    lively.clock.advance(PAUSE)
    await lively.app.paying_out.ask(wanted(lively, 9_000, currency="USD"), paula)
    await days(lively, 5)
    then = await withdrawn(lively)

    assert first == [1_000]
    assert then[:1] == [1_000]
    assert sum(then) <= 10_000
    assert ("bank-low" in early, "bank-low" in await told(lively, oscar)) == (False, True)
    there = (await lively.app.withdrawing.balance(OPERATOR)).of("USD")
    assert there.available == 2_500
    assert await lively.balance(chart.bank("USD")) == -sum(then)
    assert -await lively.balance(chart.processor("USD")) == (await of_processor(lively))["USD"]


async def withdrawn(shop: Market) -> list[int]:
    """What was withdrawn by itself, oldest first; all of it has arrived."""
    made = (await shop.app.withdrawing.book.latest(OPERATOR)).values[::-1]
    assert {each.asked_by for each in made} == {"system:payout-manager"}
    assert {each.status for each in made} == {WithdrawalStatus.ARRIVED}
    return [each.amount.minor for each in made]


async def verified_account(shop: Market, owner: Actor) -> BankAccount:
    request = AddBankAccount(
        account_id=shop.id("bac"),
        owner_id=shop.provider_id,
        purpose=Purpose.PAYOUT,
        routing_number="121000248",
        account_number="000123456789",
        holder="Paula Sousa",
        holder_kind=HolderKind.PERSON,
        kind=AccountKind.CHECKING,
    )
    made = await shop.app.bank_accounts.add(request, owner, user_id=owner.actor_id)
    await shop.app.bank_accounts.verifying(made.account_id, SYSTEM)
    return await shop.app.bank_accounts.verified(made.account_id, SYSTEM)


async def test_one_whose_transfer_was_taken_back_unnoticed_is_not_paid_with_the_money_of_another(
    lively: Market, paula: Actor
) -> None:
    payout = await asked(lively, paula)
    lively.sandbox.fail_next(Fault(what=What.REFUSE, path="/v1/payouts", status=400, times=1_000))
    lively.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/transfers/", times=60))
    await lively.passes(2 * MINUTE)
    lively.clock.advance(timedelta(days=1))
    [made] = (await lively.app.ports.transfers.transfers()).items
    silent, account_id = await known(lively, payout), payout.destination.account_id
    lively.sandbox.faults.clear()
    other = TransferOrder(transfer_id="another", account_id=account_id, amount=payout.amount, group="another")
    await lively.app.ports.transfers.transfer(other)

    await lively.app.processor_payouts.carry_out(payout.payout_id, OPERATOR)

    assert (silent.status, made.taken_back) == (PayoutStatus.SENT, payout.amount)
    assert (await known(lively, payout)).status is PayoutStatus.FAILED
    assert (await lively.app.ports.transfers.payouts(account_id)).items == ()
    assert await balance(lively) == 9_000
