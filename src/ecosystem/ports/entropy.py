"""Randomness that cannot be guessed, and ids made from it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ecosystem.kernel import ids


class Entropy(Protocol):
    def bytes(self, count: int) -> bytes:
        """That many random bytes, fit for secrets."""
        ...


def mint(prefix: str, at: datetime, entropy: Entropy) -> str:
    """A new id of that kind, ordered by `at`."""
    return ids.make(prefix, at, entropy.bytes(ids.RANDOM_BYTES))
