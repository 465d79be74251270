"""Days reconciled, as an operator sees them, and one difference mended from its page."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
from tests.web.console.busy import Busy
from tests.web.shop import OLGA, PEDRO, Shop, sign_in, token

from ecosystem.contexts.reconciliation import OPEN_STATES, Kind, State

PATH = "/console/reconciliation"


async def test_a_difference_is_seen_with_its_sides_and_mended(happened: Busy, olga: httpx.AsyncClient) -> None:
    opened = happened.shop.market
    app = opened.app
    opened.clock.advance(timedelta(days=4))
    await opened.sequence()
    await app.reconciling.daily()
    found = [one async for one in app.discrepancies.all_of(*OPEN_STATES)]
    fee = next(one for one in found if one.kinds == (Kind.FEE_UNBOOKED,))

    await sign_in(olga, OLGA)
    listed = await olga.get(PATH)
    page = await olga.get(f"{PATH}/{fee.discrepancy_id}")
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version
    fields = {"csrf_token": token(page.text), "repair": "book_fee", "version": version[1]}
    stale = await olga.post(f"{PATH}/{fee.discrepancy_id}", data={**fields, "reason": "As billed.", "version": "0"})
    without_reason = await olga.post(f"{PATH}/{fee.discrepancy_id}", data=fields)
    done = await olga.post(f"{PATH}/{fee.discrepancy_id}", data={**fields, "reason": "As billed."})

    assert "Fee not booked" in listed.text
    assert "Proof" in listed.text
    assert all(said in page.text for said in ("Our books", "Card processor", "Says nothing of it.", fee.key))
    assert without_reason.status_code == 422
    assert stale.status_code == 409
    assert "read it again" in stale.text
    assert done.status_code == 303
    assert (await app.discrepancies.row(fee.discrepancy_id)).value.state is State.CLOSED


async def test_before_the_first_day_there_is_an_empty_page(olga: httpx.AsyncClient) -> None:
    page = await olga.get(PATH)

    assert page.status_code == 200
    assert "No day was reconciled yet" in page.text


async def test_others_find_no_such_page(shop: Shop) -> None:
    async with shop.client() as client:
        await sign_in(client, PEDRO)
        assert (await client.get(PATH)).status_code == 404
