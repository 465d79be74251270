"""Secrets that go out by mail, as a link and as a code, of which only what recognises them is kept.

The link holds 256 random bits, so a plain hash hides it. The code has six digits for people who read the mail on
another device; it is kept as a keyed digest, and attempts at it are counted.
"""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.secrets import Seal, Untold

_SECRET_BYTES = 32
_CODE_DIGITS = 6


class LinkRefused(Invalid):
    """That link or code is not valid: it was used, has expired, or was replaced by a later one."""


class Kept(Struct, frozen=True):
    """What recognises a mailed secret."""

    link: bytes
    code: bytes


class Mailed(Untold, frozen=True):
    """A secret as it is mailed: `token` goes into the link, `code` is read and typed."""

    token: str
    code: str


def mailed_secret(purpose: str, user_id: str, entropy: Entropy, seal: Seal) -> tuple[Mailed, Kept]:
    """A new secret for that purpose and person: what to mail, and what to keep of it."""
    secret = base64.urlsafe_b64encode(entropy.bytes(_SECRET_BYTES)).rstrip(b"=").decode()
    # The remainder's bias over 64 random bits is below one in ten million million.
    code = f"{int.from_bytes(entropy.bytes(8)) % 10**_CODE_DIGITS:0{_CODE_DIGITS}d}"
    kept = Kept(link=sha256(secret.encode()).digest(), code=_code_digest(purpose, user_id, code, seal))
    return Mailed(token=f"{user_id}.{secret}", code=code), kept


def of_whom(token: str) -> str:
    """The person a link's token is for, unproven. Raises `LinkRefused`."""
    user_id, dot, secret = token.partition(".")
    if not (dot and secret and user_id.startswith("usr_") and len(token) <= 128 and token.isascii()):
        raise LinkRefused
    return user_id


def link_matches(kept: Kept, token: str) -> bool:
    return hmac.compare_digest(kept.link, sha256(token.partition(".")[2].encode()).digest())


def code_matches(kept: Kept, purpose: str, user_id: str, code: str, seal: Seal) -> bool:
    return hmac.compare_digest(kept.code, _code_digest(purpose, user_id, "".join(code.split())[:32], seal))


def _code_digest(purpose: str, user_id: str, code: str, seal: Seal) -> bytes:
    return seal.digest(f"{purpose}-code", f"{user_id}:{code}")
