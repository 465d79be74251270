"""Workflows: machines written in Amazon States Language, and their executions, which outlive any process.

An execution is named by whoever starts it; the name is its idempotency key. Its id is `machine:name`. Each step of a
standard execution leaves its events in the history, in the cloud's types; an express one leaves its result alone.

Steps call functions. A call is made at least once: again under a higher `fence` when whoever made it has died. So a
function's effect is made once under `TaskCall.idempotency_id`, and whatever it writes elsewhere may be fenced. A call
that carries a `token` waits, after its function has returned, until somebody answers with the token: a person, an
event. `succeed`, `fail` and `heartbeat` take it.

Who may start, stop or answer is decided above; `actor` is recorded here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from msgspec import Struct, field

from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Invalid, NotFound, Unavailable
from ecosystem.ports.bus import Fact
from ecosystem.ports.table import Cursor

RETENTION_DAYS = 90
"""How long an execution that ended is kept, with its history."""

NAME_CHARACTERS_MAX = 80


class ExecutionUnknown(NotFound):
    """There is no such execution."""


class MachineUnknown(NotFound):
    """There is no machine of that name."""


class NameUnfit(Invalid):
    """An execution's name has 1 to 80 letters, digits and signs such as a hyphen."""


class InputUnfit(Invalid):
    """An input or output is JSON of at most 256 KB."""


class ExecutionEnded(Conflict):
    """This execution has ended."""


class NotRedrivable(Conflict):
    """Only an execution that failed, timed out or was stopped goes on from where it was."""


class TokenUnfit(Invalid):
    """That is not a task's token."""


class TaskNotAwaited(Conflict):
    """This task is not waited for any more: it was answered, its time has passed, or its execution has ended."""


class WorkflowsBusy(Unavailable):
    """Too many executions wait for their turn."""


class TaskFailed(Exception):
    """Raised by a handler: the task fails with this error, which `Retry` and `Catch` may name."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


class ExecutionStatus(StrEnum):
    """What became of an execution, in the cloud's words."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


class ExecutionFailed(Fact, frozen=True, kw_only=True):
    """An execution ended as FAILED or TIMED_OUT, without anybody's wish. Why in words stands in its history."""

    source: ClassVar[str] = "workflows"

    execution_id: str
    machine: str
    name: str
    status: str
    error: str


class Definition(Struct, frozen=True, kw_only=True):
    """A machine as it is written. `file` is how problems name it; `bindings` replace `${name}` in its resources."""

    name: str
    content: bytes
    file: str
    express: bool = False
    bindings: Mapping[str, str] = field(default_factory=dict[str, str])


class StartExecution(Struct, frozen=True, kw_only=True):
    """Begin an execution. `name` is its idempotency key within the machine; `input` is any JSON value."""

    machine: str
    name: str
    input: Any = field(default_factory=dict[str, Any])


class TaskCall(Struct, frozen=True, kw_only=True):
    """One call of a function by a step of an execution.

    `attempt` counts the tries that the machine's `Retry` made of the step, from 0; each is another call. `fence` grows
    when the same call is made again because whoever made it first is taken for dead.
    """

    execution_id: str
    machine: str
    name: str
    state: str
    call_id: int
    function: str
    input: Any
    token: str | None
    fence: int
    attempt: int

    @property
    def idempotency_id(self) -> str:
        """The same for each time this call is made, and for no other call."""
        return f"{self.execution_id}:{self.call_id}"


TaskHandler = Callable[[TaskCall], Awaitable[Any]]
"""What carries out a function: its result is a JSON value. A `Refusal` it raises is the task's error under its class
name, with its sentence as the cause; `TaskFailed` names another; anything else is logged, and an error under its class
name too."""


class Awaited(Struct, frozen=True, kw_only=True):
    """A call that waits for an answer under its token: of a person, or of an event."""

    state: str
    function: str
    token: str
    input: Any
    timeout_at: datetime | None = None


class Redrive(Struct, frozen=True, kw_only=True):
    """Who let an execution go on from where it had failed."""

    actor: Actor
    at: datetime


class Execution(Struct, frozen=True, kw_only=True):
    """An execution as it stands. `output` is None unless it succeeded, `error` and `cause` unless it did not.

    `awaiting` names the states that wait for an answer under a task's token.
    """

    execution_id: str
    machine: str
    name: str
    express: bool
    status: ExecutionStatus
    started_at: datetime
    started_by: Actor
    ended_at: datetime | None = None
    stopped_by: Actor | None = None
    redrives: Sequence[Redrive] = ()
    input: Any = None
    output: Any = None
    error: str | None = None
    cause: str | None = None
    awaiting: Sequence[str] = ()


class Executions(Struct, frozen=True, kw_only=True):
    """A page of executions, newest first, and the cursor to go on from; None when there are no more."""

    executions: Sequence[Execution]
    next: Cursor | None = None


class HistoryEvent(Struct, frozen=True, kw_only=True):
    """One event of a history. `type` and the names in `details` are the cloud's; payloads in it are JSON values."""

    id: int
    previous_id: int
    type: str
    at: datetime
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


class HistoryPage(Struct, frozen=True, kw_only=True):
    """Events in order; `next` is the id to ask for the following ones after, None when there are no more."""

    events: Sequence[HistoryEvent]
    next: int | None = None


class Workflows(Protocol):
    """An execution that ends as FAILED or TIMED_OUT announces `ExecutionFailed` in the commit that ends it."""

    def bind(self, definitions: Sequence[Definition], tasks: Mapping[str, TaskHandler]) -> None:
        """Give it its machines, and what carries out each function. Once, before `run`.

        Raises a refusal with file, state and reason for each machine that is wrong or names a function not among
        `tasks`. A deployment whose machines are kept elsewhere only looks at them.
        """
        ...

    def machines(self) -> Sequence[Definition]:
        """The machines that executions begin with now."""
        ...

    async def run(self) -> None:
        """Carry executions on until `close`: fire timers, take over what was left by the dead. Await it in a task.

        Before it runs, executions may be started and answered; their calls are made all the same.
        """
        ...

    async def step(self) -> int:
        """Act on what is due, and wait for what follows from it; how many executions were looked at.

        For whoever has no `run` beside them and moves the clock by hand. Elsewhere there is nothing to do.
        """
        ...

    async def next_at(self) -> datetime | None:
        """The next instant at which an execution goes on by itself: how far such a clock may be moved at once."""
        ...

    async def close(self, grace_s: float = 10.0) -> None:
        """Make no more calls, let those made return within the grace, then let go. What is left goes on elsewhere."""
        ...

    async def start(self, request: StartExecution, actor: Actor) -> Execution:
        """Begin an execution; on return it will be carried out, whatever dies.

        The same request by the same actor again returns the first, as it stands; anything else under its name raises
        `IdReused`. Raises `MachineUnknown`, `NameUnfit`, `InputUnfit`, `WorkflowsBusy`.
        """
        ...

    async def describe(self, execution_id: str) -> Execution:
        """The execution as it stands. Raises `ExecutionUnknown`."""
        ...

    async def history(self, execution_id: str, *, after: int = 0, limit: int = 100) -> HistoryPage:
        """Up to `limit` (1 to 1000) events after that id, in order; none of an express execution."""
        ...

    async def listed(
        self,
        *,
        machine: str | None = None,
        status: ExecutionStatus | None = None,
        began_before: datetime | None = None,
        after: Cursor | None = None,
        limit: int = 50,
    ) -> Executions:
        """Executions of that machine and status that began before that, newest first, from an index that may lag."""
        ...

    async def awaited(self, execution_id: str) -> Sequence[Awaited]:
        """The calls of this execution that wait for an answer under their token."""
        ...

    async def definition(self, execution_id: str) -> bytes:
        """The machine as it was written when this execution began: what it is carried out by to its end."""
        ...

    async def stop(self, execution_id: str, actor: Actor, *, error: str = "", cause: str = "") -> Execution:
        """End it as ABORTED. One that ended as ABORTED before is returned, any other that ended is refused."""
        ...

    async def redrive(self, execution_id: str, actor: Actor) -> Execution:
        """Go on from the steps that failed. Raises `NotRedrivable`."""
        ...

    async def succeed(self, token: str, output: Any) -> None:
        """Answer the call that waits under this token. Raises `TaskNotAwaited`, `TokenUnfit`."""
        ...

    async def fail(self, token: str, *, error: str = "", cause: str = "") -> None:
        """Answer the call that waits under this token: it failed. Raises `TaskNotAwaited`, `TokenUnfit`."""
        ...

    async def heartbeat(self, token: str) -> None:
        """Tell that the work under this token goes on. Raises `TaskNotAwaited`, `TokenUnfit`."""
        ...
