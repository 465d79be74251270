"""A sandbox of each test's own, and a caller of its API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from ecosystem.sandbox import CALM, Sandbox, Settings
from sandbox.calling import KEYS, SHOP, Caller, Listener, listening
from sandbox.sdk import World, world


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "sandbox.sqlite", keys=KEYS, profile=CALM, embedders=(SHOP,))


@pytest.fixture
async def sandbox(settings: Settings) -> AsyncIterator[Sandbox]:
    async with Sandbox.running(settings) as running:
        yield running


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(sandbox.origin, session)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async with listening() as listener:
        yield listener


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made
