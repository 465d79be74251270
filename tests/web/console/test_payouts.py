"""Payouts and receivables at the desk: seen, paused, called off, given up; rules and our own money."""

from __future__ import annotations

import re

import httpx
import pytest
from tests.web.console.busy import Busy
from tests.web.shop import post

from ecosystem.contexts.ledger import Transfer, chart
from ecosystem.contexts.payments import payout_account_made, requested_payout_account, settled_payout_account
from ecosystem.contexts.payouts import Filling, Payout, PayoutStatus, Reserve
from ecosystem.kernel.money import Money
from ecosystem.ports.accounts import AccountOrder, AccountOutcome, AccountStanding
from market import OPERATOR, SYSTEM
from payday import wanted

PATH = "/console/payouts"


@pytest.fixture
async def payout(happened: Busy) -> Payout:
    """A provider who can be paid has asked for a payout."""
    market = happened.shop.market
    market.provider_id = happened.provider_id
    at = market.clock.now()
    asked = requested_payout_account(AccountOrder(provider_id=happened.provider_id, name="Paula"), at)
    news = AccountOutcome(account_id="acct_1", provider_id=happened.provider_id, standing=AccountStanding.ACTIVE)
    active = settled_payout_account(asked, news, at)
    await market.app.ports.table.transact(*payout_account_made(active, SYSTEM, at))
    await market.app.payout_settings.keep_back(happened.provider_id, Reserve(share_bps=0, days=0), OPERATOR)
    return await market.app.paying_out.ask(wanted(market, 2_000), OPERATOR)


def said(page: httpx.Response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


async def test_payouts_are_listed_opened_and_called_off(
    happened: Busy, payout: Payout, olga: httpx.AsyncClient
) -> None:
    listed = await olga.get(PATH)
    one = await olga.get(f"{PATH}/{payout.payout_id}")
    off = await post(olga, f"{PATH}/{payout.payout_id}/cancel", seen_on=f"{PATH}/{payout.payout_id}")

    assert "Waiting to be sent" in said(listed)
    assert chart.payout(payout.payout_id) in one.text
    assert off.status_code == 303
    row = await happened.shop.market.app.payouts.row(payout.payout_id)
    assert row.value.status is PayoutStatus.CANCELLED


async def test_a_provider_is_paused_with_a_reason_and_resumed(
    happened: Busy, payout: Payout, olga: httpx.AsyncClient
) -> None:
    here = f"{PATH}/{payout.payout_id}"

    await post(olga, f"{here}/pause", seen_on=here, reason="We ask about a booking.")
    paused = await happened.shop.market.app.payout_plans.find(happened.provider_id)
    waits = said(await olga.get(here))
    await post(olga, f"{here}/resume", seen_on=here)
    going = await happened.shop.market.app.payout_plans.find(happened.provider_id)

    assert paused is not None
    assert paused.value.pause is not None
    assert paused.value.pause.reason == "We ask about a booking."
    assert "It waits We ask about a booking." in waits
    assert going is not None
    assert going.value.pause is None


async def test_the_rules_change_from_now_on_and_not_over_a_newer_version(
    happened: Busy, olga: httpx.AsyncClient
) -> None:
    form = {"share_percent": "10", "days": "30", "new_for_days": "60", "version": "1"}

    first = await post(olga, f"{PATH}/rules", seen_on=PATH, **form)
    stale = await post(olga, f"{PATH}/rules", seen_on=PATH, **form)

    assert (first.status_code, stale.status_code) == (303, 409)
    rules = await happened.shop.market.app.payout_rules.current()
    assert (rules.version, rules.reserve, rules.new_for_days) == (2, Reserve(share_bps=1_000, days=30), 60)


async def test_more_than_there_is_cannot_be_withdrawn_and_the_desk_says_so(
    happened: Busy, olga: httpx.AsyncClient
) -> None:
    market = happened.shop.market

    answer = await post(
        olga, f"{PATH}/withdraw", seen_on=PATH, withdrawal_id=market.id("wdr"), amount="9,000,000.00", currency="EUR"
    )

    assert answer.status_code == 303
    [known] = (await market.app.withdrawing.book.latest(OPERATOR)).values
    assert known.status == "failed"


async def test_what_is_owed_is_shown_by_age_and_given_up_with_a_reason(happened: Busy, olga: httpx.AsyncClient) -> None:
    market = happened.shop.market
    account = chart.provider(happened.provider_id, "EUR")
    before = await market.balance(account)

    taken = Transfer(
        transfer_id="taken",
        debit_account_id=account,
        credit_account_id=chart.processor("EUR"),
        amount=before + 4_000,
        ledger="EUR",
        code=40,
    )
    await market.app.ledger.submit(taken)
    await market.app.receivable_follower.catch_up()
    here = f"/console/receivables/{happened.provider_id}/EUR"

    listed = await olga.get("/console/receivables")
    form = dict(re.findall(r'type="hidden" name="(write_off_id)" value="([^"]*)"', (await olga.get(here)).text))
    given_up = await post(olga, here, seen_on=here, amount="40.00", reason="They have left.", **form)

    assert "€40.00" in said(listed)
    assert given_up.status_code == 303
    assert await market.balance(account) == 0
    await market.app.receivable_follower.catch_up()
    assert "Nobody owes anything" in said(await olga.get("/console/receivables"))


async def test_nobody_else_finds_these_pages(happened: Busy) -> None:
    async with happened.shop.client() as visitor:
        for path in (PATH, "/console/receivables"):
            assert (await visitor.get(path)).status_code in {303, 404}


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "0000-01", "nonsense"])
async def test_a_month_that_there_is_not_is_refused_kindly(olga: httpx.AsyncClient, month: str) -> None:
    assert (await olga.get(PATH, params={"month": month})).status_code in {400, 422}


async def test_our_bank_account_is_filled_by_itself_from_then_on_and_by_hand_again(
    happened: Busy, olga: httpx.AsyncClient
) -> None:
    rules = happened.shop.market.app.payout_rules
    form = {"is_on": "1", "least": "1,000.50", "left": "200"}

    wrong = await post(olga, f"{PATH}/filling", seen_on=PATH, version="1", is_on="1", least="much")
    on = await post(olga, f"{PATH}/filling", seen_on=PATH, version="1", **form)
    asked = (await rules.current()).filling
    shown = await olga.get(PATH)
    off = await post(olga, f"{PATH}/filling", seen_on=PATH, version="2", **(form | {"is_on": ""}))

    assert (wrong.status_code, on.status_code, off.status_code) == (422, 303, 303)
    assert asked == Filling(least=Money(100_050, "USD"), left=Money(20_000, "USD"))
    assert 'value="1000.50"' in shown.text
    assert (await rules.current()).filling is None
