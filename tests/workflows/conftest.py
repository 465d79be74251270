from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from market import Market, market


@pytest.fixture
async def lively(quick_path: Path, clock: VirtualClock) -> AsyncIterator[Market]:
    """A marketplace with a provider, whose machines run when time passes."""
    async with market(quick_path, clock) as opened:
        await opened.provider()
        yield opened
