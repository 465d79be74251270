"""The payload of an envelope: AES-256-GCM under a key derived for one message, with key commitment.

As the committing suites of the AWS Encryption SDK do it (AWS Encryption SDK Developer Guide, "Algorithm suites",
0x0478: AES_256_GCM_HKDF_SHA512_COMMIT_KEY): HKDF-SHA-512 (RFC 5869) over the data key and a salt of the message gives
the content key, and a second derivation the commitment. The commitment is compared before anything is decrypted: GCM
alone lets one ciphertext open under two keys, to two plaintexts (Albertini and others, "How to Abuse and Fix
Authenticated Encryption Without Key Commitment", USENIX Security 2022).
"""

from __future__ import annotations

from hmac import compare_digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ecosystem.ports.keys import PLAIN_BYTES_MAX, Context, EnvelopeRefused, KeyName, TooLong
from ecosystem.ports.keys_envelope import COMMITMENT_BYTES, SALT_BYTES, Envelope, bound

KEY_BYTES = 32
# A content key encrypts one message and is derived from 256 random bits, so its nonce need not differ from others
# (NIST SP 800-38D, section 8.2: uniqueness is asked for per key).
NONCE = bytes(12)
_CONTENT = b"ecosystem envelope 1 content"
_COMMIT = b"ecosystem envelope 1 commitment"


def payload(plain: bytes, data_key: bytes, salt: bytes, name: KeyName, context: Context) -> bytes:
    """Salt, commitment, ciphertext and tag. Raises `TooLong`."""
    if len(plain) > PLAIN_BYTES_MAX:
        raise TooLong
    assert len(data_key) == KEY_BYTES
    assert len(salt) == SALT_BYTES
    content = AESGCM(derived(data_key, salt, _CONTENT)).encrypt(NONCE, plain, bound(name, context))
    return salt + _commitment(data_key, salt) + content


def plain(envelope: Envelope, data_key: bytes, context: Context) -> bytes:
    """What the payload holds, for that context. Raises `EnvelopeRefused`."""
    if not compare_digest(_commitment(data_key, envelope.salt), envelope.commitment):
        raise EnvelopeRefused
    key = derived(data_key, envelope.salt, _CONTENT)
    try:
        return AESGCM(key).decrypt(NONCE, envelope.ciphertext, bound(envelope.name, context))
    except InvalidTag as broken:
        raise EnvelopeRefused from broken


def derived(secret: bytes, salt: bytes, purpose: bytes, *, size: int = KEY_BYTES) -> bytes:
    """Bytes for one purpose, made of a secret and a salt (HKDF-SHA-512)."""
    return HKDF(algorithm=SHA512(), length=size, salt=salt, info=purpose).derive(secret)


def _commitment(data_key: bytes, salt: bytes) -> bytes:
    return derived(data_key, salt, _COMMIT, size=COMMITMENT_BYTES)
