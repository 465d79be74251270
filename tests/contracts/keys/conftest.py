"""Every adapter of the keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.ports.keys import Keys

if TYPE_CHECKING:
    from ecosystem.adapters.outside.amazon import Account

_prefixes = count()


@pytest.fixture(params=["file", pytest.param("kms", marks=pytest.mark.xdist_group("amazon"))])
async def keys(request: pytest.FixtureRequest, quick_path: Path, clock: VirtualClock) -> AsyncIterator[Keys]:
    if request.param == "file":
        yield await FileKeys.open(FileSecrets(quick_path / "secrets"), clock, SystemEntropy())
        return
    from ecosystem.adapters.aws.keys import KmsKeys

    account: Account = request.getfixturevalue("amazon")
    opened = await KmsKeys.open(account, f"tests/{next(_prefixes)}", clock, SystemEntropy())
    yield opened
    await opened.close()
