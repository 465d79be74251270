"""The bytes of an envelope, format 1, as `docs/keys.md` describes them.

A head that re-wrapping replaces, and a payload that nothing ever changes:

| bytes | what |
| --- | --- |
| 1 | format: 1 |
| 1 | suite: 1, AES-256-GCM with HKDF-SHA-512 and key commitment |
| 1 | named key: 1 `payments`, 2 `bank-accounts`, 3 `personal-data`, 4 `audit`, 5 `backups` |
| 2 | version of the named key, big-endian |
| 2 | n, the length of the wrapped data key, big-endian |
| n | the wrapped data key |
| 32 | payload: salt |
| 32 | payload: commitment |
| rest | payload: ciphertext, its tag in the last 16 bytes |
"""

from __future__ import annotations

import struct

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.ports.keys import Context, EnvelopeRefused, KeyName

FORMAT = 1
SUITE = 1
SALT_BYTES = 32
COMMITMENT_BYTES = 32
TAG_BYTES = 16
WRAPPED_BYTES_MAX = 6144
"""A key service's ciphertext has at most so many (AWS KMS API Reference, `CiphertextBlob`)."""

CODES = {
    KeyName.PAYMENTS: 1,
    KeyName.BANK_ACCOUNTS: 2,
    KeyName.PERSONAL_DATA: 3,
    KeyName.AUDIT: 4,
    KeyName.BACKUPS: 5,
}
_NAMES = {code: name for name, code in CODES.items()}
_HEAD = struct.Struct(">BBBHH")


class Envelope(Struct, frozen=True, kw_only=True):
    """An envelope, cut apart. `payload` is salt, commitment, ciphertext and tag."""

    name: KeyName
    version: int
    wrapped: bytes
    payload: bytes

    @property
    def salt(self) -> bytes:
        return self.payload[:SALT_BYTES]

    @property
    def commitment(self) -> bytes:
        return self.payload[SALT_BYTES : SALT_BYTES + COMMITMENT_BYTES]

    @property
    def ciphertext(self) -> bytes:
        return self.payload[SALT_BYTES + COMMITMENT_BYTES :]

    def under(self, version: int, wrapped: bytes) -> Envelope:
        """The same payload, its data key wrapped anew."""
        return replace(self, version=version, wrapped=wrapped)

    def written(self) -> bytes:
        """The envelope's bytes."""
        head = _HEAD.pack(FORMAT, SUITE, CODES[self.name], self.version, len(self.wrapped))
        return head + self.wrapped + self.payload


def read(written: bytes) -> Envelope:
    """The envelope those bytes are. Raises `EnvelopeRefused`."""
    if len(written) < _HEAD.size:
        raise EnvelopeRefused
    form, suite, code, version, size = _HEAD.unpack_from(written)
    wrapped, payload = written[_HEAD.size : _HEAD.size + size], written[_HEAD.size + size :]
    whole = (
        form == FORMAT
        and suite == SUITE
        and code in _NAMES
        and version > 0
        and 0 < len(wrapped) == size <= WRAPPED_BYTES_MAX
        and len(payload) >= SALT_BYTES + COMMITMENT_BYTES + TAG_BYTES
    )
    if not whole:
        raise EnvelopeRefused
    return Envelope(name=_NAMES[code], version=version, wrapped=wrapped, payload=payload)


def bound(name: KeyName, context: Context) -> bytes:
    """Key, owner and purpose as one run of bytes, with lengths first: no two contexts run into the same."""
    parts = (name.value.encode(), context.owner.encode(), context.purpose.encode())
    return bytes([FORMAT, SUITE]) + b"".join(len(part).to_bytes(2, "big") + part for part in parts)
