"""What must stay secret, kept: account numbers of entries, corrected data, and the very bytes of files.

All of it is encrypted under the key of bank accounts. Bytes of files lie in pieces, each an item of its own, so that
re-wrapping finds them as it finds any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from msgspec.structs import replace

from ecosystem.contexts.ach import keys as places
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.keys import Context, KeyName, Keys
from ecosystem.ports.keys_kept import Enveloped, Kept, wraps
from ecosystem.ports.table import Put, Table

OWNER = "ach"
PIECE_BYTES = 200 * 1024
PIECES_MAX = 400


class ContentDamaged(Unavailable):
    """Pieces of this file are missing."""


class Piece(Enveloped, frozen=True, kw_only=True):
    """A part of a file's bytes. `count` is how many parts it has."""

    entity: ClassVar[str] = "ach-piece"
    named_key: ClassVar[KeyName] = KeyName.BANK_ACCOUNTS

    content_id: str
    number: int
    count: int
    envelope: bytes

    def envelopes(self) -> Mapping[str, Kept]:
        return {"envelope": Kept(piece_context(self.content_id, self.number), self.envelope)}

    def rewrapped(self, envelopes: Mapping[str, bytes]) -> Self:
        return replace(self, envelope=envelopes["envelope"])


def piece_context(content_id: str, number: int) -> Context:
    return Context(OWNER, f"ach file {content_id} piece {number}")


@dataclass(frozen=True, slots=True)
class Vault:
    table: Table
    keys: Keys

    async def sealed(self, plain: bytes, context: Context) -> bytes:
        """The bytes, encrypted; they open in that context alone."""
        return await self.keys.encrypt(KeyName.BANK_ACCOUNTS, plain, context)

    async def opened(self, envelope: bytes, context: Context) -> bytes:
        """What was sealed in that context. Raises `EnvelopeRefused`."""
        return await self.keys.decrypt(KeyName.BANK_ACCOUNTS, envelope, context)

    async def keep(self, content_id: str, content: bytes) -> None:
        """Keep a file's bytes; the same again changes nothing that matters."""
        parts = [content[start : start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES)] or [b""]
        assert len(parts) <= PIECES_MAX
        for number, part in enumerate(parts):
            envelope = await self.sealed(part, piece_context(content_id, number))
            piece = Piece(content_id=content_id, number=number, count=len(parts), envelope=envelope)
            key = places.piece(content_id, number)
            await self.table.transact(Put(key=key, value=piece, index=wraps(piece, f"{content_id}#{number}")))

    async def kept(self, content_id: str) -> bytes:
        """A file's bytes. Raises `ContentDamaged`."""
        made: list[bytes] = []
        for number in range(PIECES_MAX):
            row = await self.table.get(places.piece(content_id, number), Piece)
            if row is None:
                raise ContentDamaged
            made.append(await self.opened(row.value.envelope, piece_context(content_id, number)))
            if row.value.count == len(made):
                break
        return b"".join(made)
