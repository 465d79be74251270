"""How a data folder began: with a demo and which, or empty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from msgspec import Struct

from ecosystem.ports.table import Key, Stored

SEED = 2026
KEY = Key("BEGINNING", "METADATA")


class Beginning(Stored, frozen=True, kw_only=True):
    """How this folder began, and whether that is done: a first start that was interrupted goes on.

    A demo's history reaches from `began_at` to `ends_at`, with so many visits `daily`.
    """

    entity: ClassVar[str] = "beginning"

    demo: bool
    done: bool
    seed: int = SEED
    days: int = 0
    daily: int = 0
    began_at: datetime | None = None
    ends_at: datetime | None = None


class Length(Struct, frozen=True, kw_only=True):
    """How much is lived: days, visits on each of them, and by which chance. `until` is now, unless a test says when."""

    days: int
    daily: int
    seed: int = SEED
    until: datetime | None = None

    def beginning(self) -> Beginning:
        """A beginning at midnight, so many days before the end."""
        ends_at = self.until or datetime.now(UTC)
        first = (ends_at - timedelta(days=self.days)).replace(hour=0, minute=0, second=0, microsecond=0)
        return Beginning(
            demo=True, done=False, seed=self.seed, days=self.days, daily=self.daily, began_at=first, ends_at=ends_at
        )
