"""Every adapter of the keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.ports.keys import Keys


@pytest.fixture(params=["file"])
async def keys(quick_path: Path, clock: VirtualClock) -> Keys:
    return await FileKeys.open(FileSecrets(quick_path / "secrets"), clock, SystemEntropy())
