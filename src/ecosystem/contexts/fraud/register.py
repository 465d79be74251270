"""Every assessment: found by what it is about, by what waits, by time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge

from ecosystem.contexts.fraud import keys
from ecosystem.contexts.fraud.assessments import Assessment, NoSuchAssessment
from ecosystem.contexts.fraud.history import NOTHING, History, Subject
from ecosystem.contexts.fraud.learning import Place
from ecosystem.kernel.actor import Actor
from ecosystem.ports.table import Cursor, Index, Page, Row, Table

PAGE = 200
NEWEST_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Assessments:
    """Finds assessments and histories. What changes them is decided beside, and committed by journeys."""

    table: Table

    async def of_checkout(self, booking_id: str, payment_id: str) -> Row[Assessment] | None:
        return await self.table.get(keys.checkout(booking_id, payment_id), Assessment)

    async def of_payout(self, payout_id: str) -> Row[Assessment] | None:
        return await self.table.get(keys.payout(payout_id), Assessment)

    async def case(self, booking_id: str, subject_id: str) -> Row[Assessment]:
        """The assessment of a payment, or with no booking of a payout. Raises `NoSuchAssessment`."""
        found = self.of_checkout(booking_id, subject_id) if booking_id else self.of_payout(subject_id)
        row = await found
        if row is None:
            raise NoSuchAssessment
        return row

    async def of_booking(self, booking_id: str) -> list[Assessment]:
        """What was thought of the payments of a booking, the oldest first."""
        page = await self.table.query(keys.booking(booking_id), Assessment, prefix=keys.THOUGHTS, limit=PAGE)
        return page.values

    async def waiting(self, actor: Actor, *, after: Cursor | None = None, limit: int = 50) -> Page[Assessment]:
        """What waits for a decision, the oldest first. For operators."""
        actor.must_operate()
        return await self.table.query(keys.queue(), Assessment, index=Index.STATUS, after=after, limit=limit)

    async def waiting_since(self, before: datetime, limit: int) -> Sequence[Row[Assessment]]:
        """What has waited for a decision since before that instant, the oldest first."""
        found: list[Row[Assessment]] = []
        after: Cursor | None = None
        while len(found) < limit:
            page = await self.table.query(
                keys.queue(), Assessment, index=Index.STATUS, end=keys.place(before), after=after, limit=PAGE
            )
            found += page.rows
            after = page.next
            if after is None:
                break
        return found[:limit]

    async def newest(self, most: int) -> list[Assessment]:
        """The latest assessments that wait for nobody, the newest first; at most `NEWEST_MAX`."""
        most = min(most, NEWEST_MAX)
        shards = [await self._shard(shard, most) for shard in range(keys.SHARDS)]
        return list(merge(*shards, key=lambda each: each.at, reverse=True))[:most]

    async def _shard(self, shard: int, most: int) -> list[Assessment]:
        return [each async for each in self._descending(keys.assessed(shard), most)]

    async def _descending(self, partition: str, most: int) -> AsyncIterator[Assessment]:
        after: Cursor | None = None
        left = most
        while left > 0:
            page = await self.table.query(
                partition, Assessment, index=Index.STATUS, after=after, descending=True, limit=min(PAGE, left)
            )
            for each in page.values:
                yield each
            left -= len(page.rows)
            after = page.next
            if after is None:
                return

    async def began_at(self) -> datetime | None:
        """How far back the histories reach; None while there are none."""
        row = await self.table.get(keys.place_of_learning(), Place)
        return row.value.began_at if row else None

    async def histories(self, subjects: Sequence[tuple[Subject, str]]) -> dict[Subject, History]:
        """What is remembered of each subject that has a name."""
        named = [(subject, name) for subject, name in subjects if name]
        rows = await self.table.batch_get([keys.history(subject, name) for subject, name in named], History)
        return {subject: row.value if row else NOTHING for (subject, _), row in zip(named, rows, strict=True)}
