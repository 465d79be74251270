"""How far the processor's own list of our balance has been read for its fees."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from ecosystem.contexts.payouts import keys
from ecosystem.ports.table import Key, Stored


class FeesTaken(Stored, frozen=True, kw_only=True):
    """Every entry made before `until` was looked at, and its fee posted."""

    entity: ClassVar[str] = "fees_taken"

    until: datetime


def fees_place() -> Key:
    """Where that is noted."""
    return keys.fees_taken()
