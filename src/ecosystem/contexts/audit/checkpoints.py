"""Checkpoints: what the log was at a size, as a signed note (C2SP tlog-checkpoint and signed-note, v1).

    <origin>
    <size>
    <root, base64>
    <instant>

    — <origin> <base64 of four bytes of the key's id and the signature>

The key's id is the beginning of SHA-256 over the origin, a line feed, 0x01 and the Ed25519 public key.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import Struct

from ecosystem.contexts.audit.merkle import HASH_BYTES
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import sortable
from ecosystem.ports.keys import KeyName, Keys
from ecosystem.ports.signing import Signatures

_ED25519 = b"\x01"
_ID_BYTES = 4
_SIGNATURE_BYTES = 64
NOTE_LENGTH_MAX = 4096
OVERLAP = timedelta(minutes=5)
"""A key may sign so long after the next one was made: clocks differ, and a list of versions is believed for a while."""


class Unsigned(Invalid):
    """This is no signed checkpoint of this log."""


class Statement(Struct, frozen=True, kw_only=True):
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes
    at: str = ""


class Signer(Struct, frozen=True, kw_only=True):
    """A key that may have signed, from `since` until `until`; None where nobody says."""

    public_key: bytes
    since: datetime | None = None
    until: datetime | None = None

    def served(self, at: datetime) -> bool:
        """Whether it was the one to sign with then."""
        return (self.since is None or at >= self.since - OVERLAP) and (self.until is None or at <= self.until + OVERLAP)


class Marked(Struct, frozen=True, kw_only=True):
    """A checkpoint that one of the trusted keys signed: what it says, when it says that was, and which key it was."""

    statement: Statement
    at: datetime
    signer: int


class Note(Struct, frozen=True, kw_only=True):
    """A checkpoint's text, and its signatures as name, key id and signature."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]


def key_id(origin: str, public_key: bytes) -> bytes:
    return sha256(origin.encode() + b"\n" + _ED25519 + public_key).digest()[:_ID_BYTES]


def verifier_key(origin: str, public_key: bytes) -> str:
    """The key as those write it who verify signed notes: origin, id, and the key, joined by plus signs."""
    return f"{origin}+{key_id(origin, public_key).hex()}+{b64encode(_ED25519 + public_key).decode()}"


def public_key_of(verifier: str) -> tuple[str, bytes]:
    """Origin and public key of a verifier key. Raises `Invalid`."""
    parts = verifier.strip().split("+", 2)
    try:
        raw = b64decode(parts[-1], validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(parts) == 3 and len(raw) == 1 + HASH_BYTES and raw[:1] == _ED25519:
        origin, name, _ = parts
        if key_id(origin, raw[1:]).hex() == name:
            return origin, raw[1:]
    raise Invalid("A verifier key is like origin+0a1b2c3d+AbC...=.", field="key")


def text(origin: str, size: int, root: bytes, at: datetime) -> str:
    """What is signed."""
    return f"{origin}\n{size}\n{b64encode(root).decode()}\n{sortable(at)}\n"


async def signed(origin: str, size: int, root: bytes, at: datetime, signer: Keys) -> tuple[str, bytes]:
    """The note, and the public key that it can be verified with."""
    said = text(origin, size, root, at)
    mark = await signer.sign(said.encode())
    line = b64encode(key_id(origin, mark.public_key) + mark.signature).decode()
    return f"{said}\n— {origin} {line}\n", mark.public_key


def note(written: str) -> Note:
    """The note's two parts. Raises `Unsigned`."""
    said, separator, below = written.partition("\n\n")
    if len(written) > NOTE_LENGTH_MAX or not separator or not below.endswith("\n"):
        raise Unsigned
    marks: list[tuple[str, bytes, bytes]] = []
    for line in below[:-1].split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "—":
            raise Unsigned
        try:
            raw = b64decode(parts[2], validate=True)
        except (binascii.Error, ValueError) as malformed:
            raise Unsigned from malformed
        if len(raw) <= _ID_BYTES:
            raise Unsigned
        marks.append((parts[1], raw[:_ID_BYTES], raw[_ID_BYTES:]))
    return Note(text=f"{said}\n", signatures=tuple(marks))


def statement(read: Note) -> Statement:
    """What the note says, whoever signed it. Raises `Unsigned`."""
    lines = read.text.split("\n")
    if len(lines) < 4 or lines[-1] or not lines[0]:
        raise Unsigned
    size = lines[1]
    if not (size.isascii() and size.isdigit() and len(size) <= 20) or (size != "0" and size.startswith("0")):
        raise Unsigned
    try:
        root = b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError) as malformed:
        raise Unsigned from malformed
    if len(root) != HASH_BYTES:
        raise Unsigned
    return Statement(origin=lines[0], size=int(size), root=root, at=lines[3])


def verified(written: str, origin: str, trusted: Sequence[Signer], signatures: Signatures) -> Marked:
    """What the note says, when it is of this log and one of these keys signed it in its time. Raises `Unsigned`."""
    read = note(written)
    said = statement(read)
    if said.origin != origin:
        raise Unsigned(f"That is a checkpoint of {said.origin}, not of {origin}.")
    at = _instant(said.at)
    for name, key_name, mark in read.signatures:
        for place, signer in enumerate(trusted):
            if (
                name == origin
                and key_name == key_id(origin, signer.public_key)
                and len(mark) == _SIGNATURE_BYTES
                and signatures.verifies(signer.public_key, read.text.encode(), mark)
            ):
                if not signer.served(at):
                    raise Unsigned(f"It says that it was signed at {said.at}, when that key did not sign.")
                return Marked(statement=said, at=at, signer=place)
    raise Unsigned("None of the keys that are trusted signed this checkpoint.")


async def signers(keys: Keys) -> tuple[Signer, ...]:
    """Every key that has signed or signs, oldest first, each with its time: it ends when the next one is made."""
    made = {version.number: version.made_at for version in await keys.versions(KeyName.AUDIT)}
    return tuple(
        Signer(public_key=public_key, since=made.get(number) if number > 1 else None, until=made.get(number + 1))
        for number, public_key in sorted((await keys.signers()).items())
    )


def _instant(written: str) -> datetime:
    """The instant of a checkpoint, as it is written there. Raises `Unsigned`."""
    try:
        at = datetime.fromisoformat(written)
        if sortable(at) == written:
            return at
    except (ValueError, Invalid):
        pass
    raise Unsigned("It does not say when it was signed.")
