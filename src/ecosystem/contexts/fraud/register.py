"""Every assessment: found by what it is about, by what waits, by time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from zlib import crc32

from msgspec import Struct

from ecosystem.contexts.fraud import keys
from ecosystem.contexts.fraud.assessments import Assessment, NoSuchAssessment
from ecosystem.contexts.fraud.history import NOTHING, History, Subject
from ecosystem.contexts.fraud.learning import Place
from ecosystem.kernel.actor import Actor
from ecosystem.ports.table import Cursor, Index, Page, Row, Table

PAGE = 200
NEWEST_MAX = 20_000


class Lately(Struct, frozen=True, kw_only=True):
    """A page of cases, and the place to go on before; empty when there are no more."""

    cases: list[Assessment]
    next: str


class _Sample:
    """Every case while they are few; then one in two, in four ..., chosen by their ids."""

    def __init__(self, enough: int) -> None:
        self.kept: list[Assessment] = []
        self._enough, self._one_in = enough, 1

    def add(self, case: Assessment) -> None:
        if self._takes(case):
            self.kept.append(case)
        if len(self.kept) > 2 * self._enough:
            self._one_in *= 2
            self.kept = [each for each in self.kept if self._takes(each)]

    def _takes(self, case: Assessment) -> bool:
        # The shard is made of the same sum's lowest part.
        return crc32(case.subject_id.encode()) // keys.SHARDS % self._one_in == 0


def _place(case: Assessment) -> str:
    return keys.place(case.at, case.subject_id)


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

    async def stopped(self, actor: Actor, *, after: Cursor | None = None, limit: int = 50) -> Page[Assessment]:
        """What was refused, decided or lapsed, the newest first. For operators."""
        actor.must_operate()
        return await self.table.query(
            keys.stopped(), Assessment, index=Index.STATUS, after=after, descending=True, limit=limit
        )

    async def lately(self, actor: Actor, *, before: str = "", limit: int = 50) -> Lately:
        """Everything that waits for nobody, the newest first, from the place of the page before on. For operators."""
        actor.must_operate()
        pages = [
            await self.table.query(
                partition, Assessment, index=Index.STATUS, end=before or None, descending=True, limit=limit + 1
            )
            for partition in self._partitions()
        ]
        found = sorted((each for page in pages for each in page.values), key=_place, reverse=True)
        shown = found[:limit]
        return Lately(cases=shown, next=_place(shown[-1]) if len(found) > limit else "")

    async def newest(self, most: int) -> list[Assessment]:
        """The latest assessments that wait for nobody, the newest first; at most `NEWEST_MAX`."""
        most = min(most, NEWEST_MAX)
        shards = [[each async for each in self._descending(partition, None, most)] for partition in self._partitions()]
        return list(merge(*shards, key=_place, reverse=True))[:most]

    async def sample(self, since: datetime, enough: int) -> list[Assessment]:
        """A random part of what was assessed since then and waits for nobody, spread over all of that time.

        All of it while that is not many more than `enough`; else at least so many, and at most twice as many.
        """
        sample = _Sample(enough)
        async for each in self._descending(keys.stopped(), since):
            sample.add(each)
        for shard in range(keys.SHARDS):
            async for each in self._descending(keys.assessed(shard), since):
                sample.add(each)
            # A shard is a random part: with what was stopped of the same part it stands for all.
            found = [each for each in sample.kept if keys.shard(each.subject_id) <= shard]
            if len(found) >= enough:
                return found
        return sample.kept

    def _partitions(self) -> list[str]:
        return [keys.stopped(), *(keys.assessed(shard) for shard in range(keys.SHARDS))]

    async def _descending(
        self, partition: str, since: datetime | None, most: int | None = None
    ) -> AsyncIterator[Assessment]:
        after: Cursor | None = None
        left = most
        while left is None or left > 0:
            page = await self.table.query(
                partition,
                Assessment,
                index=Index.STATUS,
                start=keys.place(since) if since else None,
                after=after,
                descending=True,
                limit=PAGE if left is None else min(PAGE, left),
            )
            for each in page.values:
                yield each
            left = None if left is None else left - len(page.rows)
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
