"""Entries of the log: what a leaf says, and what of an item makes one.

A leaf is JSON in one fixed order. It names people by pseudonyms alone, and commits to the item's content by a keyed
digest: whoever has the key of that one entry can show that the item is what was entered; without it nothing can be
guessed from the leaf.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from ecosystem.ports.table import Change

VERSION = 1
PSEUDONYM_LENGTH = 22
PERSON = re.compile(r"\b(?:usr|gst|prv)_[0-9A-Za-z]+")
"""Ids of people, and of providers, who may be one."""

PSEUDONYM = re.compile(r"p~[0-9A-Za-z_-]{22}")


class Candidate(Struct, frozen=True, kw_only=True):
    """What an item says for the log, with people by their own ids. `content` is its canonical form."""

    at: datetime
    kind: str
    type: str
    item_id: str
    subject: str = ""
    actor: str = ""
    impersonator: str = ""
    content: bytes


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A leaf. `impersonator` acted as `actor`; `commitment` is of the item's content."""

    v: int
    at: datetime
    kind: str
    type: str
    id: str
    subject: str = ""
    actor: str = ""
    impersonator: str = ""
    commitment: str

    def encoded(self) -> bytes:
        return _encoder.encode(self)

    @property
    def pseudonyms(self) -> set[str]:
        """Everybody it names."""
        return {
            found
            for text in (self.id, self.subject, self.actor, self.impersonator)
            for found in PSEUDONYM.findall(text)
        }


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)
_canonical = msgspec.json.Encoder(order="deterministic")

CandidateReader = Callable[[Change], Candidate | None]
"""What a change brings for the log; None for most."""


def entry(leaf: bytes) -> Entry:
    """The leaf as what it says. Raises `msgspec.MsgspecError`."""
    return _decoder.decode(leaf)


def canonical(fields: Mapping[str, object]) -> bytes:
    """The fields in the one form that is committed to: JSON with sorted names."""
    return _canonical.encode(fields)


def persons(candidate: Candidate) -> set[str]:
    """Everybody the entry will name."""
    found: set[str] = set()
    for text in (candidate.item_id, candidate.subject, candidate.actor, candidate.impersonator):
        if "_" in text:
            found.update(PERSON.findall(text))
    return found


def pseudonym(salt: bytes) -> str:
    """The name under which the log knows whose salt this is."""
    return "p~" + urlsafe_b64encode(hmac.digest(salt, b"pseudonym", sha256))[:PSEUDONYM_LENGTH].decode()


def blinded(text: str, names: Mapping[str, str]) -> str:
    """The text with every person by their pseudonym."""
    return PERSON.sub(lambda found: names[found[0]], text) if names else text


def opening(log_salt: bytes, salts: Mapping[str, bytes], candidate: Candidate) -> bytes:
    """The key that opens this one entry's commitment: from the log's salt, and those of everybody it names."""
    mixed = b"".join(salts[person] for person in sorted(salts))
    return hmac.digest(log_salt, b"commitment\0" + mixed + candidate.item_id.encode(), sha256)


def commitment(key: bytes, content: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(key, content, sha256))[:43].decode()


def entered(candidate: Candidate, log_salt: bytes, salts: Mapping[str, bytes], names: Mapping[str, str]) -> Entry:
    """The entry that the candidate makes; `salts` and `names` are those of everybody it names."""
    return Entry(
        v=VERSION,
        at=candidate.at,
        kind=candidate.kind,
        type=candidate.type,
        id=blinded(candidate.item_id, names),
        subject=blinded(candidate.subject, names),
        actor=blinded(candidate.actor, names),
        impersonator=blinded(candidate.impersonator, names),
        commitment=commitment(opening(log_salt, salts, candidate), candidate.content),
    )
