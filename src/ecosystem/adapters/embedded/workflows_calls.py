"""The calls being made: so many at once, so many of one function, the others in line, none of them for ever."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ecosystem.adapters.embedded.states.run import Call, Failed, Outcome, Succeeded
from ecosystem.kernel import trace
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.clock import Clock
from ecosystem.ports.workflows import TaskCall, TaskFailed, TaskHandler

if TYPE_CHECKING:
    from ecosystem.adapters.embedded.workflows_live import Live

log = logging.getLogger(__name__)
AT_ONCE = 64
OF_ONE_FUNCTION = 32
"""One function that hangs must not take every place."""

CALL_LIFE = timedelta(minutes=15)
"""How long a call may take where its machine sets no timeout; the cloud ends functions then."""


class Job:
    """One call under one fence, waiting for its place or being made."""

    __slots__ = ("call", "dropped", "fence", "handled", "live", "started_at", "task")

    def __init__(self, live: Live, call: Call, fence: int) -> None:
        self.live = live
        self.call = call
        self.fence = fence
        self.started_at: datetime | None = None
        self.task: asyncio.Task[None] | None = None
        self.dropped = False
        self.handled = False

    @property
    def execution_id(self) -> str:
        return self.live.execution_id

    def drop(self) -> None:
        """Nobody waits for it any more: what it comes to is not told."""
        self.dropped = True
        # Once the function has returned its task may be committing for others too: that is not cut off.
        if self.task is not None and not self.handled:
            self.task.cancel()

    def asked(self) -> TaskCall:
        call, circumstances = self.call, self.live.head.run.circumstances
        return TaskCall(
            execution_id=circumstances.execution_id,
            machine=circumstances.machine_name,
            name=circumstances.execution_name,
            state=call.state,
            call_id=call.call_id,
            function=call.function,
            input=call.input,
            token=call.token,
            fence=self.fence,
            attempt=call.attempt,
        )


Returned = Callable[[Job, Outcome], Awaitable[None]]


class Calls:
    """Makes calls and hands what they come to to `returned`. `fit` is asked just before a call is made."""

    def __init__(self, clock: Clock, fit: Callable[[Job], bool], returned: Returned) -> None:
        self.tasks: Mapping[str, TaskHandler] = {}
        self._clock = clock
        self._fit = fit
        self._returned = returned
        self._lines: dict[str, deque[Job]] = {}
        self._running: dict[str, int] = {}
        self._jobs: dict[asyncio.Task[None], Job] = {}
        self._at_once = 0
        self.waiting = 0
        self.made = 0
        self.closed = False

    @property
    def running(self) -> int:
        """How many calls are being made, those among them that are being told of too."""
        return len(self._jobs)

    @property
    def full(self) -> bool:
        """Every place is taken."""
        return self._at_once >= AT_ONCE

    @property
    def tasks_running(self) -> list[asyncio.Task[None]]:
        return list(self._jobs)

    def make(self, job: Job) -> None:
        """Make the call now, or as soon as there is a place."""
        function = job.call.function
        if not self.closed and self._at_once < AT_ONCE and self._running.get(function, 0) < OF_ONE_FUNCTION:
            self._begin(job)
            return
        self._lines.setdefault(function, deque()).append(job)
        self.waiting += 1

    def jobs(self) -> list[Job]:
        """All calls being made and in line."""
        return [*self._jobs.values(), *(job for line in self._lines.values() for job in line if not job.dropped)]

    def overdue(self) -> list[Job]:
        """Calls that have taken longer than any may."""
        before = self._clock.now() - CALL_LIFE
        return [
            job
            for job in self._jobs.values()
            if job.started_at is not None and job.started_at <= before and not job.dropped
        ]

    async def close(self, grace_s: float) -> None:
        """Begin no more, wait for those being made, then cut them off."""
        self.closed = True
        if self._jobs:
            _, late = await asyncio.wait(list(self._jobs), timeout=grace_s)
            for task in late:
                self._jobs[task].drop()
            if late:
                await asyncio.gather(*late, return_exceptions=True)

    def _begin(self, job: Job) -> None:
        if job.dropped or not self._fit(job):
            return
        function = job.call.function
        self._running[function] = self._running.get(function, 0) + 1
        self._at_once += 1
        self.made += 1
        # A context of its own: who happened to give the answer before must not be seen in the next call.
        context = Context()
        context.run(trace.trace_id.set, job.live.head.trace_id)
        job.task = asyncio.get_running_loop().create_task(self._carried_out(job), context=context)
        job.started_at = self._clock.now()
        self._jobs[job.task] = job

    def _ended(self, function: str) -> None:
        """Free a place, and give it to whoever is next in line, function by function in turn."""
        self._running[function] -= 1
        self._at_once -= 1
        while self.waiting and not self.closed and self._at_once < AT_ONCE:
            if not self._next():
                return

    def _next(self) -> bool:
        for function in list(self._lines):
            if self._running.get(function, 0) < OF_ONE_FUNCTION:
                line = self._lines.pop(function)
                job = line.popleft()
                self.waiting -= 1
                if line:
                    # At the end: the other functions come first now.
                    self._lines[function] = line
                self._begin(job)
                return True
        return False

    async def _carried_out(self, job: Job) -> None:
        assert job.task is not None
        try:
            try:
                outcome = await self._outcome(job)
            finally:
                job.handled = True
                self._ended(job.call.function)
            if not job.dropped:
                await self._returned(job, outcome)
        except asyncio.CancelledError:
            if not job.dropped:
                raise
        finally:
            self._jobs.pop(job.task, None)

    async def _outcome(self, job: Job) -> Outcome:
        handler = self.tasks.get(job.call.function)
        if handler is None:
            return Failed("FunctionUnknown", f"There is no function {job.call.function}.")
        try:
            return Succeeded(await handler(job.asked()))
        except Refusal as refused:
            return Failed(refused.name, refused.message)
        except TaskFailed as failure:
            return Failed(failure.error, failure.cause or None)
        except asyncio.CancelledError:
            # Either this task is cut off, or something that the function waited for was cancelled: that is its failure.
            if job.dropped or (job.task is not None and job.task.cancelling()):
                raise
            return Failed("CancelledError", "What the function waited for was cancelled.")
        except Exception as failure:
            # An entry point of its own: whatever a function raises is its task's error.
            log.exception("a task failed", extra={"function": job.call.function, "execution_id": job.execution_id})
            return Failed(type(failure).__name__, str(failure) or None)
