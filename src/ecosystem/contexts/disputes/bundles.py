"""Bundles of evidence: what is known of each version, and its very bytes, which may have to be shown years later.

The bytes are people's words and names: they lie encrypted under the key of personal data, in pieces by their hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import ClassVar, Self

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.disputes import keys as places
from ecosystem.kernel.refusals import Invalid, NotFound, Unavailable
from ecosystem.ports.keys import Context, KeyName, Keys
from ecosystem.ports.keys_kept import Enveloped, Kept, wraps
from ecosystem.ports.table import Put, Table

PIECE_BYTES = 200 * 1024
PIECES_MAX = 60
FILE_BYTES_MAX = 5_000_000
"""What the card processor takes for a file of evidence."""


class NoSuchBundle(NotFound):
    """No such evidence was assembled."""


class BundleTooLarge(Invalid):
    """That is more evidence than the card processor takes: 5 MB a file."""


class BundleDamaged(Unavailable):
    """The bytes of this evidence are not those that were kept."""


class Bundle(Struct, frozen=True, kw_only=True):
    """One version of the evidence. `sha256` is of the file, `pdf_sha256` of the paper in it, in hex.

    `case_sha256` is of what it tells: while that is the same there is no other version. `proofs` is how many acts in it
    are proven by the audit log.
    """

    version: int
    case_sha256: str
    sha256: str
    pdf_sha256: str
    size_bytes: int
    proofs: int
    made_by: str
    made_at: datetime


class SubmissionState(StrEnum):
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"


class Submission(Struct, frozen=True, kw_only=True):
    """The evidence on its way to the customer's bank: which version, with which words, and what became of it."""

    version: int
    note: str
    by: str
    intended_at: datetime
    state: SubmissionState
    settled_at: datetime | None = None
    reason: str = ""


class BundlePiece(Enveloped, frozen=True, kw_only=True):
    """A part of a bundle's bytes. `count` is how many parts it has."""

    entity: ClassVar[str] = "evidence-piece"
    named_key: ClassVar[KeyName] = KeyName.PERSONAL_DATA

    dispute_id: str
    sha256: str
    number: int
    count: int
    envelope: bytes

    def envelopes(self) -> Mapping[str, Kept]:
        return {"envelope": Kept(_context(self.dispute_id, self.sha256, self.number), self.envelope)}

    def rewrapped(self, envelopes: Mapping[str, bytes]) -> Self:
        return replace(self, envelope=envelopes["envelope"])


@dataclass(frozen=True, slots=True)
class Bundles:
    table: Table
    keys: Keys

    async def keep(self, dispute_id: str, content: bytes) -> str:
        """Keep a bundle's bytes: their hash. The same again changes nothing that matters. Raises `BundleTooLarge`."""
        digest = sha256(content).hexdigest()
        parts = [content[start : start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES)]
        if len(parts) > PIECES_MAX:
            raise BundleTooLarge
        for number, part in enumerate(parts):
            context = _context(dispute_id, digest, number)
            piece = BundlePiece(
                dispute_id=dispute_id,
                sha256=digest,
                number=number,
                count=len(parts),
                envelope=await self.keys.encrypt(KeyName.PERSONAL_DATA, part, context),
            )
            key = places.piece(dispute_id, digest, number)
            await self.table.transact(Put(key=key, value=piece, index=wraps(piece, f"{dispute_id}#{digest}#{number}")))
        return digest

    async def content(self, dispute_id: str, bundle: Bundle) -> bytes:
        """The very bytes that were kept. Raises `BundleDamaged`."""
        made: list[bytes] = []
        for number in range(PIECES_MAX):
            row = await self.table.get(places.piece(dispute_id, bundle.sha256, number), BundlePiece)
            if row is None:
                raise BundleDamaged
            context = _context(dispute_id, bundle.sha256, number)
            made.append(await self.keys.decrypt(KeyName.PERSONAL_DATA, row.value.envelope, context))
            if row.value.count == len(made):
                break
        content = b"".join(made)
        if sha256(content).hexdigest() != bundle.sha256:
            raise BundleDamaged
        return content


def _context(dispute_id: str, digest: str, number: int) -> Context:
    return Context(dispute_id, f"evidence {digest} piece {number}")
