"""Paying out: at any order of releases, refunds, payouts, failures and returns no money is made or lost."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from ecosystem.contexts.ledger import Disbursement, Sale, chart, disbursed, linked, reverse
from ecosystem.contexts.payments import payout_account_made, requested_payout_account, settled_payout_account
from ecosystem.contexts.payouts import (
    OPEN,
    Destination,
    Origin,
    Payout,
    PayoutId,
    PayoutNews,
    PayoutStatus,
    Rail,
    Reserve,
    Trouble,
    tried_anew,
)
from ecosystem.journeys.payouts import BetweenSteps, MoreThanAvailable, NothingToPay, PayoutsRest
from ecosystem.kernel.money import Money
from ecosystem.kernel.rates import Rates, quote
from ecosystem.kernel.refusals import Conflict, Denied, IdReused
from ecosystem.ports.accounts import AccountOrder, AccountOutcome, AccountStanding
from ecosystem.ports.table import Put
from market import ADA, OPERATOR, OWNER, SYSTEM, Market
from payday import wanted

STEPS = 60
NEXT = {
    PayoutStatus.INTENDED: (PayoutStatus.SENT, PayoutStatus.CANCELLED, PayoutStatus.FAILED),
    PayoutStatus.SENT: (PayoutStatus.IN_TRANSIT, PayoutStatus.PAID, PayoutStatus.FAILED),
    PayoutStatus.IN_TRANSIT: (PayoutStatus.PAID, PayoutStatus.FAILED),
    PayoutStatus.PAID: (PayoutStatus.RETURNED,),
}
TROUBLE = Trouble(code="R03", words="No account.", pauses=False)


@pytest.fixture
async def paid(shop: Market) -> Market:
    """A provider whose account at the processor is active."""
    at = shop.clock.now()
    asked = requested_payout_account(AccountOrder(provider_id=shop.provider_id, name="Paula"), at)
    news = AccountOutcome(account_id="acct_1", provider_id=shop.provider_id, standing=AccountStanding.ACTIVE)
    active = settled_payout_account(asked, news, at)
    await shop.app.ports.table.transact(*payout_account_made(active, SYSTEM, at))
    await shop.app.payout_settings.keep_back(shop.provider_id, Reserve(share_bps=0, days=0), OPERATOR)
    return shop


async def released(shop: Market, price: int, name: str) -> None:
    sale = Sale(booking_id=f"bkg_{name}", provider_id=shop.provider_id, payment_id=f"pay_{name}", currency="EUR")
    lines = quote(Money(price, "EUR"), Rates(), guest=False)
    await shop.app.ledger.submit(*chart.charged(sale, lines))
    await shop.app.ledger.submit(*chart.released(sale, lines))


async def balance(shop: Market) -> int:
    return await shop.balance(chart.provider(shop.provider_id, "EUR"))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rail", list(Rail))
async def test_money_is_kept_whatever_happens_in_whichever_order(paid: Market, rail: Rail, seed: int) -> None:
    chance, earned, releases = random.Random(seed), 0, list[str]()
    payouts: dict[str, Payout] = {}
    for step in range(STEPS):
        match chance.randrange(4):
            case 0:
                price = chance.randrange(2_000, 60_000)
                await released(paid, price, f"{seed}x{step}")
                releases.append(f"bkg_{seed}x{step}.release.provider")
                earned += quote(Money(price, "EUR"), Rates(), guest=False).provider_share.minor
            case 1 if releases:
                given = await paid.app.ledger.transfer(releases.pop(chance.randrange(len(releases))))
                await paid.app.ledger.submit(*linked([reverse(given, f"{given.transfer_id}.refund")]))
                earned -= given.amount
            case 2:
                before = await balance(paid)
                amount = chance.randrange(1_000, max(1_001, before + 5_000))
                try:
                    made = await paid.app.paying_out.ask(wanted(paid, amount), OWNER)
                except (NothingToPay, MoreThanAvailable):
                    assert amount > before
                else:
                    assert amount <= before
                    payouts[made.payout_id] = await travelling(paid, made, rail)
            case _ if payouts:
                known = payouts[chance.choice(list(payouts))]
                if known.status in NEXT:
                    news = PayoutNews(status=chance.choice(NEXT[known.status]), trouble=TROUBLE)
                    payouts[known.payout_id] = await paid.app.payout_passage.learn(known.payout_id, news, SYSTEM)
                    await paid.app.payout_passage.learn(known.payout_id, news, SYSTEM)
            case _:
                continue
        out = sum(each.amount.minor for each in payouts.values() if each.status in {*OPEN, PayoutStatus.PAID})
        assert await balance(paid) == earned - out
        for each in payouts.values():
            waits = each.amount.minor if each.status is PayoutStatus.INTENDED else 0
            assert await paid.balance(chart.payout(each.payout_id)) == waits
    report = await paid.app.verifying.verify()
    assert [each for each in report.findings if each.rule == "payout"] == []
    assert report.payouts == len(payouts)


async def travelling(shop: Market, payout: Payout, rail: Rail) -> Payout:
    """The payout as one of that rail; nothing was sent yet."""
    row = await shop.app.payouts.row(payout.payout_id)
    after = replace(row.value, destination=replace(row.value.destination, rail=rail), in_review=False)
    await shop.app.ports.table.transact(Put(key=row.key, value=after, index=row.index))
    return after


async def test_of_many_who_ask_at_once_no_more_is_paid_than_there_is(paid: Market) -> None:
    await released(paid, 10_000, "one")

    answers = await asyncio.gather(
        *(paid.app.paying_out.ask(wanted(paid, 4_000), OWNER) for _ in range(5)), return_exceptions=True
    )

    made = [each for each in answers if isinstance(each, Payout)]
    assert all(isinstance(each, Payout | Conflict) for each in answers)
    assert len(made) == 2
    assert await balance(paid) == 1_000


async def test_the_same_request_pays_once_and_another_under_its_id_is_refused(paid: Market) -> None:
    await released(paid, 10_000, "one")
    request = wanted(paid, 4_000)

    first = await paid.app.paying_out.ask(request, OWNER)
    again = await paid.app.paying_out.ask(request, OWNER)

    assert first == again
    assert await balance(paid) == 5_000
    with pytest.raises(IdReused):
        await paid.app.paying_out.ask(request, OPERATOR)
    with pytest.raises(Denied):
        await paid.app.paying_out.ask(wanted(paid, 4_000), ADA)


async def test_a_part_is_kept_back_from_the_new_and_nothing_goes_out_while_payouts_rest(paid: Market) -> None:
    await paid.app.payout_settings.keep_back(paid.provider_id, None, OPERATOR)
    await released(paid, 10_000, "one")

    outlook = await paid.app.paying_out.outlooks.of(paid.provider_id, OWNER, currency="EUR")
    await paid.app.payout_settings.pause(paid.provider_id, "We look into it.", OPERATOR)

    funds = outlook.funds[0]
    assert (funds.disposable.kept.minor, funds.available.minor) == (2_250, 6_750)
    with pytest.raises(PayoutsRest):
        await paid.app.paying_out.ask(wanted(paid, 4_000), OWNER)
    with pytest.raises(Denied):
        await paid.app.payout_settings.resume(paid.provider_id, OWNER)


async def test_a_fraction_that_the_processor_cannot_move_stays_on_the_balance(paid: Market) -> None:
    sale = Sale(booking_id="bkg_kwd", provider_id=paid.provider_id, payment_id="pay_kwd", currency="KWD")
    await paid.app.ledger.submit(*chart.charged(sale, quote(Money(12_340, "KWD"), Rates(), guest=False)))
    await paid.app.ledger.submit(*chart.released(sale, quote(Money(12_340, "KWD"), Rates(), guest=False)))
    on_balance = await paid.balance(chart.provider(paid.provider_id, "KWD"))

    funds = (await paid.app.paying_out.outlooks.of(paid.provider_id, OWNER)).of("KWD")
    with pytest.raises(BetweenSteps):
        await paid.app.paying_out.ask(wanted(paid, 1_001, currency="KWD"), OWNER)

    assert funds is not None
    assert funds.available == Money(on_balance // 10 * 10, "KWD")


async def test_an_account_of_a_payout_that_nobody_knows_is_found(paid: Market) -> None:
    await released(paid, 10_000, "one")
    lost = Disbursement(
        payout_id=paid.id("pyt"), provider_id=paid.provider_id, amount=Money(500, "EUR"), fee=Money(0, "EUR")
    )
    await paid.app.ledger.submit(*disbursed(lost))

    report = await paid.app.verifying.verify()

    assert lost.payout_id in {each.about for each in report.findings if each.rule == "payout"}


def test_two_who_learn_that_the_processor_has_too_little_make_one_new_attempt_of_it() -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    waits = Payout(
        payout_id=PayoutId("pyt_one"),
        provider_id="prv_one",
        amount=Money(1_000, "EUR"),
        fee=Money(0, "EUR"),
        destination=Destination(rail=Rail.STRIPE, account_id="acct_1"),
        origin=Origin.ASKED,
        requested_by="usr_one",
        rules=1,
        intended_at=at,
        send_at=at,
        ask_at=at,
    )

    once = tried_anew(waits, 1, at)

    assert once.attempt == 2
    assert tried_anew(once, 1, at) == once


async def test_paid_payouts_are_asked_about_part_by_part_and_then_from_the_beginning_again(paid: Market) -> None:
    await released(paid, 10_000, "one")
    made = list[str]()
    for _ in range(3):
        payout = await paid.app.paying_out.ask(wanted(paid, 1_000), OWNER)
        for status in (PayoutStatus.SENT, PayoutStatus.PAID):
            await paid.app.payout_passage.learn(payout.payout_id, PayoutNews(status=status), SYSTEM)
        made.append(payout.payout_id)
        paid.clock.advance(timedelta(hours=1))

    rounds = [[each.payout_id for each in await paid.app.processor_payouts.lately_paid(2)] for _ in range(3)]

    assert rounds == [made[:2], made[2:], made[:2]]
