"""The five keys in one file of their owner alone.

The file lies among the deployment's secrets, which refuse looser permissions and write whole or not at all. It is no
part of a backup of the table: copy it elsewhere, since what it encrypted opens with nothing else.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.adapters.outside.keys_payload import KEY_BYTES, NONCE, derived, payload, plain
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.keys import (
    SIGNED_BYTES_MAX,
    VERSIONS_MAX,
    Context,
    EnvelopeRefused,
    InUse,
    KeyName,
    KeyRetired,
    KeysDamaged,
    KeysMissing,
    NoSuchVersion,
    Signature,
    State,
    TooLong,
    Version,
)
from ecosystem.ports.keys_envelope import SALT_BYTES, Envelope, bound, read
from ecosystem.ports.secrets import Secrets, Untold

FILE = "keys"
_WRAP = b"ecosystem envelope 1 wrap"
_SIGN = b"ecosystem signing 1"
_INDEX = b"ecosystem blind index 1"
_WRAPPED_BYTES = SALT_BYTES + KEY_BYTES + 16


class _Version(Untold, frozen=True, kw_only=True):
    """`secret` is None once the version is retired; its public key stays, since what it signed stays."""

    made_at: datetime
    secret: bytes | None
    public_key: bytes


class _Key(Untold, frozen=True, kw_only=True):
    """`index` makes blind indexes; it is no version's, so that rotation changes none of them."""

    index: bytes
    versions: tuple[_Version, ...]


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file: the keys as JSON in `body`, and the SHA-256 of that."""

    format: int
    body: msgspec.Raw
    sha256: str


class FileKeys:
    """Keys read once and held in memory; a new version is on disk before it wraps anything."""

    def __init__(self, keys: dict[KeyName, _Key], secrets: Secrets, clock: Clock, entropy: Entropy) -> None:
        self._keys = keys
        self._secrets = secrets
        self._clock = clock
        self._entropy = entropy
        self._writing = asyncio.Lock()

    @classmethod
    async def open(cls, secrets: Secrets, clock: Clock, entropy: Entropy, *, may_make: bool = True) -> Self:
        """The keys of this deployment, made on first use if they may be.

        Raises `KeysDamaged`, `KeysMissing`, `SecretsExposed`.
        """

        def first() -> bytes:
            if not may_make:
                raise KeysMissing
            return _written({name: _made(clock.now(), entropy) for name in KeyName})

        return cls(_read(await secrets.kept(FILE, first)), secrets, clock, entropy)

    async def encrypt(self, name: KeyName, plain: bytes, context: Context) -> bytes:
        data_key = self._entropy.bytes(KEY_BYTES)
        version = len(self._keys[name].versions)
        content = payload(plain, data_key, self._entropy.bytes(SALT_BYTES), name, context)
        wrapped = self._wrapped(name, version, data_key, context)
        return Envelope(name=name, version=version, wrapped=wrapped, payload=content).written()

    async def decrypt(self, name: KeyName, envelope: bytes, context: Context) -> bytes:
        found = read(envelope)
        return plain(found, self._data_key(name, found, context), context)

    async def rewrap(self, name: KeyName, envelope: bytes, context: Context) -> bytes:
        found = read(envelope)
        data_key, version = self._data_key(name, found, context), len(self._keys[name].versions)
        return found.under(version, self._wrapped(name, version, data_key, context)).written()

    async def digest(self, name: KeyName, purpose: str, text: str) -> bytes:
        key = derived(self._keys[name].index, purpose.encode(), _INDEX)
        return hmac.digest(key, text.encode(), sha256)

    async def sign(self, message: bytes) -> Signature:
        if len(message) > SIGNED_BYTES_MAX:
            raise TooLong
        versions = self._keys[KeyName.AUDIT].versions
        signer = _signer(_secret(versions[-1]))
        return Signature(version=len(versions), public_key=versions[-1].public_key, signature=signer.sign(message))

    async def signers(self) -> Mapping[int, bytes]:
        return {number: each.public_key for number, each in enumerate(self._keys[KeyName.AUDIT].versions, start=1)}

    async def versions(self, name: KeyName) -> Sequence[Version]:
        versions = self._keys[name].versions
        return [
            Version(number=number, state=_state(each, last=number == len(versions)), made_at=each.made_at)
            for number, each in enumerate(versions, start=1)
        ]

    async def rotate(self, name: KeyName) -> Version:
        async with self._writing:
            key = self._keys[name]
            if len(key.versions) >= VERSIONS_MAX:
                raise TooLong(f"A key has at most {VERSIONS_MAX} versions.")
            made = _version(self._clock.now(), self._entropy)
            await self._keep(name, replace(key, versions=(*key.versions, made)))
            return Version(number=len(key.versions) + 1, state=State.CURRENT, made_at=made.made_at)

    async def retire(self, name: KeyName, version: int) -> None:
        async with self._writing:
            key = self._keys[name]
            if not 1 <= version <= len(key.versions):
                raise NoSuchVersion
            if version == len(key.versions):
                raise InUse
            kept = list(key.versions)
            kept[version - 1] = replace(kept[version - 1], secret=None)
            await self._keep(name, replace(key, versions=tuple(kept)))

    async def _keep(self, name: KeyName, key: _Key) -> None:
        keys = {**self._keys, name: key}
        await self._secrets.replace(FILE, _written(keys))
        self._keys = keys

    def _wrapped(self, name: KeyName, version: int, data_key: bytes, context: Context) -> bytes:
        """The data key under a key derived for it alone: no two share a key, so a nonce cannot meet itself."""
        salt = self._entropy.bytes(SALT_BYTES)
        key = derived(_secret(self._keys[name].versions[version - 1]), salt, _WRAP)
        return salt + AESGCM(key).encrypt(NONCE, data_key, _place(name, version, context))

    def _data_key(self, name: KeyName, envelope: Envelope, context: Context) -> bytes:
        versions = self._keys[name].versions
        known = envelope.name == name and envelope.version <= len(versions)
        if not known or len(envelope.wrapped) != _WRAPPED_BYTES:
            raise EnvelopeRefused
        salt, wrapped = envelope.wrapped[:SALT_BYTES], envelope.wrapped[SALT_BYTES:]
        key = derived(_secret(versions[envelope.version - 1]), salt, _WRAP)
        try:
            return AESGCM(key).decrypt(NONCE, wrapped, _place(name, envelope.version, context))
        except InvalidTag as broken:
            raise EnvelopeRefused from broken


def _place(name: KeyName, version: int, context: Context) -> bytes:
    return version.to_bytes(2, "big") + bound(name, context)


def _secret(version: _Version) -> bytes:
    if version.secret is None:
        raise KeyRetired
    return version.secret


def _state(version: _Version, *, last: bool) -> State:
    if version.secret is None:
        return State.RETIRED
    return State.CURRENT if last else State.FORMER


def _made(at: datetime, entropy: Entropy) -> _Key:
    return _Key(index=entropy.bytes(KEY_BYTES), versions=(_version(at, entropy),))


def _version(at: datetime, entropy: Entropy) -> _Version:
    secret = entropy.bytes(KEY_BYTES)
    return _Version(made_at=at, secret=secret, public_key=_signer(secret).public_key().public_bytes_raw())


def _signer(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(derived(secret, b"", _SIGN))


def _written(keys: Mapping[KeyName, _Key]) -> bytes:
    body = msgspec.json.encode(keys)
    return msgspec.json.encode(_File(format=1, body=msgspec.Raw(body), sha256=sha256(body).hexdigest()))


def _read(written: bytes) -> dict[KeyName, _Key]:
    try:
        file = msgspec.json.decode(written, type=_File)
        if file.format != 1 or sha256(bytes(file.body)).hexdigest() != file.sha256:
            raise KeysDamaged
        keys = msgspec.json.decode(file.body, type=dict[KeyName, _Key])
    except (msgspec.MsgspecError, UnicodeDecodeError) as damaged:
        raise KeysDamaged from damaged
    if set(keys) != set(KeyName) or not all(key.versions and key.versions[-1].secret for key in keys.values()):
        raise KeysDamaged
    return keys
