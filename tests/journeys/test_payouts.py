"""Paying out: at any order of releases, refunds, payouts, failures and returns no money is made or lost."""

from __future__ import annotations

import asyncio
import random

import pytest
from msgspec.structs import replace

from ecosystem.contexts.ledger import Sale, chart, linked, reverse
from ecosystem.contexts.payments import payout_account_made, requested_payout_account, settled_payout_account
from ecosystem.contexts.payouts import OPEN, Payout, PayoutNews, PayoutStatus, Rail, Reserve, Trouble
from ecosystem.journeys.payouts import MoreThanAvailable, NothingToPay, PayoutsRest
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
