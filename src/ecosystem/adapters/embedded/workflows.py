"""Workflows over the table: executions that outlive the process, carried on by whoever holds their claims.

What arrives at an execution (an answer, an instant, a person's word) is decided upon in one turn (`workflows_turns`)
and committed with its history; the calls it made necessary are made after that. Each call is claimed in the head by
its maker under a fence, until an instant. When that has passed, another interpreter may claim it under the next fence;
the answer of the former is refused then. In the embedded deployment the file has one owner, so what is found claimed at
the start was left by the dead and is taken over at once.

The runner has to await `run()` in a task of its own, and `close()` before the table is closed.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import Context
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from ecosystem.adapters.embedded.states import chance, stepping
from ecosystem.adapters.embedded.states.definition import Machine, MachineRefused
from ecosystem.adapters.embedded.states.run import Call, Circumstances, Failed, Outcome, Succeeded
from ecosystem.adapters.embedded.workflows_calls import Calls, Job
from ecosystem.adapters.embedded.workflows_items import (
    DUE_SHARDS,
    HISTORY,
    Chunk,
    Head,
    chunk,
    chunks,
    due,
    execution,
    kept,
    shown,
    told,
)
from ecosystem.adapters.embedded.workflows_lists import executions
from ecosystem.adapters.embedded.workflows_live import Live
from ecosystem.adapters.embedded.workflows_machines import Machines
from ecosystem.adapters.embedded.workflows_timers import Timers
from ecosystem.adapters.embedded.workflows_turns import (
    Answered,
    Arrival,
    Beaten,
    Exhausted,
    Making,
    Redriven,
    Renewed,
    Stopped,
    TakenOver,
    TokenAnswered,
    Woken,
)
from ecosystem.kernel import trace
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import IdReused, Refusal, Unavailable
from ecosystem.kernel.time import sortable
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.table import ABSENT, At, Cursor, Delete, Index, Put, Row, Stale, Table, Unfit, Write
from ecosystem.ports.table_limits import TRANSACTION_WRITES_MAX
from ecosystem.ports.workflows import (
    NAME_CHARACTERS_MAX,
    RETENTION_DAYS,
    Awaited,
    Definition,
    Execution,
    Executions,
    ExecutionStatus,
    ExecutionUnknown,
    HistoryEvent,
    HistoryPage,
    InputUnfit,
    NameUnfit,
    StartExecution,
    TaskHandler,
    TaskNotAwaited,
    TokenUnfit,
    WorkflowsBusy,
)

T = TypeVar("T")
log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
RETENTION = timedelta(days=RETENTION_DAYS)
HORIZON = timedelta(minutes=10)
"""Instants that come later than that are left in the table."""

INDEX_LAG = timedelta(minutes=1)
"""How far an index may be behind what was written."""

POLL = timedelta(seconds=15)
REMEMBERED = 1_000
"""Executions kept in memory after use."""

LOOKS_AT_ONCE = 16
"""Executions looked at side by side: each takes the loop for a moment, and pages wait meanwhile."""

WAITING_MAX = 10_000
WAITING_MUCH = 256
"""With that many calls in line no further instants are acted on."""

PAUSE_S = 0.01
RETRY_S = 1.0
ATTEMPTS = 12
PAGE = 50
PAYLOAD_BYTES_MAX = 256 * 1024
TOKEN_CHARACTERS_MAX = 1024
FORGOTTEN_AT_ONCE = 20

_UNFIT_IN_NAMES = frozenset('<>{}[]?*"#%\\^|~`$&,;:/')
_ENTERED = "States.DataLimitExceeded"


class Load(Struct, frozen=True, kw_only=True):
    """How busy the interpreter is: calls being made and in line, executions in memory, instants set.

    `turns` were committed so far; `fenced_off` are answers that came too late, mostly because another made the call.
    """

    running: int
    waiting: int
    remembered: int
    timers: int
    turns: int
    fenced_off: int


class EmbeddedWorkflows:
    """The `Workflows` port. Belongs to the event loop it is used on.

    `alone` says that no other interpreter works over this table: whoever else has claims is dead.
    """

    def __init__(
        self,
        table: Table,
        clock: Clock,
        entropy: Entropy,
        *,
        alone: bool = True,
        lease: timedelta = LEASE,
        retention: timedelta = RETENTION,
    ) -> None:
        self._table = table
        self._clock = clock
        self._entropy = entropy
        self._alone = alone
        self._lease = lease
        self._retention = retention
        # Not from the entropy given: one that is repeatable would have a second process take the first for itself.
        self.owner = secrets.token_hex(8)
        self._machines = Machines(table)
        self._calls = Calls(clock, self._fit, self._returned)
        self._timers = Timers()
        self._lives: OrderedDict[str, Live] = OrderedDict()
        self._starting: dict[str, asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._horizon: datetime | None = None
        self._polled_at: datetime | None = None
        self._renewed_at = clock.now()
        self._closed = False
        self._turns = 0
        self._fenced_off = 0

    # What it is given, and how it runs.

    def bind(self, definitions: Sequence[Definition], tasks: Mapping[str, TaskHandler]) -> None:
        self._machines.bind(definitions, tasks.keys())
        self._calls.tasks = dict(tasks)

    def machines(self) -> Sequence[Definition]:
        return self._machines.definitions()

    async def run(self) -> None:
        """Fire timers, take over what the dead have left, renew claims, forget what is old. Ends after `close`."""
        while not self._closed:
            try:
                await self._stepped()
            except Unavailable as refused:
                log.warning("workflows wait for the table", extra={"reason": refused.message})
                await asyncio.sleep(RETRY_S)
            if self._crowded:
                await asyncio.sleep(PAUSE_S)
            elif not self._closed:
                await self._idle()

    async def step(self) -> int:
        """Act on every instant that has come, and wait for what follows from it; how many executions were looked at.

        For tests and simulations, which have no `run` beside them and move the clock by hand.
        """
        looked = 0
        for _ in range(ATTEMPTS * ATTEMPTS):
            found = await self._stepped()
            looked += found
            await self.drained()
            next_at = self._timers.next_at
            if not found and (next_at is None or next_at > self._clock.now()):
                break
        return looked

    async def drained(self) -> None:
        """Return when no call is being made and no turn is being committed."""
        while busy := [task for task in (*self._tasks, *self._calls.tasks_running) if not task.done()]:
            await asyncio.wait(busy)

    async def next_at(self) -> datetime | None:
        """The next instant at which an execution has something to do by itself; None when there is none."""
        instants = [self._timers.next_at] if self._timers.next_at else []
        for number in range(DUE_SHARDS):
            page = await self._table.query(due(number), Head, index=Index.PROVIDER, limit=10)
            instants += [at for row in page.rows if (at := row.value.run.wakes_at) is not None]
        return min(instants, default=None)

    async def close(self, grace_s: float = 10.0) -> None:
        self._closed = True
        self._timers.wake()
        await self._calls.close(grace_s)
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks), timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @property
    def load(self) -> Load:
        """How busy it is, for metrics."""
        return Load(
            running=self._calls.running,
            waiting=self._calls.waiting,
            remembered=len(self._lives),
            timers=len(self._timers),
            turns=self._turns,
            fenced_off=self._fenced_off,
        )

    # What is asked of it.

    async def start(self, request: StartExecution, actor: Actor) -> Execution:
        _check_name(request.name)
        if self._closed:
            raise Unavailable("Workflows are being shut down.")
        if self._calls.waiting >= WAITING_MAX:
            raise WorkflowsBusy
        bound = await self._machines.present(request.machine)
        execution_id = f"{request.machine}:{request.name}"
        circumstances = Circumstances(
            execution_id=execution_id,
            execution_name=request.name,
            machine_id=request.machine,
            machine_name=request.machine,
            seed=self._entropy.bytes(16),
        )
        at = self._clock.now()
        _checked(request.input, "input")
        turn = stepping.begin(bound.machine, circumstances, request.input, at)
        head = Head(
            run=turn.run,
            revision=bound.revision,
            started_by=actor,
            trace_id=trace.trace_id.get(),
            express=bound.definition.express,
        )
        live = Live(execution_id, head, 0)
        making = Making(bound.machine, head, owner=self.owner, lease=self._lease, at=at)
        making.turned(turn)
        begun = await asyncio.shield(self._spawn(self._begun(live, making)))
        if begun is not None:
            return shown(begun)
        row = await self._row(execution_id)
        earlier = row.value
        if earlier.started_by.actor_id != actor.actor_id or earlier.run.input != turn.run.input:
            raise IdReused(f"An execution of {request.machine} named {request.name} began with something else.")
        return shown(earlier)

    async def describe(self, execution_id: str) -> Execution:
        return shown((await self._row(execution_id)).value)

    async def history(self, execution_id: str, *, after: int = 0, limit: int = 100) -> HistoryPage:
        await self._row(execution_id)
        partition = execution(execution_id).partition
        first = await self._table.query(
            partition,
            Chunk,
            prefix=HISTORY,
            end=chunk(execution_id, after + 2).sort,
            descending=True,
            limit=1,
        )
        start = first.rows[0].key.sort if first.rows else HISTORY
        events: list[HistoryEvent] = []
        cursor: Cursor | None = None
        while len(events) <= limit:
            page = await self._table.query(
                partition, Chunk, prefix=HISTORY, start=start, after=cursor, limit=min(limit, PAGE)
            )
            for row in page.rows:
                events += [event for event in told(row.value) if event.id > after]
            cursor = page.next
            if cursor is None:
                break
        return HistoryPage(events=events[:limit], next=events[limit - 1].id if len(events) > limit else None)

    async def listed(
        self,
        *,
        machine: str | None = None,
        status: ExecutionStatus | None = None,
        began_before: datetime | None = None,
        after: Cursor | None = None,
        limit: int = 50,
    ) -> Executions:
        return await executions(
            self._table, machine=machine, status=status, before=began_before, after=after, limit=limit
        )

    async def awaited(self, execution_id: str) -> Sequence[Awaited]:
        run = (await self._row(execution_id)).value.run
        if run.is_over:
            return ()
        return tuple(
            Awaited(
                state=call.state,
                function=call.function,
                token=call.token,
                input=call.input,
                timeout_at=call.timeout_at,
            )
            for call in run.calls()
            if call.token is not None
        )

    async def definition(self, execution_id: str) -> bytes:
        head = (await self._row(execution_id)).value
        return (await self._machines.stored(head.machine, head.revision)).content

    async def stop(self, execution_id: str, actor: Actor, *, error: str = "", cause: str = "") -> Execution:
        return shown(await self._told(execution_id, lambda future: Stopped(actor, error, cause, future)))

    async def redrive(self, execution_id: str, actor: Actor) -> Execution:
        return shown(await self._told(execution_id, lambda future: Redriven(actor, future)))

    async def succeed(self, token: str, output: Any) -> None:
        _checked(output, "output")
        await self._answered(token, lambda future: TokenAnswered(token, Succeeded(output), future))

    async def fail(self, token: str, *, error: str = "", cause: str = "") -> None:
        outcome = Failed(error or None, cause or None)
        await self._answered(token, lambda future: TokenAnswered(token, outcome, future))

    async def heartbeat(self, token: str) -> None:
        await self._answered(token, lambda future: Beaten(token, future))

    # One execution: loading it, telling it, driving it.

    async def _row(self, execution_id: str) -> Row[Head]:
        try:
            row = await self._table.get(execution(execution_id), Head)
        except Unfit as unfit:
            raise ExecutionUnknown from unfit
        if row is None:
            raise ExecutionUnknown
        return row

    async def _load(self, execution_id: str) -> Live | None:
        """The execution in memory; None when there is none."""
        if execution_id in self._starting:
            await asyncio.wait([self._starting[execution_id]])
        live = self._lives.get(execution_id)
        if live is not None:
            self._lives.move_to_end(execution_id)
            return live
        row = await self._table.get(execution(execution_id), Head)
        if row is None:
            return None
        if execution_id in self._lives or execution_id in self._starting:
            return await self._load(execution_id)
        live = Live.of(row)
        self._remember(live)
        self._reconciled(live)
        return live

    def _remember(self, live: Live) -> None:
        self._lives[live.execution_id] = live
        if len(self._lives) > REMEMBERED:
            oldest = next(iter(self._lives.values()))
            if oldest.idle:
                del self._lives[oldest.execution_id]
            else:
                self._lives.move_to_end(oldest.execution_id)

    async def _told(self, execution_id: str, arrival: Callable[[asyncio.Future[Head]], Arrival]) -> Head:
        """Tell the execution, and return its head once what came of it is committed."""
        try:
            live = await self._load(execution_id)
        except Unfit as unfit:
            raise ExecutionUnknown from unfit
        if live is None:
            raise ExecutionUnknown
        future: asyncio.Future[Head] = asyncio.get_running_loop().create_future()
        live.inbox.append(arrival(future))
        self._driven(live)
        return await future

    async def _answered(self, token: str, arrival: Callable[[asyncio.Future[Head]], Arrival]) -> None:
        addressee = chance.addressee(token) if len(token) <= TOKEN_CHARACTERS_MAX else None
        if addressee is None:
            raise TokenUnfit(field="token")
        execution_id, _ = addressee
        try:
            await self._told(execution_id, arrival)
        except ExecutionUnknown as unknown:
            raise TaskNotAwaited from unknown

    def _driven(self, live: Live) -> None:
        """Have a task take in what has arrived, unless one does already."""
        if not live.driving:
            live.driving = True
            self._spawn(self._drive(live))

    async def _drive(self, live: Live) -> None:
        try:
            while live.inbox:
                arrivals, live.inbox = live.inbox, []
                try:
                    done = await self._turned(live, arrivals)
                except Exception as failed:
                    # An entry point of its own: nobody else is to wait for an answer that does not come.
                    log.exception("a turn could not be committed", extra={"execution_id": live.execution_id})
                    done = self._later(live, arrivals, Unavailable(f"The turn failed: {type(failed).__name__}."))
                if not done:
                    self._spawn(self._again(live))
                    break
        finally:
            live.driving = False
        if live.head.run.is_over and live.idle and self._lives.get(live.execution_id) is live:
            del self._lives[live.execution_id]

    async def _again(self, live: Live) -> None:
        """The table could not be written: try once more, later."""
        await asyncio.sleep(RETRY_S)
        if not self._closed:
            self._driven(live)

    async def _turned(self, live: Live, arrivals: list[Arrival]) -> bool:
        """Take in what has arrived, in one commit. False when that has to be tried again later."""
        present: Sequence[Arrival] = arrivals
        fresh = False
        for _ in range(ATTEMPTS):
            making = await self._made(live, present)
            if making.refused and not fresh and await self._reread(live):
                fresh = True
                continue
            if not making.touched:
                self._tell(live, arrivals, making)
                return True
            try:
                head = await self._commit(live, making)
            except Stale:
                fresh = True
                if not await self._reread(live):
                    # Forgotten meanwhile, or never there.
                    self._refuse(arrivals, ExecutionUnknown())
                    return True
            except Unfit as unfit:
                if present and isinstance(present[0], Exhausted):
                    self._refuse(arrivals, Unavailable(unfit.message))
                    return True
                present = [Exhausted(_ENTERED, unfit.message)]
            except Unavailable as refused:
                return self._later(live, arrivals, refused)
            else:
                self._committed(live, making, head)
                self._tell(live, arrivals, making)
                return True
        return self._later(live, arrivals, Unavailable("This execution is changed by too many at once."))

    async def _made(self, live: Live, arrivals: Sequence[Arrival]) -> Making:
        at = self._clock.now()
        machine: Machine | None = None
        try:
            machine = await self._machines.at(live.head.machine, live.head.revision)
        except Refusal as gone:
            if not isinstance(gone, MachineRefused):
                log.warning("a machine is gone", extra={"execution_id": live.execution_id})
            if not all(isinstance(arrival, Exhausted | Stopped) for arrival in arrivals):
                arrivals = [Exhausted("States.Runtime", f"Its machine cannot be read any more: {gone.message}")]
        making = Making(machine, live.head, owner=self.owner, lease=self._lease, at=at)
        try:
            making.take(arrivals)
        except Exception as wrong:
            # An entry point of its own: what the interpreter cannot carry on fails, and every other goes on.
            log.exception("an execution could not be carried on", extra={"execution_id": live.execution_id})
            making = Making(machine, live.head, owner=self.owner, lease=self._lease, at=at)
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

    def _later(self, live: Live, arrivals: Sequence[Arrival], refused: Refusal) -> bool:
        """Those who wait are told to try again; what nobody waits for is kept and tried again."""
        self._refuse(arrivals, refused)
        live.inbox[:0] = [arrival for arrival in arrivals if arrival.future is None]
        return not live.inbox

    # Committing a turn, and what follows it.

    async def _begun(self, live: Live, making: Making) -> Head | None:
        """Commit the first turn; None when there was an execution of that name before."""
        execution_id = live.execution_id
        if execution_id in self._starting:
            await asyncio.wait([self._starting[execution_id]])
            if execution_id in self._starting or await self._load(execution_id):
                return None
        starting = self._starting[execution_id] = asyncio.get_running_loop().create_future()
        try:
            try:
                head = await self._commit(live, making)
            except Stale:
                head = None
            except Unfit as unfit:
                raise InputUnfit(unfit.message, field="input") from unfit
            else:
                self._remember(live)
                self._committed(live, making, head)
        finally:
            del self._starting[execution_id]
            starting.set_result(None)
        if head is None:
            # Found before: if its calls are ours and nobody makes them, they are made now.
            await self._load(execution_id)
        elif head.run.is_over:
            self._lives.pop(execution_id, None)
        return head

    async def _commit(self, live: Live, making: Making) -> Head:
        """Write the head with its history. Raises `Stale` when somebody else changed it first."""
        head = making.made()
        wakes_at = head.run.wakes_at
        places, due_at = live.placed(head, wakes_at, slack=self._lease, retention=self._retention)
        expected = At(live.version) if live.version else ABSENT
        writes: list[Write] = [Put(key=live.key, value=head, index=places, expected=expected)]
        if making.events and not head.express:
            writes += chunks(live.execution_id, making.events)
        if len(writes) > TRANSACTION_WRITES_MAX:
            raise Unfit(f"This turn has {len(writes)} writes; the most is {TRANSACTION_WRITES_MAX}.")
        await self._table.transact(*writes)
        live.version += 1
        live.places = places
        live.due_at = due_at
        live.wakes_at = wakes_at
        return head

    def _committed(self, live: Live, making: Making, head: Head) -> None:
        """The turn is on disk: make its calls, drop the cancelled, set the next instant."""
        self._turns += 1
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
            self._timers.forget(live.execution_id)
            return
        self._scheduled(live)
        for call, fence in making.calls:
            claim = head.claims.get(call.call_id)
            if claim is not None and claim.fence == fence:
                self._make(live, call, fence)

    def _scheduled(self, live: Live) -> None:
        wakes_at = live.wakes_at
        if wakes_at is not None and (self._horizon is None or live.due_at is None or live.due_at < self._horizon):
            self._timers.set(live.execution_id, wakes_at)

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
        self._calls.make(job)

    def _fit(self, job: Job) -> bool:
        """Whether the call is still ours to make."""
        live = job.live
        claim = live.head.claims.get(job.call.call_id)
        if claim is None or claim.owner != self.owner or claim.fence != job.fence:
            return False
        if not self._alone and claim.until <= self._clock.now():
            # It stood in line for too long. Whether it is still ours, the table knows.
            self._spawn(self._claimed_anew(job))
            return False
        return True

    async def _claimed_anew(self, job: Job) -> None:
        try:
            await self._told(job.execution_id, Renewed)
        except Unavailable:
            await asyncio.sleep(RETRY_S)
        if job.live.jobs.get(job.call.call_id) is job and not job.dropped:
            self._calls.make(job)

    async def _returned(self, job: Job, outcome: Outcome) -> None:
        live = job.live
        live.inbox.append(Answered(job.call.call_id, job.fence, outcome, submits=job.call.token is not None))
        if not live.driving:
            live.driving = True
            await self._drive(live)

    def _tell(self, live: Live, arrivals: Sequence[Arrival], making: Making) -> None:
        refused = {id(arrival): refusal for arrival, refusal in making.refused} if making.refused else {}
        for arrival in arrivals:
            refusal = refused.get(id(arrival))
            if refusal is not None and isinstance(arrival, Answered) and not arrival.submits:
                self._fenced_off += 1
                log.warning("an answer came too late", extra={"execution_id": live.execution_id})
            future = arrival.future
            if future is None or future.done():
                continue
            if refusal is not None:
                future.set_exception(refusal)
            else:
                future.set_result(live.head)

    def _refuse(self, arrivals: Sequence[Arrival], refusal: Refusal) -> None:
        for arrival in arrivals:
            if arrival.future is not None and not arrival.future.done():
                arrival.future.set_exception(type(refusal)(refusal.message, field=refusal.field))

    # Instants, claims and what is old.

    async def _stepped(self) -> int:
        """One round: read ahead when it is time to, then look at every execution whose instant has come."""
        await self._polled()
        looked = 0
        looking: set[asyncio.Task[Any]] = set()
        while not (self._closed or self._crowded):
            execution_id = self._timers.due(self._clock.now())
            if execution_id is None:
                break
            looked += 1
            looking.add(self._spawn(self._look(execution_id)))
            if len(looking) >= LOOKS_AT_ONCE:
                _, looking = await asyncio.wait(looking, return_when=asyncio.FIRST_COMPLETED)
        if looking:
            await asyncio.wait(looking)
        return looked

    @property
    def _crowded(self) -> bool:
        """So many calls are in line that no more may come of instants."""
        return self._calls.waiting > WAITING_MUCH

    async def _look(self, execution_id: str) -> None:
        """See whether an execution has something to do by itself, and have it done."""
        try:
            live = await self._load(execution_id)
        except Unavailable:
            self._timers.set(execution_id, self._clock.now() + timedelta(seconds=RETRY_S))
            return
        if live is None or live.head.run.is_over:
            return
        at = self._clock.now()
        if self._abandoned(live.head, at):
            live.inbox.append(TakenOver(alone=self._alone))
        wakes_at = live.wakes_at
        if wakes_at is not None and wakes_at <= at:
            live.inbox.append(Woken())
        elif wakes_at is not None:
            self._timers.set(execution_id, wakes_at)
        if live.inbox and not live.driving:
            live.driving = True
            await self._drive(live)

    def _abandoned(self, head: Head, at: datetime) -> bool:
        return any(claim.owner != self.owner and (self._alone or claim.until <= at) for claim in head.claims.values())

    async def _polled(self) -> None:
        """Find in the table what memory does not have: what comes next, what is late, what was left, what is old."""
        at = self._clock.now()
        if self._horizon is None:
            self._horizon = at + HORIZON
            await self._ahead(None, self._horizon)
            self._polled_at = at
            return
        if self._horizon - at < HORIZON / 2:
            start, self._horizon = self._horizon - INDEX_LAG - self._lease, at + HORIZON
            await self._ahead(start, self._horizon)
        if at - self._renewed_at >= self._lease / 3:
            self._renewed_at = at
            self._renew(at)
        if self._polled_at is None or at - self._polled_at >= POLL:
            self._polled_at = at
            # Up to the slack in its place in the index an execution may be looked at in its own time.
            await self._ahead(None, at - 3 * self._lease / 2)
            self._cut_off()
            await self._forget(at)

    async def _ahead(self, start: datetime | None, end: datetime) -> None:
        """Set the instants of all executions whose place in the index lies in `[start, end)`."""
        for number in range(DUE_SHARDS):
            cursor: Cursor | None = None
            while not self._closed:
                page = await self._table.query(
                    due(number),
                    Head,
                    index=Index.PROVIDER,
                    start=None if start is None else sortable(start),
                    end=sortable(end),
                    after=cursor,
                    limit=PAGE,
                )
                for row in page.rows:
                    self._seen(row.value)
                cursor = page.next
                if cursor is None:
                    break

    def _seen(self, head: Head) -> None:
        if head.run.is_over:
            return
        at = self._clock.now()
        instants = [claim.until for claim in head.claims.values() if claim.owner != self.owner]
        # One of ours that nobody here knows: it was written though the table had said it was not.
        lost = head.execution_id not in self._lives and any(
            claim.owner == self.owner and claim.until <= at for claim in head.claims.values()
        )
        if lost or self._abandoned(head, at):
            instants.append(at)
        if head.run.wakes_at is not None:
            instants.append(head.run.wakes_at)
        if instants:
            self._timers.set(head.execution_id, min(instants))

    def _renew(self, at: datetime) -> None:
        """Tell the table that calls which take long are still being made."""
        soon = at + self._lease * 2 / 3
        for live in {job.execution_id: job.live for job in self._calls.jobs()}.values():
            if any(claim.until < soon for claim in live.head.claims.values() if claim.owner == self.owner):
                live.inbox.append(Renewed())
                self._driven(live)

    def _cut_off(self) -> None:
        """Calls that take longer than any may have failed."""
        for job in self._calls.overdue():
            job.drop()
            failure = Failed("States.Timeout", "The function took longer than any may.")
            job.live.inbox.append(Answered(job.call.call_id, job.fence, failure, submits=False))
            self._driven(job.live)

    async def _forget(self, at: datetime) -> None:
        """Remove executions that ended long ago: the history first, the head last."""
        for number in range(DUE_SHARDS):
            page = await self._table.query(
                kept(number), Head, index=Index.PROVIDER, end=sortable(at), limit=FORGOTTEN_AT_ONCE
            )
            for row in page.rows:
                ended_at = row.value.run.ended_at
                if ended_at is not None and ended_at + self._retention <= at:
                    await self._forgotten(row)

    async def _forgotten(self, row: Row[Head]) -> None:
        partition = row.key.partition
        while True:
            page = await self._table.query(partition, Chunk, prefix=HISTORY, limit=PAGE)
            if not page.rows:
                break
            await self._table.transact(*(Delete(key=part.key) for part in page.rows))
        try:
            await self._table.transact(Delete(key=row.key, expected=row.unchanged))
        except Stale:
            log.warning("an execution was changed while it was forgotten", extra={"execution_id": partition})

    async def _idle(self) -> None:
        """Wait for the next instant, or until one comes that is sooner."""
        at = self._clock.now()
        times = [at + POLL, self._timers.next_at or at + POLL]
        if self._calls.running or self._calls.waiting:
            times.append(self._renewed_at + self._lease / 3)
        pause_s = (min(times) - at).total_seconds()
        if pause_s <= 0:
            await asyncio.sleep(0)
            return
        self._timers.heard()
        waits = {asyncio.ensure_future(self._clock.sleep(pause_s)), asyncio.ensure_future(self._timers.sooner())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that lives as long as it needs to, whoever asked for it."""
        task = asyncio.get_running_loop().create_task(coroutine, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) and not isinstance(failure, Refusal):
            log.error("a part of the interpreter failed", exc_info=failure)


def _checked(value: Any, name: str) -> None:
    """Raises `InputUnfit` unless the value is JSON of a size that a step may have."""
    try:
        text = msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as unfit:
        raise InputUnfit(f"The {name} is no JSON: {unfit}", field=name) from unfit
    if len(text) > PAYLOAD_BYTES_MAX:
        raise InputUnfit(field=name)


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX or any(
        character in _UNFIT_IN_NAMES or character.isspace() or not character.isprintable() for character in name
    ):
        raise NameUnfit(field="name")
