"""What a check of signatures promises."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ecosystem.adapters.outside.signing import Ed25519Signatures
from ecosystem.ports.signing import Signatures

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


@pytest.fixture
def signatures() -> Signatures:
    return Ed25519Signatures()


def test_what_the_key_signed_is_recognised(signatures: Signatures) -> None:
    assert signatures.verifies(PUBLIC, b"a log of 7", KEY.sign(b"a log of 7"))


def test_another_message_key_or_signature_is_refused(signatures: Signatures) -> None:
    mark = KEY.sign(b"a log of 7")
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()

    assert not signatures.verifies(PUBLIC, b"a log of 8", mark)
    assert not signatures.verifies(other, b"a log of 7", mark)
    assert not signatures.verifies(PUBLIC, b"a log of 7", mark[:-1] + bytes([mark[-1] ^ 1]))


@pytest.mark.parametrize(("key", "mark"), [(b"", b""), (b"short", b"short"), (PUBLIC, b""), (bytes(33), bytes(64))])
def test_what_is_no_key_or_no_signature_is_refused(signatures: Signatures, key: bytes, mark: bytes) -> None:
    assert not signatures.verifies(key, b"a log of 7", mark)


def test_the_first_vector_of_the_standard_holds(signatures: Signatures) -> None:
    # RFC 8032, section 7.1, test 1: the empty message.
    key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    mark = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )

    assert signatures.verifies(key, b"", mark)
