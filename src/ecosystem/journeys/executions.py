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

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from ecosystem.contexts.audit import Acts
from ecosystem.contexts.booking import Bookings
from ecosystem.contexts.catalogue import Providers
from ecosystem.contexts.disputes import DecideDispute
from ecosystem.journeys.answers import ACCEPT, REJECT, REJECTED, NotAPersonsToAnswer, Said, answers, handed_on
from ecosystem.journeys.disputes import Disputing
from ecosystem.journeys.masking import MASK, masked, unmasked
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, Invalid, NotFound
from ecosystem.ports.audit import AuditKind
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
    NotRedrivable,
    TaskNotAwaited,
    Workflows,
)

HISTORY_MAX = 2_000
"""Events that one drawing is told from, at most."""

REDRIVABLE = frozenset({ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED})
PIECE = 1_000
REASON_MAX = 1_000
NAMED_MAX = 200
MANY = 100


class OpenTask(Struct, frozen=True, kw_only=True):
    """A task that waits for a person. `task_id` names it without being its token; `answers` are what they may say."""

    task_id: str
    state: str
    function: str
    input: Any
    timeout_at: datetime | None
    answers: tuple[str, ...]


class AnswerTask(Struct, frozen=True, kw_only=True):
    """An operator's answer. Accepting gives the task who decided and why, and of `output` what may be handed on.

    Rejecting fails it, with who decided and why as its cause.
    """

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
    may_redrive: bool


@dataclass(frozen=True, slots=True)
class Watching:
    """Each act raises `ExecutionUnknown` and, for whoever may not, `Denied`."""

    workflows: Workflows
    bookings: Bookings
    providers: Providers
    disputing: Disputing
    acts: Acts

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
        """The tasks of it that wait for a person."""
        _, sees_all = await self._seen(execution_id, actor)
        return await self._open(execution_id, sees_all=sees_all)

    async def whole(self, execution_id: str, actor: Actor) -> Whole:
        """One execution with its machine, its history and its open tasks."""
        execution, sees_all = await self._seen(execution_id, actor)
        if sees_all and not actor.is_system:
            # What is masked for everybody else is read by nobody without a trace.
            await self.acts.note(AuditKind.ACCESS, "ExecutionRead", actor, execution_id)
        events, is_cut = await self._events(execution_id)
        return Whole(
            execution=_shown(execution, sees_all=sees_all),
            definition=(await self.workflows.definition(execution_id)).decode(),
            events=[_told(event, sees_all=sees_all) for event in events],
            is_cut=is_cut,
            tasks=await self._open(execution_id, sees_all=sees_all),
            is_masked=not sees_all,
            may_redrive=execution.status in REDRIVABLE and not execution.express and not _meant(events),
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
        cause = _reason(reason)
        await self.acts.note(AuditKind.PRIVILEGE, "ExecutionStopped", actor, execution_id)
        return _shown(await self.workflows.stop(execution_id, actor, error="Stopped", cause=cause), sees_all=True)

    async def redrive(self, execution_id: str, actor: Actor) -> Execution:
        """Go on from the steps that failed. Raises `NotRedrivable`, also where the machine meant it to fail there."""
        _must_oversee(actor)
        events, _ = await self._events(execution_id)
        if _meant(events):
            raise NotRedrivable("It failed as its machine says: going on would end it there again.")
        await self.acts.note(AuditKind.PRIVILEGE, "ExecutionRedriven", actor, execution_id)
        return _shown(await self.workflows.redrive(execution_id, actor), sees_all=True)

    async def answer(self, request: AnswerTask, actor: Actor) -> None:
        """Answer an open task. Raises `TaskNotAwaited`, `NotAPersonsToAnswer`, `Invalid` for what cannot be done so."""
        _must_oversee(actor)
        reason = _reason(request.reason)
        waiting = await self.workflows.awaited(request.execution_id)
        awaited = next((each for each in waiting if _task_id(each) == request.task_id), None)
        if awaited is None:
            raise TaskNotAwaited
        if (ACCEPT if request.accepted else REJECT) not in answers(awaited.input):
            raise NotAPersonsToAnswer
        given = handed_on(request.output if request.accepted else None)
        said = Said(decided_by=actor.actor_id, reason=reason, refund_minor=given.refund_minor)
        await self._must_be_possible(awaited, said, actor, accepted=request.accepted)
        answer = "accepted" if request.accepted else "rejected"
        await self.acts.note(
            AuditKind.APPROVAL, "TaskAnswered", actor, request.execution_id, task=request.task_id, answer=answer
        )
        if request.accepted:
            await self.workflows.succeed(awaited.token, msgspec.to_builtins(said))
        else:
            await self.workflows.fail(awaited.token, error=REJECTED, cause=msgspec.json.encode(said).decode())

    async def _must_be_possible(self, awaited: Awaited, said: Said, actor: Actor, *, accepted: bool) -> None:
        """Pass if the matter can be decided so: an answer is given once. Raises what stands in the way."""
        booking_id, dispute_id = awaited.input.get("booking_id"), awaited.input.get("dispute_id")
        if not (booking_id and dispute_id):
            return
        wanted = (await self.disputing.of(booking_id, dispute_id, actor)).wanted
        refund = replace(wanted, minor=0)
        if accepted:
            refund = wanted if said.refund_minor is UNSET else Money(said.refund_minor, wanted.currency)
        request = DecideDispute(booking_id=booking_id, dispute_id=dispute_id, refund=refund, reason=said.reason)
        try:
            await self.disputing.must_be_decidable(request, actor)
        except Invalid as no:
            if no.field != "refund":
                raise
            raise Invalid(f"refund_minor: {no.message}", field="output") from no

    async def _open(self, execution_id: str, *, sees_all: bool) -> list[OpenTask]:
        waiting = await self.workflows.awaited(execution_id)
        return [_open(awaited, sees_all=sees_all) for awaited in waiting if answers(awaited.input)]

    async def _events(self, execution_id: str) -> tuple[list[HistoryEvent], bool]:
        """As many events of its history as one drawing is told from, and whether there are more."""
        events: list[HistoryEvent] = []
        following: int | None = 0
        while following is not None and len(events) < HISTORY_MAX:
            page = await self.workflows.history(execution_id, after=following, limit=PIECE)
            events += page.events
            following = page.next
        return events, following is not None

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
        cause=_cause(execution.cause, sees_all=sees_all),
    )


def _told(event: HistoryEvent, *, sees_all: bool) -> HistoryEvent:
    view = unmasked if sees_all else masked
    # A detail's own name says what it is in the cloud's history, not what it is of a person: only its value is looked at.
    details = {name: view(value) for name, value in event.details.items() if name != "cause"}
    if "cause" in event.details:
        details["cause"] = _cause(event.details["cause"], sees_all=sees_all)
    return replace(event, details=details)


def _cause(cause: Any, *, sees_all: bool) -> Any:
    """Why something failed, in words that may name people."""
    return unmasked(cause) if sees_all or not cause else MASK


def _open(awaited: Awaited, *, sees_all: bool) -> OpenTask:
    return OpenTask(
        task_id=_task_id(awaited),
        state=awaited.state,
        function=awaited.function,
        input=(unmasked if sees_all else masked)(awaited.input),
        timeout_at=awaited.timeout_at,
        answers=answers(awaited.input),
    )


def _meant(events: Sequence[HistoryEvent]) -> bool:
    """Whether the last state entered is one that fails whenever it is entered."""
    entered = [event.type for event in events if event.type.endswith("StateEntered")]
    return bool(entered) and entered[-1] == "FailStateEntered"


def _task_id(awaited: Awaited) -> str:
    return blake2b(awaited.token.encode(errors="surrogatepass"), digest_size=12).hexdigest()


def _reason(text: str) -> str:
    said = text.strip()
    if not said:
        raise Invalid("Say why: it is kept with what you do.", field="reason")
    if len(said) > REASON_MAX:
        raise Invalid(f"A reason has at most {REASON_MAX} characters.", field="reason")
    return said
