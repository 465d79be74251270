"""Backup and restore as the command line does them."""

import random
import stat
from dataclasses import dataclass
from pathlib import Path
from shutil import copy2
from typing import cast

import pytest

from ecosystem.adapters.embedded import backup_envelope
from ecosystem.adapters.embedded.backup_envelope import PIECE_BYTES, BackupRefused
from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.outside.clock import SystemClock, VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy, SystemEntropy
from ecosystem.app import App
from ecosystem.commands.opening import without_processor
from ecosystem.commands.settings import Settings, settings
from ecosystem.commands.store import backup, restore
from ecosystem.ports.keys import EnvelopeRefused, KeyName, KeyRetired, KeysMissing
from market import Market


async def test_what_is_published_after_a_restore_is_found(tmp_path: Path) -> None:
    chosen = settings({"ECOSYSTEM_DATA": str(tmp_path / "data")})
    copy = tmp_path / "copy.sqlite"
    async with without_processor(chosen) as (app, _):
        shop = over(app, 1)
        provider_id = await shop.provider()
        kept = await shop.service(provider_id)
        await backup(chosen, copy)
        for _ in range(3):
            lost = await shop.service(provider_id)
        await app.indexer.catch_up()
        assert set(await app.ports.search.held([kept, lost])) == {kept, lost}

    assert await restore(chosen, copy, overwrite=True) == 0

    async with without_processor(chosen) as (app, _):
        await app.indexer.catch_up()
        late = await over(app, 2).service(provider_id)
        await app.indexer.catch_up()
        assert set(await app.ports.search.held([kept, lost, late])) == {kept, late}
        assert (await app.indexer.check()).none


@dataclass(frozen=True)
class Kept:
    """A folder with something in it, and an encrypted backup of that."""

    chosen: Settings
    copy: Path
    service_id: str

    def elsewhere(self, folder: Path, *, with_keys: bool) -> Settings:
        """Another machine, which has our keys or has not."""
        if with_keys:
            secrets = folder / "secrets"
            secrets.mkdir(mode=0o700, parents=True)
            copy2(self.chosen.data / "secrets" / "keys", secrets / "keys")
        return settings({"ECOSYSTEM_DATA": str(folder)})


@pytest.fixture
async def kept(tmp_path: Path) -> Kept:
    chosen, copy = settings({"ECOSYSTEM_DATA": str(tmp_path / "data")}), tmp_path / "copies" / "copy.backup"
    async with without_processor(chosen) as (app, _):
        shop = over(app, 1)
        service_id = await shop.service(await shop.provider())
        await backup(chosen, copy, encrypted=True)
    return Kept(chosen, copy, service_id)


async def test_an_encrypted_backup_opens_elsewhere_with_our_keys_alone(kept: Kept, tmp_path: Path) -> None:
    with pytest.raises(KeysMissing):
        await restore(kept.elsewhere(tmp_path / "strangers", with_keys=False), kept.copy, overwrite=False)
    ours = kept.elsewhere(tmp_path / "ours", with_keys=True)

    await restore(ours, kept.copy, overwrite=False)

    async with without_processor(ours) as (app, _):
        assert (await app.services.offered(kept.service_id)).service.value.service_id == kept.service_id
    written = kept.copy.read_bytes()
    assert b"SQLite" not in written
    assert kept.service_id.encode() not in written
    assert stat.S_IMODE(kept.copy.stat().st_mode) == 0o600
    assert not [path for path in tmp_path.rglob("*") if "passing" in path.name or "partial" in path.name]


async def test_an_encrypted_backup_outlasts_a_rotation_and_not_the_end_of_its_version(kept: Kept) -> None:
    secrets = FileSecrets(kept.chosen.data / "secrets")
    keys = await FileKeys.open(secrets, SystemClock(), SystemEntropy())
    await keys.rotate(KeyName.BACKUPS)

    await restore(kept.chosen, kept.copy, overwrite=True)
    await keys.retire(KeyName.BACKUPS, 1)

    with pytest.raises(KeyRetired):
        await restore(kept.chosen, kept.copy, overwrite=True)


async def test_an_encrypted_backup_that_was_changed_in_any_way_is_refused(tmp_path: Path) -> None:
    """Bytes flipped, pieces exchanged, left out, cut off, added; and nothing is left of what was tried."""
    keys = await FileKeys.open(FileSecrets(tmp_path / "secrets"), SystemClock(), SystemEntropy())
    plain, whole, out = tmp_path / "plain", tmp_path / "whole", tmp_path / "out"
    plain.write_bytes(random.Random(1).randbytes(3 * PIECE_BYTES + 5))
    await backup_envelope.encrypt(plain, whole, keys, SystemEntropy())
    written, piece = whole.read_bytes(), PIECE_BYTES + 16
    head = len(written) - 3 * piece - 5 - 16
    parts = [written[head + at * piece : head + (at + 1) * piece] for at in range(4)]
    chance = random.Random(2)

    def joined(*pieces: bytes) -> bytes:
        return written[:head] + b"".join(pieces)

    changed = [written[:at] + bytes([written[at] ^ 1]) + written[at + 1 :] for at in range(head)]
    changed += [
        written[:at] + bytes([written[at] ^ 64]) + written[at + 1 :]
        for at in (chance.randrange(head, len(written)) for _ in range(20))
    ]
    changed += [
        joined(parts[1], parts[0], *parts[2:]),
        joined(*parts[1:]),
        joined(parts[0], *parts[2:]),
        joined(*parts[:3]),
        joined(*parts[:1]),
        joined(),
        joined(*parts, parts[3]),
        joined(*parts, b"more"),
        written[:-1],
        written[: head // 2],
        b"",
    ]
    for bad in changed:
        (tmp_path / "bad").write_bytes(bad)
        with pytest.raises((BackupRefused, EnvelopeRefused, KeyRetired)):
            await backup_envelope.decrypt(tmp_path / "bad", out, keys)
        assert not out.exists()

    await backup_envelope.decrypt(whole, out, keys)
    assert out.read_bytes() == plain.read_bytes()


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES])
async def test_a_backup_of_any_length_opens_as_it_was(size: int, tmp_path: Path) -> None:
    keys = await FileKeys.open(FileSecrets(tmp_path / "secrets"), SystemClock(), SystemEntropy())
    (tmp_path / "plain").write_bytes(random.Random(size).randbytes(size))

    await backup_envelope.encrypt(tmp_path / "plain", tmp_path / "whole", keys, SystemEntropy())
    await backup_envelope.decrypt(tmp_path / "whole", tmp_path / "out", keys)

    assert (tmp_path / "out").read_bytes() == (tmp_path / "plain").read_bytes()


def over(app: App, seed: int) -> Market:
    return Market(app=app, clock=cast("VirtualClock", app.ports.clock), entropy=SeededEntropy(seed))
