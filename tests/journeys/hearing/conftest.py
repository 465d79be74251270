from collections.abc import AsyncIterator

import pytest

from market import Market
from processor_news import News, held_back


@pytest.fixture
async def news(shop: Market) -> AsyncIterator[News]:
    """The processor's events, held back."""
    async with held_back(shop) as news:
        yield news
