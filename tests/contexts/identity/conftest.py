"""Identity over an embedded table, with passwords that are cheap to hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from contexts.identity.door import CHEAP, Door
from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.credentials import Argon2Passwords, TotpCodes
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.adapters.outside.secrets import KeyedSeal
from ecosystem.adapters.outside.tokens import RsaTokens
from ecosystem.contexts.identity import Identity
from ecosystem.ports.table import Table


@pytest.fixture(scope="session")
def kept_secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One set of keys for all tests of the run, since making a signing key takes a while."""
    return tmp_path_factory.mktemp("identity") / "secrets"


@pytest.fixture
async def seal(kept_secrets: Path, clock: VirtualClock) -> KeyedSeal:
    secrets, entropy = FileSecrets(kept_secrets), SystemEntropy()
    return await KeyedSeal.open(secrets, await FileKeys.open(secrets, clock, entropy), entropy)


@pytest.fixture
async def passwords() -> Argon2Passwords:
    return await Argon2Passwords.open(SystemEntropy(), CHEAP)


@pytest.fixture
async def tokens(kept_secrets: Path, clock: VirtualClock) -> RsaTokens:
    return await RsaTokens.open(
        FileSecrets(kept_secrets), clock, SystemEntropy(), issuer="http://127.0.0.1:8000", client_id="web"
    )


@pytest.fixture
def identity(
    table: Table, clock: VirtualClock, passwords: Argon2Passwords, tokens: RsaTokens, seal: KeyedSeal
) -> Identity:
    entropy = SystemEntropy()
    return Identity.of(table, clock, entropy, passwords=passwords, codes=TotpCodes(entropy), tokens=tokens, seal=seal)


@pytest.fixture
def door(identity: Identity, table: Table, clock: VirtualClock, passwords: Argon2Passwords) -> Door:
    return Door(identity, table, clock, passwords)
