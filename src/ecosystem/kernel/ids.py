"""Ids are prefixed and time-ordered: `bkg_01kag2m8...`. The caller mints the id of what it asks for.

Twenty-six characters of Crockford's base 32: 48 bits of milliseconds since 1970, then 80 random bits (the layout of a
ULID, lower case). The id of a request is its idempotency key.
"""

from __future__ import annotations

import re
from datetime import datetime

from ecosystem.kernel.refusals import Invalid

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
RANDOM_BYTES = 10
_ID = re.compile(r"[a-z]{2,5}_[0-9a-hjkmnp-tv-z]{26}")


def make(prefix: str, at: datetime, random: bytes) -> str:
    """An id of that kind: `prefix`, the instant to the millisecond, and ten random bytes."""
    assert len(random) == RANDOM_BYTES
    number = (int(at.timestamp() * 1000) << 80) | int.from_bytes(random)
    return f"{prefix}_" + "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def check(prefix: str, text: str, *, field: str | None = None) -> str:
    """The text, if it is an id of that kind. Raises `Invalid` otherwise: ids come from outside."""
    if not (_ID.fullmatch(text) and text.startswith(f"{prefix}_")):
        raise Invalid(f"That is not an id such as {prefix}_01kag2m8xw...", field=field or f"{prefix}_id")
    return text
