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
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from ecosystem.adapters.embedded.states import chance, stepping
from ecosystem.adapters.embedded.states.run import Circumstances, Failed, Succeeded
from ecosystem.adapters.embedded.workflows_instants import Instants
from ecosystem.adapters.embedded.workflows_interpreter import RETRY_S, Interpreter
from ecosystem.adapters.embedded.workflows_items import (
    HISTORY,
    Chunk,
    Head,
    chunk,
    execution,
    shown,
    told,
)
from ecosystem.adapters.embedded.workflows_lists import executions
from ecosystem.adapters.embedded.workflows_live import Live
from ecosystem.adapters.embedded.workflows_turns import (
    Arrival,
    Beaten,
    Making,
    Redriven,
    Stopped,
    TokenAnswered,
)
from ecosystem.kernel import trace
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import IdReused, Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.table import Cursor, Row, Table, Unfit
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

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
RETENTION = timedelta(days=RETENTION_DAYS)
WAITING_MAX = 10_000
"""Calls in line beyond which nothing is begun."""

ROUNDS_MAX = 150
PAGE = 50
PAYLOAD_BYTES_MAX = 256 * 1024
TOKEN_CHARACTERS_MAX = 1024

_UNFIT_IN_NAMES = frozenset('<>{}[]?*"#%\\^|~`$&,;:/')


class Load(Struct, frozen=True, kw_only=True):
    """How busy the interpreter is: calls being made and in line, executions in memory, instants set.

    `turns` were committed so far; `late` answers came when nobody waited for them: mostly another made the call.
    """

    running: int
    waiting: int
    remembered: int
    timers: int
    turns: int
    late: int


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
        self._interpreter = Interpreter(table, clock, alone=alone, lease=lease, retention=retention)
        self._instants = Instants(table, clock, self._interpreter, retention=retention)

    # What it is given, and how it runs.

    def bind(self, definitions: Sequence[Definition], tasks: Mapping[str, TaskHandler]) -> None:
        self._interpreter.machines.bind(definitions, tasks.keys())
        self._interpreter.calls.tasks = dict(tasks)

    def machines(self) -> Sequence[Definition]:
        return self._interpreter.machines.definitions()

    async def run(self) -> None:
        """Fire timers, take over what the dead have left, renew claims, forget what is old. Ends after `close`."""
        while not self._interpreter.closed:
            try:
                await self._instants.stepped()
            except Unavailable as refused:
                log.warning("workflows wait for the table", extra={"reason": refused.message})
                await asyncio.sleep(RETRY_S)
            if not self._interpreter.closed:
                await self._instants.idle()

    async def step(self) -> int:
        """Act on every instant that has come, and wait for what follows from it; how many executions were looked at.

        For tests and simulations, which have no `run` beside them and move the clock by hand.
        """
        looked = 0
        for _ in range(ROUNDS_MAX):
            found = await self._instants.stepped()
            looked += found
            await self.drained()
            next_at = self._interpreter.timers.next_at
            if not found and (next_at is None or next_at > self._clock.now()):
                break
        return looked

    async def drained(self) -> None:
        """Return when no call is being made and no turn is being committed."""
        while busy := self._interpreter.at_work:
            await asyncio.wait(busy)

    @property
    def at_work(self) -> Sequence[asyncio.Task[Any]]:
        """The tasks that make calls and commit turns now."""
        return self._interpreter.at_work

    async def next_at(self) -> datetime | None:
        return await self._instants.next_at()

    async def close(self, grace_s: float = 10.0) -> None:
        await self._interpreter.close(grace_s)

    @property
    def load(self) -> Load:
        """How busy it is, for metrics."""
        interpreter = self._interpreter
        return Load(
            running=interpreter.calls.running,
            waiting=interpreter.calls.waiting,
            remembered=interpreter.remembered,
            timers=len(interpreter.timers),
            turns=interpreter.turns,
            late=interpreter.late,
        )

    # What is asked of it.

    async def start(self, request: StartExecution, actor: Actor) -> Execution:
        _check_name(request.name)
        interpreter = self._interpreter
        if interpreter.closed:
            raise Unavailable("Workflows are being shut down.")
        if interpreter.calls.waiting >= WAITING_MAX:
            raise WorkflowsBusy
        bound = await interpreter.machines.present(request.machine)
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
        making = Making(bound.machine, head, owner=interpreter.owner, lease=interpreter.lease, at=at)
        making.turned(turn)
        begun = await asyncio.shield(interpreter.spawn(interpreter.begun(live, making)))
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
        return (await self._interpreter.machines.stored(head.machine, head.revision)).content

    async def stop(self, execution_id: str, actor: Actor, *, error: str = "", cause: str = "") -> Execution:
        return shown(await self._interpreter.told(execution_id, lambda future: Stopped(actor, error, cause, future)))

    async def redrive(self, execution_id: str, actor: Actor) -> Execution:
        return shown(await self._interpreter.told(execution_id, lambda future: Redriven(actor, future)))

    async def succeed(self, token: str, output: Any) -> None:
        _checked(output, "output")
        await self._answered(token, lambda future: TokenAnswered(token, Succeeded(output), future))

    async def fail(self, token: str, *, error: str = "", cause: str = "") -> None:
        outcome = Failed(error or None, cause or None)
        await self._answered(token, lambda future: TokenAnswered(token, outcome, future))

    async def heartbeat(self, token: str) -> None:
        await self._answered(token, lambda future: Beaten(token, future))

    async def _row(self, execution_id: str) -> Row[Head]:
        try:
            row = await self._table.get(execution(execution_id), Head)
        except Unfit as unfit:
            raise ExecutionUnknown from unfit
        if row is None:
            raise ExecutionUnknown
        return row

    async def _answered(self, token: str, arrival: Callable[[asyncio.Future[Head]], Arrival]) -> None:
        addressee = chance.addressee(token) if len(token) <= TOKEN_CHARACTERS_MAX else None
        if addressee is None:
            raise TokenUnfit(field="token")
        execution_id, _ = addressee
        try:
            await self._interpreter.told(execution_id, arrival)
        except ExecutionUnknown as unknown:
            raise TaskNotAwaited from unknown


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
