"""Group commit: what arrives together is written together and made durable by one COMMIT.

Work is checked and written inline on the event loop, for as long as the batch's budget of time lasts. Only COMMIT,
which waits for the disk, runs in a thread; meanwhile the next batch collects. One COMMIT is in flight at a time, and
nobody is answered, not even refused, before the batch is on disk: a refusal may rest on an earlier member of it.

Everybody is answered, whatever fails: the loop would only write a failure down and go on, and who waits for a batch
that was dropped waits for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from time import perf_counter

import apsw

from ecosystem.adapters.embedded.table_checkpoint import Checkpoints
from ecosystem.adapters.embedded.table_file import refusal, rows
from ecosystem.adapters.embedded.table_item import Entry, micros
from ecosystem.adapters.embedded.table_store import Store
from ecosystem.adapters.embedded.table_work import Work
from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.ports.clock import Clock

log = logging.getLogger(__name__)
BUDGET_S_MIN = 0.001
BUDGET_S_MAX = 0.004
COMMITS_REMEMBERED = 8
# What a caller takes to come back with its next work, roughly.
RETURN_S = 15e-6
BUSY_RETRY_S = 0.005
BUSY_S_MAX = 5.0
Told = Callable[[Sequence[Sequence[Entry]]], None]
# Work waiting beyond this is refused at once: the queue must not grow without bound when the disk stands still.
QUEUE_MAX = 20_000


class Member:
    """A caller's work in a batch, and the future in which the caller waits."""

    __slots__ = ("entries", "future", "refusal", "work")

    def __init__(self, work: Work, future: asyncio.Future[Sequence[Entry]]) -> None:
        self.work = work
        self.future = future
        self.entries: Sequence[Entry] = ()
        self.refusal: Refusal | None = None


class GroupCommit:
    """The one queue to the writing connection. `told` hears of every committed batch that changed items."""

    def __init__(self, connection: apsw.Connection, clock: Clock, checkpoints: Checkpoints, told: Told) -> None:
        self._connection = connection
        self._store = Store(connection)
        self._clock = clock
        self._checkpoints = checkpoints
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="table-commit")
        # Its thread starts here: a machine that has none left says so now, and not with a batch half submitted.
        self._executor.submit(int)
        self._queue: deque[Member] = deque()
        self._batch: list[Member] = []
        self._seq_before = self._store.seq
        self._scheduled = False
        self._committing = False
        self._closed = False
        self._singly = 0
        self._busy_since: float | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._durations: deque[float] = deque([BUDGET_S_MIN * 2], maxlen=COMMITS_REMEMBERED)

    async def carry_out(self, work: Work) -> Sequence[Entry]:
        """What the work changed, once it is on disk. A caller cancelled before its batch is written changes nothing."""
        if self._closed:
            raise Unavailable("The table is closed.")
        if len(self._queue) >= QUEUE_MAX:
            raise Unavailable("Too much is waiting to be written.")
        future: asyncio.Future[Sequence[Entry]] = self._loop.create_future()
        self._queue.append(Member(work, future))
        self._schedule()
        return await future

    async def close(self) -> None:
        """Finish what was asked before, take nothing more."""
        self._closed = True
        await self._idle.wait()
        self._executor.shutdown()
        self._checkpoints.close()

    @property
    def waiting(self) -> int:
        """How much work waits for its batch."""
        return len(self._queue)

    @property
    def seq(self) -> int:
        """The number of the transaction that was logged last."""
        return self._store.seq

    @property
    def commit_s(self) -> float:
        """The mean of the latest commits."""
        return sum(self._durations) / len(self._durations)

    def _schedule(self) -> None:
        if not self._scheduled and not self._committing:
            self._scheduled = True
            self._idle.clear()
            # A context of its own: else the first caller's context variables would leak into the whole batch.
            self._loop.call_soon(self._flush, context=Context())

    def _flush(self) -> None:
        self._scheduled = False
        try:
            if not self._begun():
                return
            self._fill()
            if self._store.flush():
                self._executor.submit(self._commit)
                self._committing = True
                return
            rows(self._connection, "ROLLBACK")
        except Exception as failed:  # noqa: BLE001 — whatever it is, innocent callers must not wait for ever
            self._failed(failed)
            return
        self._answer()
        self._go_on()

    def _begun(self) -> bool:
        """Begin the batch's transaction, or ask again later while another program holds the file."""
        self._seq_before = self._store.seq
        try:
            if self._connection.in_transaction:
                self._undo()
            rows(self._connection, "BEGIN IMMEDIATE")
        except apsw.BusyError:
            now = perf_counter()
            self._busy_since = self._busy_since or now
            if now - self._busy_since < BUSY_S_MAX:
                self._scheduled = True
                self._loop.call_later(BUSY_RETRY_S, self._flush, context=Context())
                return False
            self._busy_since = None
            self._give_up(Unavailable("The table's file is held by another program."))
            return False
        except apsw.Error as failed:
            self._give_up(refusal(failed))
            return False
        self._busy_since = None
        return True

    def _fill(self) -> None:
        now = micros(self._clock.now())
        budget_s = min(max(self.commit_s / 2, BUDGET_S_MIN), BUDGET_S_MAX)
        end = perf_counter() + budget_s
        store, queue, batch = self._store, self._queue, self._batch
        while queue:
            member = queue.popleft()
            if member.future.done():
                continue
            batch.append(member)
            try:
                member.entries = member.work.carry_out(store, now)
            except Refusal as refused:
                member.refusal = refused
            if self._singly:
                self._singly -= 1
                break
            if perf_counter() + store.pending_s > end:
                break

    def _commit(self) -> None:
        """In the thread: make the batch durable."""
        started = perf_counter()
        failed: Exception | None = None
        try:
            rows(self._connection, "COMMIT")
            self._checkpoints.after_commit()
        except Exception as failure:  # noqa: BLE001 — it is answered on the loop
            failed = failure
        self._loop.call_soon_threadsafe(self._committed, failed, perf_counter() - started, context=Context())

    def _committed(self, failed: Exception | None, duration_s: float) -> None:
        self._committing = False
        self._durations.append(duration_s)
        try:
            self._checkpoints.look()
        except Exception:
            # The log grows until a later commit has it folded in; this one is on disk.
            log.exception("the log could not be folded into the file")
        if failed is None or self._landed():
            returning_s = len(self._batch) * RETURN_S
            self._answer()
            if self._queue and not self._scheduled and self.commit_s < 2 * returning_s:
                # At once: those just answered prepare their next work while this batch waits for the disk. When the
                # disk takes longer than they do, it is better to wait for them and share one COMMIT.
                self._flush()
            else:
                self._go_on()
        else:
            self._failed(failed)

    def _landed(self) -> bool:
        """Whether a COMMIT that reported a failure took effect all the same: then it must not be repeated."""
        try:
            if self._connection.in_transaction or self._store.seq == self._seq_before:
                return False
            return bool(rows(self._connection, "SELECT 1 FROM changes WHERE seq = ?", (self._store.seq,)))
        except apsw.Error:
            return False

    def _answer(self) -> None:
        batch, self._batch = self._batch, []
        changed = [member.entries for member in batch if member.entries]
        try:
            if changed:
                self._told(changed)
        except Exception:
            # What was asked for is on disk: whoever asked hears of it, whatever became of the others who listen.
            log.exception("a committed batch could not be told of")
        for member in batch:
            if member.future.done():
                continue  # The caller has gone; what it asked for has landed all the same.
            if member.refusal is not None:
                member.future.set_exception(member.refusal)
            else:
                member.future.set_result(member.entries)

    def _failed(self, failed: Exception) -> None:
        """Undo the batch. Its members go again one by one, so that one cannot spoil it for the others."""
        batch, self._batch = self._batch, []
        if not batch:
            # It failed before anybody's work was looked at, and would again.
            self._give_up(refusal(failed))
            return
        self._undo()
        if len(batch) == 1:
            self._refuse(batch, refusal(failed))
        else:
            for member in batch:
                member.entries, member.refusal = (), None
            self._queue.extendleft(reversed(batch))
            self._singly = max(self._singly, len(batch))
        self._go_on()

    def _undo(self) -> None:
        self._store.forget()
        self._store.seq = self._seq_before
        try:
            # SQLite has rolled back by itself after some failures, a full disk among them.
            if self._connection.in_transaction:
                rows(self._connection, "ROLLBACK")
        except Exception:
            # Tried again when the next batch begins; while it cannot, callers are told so.
            log.exception("a batch could not be undone")

    def _give_up(self, refused: Refusal) -> None:
        """Answer everyone who waits: no batch can even begin."""
        waiting = list(self._queue)
        self._queue.clear()
        self._undo()
        self._refuse(waiting, refused)
        self._go_on()

    def _refuse(self, members: Sequence[Member], refused: Refusal) -> None:
        for member in members:
            if not member.future.done():
                # An exception of its own for each: they are raised in different places.
                member.future.set_exception(type(refused)(refused.message, field=refused.field))

    def _go_on(self) -> None:
        if self._queue:
            self._schedule()
        else:
            self._idle.set()
