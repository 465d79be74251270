"""What the port of secrets promises, asked of every adapter; and what files add to it."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.adapters.outside.secrets import CONTEXT, KeyedSeal
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.keys import Context, EnvelopeRefused, KeyName, KeysMissing
from ecosystem.ports.secrets import SealBroken, Secrets, SecretsExposed


@pytest.fixture(params=["files"])
def secrets(tmp_path: Path) -> Secrets:
    return FileSecrets(tmp_path / "secrets")


async def test_a_secret_is_made_once_and_then_kept(secrets: Secrets) -> None:
    first = await secrets.kept("signing-keys", lambda: b"one")
    again = await secrets.kept("signing-keys", lambda: b"two")

    assert first == again == b"one"


async def test_all_who_ask_at_once_get_the_same_secret(secrets: Secrets) -> None:
    made = iter(range(100))

    got = await asyncio.gather(*(secrets.kept("seal", lambda: str(next(made)).encode()) for _ in range(20)))

    assert set(got) == {b"0"}


async def test_a_replaced_secret_is_the_one_read_from_then_on(secrets: Secrets) -> None:
    await secrets.kept("seal", lambda: b"old")

    await secrets.replace("seal", b"new")

    assert await secrets.kept("seal", lambda: b"never") == b"new"


@pytest.mark.parametrize("name", ["", "../table", "a/b", "A", ".hidden", "a b", "-a", "a\n"])
async def test_a_name_is_words_joined_by_hyphens(secrets: Secrets, name: str) -> None:
    with pytest.raises(Invalid):
        await secrets.kept(name, lambda: b"")


async def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    await FileSecrets(tmp_path / "secrets").kept("seal", lambda: b"x")

    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "secrets" / "seal").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["seal"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o602, 0o660])
async def test_a_file_that_others_may_read_is_refused_with_the_way_to_mend_it(tmp_path: Path, mode: int) -> None:
    secrets = FileSecrets(tmp_path / "secrets")
    await secrets.kept("seal", lambda: b"x")
    (tmp_path / "secrets" / "seal").chmod(mode)

    with pytest.raises(SecretsExposed, match=r"chmod 600 .*seal"):
        await secrets.kept("seal", lambda: b"x")


async def test_a_folder_that_others_may_look_into_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(mode=0o755)

    with pytest.raises(SecretsExposed, match="chmod 700"):
        await FileSecrets(tmp_path / "secrets").kept("seal", lambda: b"x")


async def test_a_link_in_the_place_of_a_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "elsewhere").write_bytes(b"known to another")
    (tmp_path / "secrets" / "seal").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SecretsExposed):
        await FileSecrets(tmp_path / "secrets").kept("seal", lambda: b"x")


async def under(secrets: Secrets) -> FileKeys:
    return await FileKeys.open(secrets, VirtualClock(datetime(2026, 11, 20, tzinfo=UTC)), SystemEntropy())


async def sealed_under(secrets: Secrets) -> KeyedSeal:
    return await KeyedSeal.open(secrets, await under(secrets), SystemEntropy())


async def test_the_keys_of_the_seal_lie_in_no_file_in_clear(secrets: Secrets, tmp_path: Path) -> None:
    keys = await under(secrets)
    seal = await KeyedSeal.open(secrets, keys, SystemEntropy())

    kept = (tmp_path / "secrets" / "seal-keys").read_bytes()

    assert kept == await secrets.kept("seal-keys", lambda: b"")
    assert (await keys.decrypt(KeyName.PERSONAL_DATA, kept, CONTEXT)).startswith(b"[")
    assert seal.key_version() == 1
    with pytest.raises(EnvelopeRefused):
        await keys.decrypt(KeyName.PERSONAL_DATA, kept, Context("deployment", "other keys"))


async def test_keys_that_a_former_release_kept_in_clear_are_wrapped_and_open_what_they_sealed(
    secrets: Secrets, tmp_path: Path
) -> None:
    """The very bytes that release wrote: a list of keys as JSON with base 64, and a box under the only one."""
    key = bytes(range(32))
    await secrets.replace("seal-keys", b'["' + b64encode(key) + b'"]')
    box = sha256(b"mark:" + key).digest()[:4] + bytes(12) + AESGCM(key).encrypt(bytes(12), b"JBSWY3DP", b"totp:usr_1")

    seal = await sealed_under(secrets)

    assert seal.opened(box, place="totp:usr_1") == b"JBSWY3DP"
    assert b64encode(key) not in (tmp_path / "secrets" / "seal-keys").read_bytes()
    assert (await sealed_under(secrets)).opened(box, place="totp:usr_1") == b"JBSWY3DP"


async def test_without_the_keys_that_wrap_it_a_seal_is_not_begun_anew(secrets: Secrets, tmp_path: Path) -> None:
    await sealed_under(secrets)
    (tmp_path / "secrets" / "keys").unlink()

    with pytest.raises(KeysMissing):
        await sealed_under(secrets)


async def test_what_is_sealed_opens_in_its_place_only(secrets: Secrets) -> None:
    seal = await sealed_under(secrets)

    box = seal.sealed(b"JBSWY3DP", place="totp:usr_1")

    assert b"JBSWY3DP" not in box
    assert seal.opened(box, place="totp:usr_1") == b"JBSWY3DP"
    with pytest.raises(SealBroken):
        seal.opened(box, place="totp:usr_2")


async def test_a_changed_or_short_box_does_not_open(secrets: Secrets) -> None:
    seal = await sealed_under(secrets)
    box = seal.sealed(b"plain", place="here")

    for broken in (*(box[:n] for n in range(len(box))), *(_flipped(box, n) for n in range(len(box)))):
        with pytest.raises(SealBroken):
            seal.opened(broken, place="here")


async def test_boxes_open_after_a_restart_and_after_a_new_key(secrets: Secrets) -> None:
    seal = await sealed_under(secrets)
    old = seal.sealed(b"old", place="here")
    await seal.rotate()
    new = seal.sealed(b"new", place="here")

    reopened = await sealed_under(secrets)

    assert (reopened.opened(old, place="here"), reopened.opened(new, place="here")) == (b"old", b"new")
    assert reopened.digest("code", "1") == seal.digest("code", "1")


async def test_digests_differ_by_purpose_text_and_deployment(secrets: Secrets, tmp_path: Path) -> None:
    seal = await sealed_under(secrets)
    other = await sealed_under(FileSecrets(tmp_path / "others"))

    digests = {
        seal.digest("a", "b"),
        seal.digest("a", "c"),
        seal.digest("b", "b"),
        seal.digest("a:b", ""),
        other.digest("a", "b"),
    }

    assert len(digests) == 5


def _flipped(box: bytes, at: int) -> bytes:
    return box[:at] + bytes([box[at] ^ 1]) + box[at + 1 :]
