"""What a file of keys adds to the port's promises: it is durable, for its owner alone, and refused when damaged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ecosystem.adapters.embedded.keys import FILE, FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.ports.keys import Context, EnvelopeRefused, KeyName, KeyRetired, KeysDamaged, State
from ecosystem.ports.secrets import SecretsExposed

HERE = Context("prv_1", "payout account bac_1")
BANK = KeyName.BANK_ACCOUNTS


async def opened(folder: Path, clock: VirtualClock) -> FileKeys:
    return await FileKeys.open(FileSecrets(folder / "secrets"), clock, SystemEntropy())


async def test_versions_and_what_they_wrapped_survive_a_restart(quick_path: Path, clock: VirtualClock) -> None:
    keys = await opened(quick_path, clock)
    first = await keys.encrypt(BANK, b"first", HERE)
    await keys.rotate(BANK)
    second = await keys.encrypt(BANK, b"second", HERE)
    found = await keys.digest(BANK, "account", "1")

    again = await opened(quick_path, clock)

    assert [await again.decrypt(BANK, envelope, HERE) for envelope in (first, second)] == [b"first", b"second"]
    assert await again.digest(BANK, "account", "1") == found
    await again.retire(BANK, 1)
    once_more = await opened(quick_path, clock)
    assert [version.state for version in await once_more.versions(BANK)] == [State.RETIRED, State.CURRENT]
    with pytest.raises(KeyRetired):
        await once_more.decrypt(BANK, first, HERE)


async def test_another_deployment_opens_nothing(quick_path: Path, clock: VirtualClock) -> None:
    envelope = await (await opened(quick_path / "one", clock)).encrypt(BANK, b"mine", HERE)

    with pytest.raises(EnvelopeRefused):
        await (await opened(quick_path / "two", clock)).decrypt(BANK, envelope, HERE)


async def test_rotations_at_once_lose_no_version(quick_path: Path, clock: VirtualClock) -> None:
    keys = await opened(quick_path, clock)

    await asyncio.gather(*(keys.rotate(name) for name in KeyName for _ in range(4)))

    again = await opened(quick_path, clock)
    assert [len(await again.versions(name)) for name in KeyName] == [5] * 5


async def test_a_file_that_others_may_read_is_refused(quick_path: Path, clock: VirtualClock) -> None:
    await opened(quick_path, clock)
    (quick_path / "secrets" / FILE).chmod(0o640)

    with pytest.raises(SecretsExposed, match="chmod 600"):
        await opened(quick_path, clock)


async def test_the_file_is_for_its_owner_alone_after_a_rotation(quick_path: Path, clock: VirtualClock) -> None:
    await (await opened(quick_path, clock)).rotate(BANK)

    assert (quick_path / "secrets" / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (quick_path / "secrets").iterdir()] == [FILE]


async def test_a_damaged_file_is_refused_wherever_the_damage_is(quick_path: Path, clock: VirtualClock) -> None:
    await opened(quick_path, clock)
    path = quick_path / "secrets" / FILE
    whole = path.read_bytes()

    # The ends of the file and every 17th byte: each changed byte is held against the checksum alike.
    for at in {0, 1, len(whole) - 2, *range(0, len(whole) - 1, 17)}:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(KeysDamaged):
            await opened(quick_path, clock)
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(KeysDamaged):
            await opened(quick_path, clock)


async def test_keys_show_nothing_when_they_are_printed(quick_path: Path, clock: VirtualClock) -> None:
    keys = await opened(quick_path, clock)

    shown = repr(vars(keys))

    assert "secret=" not in shown
    assert "index=" not in shown
