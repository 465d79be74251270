"""Where a provider is paid: how it stands, and the way to the processor's pages and back."""

from __future__ import annotations

import re

import aiohttp
import httpx
from msgspec.structs import replace
from tests.web.provider.desk import Desk
from tests.web.shop import OLGA, PEDRO, Shop, post, sign_in, token

from contracts.accounts.benches import TOLD
from ecosystem.contexts.payments import PayoutAccount, PayoutState, keys
from ecosystem.ports.table import Put
from ecosystem.sandbox import Fault, What


def said(page: httpx.Response) -> str:

    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


async def filled_in(url: str, **told: str) -> str:
    """What the owner says on the processor's pages; where they are led."""
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(url, data={**TOLD, **told}, allow_redirects=False) as answer,
    ):
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"]


async def not_opened(shop: Shop, desk: Desk) -> None:
    """As it is while the account has been asked for, and the processor has not answered yet."""
    app = shop.market.app
    row = await app.ports.table.get(keys.payout_account(desk.provider_id), PayoutAccount)
    assert row is not None
    asked = replace(row.value, account_id="", state=PayoutState.REQUESTED)
    provider = app.providers.payout_becomes(await app.providers.load(desk.provider_id), PayoutState.REQUESTED)
    await app.ports.table.transact(Put(key=row.key, value=asked, expected=row.unchanged), *provider)


async def on_to(pedro: httpx.AsyncClient) -> httpx.Response:
    """Set up payouts by the button, and go on by the link."""
    opened = await post(pedro, "/provider/payouts/open", seen_on="/provider/payouts")
    assert (opened.status_code, opened.headers["location"]) == (303, "/provider/payouts")
    assert 'href="/provider/payouts/continue"' in (await pedro.get("/provider/payouts")).text
    return await pedro.get("/provider/payouts/continue")


async def test_an_address_that_is_opened_opens_no_account(shop: Shop, desk: Desk, pedro: httpx.AsyncClient) -> None:
    await not_opened(shop, desk)
    answer = await pedro.get("/provider/payouts/continue")

    assert (answer.status_code, answer.headers["location"]) == (303, "/provider/payouts")
    known = (await shop.market.app.payout_accounts.of(desk.provider_id, desk.owner)).account
    assert known is not None
    assert known.account_id == ""
    assert "Being opened" in said(await pedro.get("/provider/payouts"))


async def test_one_button_leads_to_the_processor_and_back_to_how_it_stands(
    shop: Shop, desk: Desk, pedro: httpx.AsyncClient
) -> None:
    await not_opened(shop, desk)
    before = await pedro.get("/provider/payouts")
    earnings = await pedro.get("/provider/earnings")

    on = await on_to(pedro)
    back = await filled_in(on.headers["location"])
    await shop.market.sandbox.settled()
    after = await pedro.get(back.removeprefix("http://127.0.0.1"))

    assert "Being opened" in said(before)
    assert 'action="/provider/payouts/open"' in before.text
    assert "Payouts are not set up yet" in said(earnings)
    assert on.headers["location"].startswith(f"{shop.market.sandbox.origin}/setup/acct_")
    assert back.endswith("/provider/payouts?back=1")
    assert "Ready" in said(after)
    assert "•••• 0154" in said(after)
    assert "Payouts are not set up yet" not in said(await pedro.get("/provider/earnings"))


async def test_what_is_needed_stands_on_the_page(shop: Shop, desk: Desk, pedro: httpx.AsyncClient) -> None:
    on = await on_to(pedro)
    pending = await pedro.get("/provider/payouts")
    await filled_in(on.headers["location"], identity="111111111")
    await shop.market.sandbox.settled()

    asked = await post(pedro, "/provider/payouts/ask", seen_on="/provider/payouts")
    restricted = await pedro.get("/provider/payouts")

    assert "Say to which bank account you are paid." in said(pending)
    assert asked.status_code == 303
    assert "Something is needed" in said(restricted)
    assert "Show a document that proves who you are." in said(restricted)
    assert 'href="/provider/payouts/continue"' in restricted.text


async def test_a_silent_processor_is_said_and_the_page_stands(shop: Shop, desk: Desk, pedro: httpx.AsyncClient) -> None:
    await not_opened(shop, desk)
    shop.market.sandbox.fail_next(Fault(what=What.REFUSE, path="/v1/accounts", times=9, status=500))

    answer = await post(pedro, "/provider/payouts/open", seen_on="/provider/payouts")

    assert answer.status_code == 503
    assert "gave no answer" in said(answer)
    assert "Being opened" in said(answer)


async def test_it_is_the_providers_own_page_and_an_operator_sees_it_in_the_console(
    shop: Shop, desk: Desk, pedro: httpx.AsyncClient
) -> None:
    on = await on_to(pedro)
    await filled_in(on.headers["location"])
    await shop.market.sandbox.settled()
    async with shop.client() as visitor:
        assert (await visitor.get("/provider/payouts/continue")).headers["location"].startswith("/sign-in")
    async with shop.client() as olga:
        await sign_in(olga, OLGA)
        path = f"/console/providers/{desk.provider_id}"
        before = await olga.get(path)
        asked = await olga.post(f"{path}/payouts", data={"csrf_token": token(before.text)})
        after = await olga.get(path)

    assert PEDRO
    assert "Not ready yet" in said(before)
    assert asked.status_code == 303
    assert "Ready" in said(after)
    assert "•••• 0154, PT" in said(after)
