"""What the port of keys promises, asked of every adapter."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecosystem.ports.keys import (
    PLAIN_BYTES_MAX,
    SIGNED_BYTES_MAX,
    Context,
    ContextUnfit,
    EnvelopeRefused,
    InUse,
    KeyName,
    KeyRetired,
    Keys,
    NoSuchVersion,
    State,
    TooLong,
)
from ecosystem.ports.keys_envelope import read

BANK, PERSONAL = KeyName.BANK_ACCOUNTS, KeyName.PERSONAL_DATA
HERE = Context("prv_1", "payout account bac_1")
PLAIN = b"021000021 123456789"

each_name = pytest.mark.parametrize("name", list(KeyName))


@each_name
@pytest.mark.parametrize("plain", [b"", b"x", PLAIN, bytes(PLAIN_BYTES_MAX)], ids=len)
async def test_what_is_encrypted_opens_under_its_key_and_in_its_context(
    keys: Keys, name: KeyName, plain: bytes
) -> None:
    envelope = await keys.encrypt(name, plain, HERE)

    assert await keys.decrypt(name, envelope, HERE) == plain
    assert len(plain) < 4 or plain not in envelope


async def test_the_same_message_twice_has_nothing_in_common_but_its_head(keys: Keys) -> None:
    first, second = [read(await keys.encrypt(BANK, PLAIN, HERE)) for _ in range(2)]

    assert (first.name, first.version) == (second.name, second.version) == (BANK, 1)
    assert first.salt != second.salt
    assert first.commitment != second.commitment
    assert first.ciphertext != second.ciphertext
    assert first.wrapped != second.wrapped


@each_name
async def test_another_key_does_not_open_it(keys: Keys, name: KeyName) -> None:
    envelope = await keys.encrypt(name, PLAIN, HERE)

    for other in set(KeyName) - {name}:
        with pytest.raises(EnvelopeRefused):
            await keys.decrypt(other, envelope, HERE)
        with pytest.raises(EnvelopeRefused):
            await keys.rewrap(other, envelope, HERE)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(owner=st.text(min_size=1, max_size=8), purpose=st.text(min_size=1, max_size=8), move=st.integers(0, 7))
async def test_another_owner_or_purpose_does_not_open_it(keys: Keys, owner: str, purpose: str, move: int) -> None:
    here = Context(owner, purpose)
    envelope = await keys.encrypt(BANK, PLAIN, here)
    # The same letters, cut elsewhere, are another context too.
    joined = owner + purpose
    cut = 1 + move % (len(joined) - 1)
    others = {Context(owner + "x", purpose), Context(owner, purpose + "x"), Context(joined[:cut], joined[cut:])}

    for other in others - {here}:
        with pytest.raises(EnvelopeRefused):
            await keys.decrypt(BANK, envelope, other)


@pytest.mark.parametrize(("owner", "purpose"), [("", "p"), ("o", ""), ("o" * 257, "p"), ("o", "ä" * 129)])
def test_a_context_says_whose_and_what_for_within_its_limits(owner: str, purpose: str) -> None:
    with pytest.raises(ContextUnfit):
        Context(owner, purpose)


async def test_any_changed_byte_is_refused(keys: Keys) -> None:
    await keys.rotate(BANK)
    envelope = await keys.encrypt(BANK, PLAIN, HERE)

    for at in range(len(envelope)):
        changed = envelope[:at] + bytes([envelope[at] ^ (1 << at % 8)]) + envelope[at + 1 :]
        with pytest.raises(EnvelopeRefused):
            await keys.decrypt(BANK, changed, HERE)


async def test_every_shortened_or_lengthened_envelope_is_refused(keys: Keys) -> None:
    envelope = await keys.encrypt(BANK, PLAIN, HERE)

    for broken in (*(envelope[:size] for size in range(len(envelope))), envelope + b"\0", b"\1" + envelope):
        with pytest.raises(EnvelopeRefused):
            await keys.decrypt(BANK, broken, HERE)


async def test_parts_of_two_envelopes_make_no_third(keys: Keys) -> None:
    first, second = [read(await keys.encrypt(BANK, plain, HERE)) for plain in (b"one", b"two")]

    with pytest.raises(EnvelopeRefused):
        await keys.decrypt(BANK, first.under(1, second.wrapped).written(), HERE)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made_up=st.binary(max_size=300))
async def test_bytes_that_are_no_envelope_are_refused(keys: Keys, made_up: bytes) -> None:
    with pytest.raises(EnvelopeRefused):
        await keys.decrypt(BANK, made_up, HERE)


async def test_a_message_beyond_the_limit_is_refused(keys: Keys) -> None:
    with pytest.raises(TooLong):
        await keys.encrypt(BANK, bytes(PLAIN_BYTES_MAX + 1), HERE)


async def test_after_rotation_both_versions_open_and_the_new_one_wraps(keys: Keys) -> None:
    old = await keys.encrypt(BANK, b"old", HERE)
    made = await keys.rotate(BANK)
    new = await keys.encrypt(BANK, b"new", HERE)

    assert [await keys.decrypt(BANK, envelope, HERE) for envelope in (old, new)] == [b"old", b"new"]
    assert [read(envelope).version for envelope in (old, new)] == [1, made.number] == [1, 2]
    assert [(version.number, version.state) for version in await keys.versions(BANK)] == [
        (1, State.FORMER),
        (2, State.CURRENT),
    ]
    assert [version.number for version in await keys.versions(PERSONAL)] == [1]


async def test_rewrapping_changes_the_head_and_not_one_byte_of_the_payload(keys: Keys) -> None:
    before = await keys.encrypt(BANK, PLAIN, HERE)
    await keys.rotate(BANK)

    after = await keys.rewrap(BANK, before, HERE)

    assert read(after).payload == read(before).payload
    assert (read(after).version, read(before).version) == (2, 1)
    assert read(after).wrapped != read(before).wrapped
    assert await keys.decrypt(BANK, after, HERE) == PLAIN


async def test_rewrapping_does_not_read_the_message(keys: Keys) -> None:
    # Were it decrypted, a payload whose tag is wrong would be refused: it is passed through untouched instead.
    whole = read(await keys.encrypt(BANK, PLAIN, HERE))
    unreadable = whole.written()[:-1] + bytes([whole.written()[-1] ^ 1])
    await keys.rotate(BANK)

    after = await keys.rewrap(BANK, unreadable, HERE)

    assert read(after).payload == read(unreadable).payload
    with pytest.raises(EnvelopeRefused):
        await keys.decrypt(BANK, after, HERE)


async def test_rewrapping_in_another_context_is_refused(keys: Keys) -> None:
    envelope = await keys.encrypt(BANK, PLAIN, HERE)

    with pytest.raises(EnvelopeRefused):
        await keys.rewrap(BANK, envelope, Context("prv_2", HERE.purpose))


async def test_a_retired_version_opens_nothing_and_what_was_rewrapped_opens(keys: Keys) -> None:
    left = await keys.encrypt(BANK, b"left behind", HERE)
    moved = await keys.encrypt(BANK, PLAIN, HERE)
    await keys.rotate(BANK)
    moved = await keys.rewrap(BANK, moved, HERE)

    await keys.retire(BANK, 1)
    await keys.retire(BANK, 1)

    assert await keys.decrypt(BANK, moved, HERE) == PLAIN
    with pytest.raises(KeyRetired):
        await keys.decrypt(BANK, left, HERE)
    with pytest.raises(KeyRetired):
        await keys.rewrap(BANK, left, HERE)
    assert [version.state for version in await keys.versions(BANK)] == [State.RETIRED, State.CURRENT]


@pytest.mark.parametrize("version", [0, 3, -1])
async def test_a_version_that_never_was_cannot_be_retired(keys: Keys, version: int) -> None:
    await keys.rotate(BANK)

    with pytest.raises(NoSuchVersion):
        await keys.retire(BANK, version)


async def test_the_current_version_cannot_be_retired(keys: Keys) -> None:
    with pytest.raises(InUse):
        await keys.retire(BANK, 1)


async def test_a_blind_index_survives_rotation_and_differs_by_key_purpose_and_text(keys: Keys) -> None:
    found = await keys.digest(BANK, "account", "021000021 1")
    await keys.rotate(BANK)
    await keys.retire(BANK, 1)

    assert await keys.digest(BANK, "account", "021000021 1") == found
    assert len(found) == 32
    others = {
        await keys.digest(PERSONAL, "account", "021000021 1"),
        await keys.digest(BANK, "accoun", "t021000021 1"),
        await keys.digest(BANK, "account", "021000021 2"),
    }
    assert len(others | {found}) == 4


async def test_a_signature_is_verified_with_its_public_key_after_rotation_too(keys: Keys) -> None:
    first = await keys.sign(b"checkpoint 1")
    await keys.rotate(KeyName.AUDIT)
    second = await keys.sign(b"checkpoint 2")

    signers = await keys.signers()
    for signed, message in ((first, b"checkpoint 1"), (second, b"checkpoint 2")):
        assert signers[signed.version] == signed.public_key
        Ed25519PublicKey.from_public_bytes(signed.public_key).verify(signed.signature, message)
    assert (first.version, second.version) == (1, 2)
    assert first.public_key != second.public_key
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(first.public_key).verify(first.signature, b"checkpoint 2")


async def test_what_a_retired_version_signed_is_verified_with_the_keys_that_are_still_told(keys: Keys) -> None:
    signed = await keys.sign(b"checkpoint 1")
    await keys.rotate(KeyName.AUDIT)
    await keys.retire(KeyName.AUDIT, 1)

    signers = await keys.signers()
    assert signers[signed.version] == signed.public_key
    Ed25519PublicKey.from_public_bytes(signers[signed.version]).verify(signed.signature, b"checkpoint 1")
    assert (await keys.sign(b"checkpoint 2")).version == 2


async def test_a_message_too_long_to_sign_is_refused(keys: Keys) -> None:
    await keys.sign(bytes(SIGNED_BYTES_MAX))

    with pytest.raises(TooLong):
        await keys.sign(bytes(SIGNED_BYTES_MAX + 1))
