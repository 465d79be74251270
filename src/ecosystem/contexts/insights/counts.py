"""Counts: what the table's changes add up to, exactly once, after the fact.

Nothing that happens writes a figure of its own: a follower reads the changes, and commits the sums together with how
far it has come. If it dies, or runs twice, a change still counts once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from ecosystem.contexts.insights import keys
from ecosystem.contexts.insights.recount import CountReader, Inventory, Sums, add, recount
from ecosystem.kernel.refusals import Conflict, Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Add, Change, ChangesForgotten, Cursor, Put, Row, Stored, Table

log = logging.getLogger(__name__)
KEYS_MAX = 90
"""Items in one commit: with the checkpoint, well below a transaction's limit."""

SKIPPED_MAX = 5_000
"""After so many changes that count nothing, the checkpoint is written all the same, so that a restart skips them."""

ATTEMPTS_MAX = 8
STEPS_MAX = 200
"""What one call catches up at most, so that whoever stops the process need not wait for long."""


class TallyBusy(Unavailable):
    """Others took in the same changes at the same time, again and again."""


class Place(Stored, frozen=True, kw_only=True):
    """How far the tally has come."""

    entity: ClassVar[str] = "tally_checkpoint"

    cursor: Cursor
    at: datetime


class Taken(Struct, frozen=True, kw_only=True):
    """Some changes as sums: how many there were, and the last one's cursor."""

    changes: int
    cursor: Cursor
    sums: Sums


@dataclass(slots=True)
class Tally:
    """One at a time does the work; a second one meanwhile loses the race for the checkpoint and goes on from there."""

    table: Table
    clock: Clock
    read: CountReader
    inventory: Inventory | None = None
    _place: Row[Place] | None = field(default=None, init=False)
    _cursor: Cursor | None = field(default=None, init=False)
    _skipped: int = field(default=0, init=False)
    _is_loaded: bool = field(default=False, init=False)

    async def step(self, limit: int = 1000) -> int:
        """Take in up to that many changes of the table. How many there were: 0 when there is nothing new."""
        for _ in range(ATTEMPTS_MAX):
            await self._load()
            try:
                taken = await self._take(await self.table.changes(self._cursor, limit=limit))
            except ChangesForgotten:
                return await self._counts_anew()
            if taken is None:
                return 0
            skipped = self._skipped + taken.changes
            if (taken.sums or skipped >= SKIPPED_MAX) and not await self._commits(taken):
                continue
            self._cursor = taken.cursor
            self._skipped = 0 if taken.sums or skipped >= SKIPPED_MAX else skipped
            return taken.changes
        raise TallyBusy

    async def catch_up(self) -> int:
        """Take in what is new; how many changes there were."""
        total = 0
        for _ in range(STEPS_MAX):
            found = await self.step()
            total += found
            if not found:
                break
        return total

    async def lag(self, limit: int = 1000) -> int:
        """How many changes that count something are still to be taken in, among the next `limit`."""
        await self._load()
        try:
            changes = await self.table.changes(self._cursor, limit=limit)
        except ChangesForgotten:
            return limit
        return sum([bool(await self.read(change)) for change in changes])

    async def _load(self) -> None:
        if self._is_loaded:
            return
        self.table.hold_for(keys.checkpoint())
        self._place = await self.table.get(keys.checkpoint(), Place)
        self._cursor = self._place.value.cursor if self._place else None
        self._skipped, self._is_loaded = 0, True

    async def _take(self, changes: Sequence[Change]) -> Taken | None:
        """The changes as sums, up to the items that fit into one commit; None when there are no changes."""
        sums: Sums = {}
        taken = 0
        for change in changes:
            counts = await self.read(change)
            if not counts:
                taken += 1
                continue
            touched = {count.key for count in counts} | sums.keys()
            if taken and len(touched) > KEYS_MAX:
                break
            add(sums, counts)
            taken += 1
        if not taken:
            return None
        return Taken(changes=taken, cursor=changes[taken - 1].cursor, sums=sums)

    async def _counts_anew(self) -> int:
        """Make the figures those of what there is, and go on from there.

        The place moves with the last commit alone: one that dies on the way begins again with what is still lacking.
        """
        before = self._place
        if self.inventory is None or before is None:
            raise ChangesForgotten
        log.error("changes were forgotten before they were counted: figures were counted anew, days may lack some")
        cursor, lacking = await recount(self.table, self.inventory, self.clock.now())
        if cursor is None:
            raise ChangesForgotten
        touched = list(lacking)
        for first in range(0, len(touched), KEYS_MAX):
            some = {key: lacking[key] for key in touched[first : first + KEYS_MAX]}
            if not await self._commits(Taken(changes=0, cursor=before.value.cursor, sums=some)):
                return 1
        if await self._commits(Taken(changes=0, cursor=cursor, sums={})):
            self._cursor, self._skipped = cursor, 0
        return 1

    async def _commits(self, taken: Taken) -> bool:
        """Commit the sums and the checkpoint together; False when another tally was faster."""
        before = self._place
        place = Place(cursor=taken.cursor, at=self.clock.now())
        # Whatever happens to the commit, nothing is believed of the checkpoint until it is known to have succeeded.
        self._is_loaded = False
        try:
            await self.table.transact(
                Put(key=keys.checkpoint(), value=place, expected=before.unchanged if before else ABSENT),
                *(Add(key=key, by=by) for key, by in taken.sums.items()),
            )
        except Conflict:
            return False
        self._place = Row(key=keys.checkpoint(), value=place, version=before.version + 1 if before else 1)
        self._is_loaded = True
        return True
