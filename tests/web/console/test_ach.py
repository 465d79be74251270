"""Files and returns of the clearing house on their pages."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
from tests.web.console.busy import Busy, said
from tests.web.shop import OLGA, PEDRO, Shop, post, sign_in

from clearing import SECOND, Clearing, agreed
from ecosystem.contexts.ach import AchException, ExceptionKind, InboundState
from ecosystem.contexts.payouts import PayoutStatus
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.sandbank.bank import Bank
from ecosystem.sandbank.plans import Plan
from market import OPERATOR

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
    ach = happened.shop.market.app.ach
    await post(olga, "/console/ach/bank", seen_on="/console/ach/bank", **FORM, version="0")

    await post(
        olga, "/console/ach/bank", seen_on="/console/ach/bank", **{**FORM, "approval": "9000000", "version": "1"}
    )
    page = await olga.get("/console/ach/bank")
    alone = await post(olga, "/console/ach/bank/limit", seen_on="/console/ach/bank", version="2")
    assert (await ach.originators.current()).approval_cents == 1_000_000
    await ach.agreement.confirm(2, Actor(actor_id="usr_second", groups=(Group.ADMINS,)))

    assert "You asked for it" in said(page)
    assert alone.status_code == 403
    assert (await ach.originators.current()).approval_cents == 900_000_000
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
    assert (await app.ach.overview.exceptions(OPERATOR)).values == []


async def test_a_batch_that_settled_for_less_is_settled_without_what_the_bank_took_out(
    shop: Shop, olga: httpx.AsyncClient, tmp_path: Path
) -> None:
    market = shop.market
    bank = Bank.open(tmp_path / "data" / "bank", tmp_path / "sandbank", Plan())
    house = Clearing(market, bank, market.clock)
    await agreed(market.app)
    stays = await house.payout(await house.account("000123456789"), 12_345)
    taken_out = await house.payout(await house.account("9700000001"), 700)
    await house.until(market.clock.now() + timedelta(days=5))
    bank.books.close()
    entry = await house.entry(taken_out)
    path = f"/console/ach/files/{entry.file_id}"
    await sign_in(olga, OLGA)  # The days that went by ended the session.

    page = await olga.get(path)
    wrong = await post(olga, f"{path}/batches/1/settle", seen_on=path, traces="000000000000001")
    done = await post(olga, f"{path}/batches/1/settle", seen_on=path, traces=f" {entry.trace_number}, ")

    assert "The bank shows $123.45 of $130.45." in said(page)
    assert wrong.status_code == 422
    assert "000000000000001" in said(wrong)
    assert done.status_code == 303
    assert (await house.paid(stays)).status is PayoutStatus.PAID
    assert (await house.paid(taken_out)).status is PayoutStatus.FAILED
    assert "did not settle as it was sent" not in said(await olga.get(path))


async def test_that_the_bank_does_not_have_a_file_is_said_and_confirmed_by_another(
    shop: Shop, olga: httpx.AsyncClient, tmp_path: Path
) -> None:
    market = shop.market
    bank = Bank.open(tmp_path / "data" / "bank", tmp_path / "sandbank", Plan(late=1.0, late_hours=1000))
    house = Clearing(market, bank, market.clock)
    await agreed(market.app)
    payout = await house.payout(await house.account(), 700)
    await house.until(market.clock.now() + timedelta(days=4))
    bank.books.close()
    path = f"/console/ach/files/{(await house.entry(payout)).file_id}"
    await sign_in(olga, OLGA)  # The days that went by ended the session.

    said_so = await post(olga, f"{path}/missing", seen_on=path, reason="Ms. Ito at the desk.")
    page = await olga.get(path)
    alone = await post(olga, f"{path}/missing/confirm", seen_on=path)
    await market.app.ach.delivering.confirm_missing(path.rpartition("/")[2], SECOND)
    again = await post(olga, f"{path}/withdraw", seen_on=path, reason="Send them again.")

    assert said_so.status_code == again.status_code == 303
    assert "You said so, and somebody else confirms it." in said(page)
    assert alone.status_code == 403
    assert (await house.entry(payout)).file_id == ""


async def test_a_refused_file_of_the_bank_is_worked_through_again(shop: Shop, olga: httpx.AsyncClient) -> None:
    app = shop.market.app
    kept = await app.ach.inbox.keep("STMT.bai", b"01,nonsense")
    await app.hearing_bank.work()

    page = await olga.get("/console/ach/returns")
    path = f"/console/ach/inbound/{kept.inbound_id}/reopen"
    done = await post(olga, path, seen_on="/console/ach/returns")
    again = await post(olga, path, seen_on="/console/ach/returns")

    assert "Work through it again" in said(page)
    assert (done.status_code, again.status_code) == (303, 409)
    assert (await app.ach.inbox.row(kept.inbound_id)).value.state is InboundState.KEPT


async def test_others_find_no_such_pages(shop: Shop) -> None:
    async with shop.client() as client:
        await sign_in(client, PEDRO)
        for path in ("/console/ach", "/console/ach/returns", "/console/ach/bank"):
            assert (await client.get(path)).status_code == 404
