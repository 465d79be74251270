"""A backup as one encrypted file, under the named key `backups`.

| bytes | what |
| --- | --- |
| 19 | `ecosystem backup 1` and a line feed |
| 16 | the backup's id, random |
| 2 | n, big-endian: the length of what follows |
| n | an envelope (`docs/keys.md`) of the file's key, 32 random bytes, in the context of that id |
| rest | pieces of a mebibyte, the last one shorter or as long: AES-256-GCM, its tag behind each |

The nonce of a piece is its number in eleven bytes, and 1 in the twelfth if it is the last, 0 if not (the STREAM
construction of Hoang, Reyhanitabar, Rogaway and Vizar, CRYPTO 2015): no piece can be left out, moved or added unseen.
Each is authenticated together with the digest of all that stands before the first.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ecosystem.adapters.embedded.table_file import sync_folder
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.keys import Context, KeyName, Keys

MAGIC = b"ecosystem backup 1\n"
PIECE_BYTES = 1024 * 1024
ENVELOPE_BYTES_MAX = 8 * 1024
_TAG_BYTES, _ID_BYTES, _KEY_BYTES = 16, 16, 32


class BackupRefused(Unavailable):
    """This is no encrypted backup of ours, or it was changed, or cut short."""


def is_encrypted(path: Path) -> bool:
    """Whether the file says that it is an encrypted backup."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


async def encrypt(copy: Path, to: Path, keys: Keys, entropy: Entropy) -> None:
    """Write the copy encrypted, and read back what was written before it gets its name."""
    name, key = entropy.bytes(_ID_BYTES), entropy.bytes(_KEY_BYTES)
    envelope = await keys.encrypt(KeyName.BACKUPS, key, _context(name))
    head = MAGIC + name + len(envelope).to_bytes(2, "big") + envelope
    await asyncio.to_thread(_encrypted, copy, to, head, key)


async def decrypt(backup: Path, to: Path, keys: Keys) -> None:
    """Write what the backup holds, all of it or none. Raises `BackupRefused`, `EnvelopeRefused`, `KeyRetired`."""
    head, name, envelope = await asyncio.to_thread(_head, backup)
    key = await keys.decrypt(KeyName.BACKUPS, envelope, _context(name))
    await asyncio.to_thread(_decrypted, backup, to, head, key)


def _encrypted(copy: Path, to: Path, head: bytes, key: bytes) -> None:
    partial = to.with_name(f"{to.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with copy.open("rb") as plain, _made(partial) as file:
            file.write(head)
            taken = sha256()
            for piece in _pieces(plain, head, key, taken.update):
                file.write(piece)
            _settled(file)
        found = sha256()
        for piece in _opened(partial, head, key):
            found.update(piece)
        if found.digest() != taken.digest():
            raise BackupRefused("What was written is not what was read: the disk is not to be trusted.")
        partial.replace(to)
        sync_folder(to.parent)
    finally:
        partial.unlink(missing_ok=True)


def _pieces(plain: BinaryIO, head: bytes, key: bytes, tell: Callable[[bytes], None]) -> Iterator[bytes]:
    cipher, bound, number = AESGCM(key), sha256(head).digest(), 0
    piece = plain.read(PIECE_BYTES)
    while True:
        following = plain.read(PIECE_BYTES)
        tell(piece)
        yield cipher.encrypt(_nonce(number, last=not following), piece, bound)
        if not following:
            return
        piece, number = following, number + 1


def _decrypted(backup: Path, to: Path, head: bytes, key: bytes) -> None:
    is_whole = False
    try:
        with _made(to) as file:
            for piece in _opened(backup, head, key):
                file.write(piece)
            _settled(file)
        is_whole = True
    finally:
        if not is_whole:
            to.unlink(missing_ok=True)


def _opened(backup: Path, head: bytes, key: bytes) -> Iterator[bytes]:
    """The pieces in clear, each once it is known to be the one that was written there."""
    cipher, bound, number = AESGCM(key), sha256(head).digest(), 0
    with backup.open("rb") as file:
        file.seek(len(head))
        piece = file.read(PIECE_BYTES + _TAG_BYTES)
        while True:
            following = file.read(PIECE_BYTES + _TAG_BYTES)
            try:
                yield cipher.decrypt(_nonce(number, last=not following), piece, bound)
            except (InvalidTag, ValueError) as broken:
                raise BackupRefused from broken
            if not following:
                return
            piece, number = following, number + 1


def _head(backup: Path) -> tuple[bytes, bytes, bytes]:
    """All before the first piece; of it the id and the envelope."""
    with backup.open("rb") as file:
        start = file.read(len(MAGIC) + _ID_BYTES + 2)
        size = int.from_bytes(start[-2:], "big")
        if len(start) != len(MAGIC) + _ID_BYTES + 2 or not start.startswith(MAGIC) or size > ENVELOPE_BYTES_MAX:
            raise BackupRefused
        envelope = file.read(size)
    return start + envelope, start[len(MAGIC) : -2], envelope


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _context(name: bytes) -> Context:
    return Context("deployment", f"backup {name.hex()}")


def _made(path: Path) -> BinaryIO:
    """A new file for its owner alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _settled(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
