"""Histories as the engine tells them, for drawings that need no engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ecosystem.kernel.actor import Actor
from ecosystem.ports.workflows import Execution, ExecutionStatus, HistoryEvent

BEGAN = datetime(2026, 11, 20, 11, 58, tzinfo=UTC)


def execution(status: ExecutionStatus, **changed: Any) -> Execution:
    ended = None if status is ExecutionStatus.RUNNING else BEGAN + timedelta(minutes=2)
    return Execution(
        **{
            "execution_id": "booking-lifecycle:hld_1", "machine": "booking-lifecycle", "name": "hld_1", "express": False,
            "status": status, "started_at": BEGAN, "started_by": Actor(actor_id="system:workflow-orchestrator"),
            "ended_at": ended, "input": {"hold_id": "hld_1"},
        } | changed
    )  # fmt: skip


@dataclass
class Told:
    """A history being told. Each event comes a second after the one before it."""

    events: list[HistoryEvent] = field(default_factory=list[HistoryEvent])

    def say(self, kind: str, before: int | None = None, **details: Any) -> int:
        number = len(self.events) + 1
        self.events.append(
            HistoryEvent(
                id=number, previous_id=number - 1 if before is None else before, type=kind,
                at=BEGAN + timedelta(seconds=number), details=details,
            )
        )  # fmt: skip
        return number

    def enter(self, state: str, kind: str = "Task", before: int | None = None, input: Any = None) -> int:  # noqa: A002 — the cloud's name
        return self.say(f"{kind}StateEntered", before, name=state, input=input or {"hold_id": "hld_1"})

    def leave(self, state: str, kind: str = "Task", before: int | None = None) -> int:
        return self.say(f"{kind}StateExited", before, name=state, output={"done": state})

    def call(self, *errors: str, succeeds: bool = True, before: int | None = None) -> int:
        """Calls of a function that fail with these errors, and one more that does not."""
        at = before
        for error in errors:
            at = self.say("LambdaFunctionScheduled", at, resource="f")
            at = self.say("LambdaFunctionFailed", at, error=error, cause="It did not answer.")
        if succeeds:
            at = self.say("LambdaFunctionScheduled", at, resource="f")
            at = self.say("LambdaFunctionSucceeded", at, output={"ok": True})
        assert at is not None
        return at

    def task(self, state: str, *errors: str, succeeds: bool = True, before: int | None = None) -> int:
        self.enter(state, before=before)
        self.call(*errors, succeeds=succeeds)
        return self.leave(state)


def through_everything() -> list[HistoryEvent]:
    """Through most of `machines.showing_everything`, with a retry, a loop, a caught error and a branch under way."""
    told = Told()
    told.say("ExecutionStarted", 0, input={"hold_id": "hld_1"})
    told.task("ReadHold", "Unavailable", "Unavailable")
    for _ in range(2):
        told.enter("IsItPaid", "Choice")
        told.leave("IsItPaid", "Choice")
        told.enter("WaitForPayment", "Wait")
        told.leave("WaitForPayment", "Wait")
        told.task("AskProcessor")
    told.enter("IsItPaid", "Choice")
    told.leave("IsItPaid", "Choice")
    told.enter("TellEverybody", "Parallel")
    opened = told.say("ParallelStateStarted")
    told.task("MailCustomer", before=opened)
    told.task("MailProvider", before=opened)
    told.enter("WriteCalendar")
    failed = told.call("Disk", succeeds=False)
    told.say("ParallelStateFailed", failed, error="Disk", cause="It is full.")
    told.leave("TellEverybody", "Parallel")
    told.enter("AskOperator")
    told.say("LambdaFunctionScheduled", resource="workflow-orchestrator")
    return told.events
