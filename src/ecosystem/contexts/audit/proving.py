"""A proof that one act is in the log, as one file that anyone checks without us: entry, path, checkpoint, content."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from ecosystem.contexts.audit.checkpoints import Signer, Statement, public_key_of, verified
from ecosystem.contexts.audit.entries import Entry, commitment, entry
from ecosystem.contexts.audit.merkle import leaf_hash
from ecosystem.contexts.audit.proofs import PROOF_MAX, includes
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.signing import Signatures

FORMAT = "ecosystem-audit-proof-v1"
FILE_BYTES_MAX = 1024 * 1024


class NotProven(Invalid):
    """This proof shows nothing: it is incomplete, was changed, or is of another log."""


class Opening(Struct, frozen=True, kw_only=True):
    """What was committed to, and the key that shows it: of this one entry, good for no other."""

    key: str
    content: str


class Proof(Struct, frozen=True, kw_only=True):
    """`leaf` is the entry's JSON, byte for byte; `path` its audit path, base64, the leaf's neighbour first.

    `checkpoint` is the signed note the path leads to, `verifier_key` the key that signed it: compare it with one that
    was had from elsewhere. `opening` is left out when a person it names was erased.
    """

    format: str
    index: int
    size: int
    leaf: str
    path: Sequence[str]
    checkpoint: str
    verifier_key: str
    opening: Opening | None = None


class Proven(Struct, frozen=True, kw_only=True):
    """What a proof shows: the entry, the checkpoint, and whether its content was opened and fits."""

    index: int
    entry: Entry
    statement: Statement
    verifier_key: str
    content: str | None = None


_decoder = msgspec.json.Decoder(Proof)


def written(proof: Proof) -> bytes:
    return msgspec.json.format(msgspec.json.encode(proof), indent=2) + b"\n"


def read(file: bytes) -> Proof:
    """The proof in the file. Raises `NotProven`."""
    if len(file) > FILE_BYTES_MAX:
        raise NotProven("A proof is a small file; this one is not.")
    try:
        return _decoder.decode(file)
    except (msgspec.MsgspecError, ValueError, RecursionError) as unread:
        raise NotProven(f"This is no proof: {unread}.") from unread


def checked(proof: Proof, signatures: Signatures, *, trusted: str = "") -> Proven:
    """What the proof shows. `trusted` is a verifier key had from elsewhere; left out, the proof's own is taken.

    Raises `NotProven` naming what does not hold.
    """
    if proof.format != FORMAT:
        raise NotProven(f"This is no proof of the format {FORMAT}.")
    verifier = trusted or proof.verifier_key
    try:
        origin, public_key = public_key_of(verifier)
        statement = verified(proof.checkpoint, origin, (Signer(public_key=public_key),), signatures).statement
        said = entry(proof.leaf.encode())
        path = [b64decode(step, validate=True) for step in proof.path[: PROOF_MAX + 1]]
        hashed = leaf_hash(proof.leaf.encode())
    except Invalid as wrong:
        raise NotProven(wrong.message) from wrong
    except (binascii.Error, msgspec.MsgspecError, ValueError) as malformed:
        raise NotProven from malformed
    if statement.size != proof.size or not includes(hashed, proof.index, proof.size, statement.root, path):
        raise NotProven("The entry is not in the log that the checkpoint is of.")
    content: str | None = None
    if proof.opening is not None:
        try:
            key = urlsafe_b64decode(proof.opening.key)
        except (binascii.Error, ValueError) as malformed:
            raise NotProven from malformed
        if commitment(key, proof.opening.content.encode()) != said.commitment:
            raise NotProven("The content is not what the entry commits to.")
        content = proof.opening.content
    return Proven(index=proof.index, entry=said, statement=statement, verifier_key=verifier, content=content)


def encoded(path: Sequence[bytes]) -> list[str]:
    return [b64encode(step).decode() for step in path]
