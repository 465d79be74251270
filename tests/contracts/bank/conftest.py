"""The two ways to a bank, each with the folder as the bank itself sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ecosystem.adapters.outside.bank_folder import folder_bank
from ecosystem.adapters.outside.bank_sftp import sftp_bank
from ecosystem.adapters.outside.sftp_account import SftpAccount
from ecosystem.ports.bank import Bank
from ecosystem.sandbank.sftp import Door, serving


@pytest.fixture
def at_bank(tmp_path: Path) -> Path:
    """The folder, as the bank has it."""
    for name in ("to_bank/taken", "from_bank/collected"):
        (tmp_path / "bank" / name).mkdir(parents=True)
    return tmp_path / "bank"


@pytest.fixture(params=["folder", "sftp"])
async def bank(request: pytest.FixtureRequest, at_bank: Path, tmp_path: Path) -> AsyncIterator[Bank]:
    if request.param == "folder":
        yield await folder_bank(at_bank)
        return
    door = Door(folder=at_bank, host_key=tmp_path / "host_key", password="a password of the bank")
    async with serving(door) as address:
        reached, shelf = sftp_bank(
            SftpAccount(
                host=address.host,
                port=address.port,
                user=door.user,
                password=door.password,
                fingerprint=address.fingerprint,
            )
        )
        yield reached
        await shelf.close()
