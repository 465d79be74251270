"""Comparisons of what the processor has with what its webhooks told: what was missed, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from msgspec import Struct

from ecosystem.contexts.payments import keys
from ecosystem.kernel.actor import Actor
from ecosystem.ports.table import ABSENT, Put, Row, Stored, Table, Write

SHOWN_MAX = 200
"""Misses that one comparison keeps by name; of more it keeps the count."""
KEPT_FOR = timedelta(days=180)


class Missed(Struct, frozen=True, kw_only=True):
    """Something whose webhook never arrived. `kind` is the event's type, or the kind of object that stood differently.

    `trouble` is why it could not be repaired, empty when it was.
    """

    kind: str
    thing_id: str
    trouble: str = ""


class Compared(Stored, frozen=True, kw_only=True):
    """One comparison. It looked at events of `[since, until)`; `count` is all that was missed, `missed` the first of it."""

    entity: ClassVar[str] = "webhook_comparison"

    began_at: datetime
    ended_at: datetime
    since: datetime
    until: datetime
    events: int
    objects: int
    count: int
    missed: tuple[Missed, ...] = ()

    @property
    def left(self) -> int:
        """How many of those named could not be repaired."""
        return sum(bool(each.trouble) for each in self.missed)


class Mark(Stored, frozen=True, kw_only=True):
    """Events before `until` have been compared."""

    entity: ClassVar[str] = "webhook_mark"

    until: datetime


def compared_writes(made: Compared, mark: Row[Mark] | None) -> list[Write]:
    """The writes of a comparison that has ended. What it could not repair is stored, and waits as any event does."""
    return [
        Put(key=keys.comparison(made.began_at), value=made, expires_at=made.ended_at + KEPT_FOR),
        Put(key=keys.webhooks_read(), value=Mark(until=made.until), expected=mark.unchanged if mark else ABSENT),
    ]


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Finds comparisons. They are committed by the journey that makes them."""

    table: Table

    async def mark(self) -> Row[Mark] | None:
        """How far the processor's events were compared; None before the first time."""
        return await self.table.get(keys.webhooks_read(), Mark)

    async def latest(self, actor: Actor, limit: int = 10) -> Sequence[Compared]:
        """Comparisons, the last one first. For operators."""
        actor.must_operate()
        page = await self.table.query(
            keys.webhooks_read().partition, Compared, prefix=keys.COMPARISON, descending=True, limit=limit
        )
        return page.values
