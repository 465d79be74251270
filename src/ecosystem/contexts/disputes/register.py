"""Every dispute: found by booking, by state, by what is due; and the writes of a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ecosystem.contexts.disputes import keys
from ecosystem.contexts.disputes.disputes import OVER, Dispute, NoSuchDispute, State
from ecosystem.contexts.disputes.events import DisputeFact
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.bus import announce
from ecosystem.ports.table import ABSENT, Cursor, Index, Key, Page, Put, Row, Stale, Table, Write

OF_BOOKING_MAX = 50
PIECE = 100
DUE_MAX = 2_000
"""Due ones that are looked at together. Those that are stuck come first: they must leave others their turn."""


class DisputeChanged(Stale):
    """The dispute changed meanwhile: read it again."""


@dataclass(frozen=True, slots=True)
class Disputes:
    """Finds disputes. What changes them is decided in `disputes.py` and `chargebacks.py`, and committed by journeys."""

    table: Table

    async def row(self, booking_id: str, dispute_id: str) -> Row[Dispute]:
        """The dispute. Raises `NoSuchDispute`."""
        row = await self.find(booking_id, dispute_id)
        if row is None:
            raise NoSuchDispute
        return row

    async def find(self, booking_id: str, dispute_id: str) -> Row[Dispute] | None:
        return await self.table.get(keys.dispute(booking_id, dispute_id), Dispute)

    async def of_booking(self, booking_id: str) -> list[Dispute]:
        """The disputes of a booking, oldest first."""
        page = await self.table.query(keys.booking(booking_id), Dispute, prefix=keys.DISPUTES, limit=OF_BOOKING_MAX)
        return sorted(page.values, key=lambda each: each.opened_at)

    async def named(self, dispute_id: str, actor: Actor) -> Dispute:
        """The dispute by its id alone, for operators. From an index: a moment behind. Raises `NoSuchDispute`."""
        actor.must_operate()
        key = keys.by_id(dispute_id)
        page = await self.table.query(key.partition, Dispute, index=Index.SLUG, limit=1)
        if not page.rows:
            raise NoSuchDispute
        return page.values[0]

    async def in_state(
        self, state: State, actor: Actor, *, after: Cursor | None = None, limit: int = 50
    ) -> Page[Dispute]:
        """Disputes in a state: those whose time runs out first; those that are over, the latest first. For operators."""
        actor.must_operate()
        return await self.table.query(
            keys.state(state), Dispute, index=Index.STATUS, after=after, descending=state in OVER, limit=limit
        )

    async def awaiting(self, state: State, most: int = DUE_MAX) -> Sequence[Dispute]:
        """The disputes in a state, those whose time runs out first: at most so many."""
        found: list[Dispute] = []
        cursor: Cursor | None = None
        while len(found) < most:
            page = await self.table.query(
                keys.state(state), Dispute, index=Index.STATUS, after=cursor, limit=min(PIECE, most - len(found))
            )
            found += page.values
            cursor = page.next
            if cursor is None:
                break
        return found

    async def due(self, state: State, at: datetime, most: int = DUE_MAX) -> Sequence[Dispute]:
        """Disputes in a state whose next thing is due, candidates for the sweep: those that are stuck among them."""
        found: list[Dispute] = []
        cursor: Cursor | None = None
        while len(found) < most:
            page = await self.table.query(
                keys.state(state),
                Dispute,
                index=Index.STATUS,
                end=keys.due(at, "~"),
                after=cursor,
                limit=min(PIECE, most - len(found)),
            )
            found += page.values
            cursor = page.next
            if cursor is None:
                break
        return [dispute for dispute in found if dispute.due_at is not None]


def made(dispute: Dispute, fact: DisputeFact | None, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a new dispute. `IdReused` when the id is taken: then load it and ask `to`."""
    put = Put(
        key=keys.dispute(dispute.booking_id, dispute.dispute_id),
        value=dispute,
        index=index(dispute),
        expected=ABSENT,
        otherwise=IdReused(field="dispute_id"),
    )
    return [put, *_told(dispute, fact, 1, None, actor, at)]


def becomes(row: Row[Dispute], after: Dispute, fact: DisputeFact | None, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a dispute's change; none when nothing changed."""
    if after == row.value:
        return []
    put = Put(key=row.key, value=after, index=index(after), expected=row.unchanged, otherwise=DisputeChanged())
    return [put, *_told(after, fact, row.version + 1, row.value.state, actor, at)]


def index(dispute: Dispute) -> dict[Index, Key]:
    """Where the dispute is found: by its id, and by its state and what is due in it."""
    place = keys.due(dispute.due_at or dispute.changed_at, dispute.dispute_id)
    return {Index.SLUG: keys.by_id(dispute.dispute_id), Index.STATUS: Key(keys.state(dispute.state), place)}


def _told(
    dispute: Dispute, fact: DisputeFact | None, version: int, was: State | None, actor: Actor, at: datetime
) -> list[Write]:
    if fact is None:
        return []
    previous = {"state": was.value} if was else None
    timeline = keys.timeline(dispute.dispute_id)
    return [announce(fact, aggregate=timeline, sequence=version, actor=actor, at=at, previous=previous)]
