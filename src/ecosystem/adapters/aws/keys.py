"""The five keys at AWS Key Management Service: each version of one is a KMS key of its own, found by its alias.

    alias/<prefix>/bank-accounts/1    wraps data keys (SYMMETRIC_DEFAULT)
    alias/<prefix>/bank-accounts/index    makes blind indexes (HMAC_256)
    alias/<prefix>/audit/1/signer    signs checkpoints (ECC_NIST_EDWARDS25519)

A version is a key of its own, rather than KMS's own rotation, because only a whole key can be retired: retiring schedules
its deletion, which AWS lets us take back within 30 days. The owner and purpose of a message are its encryption context,
which CloudTrail shows in clear.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Self, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec import Struct

from ecosystem.adapters.outside.amazon import Account
from ecosystem.adapters.outside.keys_payload import payload, plain
from ecosystem.adapters.outside.threads import Threads
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.keys import (
    LISTED_FOR,
    PLAIN_BYTES_MAX,
    SIGNED_BYTES_MAX,
    VERSIONS_MAX,
    Context,
    EnvelopeRefused,
    InUse,
    KeyName,
    KeyRetired,
    KeysUnreachable,
    NoSuchVersion,
    Signature,
    State,
    TooLong,
    Version,
)
from ecosystem.ports.keys_envelope import SALT_BYTES, Envelope, bound, read
from ecosystem.ports.secrets import Untold

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

R = TypeVar("R")

CACHED_MAX = 1000
CACHED_FOR = timedelta(minutes=5)
CACHED_USES = 1000
DELETED_AFTER_DAYS = 30
_ATTEMPTS_MAX = 5
_REFUSED = frozenset({"InvalidCiphertextException", "IncorrectKeyException", "NotFoundException"})
_RETIRED = frozenset({"KMSInvalidStateException", "DisabledException"})
_TAKEN = "AlreadyExistsException"


class _Listed(Struct, frozen=True):
    """A version as KMS has it."""

    key_id: str
    made_at: datetime
    retired: bool


class _Cached(Untold, frozen=True):
    data_key: bytes
    until: datetime
    uses_left: int


class Cache:
    """Data keys that were unwrapped, for decrypting: few, for a short while, each for so many uses."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, _Cached] = OrderedDict()

    def get(self, mark: bytes, at: datetime) -> bytes | None:
        found = self._kept.pop(mark, None)
        if found is None or found.until <= at or found.uses_left < 1:
            return None
        self._kept[mark] = _Cached(found.data_key, found.until, found.uses_left - 1)
        return found.data_key

    def keep(self, mark: bytes, data_key: bytes, at: datetime) -> None:
        self._kept[mark] = _Cached(data_key, at + CACHED_FOR, CACHED_USES)
        while len(self._kept) > CACHED_MAX:
            self._kept.popitem(last=False)

    def forget(self) -> None:
        self._kept.clear()


@dataclass(slots=True)
class _Versions:
    """The versions of one named key, oldest first, and when they were listed."""

    at: datetime
    listed: list[_Listed]


@dataclass(frozen=True, slots=True)
class KmsKeys:
    """The keys under a prefix of an account."""

    client: KMSClient
    prefix: str
    clock: Clock
    entropy: Entropy
    threads: Threads
    _versions: dict[KeyName, _Versions] = field(default_factory=dict[KeyName, _Versions])
    _cache: Cache = field(default_factory=Cache)

    @classmethod
    async def open(cls, account: Account, prefix: str, clock: Clock, entropy: Entropy) -> Self:
        """The keys under that prefix; those that are missing are made."""
        threads = Threads(account.connections_max, waiting_max=512)
        keys = cls(await threads.run(account.kms), prefix, clock, entropy, threads)
        for name in KeyName:
            await keys._made_ready(name)
        return keys

    async def close(self) -> None:
        """Let go of the connections."""
        self._cache.forget()
        await self.threads.run(self.client.close)

    async def encrypt(self, name: KeyName, plain: bytes, context: Context) -> bytes:
        if len(plain) > PLAIN_BYTES_MAX:
            raise TooLong
        number, key_id = await self._current(name)
        made = await self._ask(
            lambda: self.client.generate_data_key(
                KeyId=key_id, KeySpec="AES_256", EncryptionContext=_said(name, number, context)
            )
        )
        content = payload(plain, made["Plaintext"], self.entropy.bytes(SALT_BYTES), name, context)
        return Envelope(name=name, version=number, wrapped=made["CiphertextBlob"], payload=content).written()

    async def decrypt(self, name: KeyName, envelope: bytes, context: Context) -> bytes:
        found = read(envelope)
        key_id = await self._wrapper(name, found)
        mark = sha256(found.version.to_bytes(2, "big") + bound(name, context) + found.wrapped).digest()
        at = self.clock.now()
        data_key = self._cache.get(mark, at)
        if data_key is None:
            data_key = await self._unwrapped(key_id, found, context)
            self._cache.keep(mark, data_key, at)
        return plain(found, data_key, context)

    async def rewrap(self, name: KeyName, envelope: bytes, context: Context) -> bytes:
        found = read(envelope)
        key_id, (number, current) = await self._wrapper(name, found), await self._current(name)
        # The data key goes from one KMS key to the other inside the service: it is not seen here at all.
        made = await self._ask(
            lambda: self.client.re_encrypt(
                CiphertextBlob=found.wrapped,
                SourceKeyId=key_id,
                SourceEncryptionContext=_said(name, found.version, context),
                DestinationKeyId=current,
                DestinationEncryptionContext=_said(name, number, context),
            )
        )
        return found.under(number, made["CiphertextBlob"]).written()

    async def digest(self, name: KeyName, purpose: str, text: str) -> bytes:
        said = purpose.encode()
        message = len(said).to_bytes(2, "big") + said + text.encode()
        if len(message) > SIGNED_BYTES_MAX:
            raise TooLong
        made = await self._ask(
            lambda: self.client.generate_mac(
                Message=message, KeyId=self._alias(name, "index"), MacAlgorithm="HMAC_SHA_256"
            )
        )
        return made["Mac"]

    async def sign(self, message: bytes) -> Signature:
        if len(message) > SIGNED_BYTES_MAX:
            raise TooLong
        number, _ = await self._current(KeyName.AUDIT)
        signed = await self._ask(
            lambda: self.client.sign(
                KeyId=self._signer(number), Message=message, MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"
            )
        )
        return Signature(version=number, public_key=await self._public(number), signature=signed["Signature"])

    async def signers(self) -> Mapping[int, bytes]:
        listed = await self._list(KeyName.AUDIT)
        return {number: await self._public(number) for number in range(1, len(listed) + 1)}

    async def versions(self, name: KeyName) -> Sequence[Version]:
        listed = await self._list(name, anew=True)
        return [
            Version(number=number, state=_state(each, last=number == len(listed)), made_at=each.made_at)
            for number, each in enumerate(listed, start=1)
        ]

    async def rotate(self, name: KeyName) -> Version:
        for _ in range(_ATTEMPTS_MAX):
            number = len(await self._list(name, anew=True)) + 1
            if number > VERSIONS_MAX:
                raise TooLong(f"A key has at most {VERSIONS_MAX} versions.")
            if await self._make(name, number):
                return (await self.versions(name))[number - 1]
        raise KeysUnreachable("Others are rotating this key all the time.")

    async def retire(self, name: KeyName, version: int) -> None:
        listed = await self._list(name, anew=True)
        if not 1 <= version <= len(listed):
            raise NoSuchVersion
        if version == len(listed):
            raise InUse
        if listed[version - 1].retired:
            return
        # The signer of a version of `audit` stays: KMS tells no public key of a key that is being deleted, and what it
        # signed must be verified for as long as the log is kept. Nothing signs by it any more.
        key_id = listed[version - 1].key_id
        await self._ask(lambda: self.client.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=DELETED_AFTER_DAYS))
        self._versions.pop(name, None)
        self._cache.forget()

    async def _made_ready(self, name: KeyName) -> None:
        if not await self._list(name):
            await self._make(name, 1)
        if not await self._known(self._alias(name, "index")):
            await self._under(self._alias(name, "index"), "HMAC_256", "GENERATE_VERIFY_MAC")

    async def _make(self, name: KeyName, number: int) -> bool:
        """Make that version; False when somebody else did meanwhile."""
        # The signer first: a version whose wrapping key is there is whole.
        if name is KeyName.AUDIT:
            await self._under(self._signer(number), "ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
        made = await self._under(self._alias(name, str(number)), "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
        self._versions.pop(name, None)
        return made

    async def _under(self, alias: str, spec: str, usage: str) -> bool:
        """Make a key and give it that alias; False, and no key, when the alias is taken."""
        made = await self._ask(
            lambda: self.client.create_key(
                KeySpec=spec,  # pyright: ignore[reportArgumentType] — one of the names above
                KeyUsage=usage,  # pyright: ignore[reportArgumentType] — one of the names above
                Description=alias,
            )
        )
        key_id = made["KeyMetadata"]["KeyId"]
        try:
            await self.threads.run(lambda: self.client.create_alias(AliasName=alias, TargetKeyId=key_id))
        except ClientError as refused:
            await self._ask(lambda: self.client.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7))
            if _code(refused) == _TAKEN:
                return False
            raise KeysUnreachable(f"The key service refused: {_code(refused)}.") from refused
        return True

    async def _list(self, name: KeyName, *, anew: bool = False) -> list[_Listed]:
        at, known = self.clock.now(), self._versions.get(name)
        if known is not None and not anew and at - known.at < LISTED_FOR:
            return known.listed
        aliases = await self._ask(self._aliases)
        numbered = re.compile(re.escape(self._alias(name, "")) + r"([0-9]+)")
        found = {int(match[1]) for alias in aliases if (match := numbered.fullmatch(alias))}
        listed = [
            await self._described(self._alias(name, str(number))) for number in range(1, max(found, default=0) + 1)
        ]
        self._versions[name] = _Versions(at, listed)
        return listed

    def _aliases(self) -> list[str]:
        pages = self.client.get_paginator("list_aliases").paginate()
        return [alias.get("AliasName", "") for page in pages for alias in page["Aliases"]]

    async def _described(self, alias: str) -> _Listed:
        about = (await self._ask(lambda: self.client.describe_key(KeyId=alias)))["KeyMetadata"]
        made_at = about.get("CreationDate", datetime.fromtimestamp(0, UTC)).astimezone(UTC)
        return _Listed(about["KeyId"], made_at, about.get("KeyState") != "Enabled")

    async def _known(self, alias: str) -> bool:
        return alias in await self._ask(self._aliases)

    async def _current(self, name: KeyName) -> tuple[int, str]:
        listed = await self._list(name)
        return len(listed), listed[-1].key_id

    async def _wrapper(self, name: KeyName, envelope: Envelope) -> str:
        """The KMS key that wrapped it. Raises `EnvelopeRefused`, `KeyRetired`."""
        if envelope.name != name:
            raise EnvelopeRefused
        listed = await self._list(name)
        if envelope.version > len(listed):
            # Somebody else may have rotated since the list was made.
            listed = await self._list(name, anew=True)
        if envelope.version > len(listed):
            raise EnvelopeRefused
        wrapper = listed[envelope.version - 1]
        if wrapper.retired:
            raise KeyRetired
        return wrapper.key_id

    async def _unwrapped(self, key_id: str, envelope: Envelope, context: Context) -> bytes:
        opened = await self._ask(
            lambda: self.client.decrypt(
                CiphertextBlob=envelope.wrapped,
                KeyId=key_id,
                EncryptionContext=_said(envelope.name, envelope.version, context),
            )
        )
        return opened["Plaintext"]

    async def _public(self, number: int) -> bytes:
        found = await self._ask(lambda: self.client.get_public_key(KeyId=self._signer(number)))
        key = load_der_public_key(found["PublicKey"])
        assert isinstance(key, Ed25519PublicKey)
        return key.public_bytes_raw()

    def _alias(self, name: KeyName, of: str) -> str:
        return f"alias/{self.prefix}/{name}/{of}"

    def _signer(self, number: int) -> str:
        return self._alias(KeyName.AUDIT, f"{number}/signer")

    async def _ask(self, call: Callable[[], R]) -> R:
        try:
            return await self.threads.run(call)
        except ClientError as refused:
            code = _code(refused)
            if code in _REFUSED:
                raise EnvelopeRefused from refused
            if code in _RETIRED:
                raise KeyRetired from refused
            raise KeysUnreachable(f"The key service refused: {code}.") from refused
        except BotoCoreError as failed:
            raise KeysUnreachable from failed


def _said(name: KeyName, version: int, context: Context) -> dict[str, str]:
    """The encryption context: whoever unwraps has to say the same."""
    return {"key": name.value, "version": str(version), "owner": context.owner, "purpose": context.purpose}


def _state(listed: _Listed, *, last: bool) -> State:
    if listed.retired:
        return State.RETIRED
    return State.CURRENT if last else State.FORMER


def _code(refused: ClientError) -> str:
    return refused.response.get("Error", {}).get("Code", "")
