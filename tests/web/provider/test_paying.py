"""Payouts as their owner sees them: what can go out, asking, calling off, the plan, and tax details."""

from __future__ import annotations

import re

import httpx
import pytest
from tests.web.provider.desk import Desk
from tests.web.provider.test_payouts import filled_in, said
from tests.web.shop import Shop, post

from ecosystem.contexts.ledger import Sale, chart
from ecosystem.contexts.payouts import Cadence, PayoutStatus, Reserve, TaxDetails
from ecosystem.kernel.money import Money
from ecosystem.kernel.rates import Rates, quote
from market import OPERATOR, SYSTEM

PATH = "/provider/payouts"


@pytest.fixture
async def ready(shop: Shop, desk: Desk, pedro: httpx.AsyncClient) -> Desk:
    """Pedro can be paid, and has something on his balance."""
    market = shop.market
    market.provider_id = desk.provider_id
    link = await market.app.payout_accounts.link(desk.provider_id, desk.owner, back="http://x/b", again="http://x/a")
    await filled_in(link.url)
    await market.sandbox.settled()
    await market.app.payout_accounts.ask(desk.provider_id, SYSTEM)
    await market.app.payout_settings.keep_back(desk.provider_id, Reserve(share_bps=0, days=0), OPERATOR)
    sale = Sale(booking_id="bkg_done", provider_id=desk.provider_id, payment_id="pay_done", currency="EUR")
    lines = quote(Money(20_000, "EUR"), Rates(), guest=False)
    await market.app.ledger.submit(*chart.charged(sale, lines))
    await market.app.ledger.submit(*chart.released(sale, lines))
    return desk


async def ask(pedro: httpx.AsyncClient, shop: Shop, **fields: str) -> httpx.Response:
    form = {"payout_id": shop.market.id("pyt"), "currency": "EUR", **fields}
    return await post(pedro, f"{PATH}/pay", seen_on=PATH, **form)


async def test_the_page_tells_in_words_what_can_go_out_and_when(ready: Desk, pedro: httpx.AsyncClient) -> None:
    page = said(await pedro.get(PATH))

    assert ready
    for words in ("Available", "Kept back", "Nothing is kept back", "Next payout", "If there is €10.00 or more"):
        assert words in page


async def test_a_payout_is_asked_for_seen_and_called_off(shop: Shop, ready: Desk, pedro: httpx.AsyncClient) -> None:
    asked = await ask(pedro, shop, amount="50,00")
    seen = await pedro.get(PATH)
    [payout] = (await shop.market.app.paying_out.payouts(ready.provider_id, ready.owner)).values
    off = await post(pedro, f"{PATH}/{payout.payout_id}/cancel", seen_on=PATH)

    assert (asked.status_code, off.status_code) == (303, 303)
    assert "Waiting to be sent" in said(seen)
    assert payout.amount.minor == 5_000
    assert (await shop.market.app.payouts.row(payout.payout_id)).value.status is PayoutStatus.CANCELLED
    assert "Called off" in said(await pedro.get(f"{PATH}/all"))


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("1.00", "The least that is paid out is 10.00 EUR."),
        ("9999", "That is more than can be paid out now."),
        ("x", "x"),
    ],
)
async def test_what_cannot_be_is_said_beside_the_field(
    shop: Shop, ready: Desk, pedro: httpx.AsyncClient, amount: str, words: str
) -> None:
    answer = await ask(pedro, shop, amount=amount)

    assert ready
    assert answer.status_code in {409, 422, 400}
    assert words in said(answer)


async def test_the_price_for_speed_is_shown_before_it_is_agreed_to(
    shop: Shop, ready: Desk, pedro: httpx.AsyncClient
) -> None:
    priced = await ask(pedro, shop, amount="100.00", instant="1")
    none_yet = (await shop.market.app.paying_out.payouts(ready.provider_id, ready.owner)).values
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', priced.text))
    hidden.pop("csrf", None)
    agreed = await ask(
        pedro, shop, **{name: hidden[name] for name in ("payout_id", "amount", "currency", "fee", "instant")}
    )

    assert priced.status_code == 200
    assert "€0.99" in said(priced)
    assert none_yet == []
    assert agreed.status_code == 303
    [payout] = (await shop.market.app.paying_out.payouts(ready.provider_id, ready.owner)).values
    assert payout.fee.minor == 99


async def test_the_plan_is_set_paused_and_resumed(shop: Shop, ready: Desk, pedro: httpx.AsyncClient) -> None:
    plans = shop.market.app.payout_plans
    row = await plans.find(ready.provider_id)
    version = str(row.version if row else 0)
    form = {
        "cadence": "daily",
        "weekday": "3",
        "minimum": "25",
        "currency": "EUR",
        "rail": "stripe",
        "version": version,
    }

    saved = await post(pedro, f"{PATH}/plan", seen_on=PATH, **form)
    stale = await post(pedro, f"{PATH}/plan", seen_on=PATH, **form)
    await post(pedro, f"{PATH}/pause", seen_on=PATH)
    paused = said(await pedro.get(PATH))
    await post(pedro, f"{PATH}/resume", seen_on=PATH)

    after = await plans.find(ready.provider_id)
    assert (saved.status_code, stale.status_code) == (303, 409)
    assert "Nothing is paid out now" in paused
    assert after is not None
    assert after.value.cadence is Cadence.DAILY
    assert after.value.minimum is not None
    assert after.value.minimum.minor == 2_500
    assert after.value.pause is None


async def test_a_bank_account_has_to_be_there_for_the_way_over_the_bank(
    shop: Shop, ready: Desk, pedro: httpx.AsyncClient
) -> None:
    row = await shop.market.app.payout_plans.find(ready.provider_id)
    form = {"cadence": "daily", "currency": "EUR", "rail": "ach", "version": str(row.version if row else 0)}

    answer = await post(pedro, f"{PATH}/plan", seen_on=PATH, **form)

    assert "Say to which bank account you are paid." in said(answer)


async def test_tax_details_are_kept_encrypted_and_the_number_is_not_shown_again(
    shop: Shop, desk: Desk, pedro: httpx.AsyncClient
) -> None:
    form = {
        "legal_name": "Pedro Alves Lda",
        "address": "Rua A 1\n1000-001 Lisboa",
        "country": "pt",
        "number": "PT 509442013",
    }

    saved = await post(pedro, "/provider/tax", seen_on="/provider/tax", **form)
    page = await pedro.get("/provider/tax")
    wrong = await post(pedro, "/provider/tax", seen_on="/provider/tax", **{**form, "number": "!"})

    assert saved.status_code == 303
    assert "•••• 2013" in said(page)
    assert "Pedro Alves Lda" in page.text
    assert "509442013" not in page.text
    assert "A tax number has 4 to 40 letters and digits." in said(wrong)
    known = await shop.market.app.tax.of(desk.provider_id, desk.owner)
    assert known is not None
    assert known.details.number == "PT 509442013"
    assert b"509442013" not in known.record.details


async def test_the_year_adds_up_month_by_month_and_can_be_taken_along(ready: Desk, pedro: httpx.AsyncClient) -> None:
    page = await pedro.get("/provider/earnings/year?currency=EUR&year=2026")
    file = await pedro.get("/provider/earnings/year.csv?currency=EUR&year=2026")
    statement = await pedro.get("/provider/earnings/statement?currency=EUR&first=2026-11-01&last=2026-11-30")

    rows = [line.split(",") for line in file.content.decode("utf-8-sig").splitlines()]
    assert ready
    assert page.status_code == statement.status_code == 200
    assert rows[0] == ["month", "gross", "refunds", "fees", "net", "paid out", "currency"]
    months = [[round(float(amount) * 100) for amount in row[1:6]] for row in rows[1:13]]
    total = [round(float(amount) * 100) for amount in rows[13][1:6]]
    assert [sum(column) for column in zip(*months, strict=True)] == total
    assert all(gross - refunds - fees == net for gross, refunds, fees, net, _ in (*months, total))
    assert months[10][0] >= 20_000
    assert "Balance before" in said(statement)
    assert "Share released" in said(statement)


@pytest.mark.parametrize(
    "path",
    [
        "/provider/earnings/year?currency=EUR&year=2026",
        "/provider/earnings/statement?currency=EUR&first=2026-11-01&last=2026-11-30",
    ],
)
async def test_the_tax_number_is_shown_in_full_only_to_an_owner_who_asks_for_it(
    shop: Shop, ready: Desk, pedro: httpx.AsyncClient, path: str
) -> None:
    told = TaxDetails(legal_name="Pedro Alves Lda", address="Rua A 1", country="PT", number="PT 509442013")
    await shop.market.app.tax.set(ready.provider_id, told, ready.owner)

    masked, full = await pedro.get(path), await pedro.get(f"{path}&full=1")

    assert "509442013" not in masked.text
    assert "•••• 2013" in said(masked)
    assert "PT 509442013" in said(full)
