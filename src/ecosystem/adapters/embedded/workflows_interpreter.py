"""The interpreter: executions in memory, what arrives at them, the commits of their turns, and the calls that follow.

One task at a time drives an execution: it takes everything that has arrived, has it decided in one turn, commits that
turn, and makes the calls that it claimed. Heads in memory are trusted until a commit is refused; before anybody is told
no, the table is read again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ecosystem.adapters.embedded.states.definition import Machine
from ecosystem.adapters.embedded.states.run import Call, Outcome
from ecosystem.adapters.embedded.workflows_calls import Calls, Job
from ecosystem.adapters.embedded.workflows_items import Head, chunks, ended_badly, execution
from ecosystem.adapters.embedded.workflows_live import Live, Lives
from ecosystem.adapters.embedded.workflows_machines import Machines
from ecosystem.adapters.embedded.workflows_timers import Timers
from ecosystem.adapters.embedded.workflows_turns import (
    Answered,
    Arrival,
    Exhausted,
    Making,
    Renewed,
    Stopped,
    TakenOver,
    Woken,
    refuse,
    tell,
)
from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, At, Put, Stale, Table, Unfit, Write
from ecosystem.ports.table_limits import TRANSACTION_WRITES_MAX
from ecosystem.ports.workflows import ExecutionUnknown, InputUnfit

T = TypeVar("T")
log = logging.getLogger(__name__)

RETRY_S = 1.0
ATTEMPTS = 12
TOO_MUCH = "States.DataLimitExceeded"


class Interpreter:
    """Carries executions on. `alone` says that every claim of another owner was left by the dead."""

    def __init__(self, table: Table, clock: Clock, *, alone: bool, lease: timedelta, retention: timedelta) -> None:
        # Not from an entropy given: one that is repeatable would have a second process take the first for itself.
        self.owner = secrets.token_hex(8)
        self.lease = lease
        self.machines = Machines(table)
        self.calls = Calls(clock, self._fit, self._returned)
        self.timers = Timers()
        self.horizon: datetime | None = None
        """Instants in the index before it are in the timers too."""
        self.closed = False
        self.turns = 0
        self.late = 0
        """Answers that came when nobody waited for them any more."""
        self._table = table
        self._clock = clock
        self._alone = alone
        self._retention = retention
        self._lives = Lives()
        self._starting: dict[str, asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def remembered(self) -> int:
        return len(self._lives)

    @property
    def at_work(self) -> list[asyncio.Task[Any]]:
        """The tasks that make calls and commit turns."""
        return [task for task in (*self._tasks, *self.calls.tasks_running) if not task.done()]

    def knows(self, execution_id: str) -> bool:
        return execution_id in self._lives

    async def close(self, grace_s: float) -> None:
        """Make no more calls, let those made return and be committed, then cut off what is left."""
        self.closed = True
        self.timers.wake()
        await self.calls.close(grace_s)
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks), timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def load(self, execution_id: str) -> Live | None:
        """The execution in memory; None when there is none."""
        if execution_id in self._starting:
            await asyncio.wait([self._starting[execution_id]])
        live = self._lives.used(execution_id)
        if live is not None:
            return live
        row = await self._table.get(execution(execution_id), Head)
        if row is None:
            return None
        if execution_id in self._lives or execution_id in self._starting:
            return await self.load(execution_id)
        live = Live.of(row)
        self._lives.remember(live)
        self._reconciled(live)
        return live

    async def told(self, execution_id: str, arrival: Callable[[asyncio.Future[Head]], Arrival]) -> Head:
        """Tell the execution, and return its head once what came of it is committed."""
        try:
            live = await self.load(execution_id)
        except Unfit as unfit:
            raise ExecutionUnknown from unfit
        if live is None:
            raise ExecutionUnknown
        future: asyncio.Future[Head] = asyncio.get_running_loop().create_future()
        live.inbox.append(arrival(future))
        self.driven(live)
        return await future

    def driven(self, live: Live) -> None:
        """Have a task take in what has arrived, unless one does already."""
        if not live.driving:
            live.driving = True
            self.spawn(self._drive(live))

    async def _drive(self, live: Live) -> None:
        try:
            while live.inbox or live.doubtful:
                arrivals, live.inbox = live.inbox, []
                try:
                    if live.doubtful:
                        await self._reread(live)
                        live.doubtful = False
                    await self._turned(live, arrivals)
                except Exception as failed:
                    # An entry point of its own: nobody is to wait for an answer that does not come.
                    if not isinstance(failed, Unavailable):
                        log.exception("a turn could not be committed", extra={"execution_id": live.execution_id})
                    refuse(arrivals, Unavailable("Not now: the execution could not be changed."))
                    # What nobody waits for is kept, and tried again.
                    live.inbox[:0] = [arrival for arrival in arrivals if arrival.future is None]
                    self.spawn(self._again(live))
                    break
        finally:
            live.driving = False
        if live.head.run.is_over and live.idle:
            self._lives.forget(live)

    async def _again(self, live: Live) -> None:
        """The table could not be written: try once more, later."""
        await asyncio.sleep(RETRY_S)
        if not self.closed:
            self.driven(live)

    async def _turned(self, live: Live, arrivals: list[Arrival]) -> None:
        """Take in what has arrived, in one commit. Raises `Unavailable` when the table cannot be written."""
        present: Sequence[Arrival] = arrivals
        fresh = False
        for _ in range(ATTEMPTS):
            making = await self._made(live, present)
            if self._doubted(making) and not fresh and await self._reread(live):
                fresh = True
                continue
            if not making.touched:
                self._tell(live, arrivals, making)
                return
            try:
                head = await self._commit(live, making)
            except Stale:
                fresh = True
                if not await self._reread(live):
                    # Forgotten meanwhile, or never there.
                    refuse(arrivals, ExecutionUnknown())
                    return
            except Unfit as unfit:
                if present and isinstance(present[0], Exhausted):
                    raise
                present = [Exhausted(TOO_MUCH, unfit.message)]
            else:
                self._committed(live, making, head)
                self._tell(live, arrivals, making)
                return
        raise Unavailable("This execution is changed by too many at once.")

    def _doubted(self, making: Making) -> bool:
        """Whether a refusal may come of a head that is not the latest. Who is alone only looks again for who asks."""
        return any(arrival.future is not None or not self._alone for arrival, _ in making.refused)

    async def _made(self, live: Live, arrivals: Sequence[Arrival]) -> Making:
        at = self._clock.now()
        machine: Machine | None = None
        try:
            machine = await self.machines.at(live.head.machine, live.head.revision)
        except Unavailable:
            raise  # It is there: it cannot be read now.
        except Refusal as gone:
            log.warning("a machine is gone", extra={"execution_id": live.execution_id, "reason": gone.message})
            if not all(isinstance(arrival, Exhausted | Stopped) for arrival in arrivals):
                arrivals = [Exhausted("States.Runtime", f"Its machine cannot be read any more: {gone.message}")]
        making = Making(machine, live.head, owner=self.owner, lease=self.lease, at=at)
        try:
            making.take(arrivals)
        except Exception as wrong:
            # An entry point of its own: what the interpreter cannot carry on fails, and every other goes on.
            log.exception("an execution could not be carried on", extra={"execution_id": live.execution_id})
            making = Making(machine, live.head, owner=self.owner, lease=self.lease, at=at)
            making.take([Exhausted("States.Runtime", f"The interpreter failed: {type(wrong).__name__}: {wrong}")])
        return making

    async def _reread(self, live: Live) -> bool:
        """Take in what the table has by now; whether the execution is there."""
        row = await self._table.get(live.key, Head)
        if row is None:
            return False
        live.read(row)
        self._reconciled(live)
        return True

    async def begun(self, live: Live, making: Making) -> Head | None:
        """Commit the first turn; None when there was an execution of that name before."""
        execution_id = live.execution_id
        if execution_id in self._starting:
            await asyncio.wait([self._starting[execution_id]])
            if execution_id in self._starting or await self.load(execution_id):
                return None
        starting = self._starting[execution_id] = asyncio.get_running_loop().create_future()
        try:
            try:
                head = await self._commit(live, making)
            except Stale:
                head = None
            except Unfit as unfit:
                raise InputUnfit(unfit.message, field="input") from unfit
            except Unavailable:
                # Perhaps it was written all the same: then it is carried on.
                self.timers.set(execution_id, self._clock.now() + timedelta(seconds=RETRY_S))
                raise
            else:
                self._lives.remember(live)
                self._committed(live, making, head)
        finally:
            del self._starting[execution_id]
            starting.set_result(None)
        if head is None:
            # Found before: if its calls are ours and nobody makes them, they are made now.
            await self.load(execution_id)
        elif head.run.is_over:
            self._lives.forget(live)
        return head

    async def _commit(self, live: Live, making: Making) -> Head:
        """Write the head with its history. Raises `Stale` when somebody else changed it first."""
        head = making.made()
        wakes_at = head.run.wakes_at
        places, due_at = live.placed(head, wakes_at, slack=self.lease, retention=self._retention)
        expected = At(live.version) if live.version else ABSENT
        writes: list[Write] = [Put(key=live.key, value=head, index=places, expected=expected)]
        if making.events and not head.express:
            writes += chunks(live.execution_id, making.events)
        if head.run.is_over and (told := ended_badly(head, live.version + 1)):
            writes.append(told)
        if len(writes) > TRANSACTION_WRITES_MAX:
            raise Unfit(f"This turn has {len(writes)} writes; the most is {TRANSACTION_WRITES_MAX}.")
        try:
            await self._table.transact(*writes)
        except Unavailable:
            # Perhaps it was written all the same, and has calls that nobody makes.
            live.doubtful = True
            raise
        live.version += 1
        live.places = places
        live.due_at = due_at
        live.wakes_at = wakes_at
        return head

    def _committed(self, live: Live, making: Making, head: Head) -> None:
        """The turn is on disk: make its calls, drop the cancelled, set the next instant."""
        self.turns += 1
        live.head = head
        run = head.run
        for call_id in making.cancelled:
            job = live.jobs.pop(call_id, None)
            if job is not None:
                job.drop()
        if live.jobs:
            for call_id in [call_id for call_id in live.jobs if call_id not in head.claims]:
                del live.jobs[call_id]
        if run.is_over:
            self.timers.forget(live.execution_id)
            return
        self._scheduled(live)
        for call, fence in making.calls:
            claim = head.claims.get(call.call_id)
            if claim is not None and claim.fence == fence:
                self._make(live, call, fence)

    def _scheduled(self, live: Live) -> None:
        wakes_at = live.wakes_at
        if wakes_at is not None and (self.horizon is None or live.due_at is None or live.due_at < self.horizon):
            self.timers.set(live.execution_id, wakes_at)

    def _reconciled(self, live: Live) -> None:
        """Hold the calls being made here to what the table says: lost ones are dropped, forgotten ones made."""
        claims = live.head.claims
        for call_id, job in list(live.jobs.items()):
            claim = claims.get(call_id)
            if claim is None or claim.owner != self.owner or claim.fence != job.fence:
                del live.jobs[call_id]
                job.drop()
        for call_id, claim in claims.items():
            if claim.owner == self.owner and call_id not in live.jobs:
                call = live.head.run.call(call_id)
                if call is not None:
                    self._make(live, call, claim.fence)
        if not live.head.run.is_over:
            self._scheduled(live)

    def _make(self, live: Live, call: Call, fence: int) -> None:
        job = Job(live, call, fence)
        live.jobs[call.call_id] = job
        self.calls.make(job)

    def _fit(self, job: Job) -> bool:
        """Whether the call is still ours to make."""
        live = job.live
        claim = live.head.claims.get(job.call.call_id)
        if claim is None or claim.owner != self.owner or claim.fence != job.fence:
            return False
        if not self._alone and claim.until <= self._clock.now():
            # It stood in line for too long. Whether it is still ours, the table knows.
            self.spawn(self._claimed_anew(job))
            return False
        return True

    async def _claimed_anew(self, job: Job) -> None:
        try:
            await self.told(job.execution_id, Renewed)
        except Unavailable:
            await asyncio.sleep(RETRY_S)
        if job.live.jobs.get(job.call.call_id) is job and not job.dropped:
            self.calls.make(job)

    async def _returned(self, job: Job, outcome: Outcome) -> None:
        live = job.live
        live.inbox.append(Answered(job.call.call_id, job.fence, outcome, submits=job.call.token is not None))
        if not live.driving:
            live.driving = True
            await self._drive(live)

    def _tell(self, live: Live, arrivals: Sequence[Arrival], making: Making) -> None:
        late = tell(arrivals, making, live.head)
        if late:
            self.late += late
            log.warning("an answer came too late", extra={"execution_id": live.execution_id})

    async def look(self, execution_id: str) -> None:
        """See whether an execution has something to do by itself, and have it done."""
        try:
            live = await self.load(execution_id)
        except Unavailable:
            self.timers.set(execution_id, self._clock.now() + timedelta(seconds=RETRY_S))
            return
        if live is None or live.head.run.is_over:
            return
        at = self._clock.now()
        if self.abandoned(live.head, at):
            live.inbox.append(TakenOver(alone=self._alone))
        wakes_at = live.wakes_at
        if wakes_at is not None and wakes_at <= at:
            live.inbox.append(Woken())
        elif wakes_at is not None:
            self.timers.set(execution_id, wakes_at)
        if live.inbox and not live.driving:
            live.driving = True
            await self._drive(live)

    def abandoned(self, head: Head, at: datetime) -> bool:
        return any(claim.owner != self.owner and (self._alone or claim.until <= at) for claim in head.claims.values())

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that lives as long as it needs to, whoever asked for it."""
        task = asyncio.get_running_loop().create_task(coroutine, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) and not isinstance(failure, Refusal):
            log.error("a part of the interpreter failed", exc_info=failure)
