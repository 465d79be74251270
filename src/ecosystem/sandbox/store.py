"""What the processor keeps: one SQLite file, with the acts of a moment written and synced together.

An act is decided and written on the loop; only COMMIT, which waits for the disk, runs in a thread. Acts that arrive
meanwhile wait and make the next batch. Whoever is answered has been written to disk.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import apsw
import msgspec

from ecosystem.sandbox import file
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.file import Books, spelled

T = TypeVar("T")

DAY_S = 86400
BATCH_S = 0.004
"""A batch ends after this much work on the loop, so that nobody waits long behind it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event to be delivered: when next, for the which-th time, and since when.

    `endpoint` is the id of the webhook endpoint it goes to; empty for the address that the sandbox was started with.
    """

    seq: int
    event: str
    due: float
    attempt: int
    first: float
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that happens to a thing by itself, once."""

    seq: int
    what: str
    subject: str
    due: float


Planned = Callable[[Record], Sequence[tuple[str, float]]]
"""Where an event is delivered, and when: an endpoint and a delay in seconds for each delivery."""


@dataclass(slots=True)
class _Waiting:
    work: Callable[[Act], Any]
    act: Act
    done: asyncio.Future[Any]


class Store:
    """The processor's file. One process works on it at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = file.locked(path)
        self._db = file.writer(path)
        self._run = file.runner(self._db)
        self._reader = file.reader(path)
        self.reading = Books(file.runner(self._reader))
        self._writing = Books(self._run)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sandbox-commit")
        self._queue: deque[_Waiting] = deque()
        self._finished: list[int] = []
        self._postponed: list[tuple[float, int, int]] = []
        self._scheduled = False
        self._committing: asyncio.Future[None] | None = None
        self._last = self._highest()
        self.platform = ""
        self.planned: Planned = _never
        self.kept: Callable[[list[Delivery], list[Timer]], None] = _untold
        self.rerouted: Callable[[], None] = _unheard
        self._rerouted = False
        self.commits = 0

    def sequence(self) -> int:
        self._last += 1
        return self._last

    async def run(self, act: Act, work: Callable[[Act], T]) -> T:
        """Decide the act and keep what it changed; what it returned, once that is on disk. Raises `Refused`."""
        act.books = self._writing
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(work, act, done))
        self._schedule()
        return await done

    def finish(self, delivery: Delivery) -> None:
        """Forget a delivery, with the next batch: should the process die before, it is delivered once more."""
        self._finished.append(delivery.seq)
        self._schedule(after_s=0.05)

    def postpone(self, delivery: Delivery) -> None:
        """Keep when a delivery is tried again, with the next batch."""
        self._postponed.append((delivery.due, delivery.attempt, delivery.seq))
        self._schedule(after_s=0.05)

    def outstanding(self) -> tuple[list[Delivery], list[Timer]]:
        """What was to be delivered and to happen when the process stopped."""
        run = self.reading.run
        deliveries = run("SELECT seq, event, due, attempt, first, endpoint FROM delivery").fetchall()
        timers = run("SELECT seq, what, subject, due FROM timer").fetchall()
        return [Delivery(*row) for row in deliveries], [Timer(*row) for row in timers]

    async def prune(self, before: int) -> None:
        """Forget events and answers older than that, as the processor does after thirty days."""
        while self._committing:
            await asyncio.shield(self._committing)
        self._run("DELETE FROM answer WHERE at < ?", (before,))
        self._run("DELETE FROM object WHERE (kind = 'event' OR kind GLOB 'event@*') AND created < ?", (before,))

    async def close(self) -> None:
        """Write what waits, and close the file."""
        while self._queue or self._finished or self._postponed or self._committing:
            if self._committing:
                await asyncio.shield(self._committing)
            else:
                self._flush()
        self._pool.shutdown()
        self._reader.close()
        self._db.close()
        os.close(self._lock)

    def _schedule(self, after_s: float = 0.0) -> None:
        if self._scheduled and after_s:
            return
        loop = asyncio.get_running_loop()
        self._scheduled = True
        # An empty context, or the first caller's variables would leak into the batch.
        if after_s:
            loop.call_later(after_s, self._flush, context=Context())
        else:
            loop.call_soon(self._flush, context=Context())

    def _flush(self) -> None:
        self._scheduled = False
        if self._committing or not (self._queue or self._finished or self._postponed):
            return
        answered: list[tuple[asyncio.Future[Any], Any, Exception | None]] = []
        fresh: tuple[list[Delivery], list[Timer]] = ([], [])
        self._run("BEGIN IMMEDIATE")
        try:
            self._write_deliveries()
            until = perf_counter() + BATCH_S
            while self._queue and (not answered or perf_counter() < until):
                self._decide(self._queue.popleft(), answered, fresh)
        except apsw.Error as broken:
            self._undo(answered, broken)
            return
        loop = asyncio.get_running_loop()
        self._committing = loop.create_future()
        committed = loop.run_in_executor(self._pool, self._commit)
        committed.add_done_callback(lambda done: self._committed(done, answered, fresh))

    def _decide(
        self,
        waiting: _Waiting,
        answered: list[tuple[asyncio.Future[Any], Any, Exception | None]],
        fresh: tuple[list[Delivery], list[Timer]],
    ) -> None:
        if waiting.done.done():
            return
        try:
            result = waiting.work(waiting.act)
            rows = _rows(waiting.act)
        except Exception as broken:  # noqa: BLE001 — one act's mistake must not fail its neighbours in the batch
            answered.append((waiting.done, None, broken))
            return
        self._write(waiting.act, rows, fresh)
        self._rerouted |= waiting.act.rerouted
        answered.append((waiting.done, result, None))

    def _write(self, act: Act, rows: list[tuple[Any, ...]], fresh: tuple[list[Delivery], list[Timer]]) -> None:
        run = self._run
        for row in rows:
            run(
                "INSERT INTO object (seq, id, kind, created, body, inside) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (seq) DO UPDATE SET body = excluded.body, inside = excluded.inside",
                row,
            )
        for link in act.links:
            run("INSERT OR IGNORE INTO link (name, value, seq) VALUES (?, ?, ?)", link)
        for event in act.events:
            for endpoint, delay in self.planned(event):
                due = act.moment + delay
                delivery = Delivery(self.sequence(), event.id, due, 0, due, endpoint)
                row = (delivery.seq, event.id, due, 0, due, endpoint)
                run("INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?)", row)
                fresh[0].append(delivery)
        for what, subject, due in act.timers:
            self._set(Timer(self.sequence(), what, subject, due), fresh[1])
        for seq in act.rung:
            run("DELETE FROM timer WHERE seq = ?", (seq,))
        for one in act.effects:
            row = (self.sequence(), one.what, one.subject, one.amount, one.currency, one.idempotency_key)
            run("INSERT INTO effect VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, one.request_id, one.at))
        self._bank(act, fresh[1])
        for key, answer in act.answers:
            row = (key, answer.fingerprint, answer.status, answer.body, answer.request_id, act.at)
            run("INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ?)", row)

    def _bank(self, act: Act, fresh: list[Timer]) -> None:
        for account, currency, day, net in act.banked:
            place = (account, currency, day)
            self._run("UPDATE funds SET net = net + ? WHERE account = ? AND currency = ? AND day = ?", (net, *place))
            if not self._db.changes():
                self._run("INSERT INTO funds VALUES (?, ?, ?, ?)", (*place, net))
                self._wake(account, day * DAY_S, act.moment, fresh)

    def _wake(self, account: str, due: float, now: float, fresh: list[Timer]) -> None:
        """Have an account looked at when money of another day becomes available: it is told, and may be paid out."""
        what = "mature" if due > now else "payday"
        self._set(Timer(self.sequence(), what, account or self.platform, max(due, now)), fresh)

    def _set(self, timer: Timer, fresh: list[Timer]) -> None:
        self._run("INSERT INTO timer VALUES (?, ?, ?, ?)", (timer.seq, timer.what, timer.subject, timer.due))
        fresh.append(timer)

    def _write_deliveries(self) -> None:
        if self._finished:
            for seq in self._finished:
                self._run("DELETE FROM delivery WHERE seq = ?", (seq,))
            self._finished = []
        if self._postponed:
            for moved in self._postponed:
                self._run("UPDATE delivery SET due = ?, attempt = ? WHERE seq = ?", moved)
            self._postponed = []

    def _commit(self) -> None:
        self._run("COMMIT")

    def _undo(self, answered: list[tuple[asyncio.Future[Any], Any, Exception | None]], broken: Exception) -> None:
        if self._db.in_transaction:
            self._run("ROLLBACK")
        for done, _, _ in answered:
            if not done.done():
                done.set_exception(broken)
        if self._queue:
            self._schedule()

    def _committed(
        self,
        done: asyncio.Future[None],
        answered: list[tuple[asyncio.Future[Any], Any, Exception | None]],
        fresh: tuple[list[Delivery], list[Timer]],
    ) -> None:
        rerouted, self._rerouted = self._rerouted, False
        committing, self._committing = self._committing, None
        assert committing
        committing.set_result(None)
        if broken := done.exception():
            self._undo(answered, broken if isinstance(broken, Exception) else RuntimeError(str(broken)))
            return
        self.commits += 1
        for future, result, refused in answered:
            if future.done():
                continue
            if refused is None:
                future.set_result(result)
            else:
                future.set_exception(refused)
        if rerouted:
            self.rerouted()
        if fresh[0] or fresh[1]:
            self.kept(*fresh)
        if self._queue:
            self._flush()
        elif self._finished or self._postponed:
            # Not at once: each delivery that ends would keep the disk from who waits for an answer.
            self._schedule(after_s=0.05)

    def _highest(self) -> int:
        names = ("object", "delivery", "timer", "effect")
        return max(self._run(f"SELECT ifnull(max(seq), 0) FROM {name}").fetchall()[0][0] for name in names)  # noqa: S608


def _never(event: Record) -> Sequence[tuple[str, float]]:  # noqa: ARG001 — nothing is delivered until somebody plans it
    return ()


def _unheard() -> None:
    """Nobody cares where events go."""


def _untold(deliveries: list[Delivery], timers: list[Timer]) -> None:
    """Nobody waits for what was kept."""


def _rows(act: Act) -> list[tuple[Any, ...]]:
    encode = msgspec.json.encode
    return [
        (
            record.seq,
            record.id,
            spelled(record.kind, record.account),
            record.body.get("created", act.at),
            encode(record.body),
            encode(record.inside) if record.inside else None,
        )
        for record in act.changed.values()
    ]
