"""Payments of a day at the desk: what happened to each, which of them, and where they lead."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import httpx
from tests.web.console.busy import Busy

PATH = "/console/payments"


def words(page: httpx.Response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


async def test_a_days_payments_stand_with_their_bookings(happened: Busy, olga: httpx.AsyncClient) -> None:
    day = (happened.shop.market.clock.now() - timedelta(days=1)).date().isoformat()
    page = await olga.get(PATH, params={"day": day})

    taken = await olga.get(PATH, params={"day": day, "kind": "taken"})
    back = await olga.get(PATH, params={"day": day, "kind": "back"})

    assert "Taken" in words(page)
    assert re.search(r'href="/console/bookings/bkg_\w+"', page.text)
    assert "€" in words(taken)
    assert back.status_code == 200
    assert '<a class="item" href="/console/payments" aria-current="page">' in html.unescape(page.text)


async def test_a_day_without_any_says_so_and_one_that_is_none_is_today(happened: Busy, olga: httpx.AsyncClient) -> None:
    ahead = (happened.shop.market.clock.now() + timedelta(days=3)).date().isoformat()

    empty = await olga.get(PATH, params={"day": "2020-01-01"})
    future = await olga.get(PATH, params={"day": ahead})
    nonsense = await olga.get(PATH, params={"day": "2026-99-99"})

    assert "No payments here" in words(empty)
    assert "No payments here" in words(future)
    assert nonsense.status_code == 200
