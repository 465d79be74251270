"""The pages of workflows, asked for without a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.web.shop import ANA, OLGA, Shop, open_shop, sign_in


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as opened:
        yield opened


@pytest.fixture
async def olga(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with shop.client() as client:
        await sign_in(client, OLGA)
        yield client


async def test_an_empty_marketplace_says_what_will_stand_there(olga: httpx.AsyncClient) -> None:
    page = await olga.get("/console/workflows")

    assert page.status_code == 200
    assert "Nothing has run yet" in page.text


async def test_a_filter_that_fits_nothing_says_so(olga: httpx.AsyncClient) -> None:
    page = await olga.get("/console/workflows?status=FAILED&since=2026-11-01&until=2026-11-20&q=bkg_nobody")

    assert "Nothing found" in page.text
    assert 'value="2026-11-01"' in page.text


async def test_nobody_but_operators_finds_them(shop: Shop) -> None:
    async with shop.client() as client:
        await sign_in(client, ANA)

        for path in ("", "/a:b", "/machines/a", "/functions", "/schedules"):
            assert (await client.get(f"/console/workflows{path}")).status_code == 404


async def test_an_execution_that_is_not_there_is_a_page_not_found(olga: httpx.AsyncClient) -> None:
    assert (await olga.get("/console/workflows/nothing:of-that-name")).status_code == 404
