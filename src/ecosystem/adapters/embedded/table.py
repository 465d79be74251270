"""The table in one SQLite file: one process writes, others may read beside it, acknowledged means on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

import apsw
from msgspec import Struct

from ecosystem.adapters.embedded.table_adversary import Adversary
from ecosystem.adapters.embedded.table_changes import change, cursor, followed
from ecosystem.adapters.embedded.table_checkpoint import Checkpoints
from ecosystem.adapters.embedded.table_commit import GroupCommit
from ecosystem.adapters.embedded.table_file import Hold, reader, refusal, writer
from ecosystem.adapters.embedded.table_item import Entry
from ecosystem.adapters.embedded.table_read import Reads
from ecosystem.adapters.embedded.table_recent import Recent
from ecosystem.adapters.embedded.table_upkeep import Upkeep
from ecosystem.adapters.embedded.table_work import Transaction
from ecosystem.kernel.refusals import Denied
from ecosystem.ports import table_limits
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Change, Cursor, Index, Key, Page, Row, Stored, Write

S = TypeVar("S", bound=Stored)

# Nobody depends on these: a wake-up that a follower slept through, and a look at what another process wrote.
CHANGED_S_MAX = 1.0
LOOK_S = 0.02
LOOKS_MAX = 50


class ReadOnly(Denied):
    """This table was opened for reading only."""


class Load(Struct, frozen=True, kw_only=True):
    """How busy the writer is: work waiting for its batch, and the mean seconds of the latest commits."""

    waiting: int
    commit_s: float


class _Writer(Struct, frozen=True, kw_only=True):
    """What only the writing process has."""

    hold: Hold
    connection: apsw.Connection
    commits: GroupCommit
    upkeep: Upkeep
    task: asyncio.Task[None] | None


class EmbeddedTable:
    """The `Table` port on SQLite. Made by `open` or `read_only`, belongs to the event loop it was made on."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._writer: _Writer | None = None
        self._adversary: Adversary | None = None
        self._changed = asyncio.Event()
        self._recent = Recent()
        self._seen = 0
        self._closed = False

    @classmethod
    async def open(
        cls, path: Path, clock: Clock, *, index_lag: int | None = None, upkeep: bool = True, vfs: str | None = None
    ) -> Self:
        """The table in that file, made if need be, held by this process alone until closed.

        Raises `TableHeld` naming the process that holds it, `TableDamaged` when the file is not whole. Under test
        `index_lag` is the seed of an adversary that delays indexes and interleaves changes; `vfs` names another file
        system; `upkeep=False` leaves expired items to `expire`.
        """
        hold = Hold(path).take()
        try:
            connection = writer(path, vfs=vfs)
            try:
                table = cls(Reads(reader(path, vfs=vfs), clock))
                checkpoints = Checkpoints(connection, path, vfs=vfs)
                table._writing(hold, connection, checkpoints, clock, upkeep=upkeep)
                if index_lag is not None:
                    table._adversary = Adversary(connection, clock, index_lag)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            hold.let_go()
            raise
        return table

    @classmethod
    async def read_only(cls, path: Path, clock: Clock) -> Self:
        """The table in that file for reading, safe beside the process that writes it."""
        return cls(Reads(reader(path), clock))

    async def close(self) -> None:
        """Finish what was asked before, then let go of the file."""
        if self._closed:
            return
        self._closed = True
        writer = self._writer
        if writer is not None:
            if writer.task is not None:
                writer.task.cancel()
                with suppress(asyncio.CancelledError):
                    await writer.task
            await writer.commits.close()
        self._reads.close()
        if self._adversary is not None:
            self._adversary.close()
        if writer is not None:
            # Last of all: closing the last connection folds the log into the file.
            try:
                writer.connection.close()
            except apsw.Error as failed:
                raise refusal(failed) from failed
            finally:
                writer.hold.let_go()

    async def get(self, key: Key, kind: type[S]) -> Row[S] | None:
        table_limits.check_key(key)
        return await self._reads.get(key, kind)

    async def batch_get(self, keys: Sequence[Key], kind: type[S]) -> list[Row[S] | None]:
        table_limits.batch(keys)
        return [await self._reads.get(key, kind) for key in keys]

    async def query(
        self,
        partition: str,
        kind: type[S],
        *,
        index: Index | None = None,
        prefix: str = "",
        start: str | None = None,
        end: str | None = None,
        after: Cursor | None = None,
        descending: bool = False,
        limit: int = 100,
    ) -> Page[S]:
        sought = table_limits.query(
            partition,
            index=index,
            prefix=prefix,
            start=start,
            end=end,
            after=after,
            descending=descending,
            limit=limit,
        )
        if sought.empty:
            return Page([])
        reads = self._reads
        if index is not None and self._adversary is not None:
            reads = self._adversary.index(index)
        return await reads.query(sought, kind)

    async def transact(self, *writes: Write, token: str | None = None) -> None:
        if self._writer is None:
            raise ReadOnly
        bodies = table_limits.transaction(writes, token)
        await self._writer.commits.carry_out(Transaction(writes, bodies, token))

    async def changes(self, after: Cursor | None, *, limit: int = 1000) -> Sequence[Change]:
        table_limits.page(limit)
        so_far = followed(after)
        if self._adversary is not None:
            handed = await self._adversary.changes(self._reads, so_far, limit)
            return [change(then.cursor, entry) for then, entry in handed]
        recent = self._recent.after(so_far.low, limit)
        if recent is not None:
            return recent
        self._seen = self._reads.version()
        # A cursor of a table that had an adversary still holds what it saw ahead; here that much is told again.
        found = await self._reads.changes(so_far.low, limit)
        return [change(cursor(place.seq, place.ordinal), entry) for place, entry in found]

    async def changed(self) -> None:
        if self._writer is None:
            await self._changed_elsewhere()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(CHANGED_S_MAX):
                await self._changed.wait()

    def hold_for(self, follower: Key) -> None:
        if self._writer is not None:
            self._writer.upkeep.followers.add(follower)

    async def scan(self, kind: type[S], *, after: Cursor | None = None, limit: int = 1000) -> Page[S]:
        return await self._reads.scan(kind, after, table_limits.page(limit))

    async def expire(self, limit: int = 100) -> int:
        """Remove up to that many items whose time has come, the earliest first; how many were removed."""
        if self._writer is None:
            raise ReadOnly
        return await self._writer.upkeep.expire(limit)

    async def prune(self) -> None:
        """Forget what is older than it is kept for, as the table does by itself from time to time."""
        if self._writer is None:
            raise ReadOnly
        await self._writer.upkeep.prune()

    @property
    def load(self) -> Load:
        """How busy the writer is, for metrics."""
        if self._writer is None:
            return Load(waiting=0, commit_s=0.0)
        return Load(waiting=self._writer.commits.waiting, commit_s=self._writer.commits.commit_s)

    def _writing(
        self, hold: Hold, connection: apsw.Connection, checkpoints: Checkpoints, clock: Clock, *, upkeep: bool
    ) -> None:
        commits = GroupCommit(connection, clock, checkpoints, self._told)
        kept = Upkeep(commits, clock)
        task = asyncio.create_task(kept.run(), name="table-upkeep") if upkeep else None
        self._writer = _Writer(hold=hold, connection=connection, commits=commits, upkeep=kept, task=task)

    def _told(self, transactions: Sequence[Sequence[Entry]]) -> None:
        if self._adversary is not None:
            self._adversary.told(transactions)
        elif self._writer is not None:
            self._recent.told(self._writer.commits.seq, transactions)
        self._changed.set()
        self._changed = asyncio.Event()

    async def _changed_elsewhere(self) -> None:
        for _ in range(LOOKS_MAX):
            if self._reads.version() != self._seen:
                return
            await asyncio.sleep(LOOK_S)
