"""Randomness: the system's, and a repeatable one for tests and simulations."""

from __future__ import annotations

import os
import random


class SystemEntropy:
    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


class SeededEntropy:
    """The same bytes for the same seed. Never for secrets."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 — repeatable on purpose

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)
