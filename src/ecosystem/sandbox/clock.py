"""The processor's clock: the machine's, or one that stands at an instant until it is moved.

A platform that lives a history faster than it would happen moves the clock along with its own. Where it stands is kept
by who moves it, in a file that is read at the start: a processor that was ended meanwhile goes on at the same instant.
"""

from __future__ import annotations

import time
from pathlib import Path


class StandingClock:
    """Unix time, when called."""

    def __init__(self, at: float | None = None) -> None:
        self._at = at

    @classmethod
    def kept(cls, path: Path | None) -> StandingClock:
        """A clock that stands where the file says, if there is one."""
        return cls(float(path.read_text()) if path is not None and path.exists() else None)

    def __call__(self) -> float:
        return time.time() if self._at is None else self._at

    def move(self, at: float | None) -> None:
        """Stand at that instant; None goes with the machine's time again."""
        self._at = at
