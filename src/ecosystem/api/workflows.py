"""Executions of workflows, and for operators what they stand on: functions, rules, schedules, archive, dead letters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ecosystem.api.plain import After, Limit, Paging, connection
from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.journeys.executions import AnswerTask, OpenTask
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Cursor
from ecosystem.ports.workflows import Execution, ExecutionStatus
from ecosystem.workflows import archive
from ecosystem.workflows.archive import Archive, Replay, Replays, Window
from ecosystem.workflows.bindings import rules
from ecosystem.workflows.deliveries import Deliveries, Delivery, DeliveryStatus
from ecosystem.workflows.functions import TABLE
from ecosystem.workflows.functions_page import purpose, shown
from ecosystem.workflows.overview import Overview, function_of
from ecosystem.workflows.patterns import SIZE_MAX
from ecosystem.workflows.rules import Rules
from ecosystem.workflows.scheduler import Scheduler
from ecosystem.workflows.schedules import Schedule
from ecosystem.workflows.triggers import OnSchedule

ROOTS = Roots()


class Listed(Paging, frozen=True, kw_only=True):
    status: DeliveryStatus


class OfDelivery(Struct, frozen=True, kw_only=True):
    event_id: str
    reaction: Annotated[str, Meta(min_length=1, max_length=200)]


Id = Annotated[str, Meta(min_length=1, max_length=200)]
Reason = Annotated[str, Meta(max_length=1_000)]
Pattern = Annotated[str, Meta(max_length=SIZE_MAX)]


class Executions(Struct, frozen=True, kw_only=True):
    machine: Annotated[str, Meta(max_length=80)] | None = None
    status: ExecutionStatus | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: Limit = 25
    after: After | None = None


class OfExecution(Struct, frozen=True, kw_only=True):
    execution_id: Id


class OfName(Struct, frozen=True, kw_only=True):
    name: Id


class HistoryOf(Struct, frozen=True, kw_only=True):
    execution_id: Id
    limit: Limit = 50
    after: After | None = None


class StopExecution(Struct, frozen=True, kw_only=True):
    execution_id: Id
    reason: Reason


class Answered(Struct, frozen=True, kw_only=True):
    execution_id: Id
    task_id: Id
    accepted: bool
    reason: Reason
    output: str | None = None


class OfWindow(Struct, frozen=True, kw_only=True):
    start_at: datetime
    end_at: datetime
    pattern: Pattern | None = None


class Events(Struct, frozen=True, kw_only=True):
    start_at: datetime
    end_at: datetime
    pattern: Pattern | None = None
    limit: Limit = 25
    after: After | None = None


class Some(Struct, frozen=True, kw_only=True):
    limit: Limit = 25


class StartReplay(Struct, frozen=True, kw_only=True):
    name: Id
    start_at: datetime
    end_at: datetime
    pattern: Pattern | None = None
    rules: tuple[str, ...] = ()


class OfSchedule(Struct, frozen=True, kw_only=True):
    name: Id
    matter: Annotated[str, Meta(max_length=200)] = ""


class OfRule(Struct, frozen=True, kw_only=True):
    rule: Id


@ROOTS.query
async def deliveries(ask: Ask, request: Listed) -> Plain:
    page = await _deliveries(ask).listed(request.status, ask.actor, after=request.cursor, limit=request.limit)
    return connection([_delivery(each) for each in page.values], page.next)


@ROOTS.mutation
async def replay_delivery(ask: Ask, request: OfDelivery) -> bool:
    await _deliveries(ask).replay(request.event_id, request.reaction, ask.actor)
    return True


@ROOTS.mutation
async def give_up_delivery(ask: Ask, request: OfDelivery) -> bool:
    await _deliveries(ask).give_up(request.event_id, request.reaction, ask.actor)
    return True


@ROOTS.mutation
async def replay_dead_letters(ask: Ask, request: OfRule) -> int:
    return await _deliveries(ask).replay_all(request.rule, ask.actor)


# Executions


@ROOTS.query
async def executions(ask: Ask, request: Executions) -> Plain:
    found = await ask.market.executions.listed(
        ask.actor,
        machine=request.machine,
        status=request.status,
        began_since=request.since,
        began_before=request.until,
        after=Cursor(request.after) if request.after else None,
        limit=request.limit,
    )
    return connection([_execution(each) for each in found.executions], found.next)


@ROOTS.query
async def executions_named(ask: Ask, request: OfName) -> list[Plain]:
    return [_execution(each) for each in await ask.market.executions.named([request.name], ask.actor)]


@ROOTS.query
async def execution(ask: Ask, request: OfExecution) -> Plain:
    watching = ask.market.executions
    if not ask.wants("openTasks"):
        return _execution(await watching.execution(request.execution_id, ask.actor))
    return _execution(
        await watching.execution(request.execution_id, ask.actor),
        await watching.tasks(request.execution_id, ask.actor),
    )


@ROOTS.query
async def execution_history(ask: Ask, request: HistoryOf) -> Plain:
    page = await ask.market.executions.history(
        request.execution_id, ask.actor, after=_event_id(request.after), limit=request.limit
    )
    nodes = [
        {
            "id": event.id,
            "previousId": event.previous_id,
            "type": event.type,
            "at": event.at,
            "details": _json(event.details),
        }
        for event in page.events
    ]
    return connection(nodes, None if page.next is None else str(page.next))


@ROOTS.mutation
async def stop_execution(ask: Ask, request: StopExecution) -> Plain:
    return _execution(await ask.market.executions.stop(request.execution_id, request.reason, ask.actor))


@ROOTS.mutation
async def redrive_execution(ask: Ask, request: OfExecution) -> Plain:
    return _execution(await ask.market.executions.redrive(request.execution_id, ask.actor))


@ROOTS.mutation
async def answer_task(ask: Ask, request: Answered) -> Plain:
    answer = AnswerTask(
        execution_id=request.execution_id,
        task_id=request.task_id,
        accepted=request.accepted,
        reason=request.reason,
        output=None if request.output is None else _value(request.output),
    )
    await ask.market.executions.answer(answer, ask.actor)
    return _execution(await ask.market.executions.execution(request.execution_id, ask.actor))


# What they stand on


@ROOTS.query
async def functions(ask: Ask) -> list[Plain]:
    overview = Overview(ask.market)
    table = overview.functions(ask.actor)
    troubles = await overview.troubles(ask.actor)
    return [
        {
            "name": each.name,
            "purpose": purpose(each),
            "triggers": [shown(trigger) for trigger in each.triggers],
            "timeoutS": each.timeout_s,
            "memoryMb": each.memory_mb,
            "retries": each.retries,
            "permissions": [permission.value for permission in each.permissions],
            "retrying": troubles.of_function(each.name).retrying[each.name],
            "dead": troubles.of_function(each.name).dead[each.name],
        }
        for each in table
    ]


@ROOTS.query
async def bus_rules(ask: Ask) -> list[Plain]:
    overview = Overview(ask.market)
    there = overview.rules(ask.actor)
    troubles = await overview.troubles(ask.actor)
    return [
        {
            "name": rule.name,
            "function": function_of(rule.name),
            "pattern": _json(rule.pattern.document),
            "attemptsMax": rule.attempts_max,
            "retrying": troubles.retrying.get(rule.name, 0),
            "dead": troubles.dead.get(rule.name, 0),
        }
        for rule in there
    ]


@ROOTS.query
async def archived_events(ask: Ask, request: Events) -> Plain:
    window = Window(start_at=request.start_at, end_at=request.end_at, pattern=request.pattern or "")
    found = await _archive(ask).events(window, ask.actor, after=request.after, limit=request.limit)
    return connection([_event(each) for each in found.events], found.next)


@ROOTS.query
async def archive_count(ask: Ask, request: OfWindow) -> Plain:
    window = Window(start_at=request.start_at, end_at=request.end_at, pattern=request.pattern or "")
    counted = await _archive(ask).count(window, ask.actor)
    by_type = [{"type": kind, "count": count} for kind, count in sorted(counted.by_type.items())]
    return {"events": counted.events, "byType": by_type, "complete": counted.next is None}


@ROOTS.query
async def replays(ask: Ask, request: Some) -> list[Plain]:
    return [_replay(each) for each in await _replays(ask).listed(ask.actor, limit=request.limit)]


@ROOTS.query
async def replay(ask: Ask, request: OfName) -> Plain:
    return _replay(await _replays(ask).replay(request.name, ask.actor))


@ROOTS.mutation
async def start_replay(ask: Ask, request: StartReplay) -> Plain:
    window = Window(start_at=request.start_at, end_at=request.end_at, pattern=request.pattern or "")
    wanted = archive.StartReplay(name=request.name, window=window, rules=request.rules)
    return _replay(await _replays(ask).start(wanted, ask.actor))


@ROOTS.mutation
async def cancel_replay(ask: Ask, request: OfName) -> Plain:
    return _replay(await _replays(ask).cancel(request.name, ask.actor))


@ROOTS.query
async def schedules(ask: Ask) -> list[Plain]:
    return [_schedule(each) for each in await _scheduler(ask).recurring(ask.actor)]


@ROOTS.query
async def upcoming_schedules(ask: Ask, request: Some) -> list[Plain]:
    return [_schedule(each) for each in await _scheduler(ask).upcoming(ask.actor, request.limit)]


@ROOTS.mutation
async def pause_schedule(ask: Ask, request: OfSchedule) -> Plain:
    return _schedule(await _scheduler(ask).pause(request.name, ask.actor, request.matter))


@ROOTS.mutation
async def resume_schedule(ask: Ask, request: OfSchedule) -> Plain:
    return _schedule(await _scheduler(ask).resume(request.name, ask.actor, request.matter))


@ROOTS.mutation
async def fire_schedule(ask: Ask, request: OfSchedule) -> Plain:
    return _schedule(await _scheduler(ask).fire_now(request.name, ask.actor, request.matter))


def _deliveries(ask: Ask) -> Deliveries:
    return Deliveries(ask.market.ports.table, ask.market.ports.clock)


def _delivery(kept: Delivery) -> Plain:
    event = kept.event
    return {
        "eventId": event.event_id,
        "eventType": event.type,
        "aggregate": event.aggregate,
        "at": event.at,
        "reaction": kept.rule,
        "status": kept.status,
        "attempts": kept.attempts,
        "reason": kept.reason,
        "dueAt": kept.due_at,
        "firstFailedAt": kept.first_failed_at,
        "detail": msgspec.json.encode(event.detail).decode(),
    }


def _archive(ask: Ask) -> Archive:
    return Archive(ask.market.ports.table, ask.market.ports.clock)


def _replays(ask: Ask) -> Replays:
    return Replays(ask.market.ports.table, ask.market.ports.clock, Rules(rules(ask.market)))


def _scheduler(ask: Ask) -> Scheduler:
    return Scheduler(ask.market.ports.table, ask.market.ports.clock)


def _execution(seen: Execution, tasks: list[OpenTask] | None = None) -> Plain:
    return {
        "executionId": seen.execution_id,
        "machine": seen.machine,
        "name": seen.name,
        "status": seen.status,
        "express": seen.express,
        "startedAt": seen.started_at,
        "startedBy": seen.started_by.actor_id,
        "endedAt": seen.ended_at,
        "stoppedBy": seen.stopped_by.actor_id if seen.stopped_by else None,
        "redrives": len(seen.redrives),
        "error": seen.error,
        "cause": seen.cause,
        "input": _json(seen.input),
        "output": None if seen.output is None else _json(seen.output),
        "openTasks": None if tasks is None else [_task(each) for each in tasks],
    }


def _task(task: OpenTask) -> Plain:
    return {
        "taskId": task.task_id,
        "state": task.state,
        "function": task.function,
        "input": _json(task.input),
        "timeoutAt": task.timeout_at,
        "answers": list(task.answers),
    }


def _event(event: Event) -> Plain:
    return {
        "eventId": event.event_id,
        "type": event.type,
        "source": event.source,
        "aggregate": event.aggregate,
        "sequence": event.sequence,
        "at": event.at,
        "actorId": event.actor.actor_id,
        "impersonatorId": event.actor.impersonator,
        "traceId": event.trace_id,
        "schemaVersion": event.schema_version,
        "detail": _json(event.detail),
        "previous": _json(event.previous),
    }


def _replay(kept: Replay) -> Plain:
    return {
        "name": kept.name,
        "state": kept.state,
        "startAt": kept.window.start_at,
        "endAt": kept.window.end_at,
        "pattern": kept.window.pattern or None,
        "rules": list(kept.rules),
        "askedBy": kept.asked_by.actor_id,
        "startedAt": kept.started_at,
        "endedAt": kept.ended_at,
        "progress": kept.progress,
        "read": kept.read,
        "matched": kept.matched,
        "delivered": kept.delivered,
    }


def _schedule(kept: Schedule) -> Plain:
    return {
        "name": kept.name,
        "matter": kept.matter or None,
        "expression": kept.expression,
        "zone": kept.zone,
        "function": _FUNCTIONS.get(kept.name),
        "nextAt": kept.next_at,
        "firedAt": kept.fired_at,
        "pausedAt": kept.paused_at,
    }


_FUNCTIONS = {trigger.name: function.name for function in TABLE for trigger in function.of(OnSchedule)}


def _json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


def _value(text: str) -> Any:
    """Raises `Invalid`."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as wrong:
        raise Invalid(f"That is no JSON: {wrong}", field="output") from wrong


def _event_id(after: str | None) -> int:
    """The event to go on after. Raises `Invalid`."""
    if not after:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) <= 12):
        raise Invalid("That is not a place in this history.", field="after")
    return int(after)
