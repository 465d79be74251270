"""The scene that tests of booking play on."""

from __future__ import annotations

import pytest

from contexts.booking.scene import Scene
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.ports.table import Table


@pytest.fixture
async def scene(table: Table, clock: VirtualClock) -> Scene:
    scene = Scene(table, clock)
    await scene.open()
    return scene
