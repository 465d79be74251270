from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from announced import all_sound
from ecosystem.adapters.outside.clock import VirtualClock
from market import Market, market


@pytest.fixture
async def shop(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Market]:
    """A marketplace with a provider. At the end every event in it is held to its schema."""
    async with market(tmp_path, clock) as made:
        await made.provider()
        yield made
        await all_sound(made.app.ports.table)
