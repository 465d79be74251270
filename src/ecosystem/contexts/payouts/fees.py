"""How far the processor's own list of our balance has been read for its fees."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from ecosystem.contexts.payouts import keys
from ecosystem.ports.table import Key, Stored


class FeesTaken(Stored, frozen=True, kw_only=True):
    """Every entry made before `until` was looked at, and its fee posted.

    Of those made from then on until `reading`, newest first, the entries as far as `after` were too.
    """

    entity: ClassVar[str] = "fees_taken"

    until: datetime
    reading: datetime | None = None
    after: str | None = None


def fees_place() -> Key:
    """Where that is noted."""
    return keys.fees_taken()
