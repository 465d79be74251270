"""The function table made into what runs here: rules for the relay, followers of the changes, schedules, tasks.

Nothing else is wired: a function that is not in the table is never called. A call that takes longer than its row says
has failed, and is made again as often as the row says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from ecosystem.app import App
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.bus import Event
from ecosystem.ports.workflows import TaskCall, TaskFailed, TaskHandler
from ecosystem.workflows.functions import TABLE, Function
from ecosystem.workflows.patterns import of_types, pattern
from ecosystem.workflows.rules import Rule
from ecosystem.workflows.runner import Follower
from ecosystem.workflows.schedules import ScheduleFired, firing_of
from ecosystem.workflows.triggers import Hook, OnChanges, OnEvent, OnHook, OnSchedule, OnTask

T = TypeVar("T")
Fields = Mapping[str, Any]
HOOKS: Mapping[Hook, str] = {Hook.POST_CONFIRMATION: "UserConfirmed"}
"""The event that tells of each moment at which a cloud's identity provider would call."""


class TookTooLong(Unavailable):
    """The function had no end in its time."""


def act_of(call: TaskCall) -> str:
    """What the step asks the function for; empty when it does not say."""
    asked = cast("Fields", call.input).get("act") if isinstance(call.input, Mapping) else None
    return asked if isinstance(asked, str) else ""


async def in_time(function: Function, called: Awaitable[T]) -> T:
    """What the call answers. Raises `TookTooLong`."""
    limit = asyncio.timeout(function.timeout_s)
    try:
        async with limit:
            return await called
    except TimeoutError as late:
        if not limit.expired():
            raise
        raise TookTooLong(f"{function.name} had no end within {function.timeout_s} s.") from late


def rules(market: App, table: Sequence[Function] = TABLE) -> list[Rule]:
    """What the relay hands to whom, in the order of the table."""
    made: list[Rule] = []
    for function in table:
        for trigger in function.of(OnEvent):
            name = f"{function.name}.{trigger.rule}" if trigger.rule else function.name
            made.append(Rule(name, pattern(trigger.pattern), _on_event(market, function), function.retries + 1))
        made += [
            Rule(function.name, of_types(HOOKS[trigger.hook]), _on_event(market, function), function.retries + 1)
            for trigger in function.of(OnHook)
        ]
        if schedules := [trigger.name for trigger in function.of(OnSchedule)]:
            fired = pattern({"detail-type": [ScheduleFired.__name__], "detail": {"schedule": schedules}})
            made.append(Rule(f"{function.name}.schedule", fired, _on_schedule(market, function), function.retries + 1))
    return made


def awaited(table: Sequence[Function] = TABLE) -> frozenset[str]:
    """Types of event that some function waits for."""
    named = (pattern(trigger.pattern).types or frozenset() for function in table for trigger in function.of(OnEvent))
    hooks = {HOOKS[trigger.hook] for function in table for trigger in function.of(OnHook)}
    return frozenset(hooks | {ScheduleFired.__name__}).union(*named)


def followers(market: App, table: Sequence[Function] = TABLE) -> list[Follower]:
    """Who follows the changes."""
    return [
        Follower(function.name, partial(_follow, market, function, trigger), gather_s=trigger.window_s)
        for function in table
        for trigger in function.of(OnChanges)
    ]


def declared(table: Sequence[Function] = TABLE) -> list[OnSchedule]:
    """Schedules that the scheduler keeps by itself."""
    return [trigger for function in table for trigger in function.of(OnSchedule) if trigger.expression]


def tasks(market: App, table: Sequence[Function] = TABLE) -> dict[str, TaskHandler]:
    """What carries out the functions that machines name, by their names."""
    return {function.name: _on_task(market, function) for function in table if function.of(OnTask)}


def _on_event(market: App, function: Function) -> Callable[[Event], Awaitable[None]]:
    act = function.entry.event
    assert act is not None, function.name

    async def react(event: Event) -> None:
        await in_time(function, act(market, event))

    return react


def _on_schedule(market: App, function: Function) -> Callable[[Event], Awaitable[None]]:
    act = function.entry.schedule
    assert act is not None, function.name

    async def react(event: Event) -> None:
        await in_time(function, act(market, firing_of(event)))

    return react


async def _follow(market: App, function: Function, trigger: OnChanges) -> int:
    assert function.entry.changes is not None, function.name
    return await in_time(function, function.entry.changes(market, trigger))


def _on_task(market: App, function: Function) -> TaskHandler:
    acts = function.entry.tasks
    assert acts is not None, function.name

    async def carry_out(call: TaskCall) -> Any:
        asked = act_of(call)
        if asked not in acts:
            raise TaskFailed("ActUnknown", f"{function.name} has no act {asked!r}.")
        return await in_time(function, acts[asked](market, call))

    return carry_out
