"""A shop where something happened, and its operator's browser without a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.web.console.busy import Busy, busy
from tests.web.shop import OLGA, Shop, open_shop, sign_in


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as opened:
        yield opened


@pytest.fixture
async def happened(shop: Shop) -> Busy:
    return await busy(shop)


@pytest.fixture
async def olga(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with shop.client() as client:
        await sign_in(client, OLGA)
        yield client
