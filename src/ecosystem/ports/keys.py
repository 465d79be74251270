"""Five named keys, and what is done under them: envelopes, blind indexes, signatures.

Each message has a data key of its own, used for nothing else; the named key wraps only that. A named key has versions:
the newest wraps, every one that is not retired opens. Nothing here tells a named key's own bytes. The bytes of an
envelope are described in `docs/keys.md`, and cut apart in `ports/keys_envelope.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from ecosystem.kernel.refusals import Conflict, Invalid, NotFound, Unavailable

PLAIN_BYTES_MAX = 64 * 1024
CONTEXT_BYTES_MAX = 256
VERSIONS_MAX = 1000
SIGNED_BYTES_MAX = 4096
LISTED_FOR = timedelta(minutes=1)
"""How long a list of versions is believed: a process that did not rotate itself wraps by the former one so long."""


class EnvelopeRefused(Unavailable):
    """This was encrypted under another key, or for another owner or purpose, or was changed."""


class KeyRetired(Unavailable):
    """The version of the key that wrapped this is retired: it opens nothing any more."""


class KeysDamaged(Unavailable):
    """The file of keys is damaged; put back a copy of it."""


class KeysMissing(Unavailable):
    """The keys that encrypted what is stored here are not here; put their file back."""


class KeysUnreachable(Unavailable):
    """The key service does not answer; try again shortly."""


class NoSuchVersion(NotFound):
    """The key has no such version."""


class InUse(Conflict):
    """The newest version of a key cannot be retired; rotate the key first."""


class TooLong(Invalid):
    """One envelope takes 64 KiB; encrypt parts, or another way."""


class ContextUnfit(Invalid):
    """Owner and purpose must both be said, in 256 bytes each."""


class KeyName(StrEnum):
    """What the five keys are for. A named key never opens what another one wrapped."""

    PAYMENTS = "payments"
    BANK_ACCOUNTS = "bank-accounts"
    PERSONAL_DATA = "personal-data"
    AUDIT = "audit"
    BACKUPS = "backups"


class Context(Struct, frozen=True):
    """Whose message it is and what it is for: `("prv_1", "payout account bac_1")`. It opens for nobody else.

    Ids only: a key service writes the context of each call into its own log.
    """

    owner: str
    purpose: str

    def __post_init__(self) -> None:
        for said in (self.owner, self.purpose):
            if not 0 < len(said.encode()) <= CONTEXT_BYTES_MAX:
                raise ContextUnfit


class State(StrEnum):
    """`current` wraps and opens, `former` opens until all it wrapped is re-wrapped, `retired` does neither."""

    CURRENT = "current"
    FORMER = "former"
    RETIRED = "retired"


class Version(Struct, frozen=True, kw_only=True):
    """One version of a named key, counted from 1."""

    number: int
    state: State
    made_at: datetime


class Signature(Struct, frozen=True, kw_only=True):
    """An Ed25519 signature (RFC 8032), 64 bytes, and whose: the key's version and its 32 public bytes."""

    version: int
    public_key: bytes
    signature: bytes


class Keys(Protocol):
    async def encrypt(self, name: KeyName, plain: bytes, context: Context) -> bytes:
        """An envelope under the current version of that key; the same bytes twice give two that have nothing in common.

        Raises `TooLong`.
        """
        ...

    async def decrypt(self, name: KeyName, envelope: bytes, context: Context) -> bytes:
        """What was encrypted under that key in that context. Raises `EnvelopeRefused`, `KeyRetired`."""
        ...

    async def rewrap(self, name: KeyName, envelope: bytes, context: Context) -> bytes:
        """The envelope with its data key wrapped by the current version; its payload is the same bytes, and is not read.

        Raises `EnvelopeRefused`, `KeyRetired`.
        """
        ...

    async def digest(self, name: KeyName, purpose: str, text: str) -> bytes:
        """32 bytes that recognise the text for that purpose: a blind index (HMAC-SHA-256, RFC 2104).

        Its key belongs to the named key and stays the same under all its versions: rotation finds what it found before.
        """
        ...

    async def sign(self, message: bytes) -> Signature:
        """The message's signature by the current version of `audit`. At most 4096 bytes."""
        ...

    async def signers(self) -> Mapping[int, bytes]:
        """The public keys of all versions of `audit`, each 32 bytes, by version: what a retired one signed stays signed."""
        ...

    async def versions(self, name: KeyName) -> Sequence[Version]:
        """All versions of that key, oldest first; the last is current."""
        ...

    async def rotate(self, name: KeyName) -> Version:
        """Make a new version, which wraps from now on. Those before it go on opening."""
        ...

    async def retire(self, name: KeyName, version: int) -> None:
        """Take that version away for ever: what it wrapped and nobody re-wrapped is lost.

        Retiring it again changes nothing. Raises `InUse` for the current one, `NoSuchVersion`.
        """
        ...
