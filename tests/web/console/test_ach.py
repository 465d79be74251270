"""Files and returns of the clearing house on their pages."""

from __future__ import annotations

import httpx
from tests.web.console.busy import Busy, said
from tests.web.shop import PEDRO, Shop, post, sign_in

from ecosystem.contexts.ach import AchException, ExceptionKind
from ecosystem.kernel.actor import Actor, Group, system

FORM = {
    "odfi": "076401251",
    "destination": "076401251",
    "destination_name": "SANDBANK",
    "origin": "1234567890",
    "origin_name": "ECOSYSTEM",
    "company_name": "Ecosystem",
    "company_identification": "1234567890",
    "lead_min": "60",
    "approval": "10000",
}


async def test_before_anything_happened_the_page_says_what_to_do(happened: Busy, olga: httpx.AsyncClient) -> None:
    page = await olga.get("/console/ach")

    assert page.status_code == 200
    assert "Nothing goes to a bank before somebody said who we are to it." in said(page)
    assert "No file was built yet" in said(page)


async def test_who_we_are_to_the_bank_is_said_and_held_to_its_form(happened: Busy, olga: httpx.AsyncClient) -> None:
    wrong = await post(
        olga, "/console/ach/bank", seen_on="/console/ach/bank", **{**FORM, "odfi": "076401252", "version": "0"}
    )
    done = await post(olga, "/console/ach/bank", seen_on="/console/ach/bank", **FORM, version="0")
    stale = await post(olga, "/console/ach/bank", seen_on="/console/ach/bank", **FORM, version="0")

    assert wrong.status_code == 422
    assert "check digit" in said(wrong)
    assert done.status_code == 303
    assert stale.status_code == 409
    assert (await happened.shop.market.app.ach.originators.current()).approval_cents == 1_000_000


async def test_a_higher_limit_waits_for_another_operator(happened: Busy, olga: httpx.AsyncClient) -> None:
    originators = happened.shop.market.app.ach.originators
    await post(olga, "/console/ach/bank", seen_on="/console/ach/bank", **FORM, version="0")

    await post(
        olga, "/console/ach/bank", seen_on="/console/ach/bank", **{**FORM, "approval": "9000000", "version": "1"}
    )
    page = await olga.get("/console/ach/bank")
    alone = await post(olga, "/console/ach/bank/limit", seen_on="/console/ach/bank", version="2")
    assert (await originators.current()).approval_cents == 1_000_000
    await originators.confirm(2, Actor(actor_id="usr_second", groups=(Group.ADMINS,)))

    assert "You asked for it" in said(page)
    assert alone.status_code == 403
    assert (await originators.current()).approval_cents == 900_000_000
    again = await post(olga, "/console/ach/bank/limit", seen_on="/console/ach/bank", version="3")
    assert again.status_code == 409


async def test_an_exception_is_closed_with_what_was_done(happened: Busy, olga: httpx.AsyncClient) -> None:
    app = happened.shop.market.app
    made = AchException(
        exception_id="one",
        kind=ExceptionKind.UNKNOWN_TRACE,
        code="R02",
        cents=500,
        repair="Ask the bank whose it is.",
        raised_at=happened.shop.market.clock.now(),
    )
    await app.ach.returns.raise_(made, system("ach-processor"))

    page = await olga.get("/console/ach/returns")
    done = await post(olga, "/console/ach/exceptions/one/close", seen_on="/console/ach/returns", note="Asked them.")

    assert "Ask the bank whose it is." in said(page)
    assert done.status_code == 303
    assert (await app.ach.returns.exceptions()).values == []


async def test_others_find_no_such_pages(shop: Shop) -> None:
    async with shop.client() as client:
        await sign_in(client, PEDRO)
        for path in ("/console/ach", "/console/ach/returns", "/console/ach/bank"):
            assert (await client.get(path)).status_code == 404
