"""The whole site over a marketplace, asked by programs over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ecosystem.adapters.outside.clock import VirtualClock

from .programs import Shop, open_shop


@pytest.fixture
async def shop(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Shop]:
    """A marketplace in Lisbon with a provider, a service at 100 EUR, and people who can sign in."""
    async with open_shop(tmp_path, clock) as opened:
        yield opened
