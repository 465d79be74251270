"""Ids are prefixed and time-ordered: `bkg_01kag2m8...`. The caller mints the id of what it asks for.

Twenty-six characters of Crockford's base 32: 48 bits of milliseconds since 1970, then 80 random bits (the layout of a
ULID, lower case). The id of a request is its idempotency key.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

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


def made_at(text: str) -> datetime | None:
    """When the id was made, to the millisecond, as it says itself; None for what is no id of ours."""
    if not _ID.fullmatch(text):
        return None
    number = 0
    for letter in text.partition("_")[2][:10]:
        number = number << 5 | _ALPHABET.index(letter)
    # Twenty-six letters hold 130 bits, two more than an id has: the first ten letters are the 48 bits of the instant.
    return datetime.fromtimestamp(number / 1000, UTC)


def check(prefix: str, text: str, *, field: str | None = None) -> str:
    """The text, if it is an id of that kind. Raises `Invalid` otherwise: ids come from outside."""
    if not (_ID.fullmatch(text) and text.startswith(f"{prefix}_")):
        raise Invalid(f"That is not an id such as {prefix}_01kag2m8xw...", field=field or f"{prefix}_id")
    return text
