"""What becomes of an execution when something arrives: one decision over all that has arrived together.

Values in, values out. Whoever calls it commits the head and the events, then makes the calls and drops the cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from ecosystem.adapters.embedded.states import stepping
from ecosystem.adapters.embedded.states.definition import Machine
from ecosystem.adapters.embedded.states.history import Event
from ecosystem.adapters.embedded.states.run import Call, Outcome, Run, RunStatus, Succeeded
from ecosystem.adapters.embedded.states.stepping import CallNotAwaited, Turn
from ecosystem.adapters.embedded.workflows_items import Claim, Head
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.workflows import ExecutionEnded, NotRedrivable, Redrive, TaskNotAwaited

EVENTS_MAX = 25_000
"""As many events as a history may have in the cloud; an execution beyond it fails."""

REDRIVES_MAX = 100
TOO_MANY_EVENTS = f"The execution reached the maximum number of history events ({EVENTS_MAX})."


class Arrival:
    """Something an execution has to hear of. `future` is who waits to know what became of it."""

    __slots__ = ("future",)

    def __init__(self, future: asyncio.Future[Head] | None = None) -> None:
        self.future = future

    def into(self, making: Making) -> None:
        """Have the execution take it in. Raises a refusal that leaves everything as it was."""
        raise NotImplementedError


class Woken(Arrival):
    """An instant has come."""

    __slots__ = ()

    def into(self, making: Making) -> None:
        wakes_at = making.run.wakes_at
        if not making.run.is_over and wakes_at is not None and wakes_at <= making.at:
            making.turned(stepping.wake(making.machine, making.run, making.at))


class Answered(Arrival):
    """A call that was made under this fence has come back. `submits` when its answer comes later, under its token."""

    __slots__ = ("call_id", "fence", "outcome", "submits")

    def __init__(self, call_id: int, fence: int, outcome: Outcome, *, submits: bool) -> None:
        super().__init__()
        self.call_id = call_id
        self.submits = submits
        self.fence = fence
        self.outcome = outcome

    def into(self, making: Making) -> None:
        claim = making.claims.get(self.call_id)
        if claim is None:
            raise CallNotAwaited
        if claim.owner != making.owner or claim.fence != self.fence:
            raise FencedOff
        if self.submits and isinstance(self.outcome, Succeeded):
            making.turned(stepping.submitted(making.machine, making.run, self.call_id, self.outcome.output, making.at))
            making.unclaim(self.call_id)
            return
        making.turned(stepping.answer(making.machine, making.run, self.call_id, self.outcome, making.at), self.call_id)


class TokenAnswered(Arrival):
    """Somebody has answered with a token."""

    __slots__ = ("outcome", "token")

    def __init__(self, token: str, outcome: Outcome, future: asyncio.Future[Head]) -> None:
        super().__init__(future)
        self.token = token
        self.outcome = outcome

    def into(self, making: Making) -> None:
        call_id = making.awaited(self.token).call_id
        making.turned(stepping.answer(making.machine, making.run, call_id, self.outcome, making.at), call_id)


class Beaten(Arrival):
    """Somebody with a token has shown that the work goes on."""

    __slots__ = ("token",)

    def __init__(self, token: str, future: asyncio.Future[Head]) -> None:
        super().__init__(future)
        self.token = token

    def into(self, making: Making) -> None:
        call_id = making.awaited(self.token).call_id
        making.turned(stepping.beat(making.machine, making.run, call_id, making.at))


class Stopped(Arrival):
    """Somebody wants it to end."""

    __slots__ = ("actor", "cause", "error")

    def __init__(self, actor: Actor, error: str, cause: str, future: asyncio.Future[Head]) -> None:
        super().__init__(future)
        self.actor = actor
        self.error = error
        self.cause = cause

    def into(self, making: Making) -> None:
        if making.run.is_over:
            if making.run.status is not RunStatus.ABORTED:
                raise ExecutionEnded
            return
        making.stopped_by = self.actor
        making.turned(stepping.stop(making.run, self.error or None, self.cause or None, making.at))


class Redriven(Arrival):
    """Somebody wants it to go on from where it failed."""

    __slots__ = ("actor",)

    def __init__(self, actor: Actor, future: asyncio.Future[Head]) -> None:
        super().__init__(future)
        self.actor = actor

    def into(self, making: Making) -> None:
        if making.head.express:
            raise NotRedrivable("An express execution is not redriven: its history was not kept.")
        if len(making.redrives) >= REDRIVES_MAX or making.run.next_event > EVENTS_MAX:
            raise NotRedrivable("This execution was redriven too often, or its history is full.")
        try:
            turn = stepping.redrive(making.machine, making.run, making.at)
        except stepping.NotRedrivable as refused:
            raise NotRedrivable(refused.message) from refused
        making.redrives = (*making.redrives, Redrive(actor=self.actor, at=making.at))
        making.stopped_by = None
        making.turned(turn)


class TakenOver(Arrival):
    """Whoever made some of its calls is taken for dead: they are made again, under a higher fence.

    `alone` says that every other owner is dead; else only claims that have run out are taken.
    """

    __slots__ = ("alone",)

    def __init__(self, *, alone: bool) -> None:
        super().__init__()
        self.alone = alone

    def into(self, making: Making) -> None:
        for call_id, claim in making.claims.items():
            call = making.run.call(call_id)
            if call is not None and claim.owner != making.owner and (self.alone or claim.until <= making.at):
                making.claim(call, claim.fence + 1)


class Renewed(Arrival):
    """Its calls take long, and whoever makes them is alive."""

    __slots__ = ()

    def into(self, making: Making) -> None:
        making.renew()


class Exhausted(Arrival):
    """It has become more than can be kept, or cannot be carried on."""

    __slots__ = ("cause", "error")

    def __init__(self, error: str, cause: str) -> None:
        super().__init__()
        self.error = error
        self.cause = cause

    def into(self, making: Making) -> None:
        if not making.run.is_over:
            making.turned(failed(making.run, self.error, self.cause, making.at))


class FencedOff(CallNotAwaited):
    """Somebody else makes this call by now."""


class Making:
    """A head in the making, while arrivals are taken in one after the other."""

    __slots__ = (
        "_machine",
        "at",
        "calls",
        "cancelled",
        "claims",
        "events",
        "head",
        "lease",
        "owner",
        "redrives",
        "refused",
        "run",
        "stopped_by",
        "touched",
    )

    def __init__(self, machine: Machine | None, head: Head, *, owner: str, lease: timedelta, at: datetime) -> None:
        self._machine = machine
        self.head = head
        self.owner = owner
        self.lease = lease
        self.at = at
        self.run: Run = head.run
        self.claims: dict[int, Claim] = head.claims
        self.stopped_by = head.stopped_by
        self.redrives = head.redrives
        self.events: Sequence[Event] = ()
        self.calls: list[tuple[Call, int]] = []
        """Calls to make, each under its fence."""
        self.cancelled: list[int] = []
        self.refused: list[tuple[Arrival, Refusal]] = []
        self.touched = False

    def take(self, arrivals: Iterable[Arrival]) -> None:
        """Take them in, in their order; those refused are kept with their refusal."""
        for arrival in arrivals:
            try:
                arrival.into(self)
            except Refusal as refused:
                self.refused.append((arrival, refused))
        if self.run.next_event > EVENTS_MAX and not self.run.is_over:
            self.turned(failed(self.run, "States.Runtime", TOO_MANY_EVENTS, self.at))

    @property
    def machine(self) -> Machine:
        """The machine; whoever makes this without one gives it only what ends the execution."""
        assert self._machine is not None
        return self._machine

    def made(self) -> Head:
        """The head as it becomes."""
        return Head(
            run=self.run,
            revision=self.head.revision,
            started_by=self.head.started_by,
            trace_id=self.head.trace_id,
            express=self.head.express,
            claims=self.claims,
            stopped_by=self.stopped_by,
            redrives=self.redrives,
        )

    def awaited(self, token: str) -> Call:
        """The call that waits for that token. Raises `TaskNotAwaited`."""
        call = None if self.run.is_over else self.run.call_of(token)
        if call is None:
            raise TaskNotAwaited
        return call

    def turned(self, turn: Turn, answered: int | None = None) -> None:
        """Take in what a turn did. `answered` is the call that came back."""
        self.touched = True
        self.run = turn.run
        if turn.events:
            self.events = [*self.events, *turn.events] if self.events else turn.events
        if answered is not None:
            self.unclaim(answered)
        for call_id in turn.cancelled:
            self.unclaim(call_id)
            self.cancelled.append(call_id)
        for call in turn.calls:
            self.claim(call, 1)
        if self.run.is_over:
            self.cancelled += self.claims
            self.claims = {}

    def claim(self, call: Call, fence: int) -> None:
        """Have the call made here, under that fence."""
        self.touched = True
        self.claims = {**self.claims, call.call_id: Claim(self.owner, fence, self.at + self.lease)}
        self.calls.append((call, fence))

    def unclaim(self, call_id: int) -> None:
        if call_id in self.claims:
            self.claims = {other: claim for other, claim in self.claims.items() if other != call_id}

    def renew(self) -> None:
        """Claim for longer what is being made here."""
        until = self.at + self.lease
        mine = {
            call_id: Claim(claim.owner, claim.fence, until)
            for call_id, claim in self.claims.items()
            if claim.owner == self.owner
        }
        if mine:
            self.claims = {**self.claims, **mine}
            self.touched = True


def tell(arrivals: Sequence[Arrival], making: Making, head: Head) -> int:
    """Tell whoever waits what became of what arrived; how many answers came too late."""
    refused = {id(arrival): refusal for arrival, refusal in making.refused} if making.refused else {}
    late = 0
    for arrival in arrivals:
        refusal = refused.get(id(arrival))
        if refusal is not None and isinstance(arrival, Answered) and not arrival.submits:
            late += 1
        future = arrival.future
        if future is None or future.done():
            continue
        if refusal is not None:
            future.set_exception(refusal)
        else:
            future.set_result(head)
    return late


def refuse(arrivals: Iterable[Arrival], refusal: Refusal) -> None:
    """Tell whoever waits that nothing came of it."""
    for arrival in arrivals:
        if arrival.future is not None and not arrival.future.done():
            arrival.future.set_exception(type(refusal)(refusal.message, field=refusal.field))


def failed(run: Run, error: str, cause: str, at: datetime) -> Turn:
    """End a run that nothing in its machine can catch: as `stop` does, but FAILED."""
    turn = stepping.stop(run, error, cause, at)
    events = tuple(
        replace(event, type="ExecutionFailed") if event.type == "ExecutionAborted" else event for event in turn.events
    )
    return replace(turn, run=replace(turn.run, status=RunStatus.FAILED), events=events)
