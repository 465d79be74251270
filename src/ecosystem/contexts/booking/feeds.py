"""Calendar feeds: which address of a feed holds now. A renewed one makes all former addresses void."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from ecosystem.contexts.booking import keys
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Put, Stored, Table

FIRST_ADDRESS = 1


class Feed(Stored, frozen=True, kw_only=True):
    """The feed of a customer or a provider, once its address was renewed; `address` counts how often."""

    entity: ClassVar[str] = "calendar_feed"

    owner_id: str
    address: int
    renewed_at: datetime


@dataclass(frozen=True, slots=True)
class Feeds:
    """Knows the present address of each feed. Who may renew it is for the journey to know."""

    table: Table
    clock: Clock

    async def address(self, owner_id: str) -> int:
        """The number of the address that holds now."""
        row = await self.table.get(keys.feed(owner_id), Feed)
        return row.value.address if row else FIRST_ADDRESS

    async def renew(self, owner_id: str) -> int:
        """Make the former addresses void, and give the number of the new one. Raises `Stale`."""
        key = keys.feed(owner_id)
        row = await self.table.get(key, Feed)
        feed = Feed(
            owner_id=owner_id,
            address=(row.value.address if row else FIRST_ADDRESS) + 1,
            renewed_at=self.clock.now(),
        )
        await self.table.transact(Put(key=key, value=feed, expected=row.unchanged if row else ABSENT))
        return feed.address
