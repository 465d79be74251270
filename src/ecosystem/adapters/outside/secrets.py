"""A seal of AES-256-GCM (NIST SP 800-38D) and HMAC-SHA-256, under keys kept among the deployment's secrets."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256
from typing import Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ecosystem.ports.entropy import Entropy
from ecosystem.ports.keys import Context, EnvelopeRefused, KeyName, KeyRetired, Keys, KeysMissing
from ecosystem.ports.keys_envelope import read
from ecosystem.ports.secrets import SealBroken, Secrets

_KEY_BYTES = 32
_NONCE_BYTES = 12
_MARK_BYTES = 4
_KEYS = "seal-keys"
_DIGEST_KEY = "digest-key"
_IN_CLEAR = b"["
"""What the file of keys begins with if it was written before a named key wrapped it."""

CONTEXT = Context("deployment", "seal keys")


class KeyedSeal:
    """Boxes carry the mark of their key, so that older ones open after a new key was made.

    The keys lie in one file, as an envelope under `personal-data`: what wraps it changes, and no box with it.
    """

    named_key = KeyName.PERSONAL_DATA

    def __init__(
        self, kept: list[bytes], envelope: bytes, digest_key: bytes, secrets: Secrets, keys: Keys, entropy: Entropy
    ) -> None:
        self._keys = {_mark(key): AESGCM(key) for key in kept}
        self._kept = kept
        self._envelope = envelope
        self._digest_key = digest_key
        self._secrets = secrets
        self._wrapping = keys
        self._entropy = entropy

    @classmethod
    async def open(cls, secrets: Secrets, keys: Keys, entropy: Entropy) -> Self:
        """The seal of this deployment; its keys are made on first use. Raises `KeysMissing`."""
        fresh = await keys.encrypt(cls.named_key, _written([entropy.bytes(_KEY_BYTES)]), CONTEXT)
        envelope = await secrets.kept(_KEYS, lambda: fresh)
        if envelope.startswith(_IN_CLEAR):
            envelope = await keys.encrypt(cls.named_key, envelope, CONTEXT)
            await secrets.replace(_KEYS, envelope)
        try:
            kept = msgspec.json.decode(await keys.decrypt(cls.named_key, envelope, CONTEXT), type=list[bytes])
        except (EnvelopeRefused, KeyRetired) as shut:
            raise KeysMissing("The keys that wrap secrets/seal-keys are not here; put their file back.") from shut
        digest_key = await secrets.kept(_DIGEST_KEY, lambda: base64.b64encode(entropy.bytes(_KEY_BYTES)))
        return cls(kept, envelope, base64.b64decode(digest_key), secrets, keys, entropy)

    def key_version(self) -> int:
        return read(self._envelope).version

    async def rewrap(self) -> None:
        await self._keep(await self._wrapping.rewrap(self.named_key, self._envelope, CONTEXT))

    def sealed(self, plain: bytes, *, place: str) -> bytes:
        mark = _mark(self._kept[-1])
        nonce = self._entropy.bytes(_NONCE_BYTES)
        return mark + nonce + self._keys[mark].encrypt(nonce, plain, place.encode())

    def opened(self, box: bytes, *, place: str) -> bytes:
        mark, nonce, rest = box[:_MARK_BYTES], box[_MARK_BYTES : _MARK_BYTES + _NONCE_BYTES], box[16:]
        key = self._keys.get(mark)
        if key is None:
            raise SealBroken("The key that sealed this is not among this deployment's secrets.")
        try:
            return key.decrypt(nonce, rest, place.encode())
        except (InvalidTag, ValueError) as broken:
            raise SealBroken from broken

    def digest(self, purpose: str, text: str) -> bytes:
        # The purpose's length goes first, so that no purpose and text run into another pair's bytes.
        return hmac.digest(self._digest_key, f"{len(purpose)}:{purpose}:{text}".encode(), sha256)

    async def rotate(self) -> None:
        """Seal under a new key from now on; the former ones go on opening."""
        keys = [*self._kept, self._entropy.bytes(_KEY_BYTES)]
        await self._keep(await self._wrapping.encrypt(self.named_key, _written(keys), CONTEXT))
        self._kept = keys
        self._keys = {_mark(key): AESGCM(key) for key in keys}

    async def _keep(self, envelope: bytes) -> None:
        await self._secrets.replace(_KEYS, envelope)
        self._envelope = envelope


def _mark(key: bytes) -> bytes:
    return sha256(b"mark:" + key).digest()[:_MARK_BYTES]


def _written(keys: list[bytes]) -> bytes:
    """The keys, newest last, as JSON with base 64."""
    return msgspec.json.encode(keys)
