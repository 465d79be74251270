"""A shop, Pedro at his desk in it, and his browser without a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.web.provider.desk import Desk, busy_desk, signed_in
from tests.web.shop import Shop, open_shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as opened:
        yield opened


@pytest.fixture
async def desk(shop: Shop) -> Desk:
    return await busy_desk(shop)


@pytest.fixture
async def pedro(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with shop.client() as client:
        yield await signed_in(client)
