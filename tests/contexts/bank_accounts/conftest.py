"""A book of bank accounts over real adapters, and people who have some."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy, SystemEntropy
from ecosystem.contexts.bank_accounts import BankAccounts
from ecosystem.ports.table import Table


@pytest.fixture
async def keys(quick_path: Path, clock: VirtualClock) -> FileKeys:
    return await FileKeys.open(FileSecrets(quick_path / "secrets"), clock, SystemEntropy())


@pytest.fixture
def book(table: Table, keys: FileKeys, clock: VirtualClock, entropy: SeededEntropy) -> BankAccounts:
    return BankAccounts(table, keys, clock, entropy)
