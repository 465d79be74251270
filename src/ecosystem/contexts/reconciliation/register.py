"""Every discrepancy: found by id and by state; and the writes of a change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from ecosystem.contexts.reconciliation import keys
from ecosystem.contexts.reconciliation.discrepancies import Deed, Discrepancy, NoSuchDiscrepancy, State
from ecosystem.contexts.reconciliation.events import (
    DiscrepancyClosed,
    DiscrepancyFact,
    DiscrepancyFound,
    DiscrepancyReopened,
    DiscrepancyRepaired,
    RepairProposed,
)
from ecosystem.kernel.actor import Actor
from ecosystem.ports.bus import announce
from ecosystem.ports.table import ABSENT, Cursor, Index, Key, Page, Put, Row, Stale, Table, Write

PAGE = 500
OPEN_STATES = (State.OPEN, State.PROPOSED, State.ASKED)


class DiscrepancyChanged(Stale):
    """The discrepancy changed meanwhile: read it again."""


@dataclass(frozen=True, slots=True)
class Discrepancies:
    """Finds discrepancies. What changes them is decided in `discrepancies.py` and committed by journeys."""

    table: Table

    async def of(self, discrepancy_id: str, actor: Actor) -> Row[Discrepancy]:
        """The discrepancy, for operators. Raises `NoSuchDiscrepancy`, `Denied`."""
        actor.must_operate()
        return await self.row(discrepancy_id)

    async def row(self, discrepancy_id: str) -> Row[Discrepancy]:
        """The discrepancy. Raises `NoSuchDiscrepancy`."""
        row = await self.find(discrepancy_id)
        if row is None:
            raise NoSuchDiscrepancy
        return row

    async def find(self, discrepancy_id: str) -> Row[Discrepancy] | None:
        return await self.table.get(keys.discrepancy(discrepancy_id), Discrepancy)

    async def in_state(
        self, state: State, actor: Actor, *, after: Cursor | None = None, limit: int = 50
    ) -> Page[Discrepancy]:
        """Discrepancies in a state, the oldest first; closed ones the latest first. For operators."""
        actor.must_operate()
        return await self.table.query(
            keys.in_state(state),
            Discrepancy,
            index=Index.STATUS,
            after=after,
            descending=state is State.CLOSED,
            limit=limit,
        )

    async def all_of(self, *states: State) -> AsyncIterator[Discrepancy]:
        """Every discrepancy in these states."""
        for state in states:
            after: Cursor | None = None
            while True:
                page = await self.table.query(
                    keys.in_state(state), Discrepancy, index=Index.STATUS, after=after, limit=PAGE
                )
                for value in page.values:
                    yield value
                after = page.next
                if after is None:
                    break

    async def mended(self, currency: str) -> AsyncIterator[Discrepancy]:
        """Those for which our books were corrected or reversed, in that currency."""
        after: Cursor | None = None
        while True:
            page = await self.table.query(
                keys.mended(currency), Discrepancy, index=Index.CUSTOMER, after=after, limit=PAGE
            )
            for value in page.values:
                yield value
            after = page.next
            if after is None:
                return


def discrepancy_made(made: Discrepancy, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a new discrepancy."""
    put = Put(
        key=keys.discrepancy(made.discrepancy_id),
        value=made,
        index=_index(made),
        expected=ABSENT,
        otherwise=DiscrepancyChanged(),
    )
    return [put, _told(made, 1, actor, at, DiscrepancyFound)]


def discrepancy_becomes(row: Row[Discrepancy], after: Discrepancy, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a change, with the fact that it is; none when nothing changed."""
    before = row.value
    if after == before:
        return []
    put = Put(key=row.key, value=after, index=_index(after), expected=row.unchanged, otherwise=DiscrepancyChanged())
    deeds = {entry.deed for entry in after.history[len(before.history) :]} or set[Deed]()
    kinds: dict[Deed, type[DiscrepancyFact]] = {
        Deed.REOPENED: DiscrepancyReopened,
        Deed.PROPOSED: RepairProposed,
        Deed.REPAIRED: DiscrepancyRepaired,
        Deed.CLOSED: DiscrepancyClosed,
        Deed.GONE: DiscrepancyClosed,
    }
    return [
        put,
        *(_told(after, row.version + 1, actor, at, kinds[deed], before.state) for deed in kinds if deed in deeds),
    ]


def _told(
    known: Discrepancy,
    sequence: int,
    actor: Actor,
    at: datetime,
    kind: type[DiscrepancyFact],
    was: State | None = None,
) -> Write:
    named = {"discrepancy_id": known.discrepancy_id, "kind": known.kind.value}
    last = known.history[-1]
    if kind is DiscrepancyClosed:
        fact: DiscrepancyFact = DiscrepancyClosed(**named, by_itself=last.deed is Deed.GONE)
    elif kind is RepairProposed:
        fact = RepairProposed(**named, repair=last.text.partition(":")[0])
    elif kind is DiscrepancyRepaired:
        fact = DiscrepancyRepaired(**named, repair=last.text.partition(":")[0])
    else:
        fact = kind(**named)
    timeline, previous = keys.timeline(known.discrepancy_id), {"state": was.value} if was else None
    return announce(fact, aggregate=timeline, sequence=sequence, actor=actor, at=at, previous=previous)


def _index(known: Discrepancy) -> dict[Index, Key]:
    place = f"{known.first_on:%Y-%m-%d}#{known.discrepancy_id}"
    found = {Index.STATUS: Key(keys.in_state(known.state), place)}
    if known.corrected or known.reversed_rows:
        moved = f"{known.moved_on:%Y-%m-%d}#{known.discrepancy_id}"
        found[Index.CUSTOMER] = Key(keys.mended(known.currency), moved)
    return found
