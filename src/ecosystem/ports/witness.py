"""Where checkpoints of the audit log are kept besides the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ecosystem.kernel.refusals import Unavailable


class WitnessLost(Unavailable):
    """The witness file cannot be written or read."""


class Witness(Protocol):
    """Keeps checkpoints where whoever changes the log cannot change them: appended, never rewritten."""

    async def append(self, *notes: str) -> None:
        """Keep the notes behind all others, in that order; on return they are on disk. Raises `WitnessLost`."""
        ...

    async def notes(self) -> Sequence[str]:
        """All notes kept, oldest first; none when there is no file yet. Raises `WitnessLost`."""
        ...

    async def last(self) -> str | None:
        """The note kept last. Raises `WitnessLost`."""
        ...
