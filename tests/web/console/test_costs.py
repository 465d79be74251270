"""What rails cost, as an operator sees it."""

from __future__ import annotations

import httpx
from tests.web.shop import PEDRO, Shop, sign_in


async def test_the_reference_month_is_shown_first(olga: httpx.AsyncClient) -> None:
    page = await olga.get("/console/costs")

    assert page.status_code == 200
    assert all(said in page.text for said in ("$3,450.00", "$275.00", "$4,047.62", "As the volume grows"))
    assert page.text.count('role="img"') == 2


async def test_another_month_is_computed(olga: httpx.AsyncClient) -> None:
    page = await olga.get("/console/costs?volume=200000&transactions=1000&payouts=2000&own_costs=5000")

    assert "$6,750.03" in page.text or "$6,7" in page.text
    assert "from $157,600.00 a month on, in 788 transactions" in page.text


async def test_what_does_not_fit_is_said_beside_its_field(olga: httpx.AsyncClient) -> None:
    page = await olga.get("/console/costs?transactions=0")

    assert page.status_code == 422
    assert 'id="transactions-wrong"' in page.text


async def test_others_find_no_such_page(shop: Shop) -> None:
    async with shop.client() as client:
        await sign_in(client, PEDRO)
        assert (await client.get("/console/costs")).status_code == 404
