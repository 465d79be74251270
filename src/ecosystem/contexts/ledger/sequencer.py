"""The sequencer: adds the transfers of summed accounts up, exactly once, after the fact.

No sale writes the account at the processor or the platform's earnings. The sequencer follows the table's changes and
commits the totals together with how far it has come: if it dies, or runs twice, a transfer still counts once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from ecosystem.contexts.ledger import keys
from ecosystem.contexts.ledger.ledger import LedgerBusy
from ecosystem.contexts.ledger.recount import recount
from ecosystem.contexts.ledger.transfers import Sums, added, is_summed, recorded
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, PRESENT, Add, Change, ChangesForgotten, Cursor, Put, Row, Stored, Table

log = logging.getLogger(__name__)
ACCOUNTS_MAX = 90
"""Accounts in one commit: with the checkpoint, well below a transaction's limit."""

SKIPPED_MAX = 5000
"""After so many changes without a transfer, the checkpoint is written all the same, so that a restart skips them."""

LAG_CHANGES_MAX = 1000
ATTEMPTS_MAX = 8


class Checkpoint(Stored, frozen=True, kw_only=True):
    """How far the sequencer has come: `cursor` is the last change it took in, `transfers` how many counted so far."""

    entity: ClassVar[str] = "ledger_checkpoint"

    cursor: str
    transfers: int = 0
    at: datetime


class Lag(Struct, frozen=True, kw_only=True):
    """How far the totals are behind: transfers not yet added among the next thousand changes, and the oldest's age."""

    transfers: int
    seconds: float


class Taken(Struct, frozen=True, kw_only=True):
    """Some changes as sums: how many changes, the last one's cursor, and how many transfers they made."""

    changes: int
    cursor: Cursor
    transfers: int
    sums: Sums


@dataclass(slots=True)
class Sequencer:
    """One at a time does the work; a second one meanwhile loses the race for the checkpoint and goes on from there."""

    table: Table
    clock: Clock
    _checkpoint: Row[Checkpoint] | None = field(default=None, init=False)
    _cursor: Cursor | None = field(default=None, init=False)
    _skipped: int = field(default=0, init=False)
    _is_loaded: bool = field(default=False, init=False)

    async def step(self, limit: int = 1000) -> int:
        """Take in up to that many changes of the table. How many there were: 0 when there is nothing new.

        Changes that are the sequencer's own are passed over without a commit, or it would follow itself for ever.
        """
        for _ in range(ATTEMPTS_MAX):
            await self._load()
            try:
                taken = take(await self.table.changes(self._cursor, limit=limit))
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
        raise LedgerBusy

    async def lag(self) -> Lag:
        """How far the totals are behind."""
        await self._load()
        try:
            changes = await self.table.changes(self._cursor, limit=LAG_CHANGES_MAX)
        except ChangesForgotten:
            since = self._checkpoint.value.at if self._checkpoint else self.clock.now()
            return Lag(transfers=LAG_CHANGES_MAX, seconds=(self.clock.now() - since).total_seconds())
        waiting = [made.at for made in map(recorded, changes) if made is not None and is_summed(made)]
        seconds = max(0.0, (self.clock.now() - min(waiting)).total_seconds()) if waiting else 0.0
        return Lag(transfers=len(waiting), seconds=seconds)

    async def _load(self) -> None:
        if self._is_loaded:
            return
        self.table.hold_for(keys.checkpoint_key())
        self._checkpoint = await self.table.get(keys.checkpoint_key(), Checkpoint)
        self._cursor = Cursor(self._checkpoint.value.cursor) if self._checkpoint else None
        self._skipped, self._is_loaded = 0, True

    async def _commits(self, taken: Taken) -> bool:
        """Commit the sums and the checkpoint together; False when another sequencer was faster."""
        counted = self._checkpoint.value.transfers if self._checkpoint else 0
        return await self._moves(taken.cursor, counted + taken.transfers, taken.sums)

    async def _moves(self, cursor: Cursor, transfers: int, sums: Mapping[str, Mapping[str, int]]) -> bool:
        before = self._checkpoint
        checkpoint = Checkpoint(cursor=cursor, transfers=transfers, at=self.clock.now())
        # Whatever happens to the commit, nothing is believed of the checkpoint until it is known to have succeeded.
        self._is_loaded = False
        try:
            await self.table.transact(
                Put(key=keys.checkpoint_key(), value=checkpoint, expected=before.unchanged if before else ABSENT),
                *(Add(key=keys.account_key(name), by=by, expected=PRESENT) for name, by in sums.items()),
            )
        except Conflict:
            return False
        version = before.version + 1 if before else 1
        self._checkpoint = Row(key=keys.checkpoint_key(), value=checkpoint, version=version)
        self._is_loaded = True
        return True

    async def _counts_anew(self) -> int:
        """Make the totals those of all transfers, and go on from what was told by then; how many transfers there are.

        The place moves with the last commit alone: one that dies on the way begins again with what is still lacking.
        """
        anew = await recount(self.table, self.clock.now())
        before = self._checkpoint
        if before is None or anew.cursor is None:
            raise ChangesForgotten
        log.error("transfers were forgotten before they were added up: all were counted anew")
        names = sorted(anew.lacking)
        for first in range(0, len(names), ACCOUNTS_MAX):
            some = {name: anew.lacking[name] for name in names[first : first + ACCOUNTS_MAX]}
            if not await self._moves(Cursor(before.value.cursor), before.value.transfers, some):
                return 1
        if await self._moves(anew.cursor, anew.transfers, {}):
            self._cursor, self._skipped = anew.cursor, 0
        return max(1, anew.transfers)


def take(changes: Sequence[Change]) -> Taken | None:
    """The changes as sums, up to the accounts that fit into one commit; None when there are no changes."""
    sums: Sums = {}
    transfers = 0
    taken = 0
    for change in changes:
        made = recorded(change)
        if made is not None and is_summed(made):
            if len(sums) > ACCOUNTS_MAX - 2:
                break
            transfers += 1
            for name, by in added(made).items():
                counters = sums.setdefault(name, {})
                for counter, amount in by.items():
                    counters[counter] = counters.get(counter, 0) + amount
        taken += 1
    if not taken:
        return None
    return Taken(changes=taken, cursor=changes[taken - 1].cursor, transfers=transfers, sums=sums)
