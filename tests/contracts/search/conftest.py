from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ecosystem.adapters.embedded.search import EmbeddedSearch
from ecosystem.ports.search import Search


@pytest.fixture(params=["embedded"])
async def search(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Search]:
    """An empty index of each adapter."""
    opened = {"embedded": EmbeddedSearch.open}[request.param]
    index = await opened(tmp_path / "search.sqlite")
    yield index
    await index.close()
