from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from market import Market, market


@pytest.fixture
async def shop(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Market]:
    """A marketplace with a provider."""
    async with market(tmp_path, clock) as made:
        await made.provider()
        yield made
