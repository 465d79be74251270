"""What time it is."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The instant, aware, in UTC. Never goes back within a process."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once that much time has passed on this clock."""
        ...
