"""Executions of workflows, for the people who may look at them and act on them.

Operators at their own desk see all but secrets, and may answer, stop and go on. Whoever takes part in the matter that an
execution is about (the customer and the provider of a booking, the owner of a provider) may look at it, masked. Nobody
is shown a task's token: an open task is answered by a name made from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.booking import Bookings
from ecosystem.contexts.catalogue import Providers
from ecosystem.journeys.masking import masked, unmasked
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Denied, Invalid, NotFound
from ecosystem.ports.table import Cursor
from ecosystem.ports.workflows import (
    Awaited,
    Definition,
    Execution,
    Executions,
    ExecutionStatus,
    ExecutionUnknown,
    HistoryEvent,
    HistoryPage,
    TaskNotAwaited,
    Workflows,
)

HISTORY_MAX = 2_000
"""Events that one drawing is told from, at most."""

PIECE = 1_000
REASON_MAX = 1_000
NAMED_MAX = 200
MANY = 100
REJECTED = "Rejected"
"""The error under which a task fails that a person rejected: what a machine's Catch names."""


class OpenTask(Struct, frozen=True, kw_only=True):
    """A task that waits for somebody's answer. `task_id` names it without being its token."""

    task_id: str
    state: str
    function: str
    input: Any
    timeout_at: datetime | None


class AnswerTask(Struct, frozen=True, kw_only=True):
    """An operator's answer. Accepting gives the task `output` with who decided and why; rejecting fails it."""

    execution_id: str
    task_id: str
    accepted: bool
    reason: str
    output: Any = None


class Seen(Struct, frozen=True, kw_only=True):
    """What tells an execution as somebody saw it from itself later: how it stood, its last event, its open tasks."""

    execution_id: str
    status: str
    last_event: int
    tasks: int


class Whole(Struct, frozen=True, kw_only=True):
    """An execution with all that its page shows. `is_cut` says that its history goes on beyond what was read."""

    execution: Execution
    definition: str
    events: Sequence[HistoryEvent]
    is_cut: bool
    tasks: Sequence[OpenTask]
    is_masked: bool


@dataclass(frozen=True, slots=True)
class Watching:
    """Each act raises `ExecutionUnknown` and, for whoever may not, `Denied`."""

    workflows: Workflows
    bookings: Bookings
    providers: Providers

    async def execution(self, execution_id: str, actor: Actor) -> Execution:
        """One execution as that actor may see it."""
        execution, sees_all = await self._seen(execution_id, actor)
        return _shown(execution, sees_all=sees_all)

    async def history(self, execution_id: str, actor: Actor, *, after: int = 0, limit: int = 100) -> HistoryPage:
        """Events after that id, as that actor may see them."""
        _, sees_all = await self._seen(execution_id, actor)
        page = await self.workflows.history(execution_id, after=after, limit=limit)
        return HistoryPage(events=[_told(event, sees_all=sees_all) for event in page.events], next=page.next)

    async def tasks(self, execution_id: str, actor: Actor) -> list[OpenTask]:
        """The tasks of it that wait for somebody's answer."""
        _, sees_all = await self._seen(execution_id, actor)
        return [_open(awaited, sees_all=sees_all) for awaited in await self.workflows.awaited(execution_id)]

    async def whole(self, execution_id: str, actor: Actor) -> Whole:
        """One execution with its machine, its history and its open tasks."""
        execution, sees_all = await self._seen(execution_id, actor)
        events: list[HistoryEvent] = []
        following: int | None = 0
        while following is not None and len(events) < HISTORY_MAX:
            page = await self.workflows.history(execution_id, after=following, limit=PIECE)
            events += page.events
            following = page.next
        return Whole(
            execution=_shown(execution, sees_all=sees_all),
            definition=(await self.workflows.definition(execution_id)).decode(),
            events=[_told(event, sees_all=sees_all) for event in events],
            is_cut=following is not None,
            tasks=[_open(awaited, sees_all=sees_all) for awaited in await self.workflows.awaited(execution_id)],
            is_masked=not sees_all,
        )

    async def is_still(self, seen: Seen, actor: Actor) -> bool:
        """Whether nothing has happened since that was seen: without reading all of it again."""
        execution, _ = await self._seen(seen.execution_id, actor)
        if execution.status != seen.status or len(execution.awaiting) != seen.tasks:
            return False
        return not (await self.workflows.history(seen.execution_id, after=seen.last_event, limit=1)).events

    # For operators.

    async def listed(
        self,
        actor: Actor,
        *,
        machine: str | None = None,
        status: ExecutionStatus | None = None,
        began_since: datetime | None = None,
        began_before: datetime | None = None,
        after: Cursor | None = None,
        limit: int = 50,
    ) -> Executions:
        """Executions of that machine and status that began in [since, before), newest first."""
        _must_oversee(actor)
        found = await self.workflows.listed(
            machine=machine, status=status, began_before=began_before, after=after, limit=limit
        )
        within = [each for each in found.executions if began_since is None or each.started_at >= began_since]
        return Executions(
            executions=[_shown(each, sees_all=True) for each in within],
            next=found.next if len(within) == len(found.executions) else None,
        )

    async def named(self, names: Sequence[str], actor: Actor) -> Sequence[Execution]:
        """Executions of any machine that bear one of these names, newest first: they are named after their matter."""
        _must_oversee(actor)
        found: list[Execution] = []
        for name in list(dict.fromkeys(names))[:NAMED_MAX]:
            for machine in self.workflows.machines():
                try:
                    found.append(await self.workflows.describe(f"{machine.name}:{name}"))
                except NotFound:
                    continue
        found.sort(key=lambda each: (each.started_at, each.execution_id), reverse=True)
        return [_shown(each, sees_all=True) for each in found]

    async def counts(self, actor: Actor) -> Mapping[ExecutionStatus, int]:
        """How many run, and how many ended badly, each up to `MANY`."""
        _must_oversee(actor)
        counted = (ExecutionStatus.RUNNING, ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED)
        return {status: len((await self.workflows.listed(status=status, limit=MANY)).executions) for status in counted}

    def machines(self, actor: Actor) -> Sequence[Definition]:
        """The machines that executions begin with now."""
        _must_oversee(actor)
        return sorted(self.workflows.machines(), key=lambda each: each.name)

    async def stop(self, execution_id: str, reason: str, actor: Actor) -> Execution:
        """End an execution where it is. Raises `ExecutionEnded`, `Invalid`."""
        _must_oversee(actor)
        return _shown(
            await self.workflows.stop(execution_id, actor, error="Stopped", cause=_reason(reason)), sees_all=True
        )

    async def redrive(self, execution_id: str, actor: Actor) -> Execution:
        """Go on from the steps that failed. Raises `NotRedrivable`."""
        _must_oversee(actor)
        return _shown(await self.workflows.redrive(execution_id, actor), sees_all=True)

    async def answer(self, request: AnswerTask, actor: Actor) -> None:
        """Answer an open task. Raises `TaskNotAwaited`, `Invalid`."""
        _must_oversee(actor)
        reason = _reason(request.reason)
        awaited = await self.workflows.awaited(request.execution_id)
        token = next((each.token for each in awaited if _task_id(each) == request.task_id), None)
        if token is None:
            raise TaskNotAwaited
        if not request.accepted:
            await self.workflows.fail(token, error=REJECTED, cause=f"{reason} (decided by {actor.actor_id})")
            return
        given: Any = {} if request.output is None else request.output
        if not isinstance(given, Mapping):
            raise Invalid("An output is an object, such as {}.", field="output")
        fields = dict(cast("Mapping[str, Any]", given))
        await self.workflows.succeed(token, fields | {"decided_by": actor.actor_id, "reason": reason})

    async def _seen(self, execution_id: str, actor: Actor) -> tuple[Execution, bool]:
        """The execution, and whether that actor sees all of it."""
        if _oversees(actor):
            return await self.workflows.describe(execution_id), True
        try:
            execution = await self.workflows.describe(execution_id)
        except ExecutionUnknown:
            # A stranger is not told which executions there are.
            raise Denied("This belongs to someone else.") from None
        await self._must_take_part(execution, actor)
        return execution, False

    async def _must_take_part(self, execution: Execution, actor: Actor) -> None:
        """Raises `Denied`."""
        found = dict(ids(execution.input))
        try:
            if booking_id := found.get("bkg"):
                await self.bookings.get(booking_id, actor)
            elif provider_id := found.get("prv"):
                provider = (await self.providers.load(provider_id)).value
                actor.must_be(*([provider.owner_id] if provider.owner_id else []))
            else:
                raise Denied("This belongs to someone else.")
        except NotFound as gone:
            raise Denied("This belongs to someone else.") from gone


def ids(value: Any, depth: int = 8) -> Iterator[tuple[str, str]]:
    """The ids in an execution's input, each with its kind: what it is about. The last of a kind is the outermost."""
    if isinstance(value, Mapping) and depth:
        fields = cast("Mapping[str, Any]", value)
        for under in fields.values():
            if not isinstance(under, str):
                yield from ids(under, depth - 1)
        for under in fields.values():
            if isinstance(under, str):
                yield from ids(under, depth)
    elif isinstance(value, list) and depth:
        for each in cast("list[Any]", value)[:50]:
            yield from ids(each, depth - 1)
    elif isinstance(value, str):
        kind, sign, rest = value.partition("_")
        if sign and len(kind) == 3 and rest.isalnum() and rest.isascii():
            yield kind, value


def _oversees(actor: Actor) -> bool:
    """Operators as themselves; not while they act for somebody, whose sight they then have."""
    return (actor.is_operator or actor.is_system) and actor.impersonator is None


def _must_oversee(actor: Actor) -> None:
    if not _oversees(actor):
        raise Denied("Only an operator may do this.")


def _shown(execution: Execution, *, sees_all: bool) -> Execution:
    view = unmasked if sees_all else masked
    return replace(
        execution,
        input=view(execution.input),
        output=view(execution.output),
        error=view(execution.error),
        cause=view(execution.cause),
    )


def _told(event: HistoryEvent, *, sees_all: bool) -> HistoryEvent:
    view = unmasked if sees_all else masked
    # A detail's own name says what it is in the cloud's history, not what it is of a person: only its value is looked at.
    return replace(event, details={name: view(value) for name, value in event.details.items()})


def _open(awaited: Awaited, *, sees_all: bool) -> OpenTask:
    return OpenTask(
        task_id=_task_id(awaited),
        state=awaited.state,
        function=awaited.function,
        input=(unmasked if sees_all else masked)(awaited.input),
        timeout_at=awaited.timeout_at,
    )


def _task_id(awaited: Awaited) -> str:
    return blake2b(awaited.token.encode(errors="surrogatepass"), digest_size=12).hexdigest()


def _reason(text: str) -> str:
    said = text.strip()
    if not said:
        raise Invalid("Say why: it is kept with what you do.", field="reason")
    if len(said) > REASON_MAX:
        raise Invalid(f"A reason has at most {REASON_MAX} characters.", field="reason")
    return said
