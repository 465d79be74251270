"""The function table as a page: what each does, what triggers it, what it may, and what it failed at of late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get
from ecosystem.web.console.workflows.paths import tabs
from ecosystem.web.visit import Visit
from ecosystem.workflows.functions import KNOWN, TABLE, Function
from ecosystem.workflows.functions_page import purpose
from ecosystem.workflows.overview import Overview, Troubles
from ecosystem.workflows.triggers import OnChanges, OnEvent, OnFields, OnHook, OnRoute, OnSchedule, OnTask, Trigger

FEW = 6
"""So many names are shown at once; the others are folded."""


class Cause(Struct, frozen=True, kw_only=True):
    """A kind of trigger: a sign, names, and a pattern as JSON if it has one."""

    kind: str
    icon: str
    names: Sequence[str] = ()
    pattern: str = ""


class Row(Struct, frozen=True, kw_only=True):
    """A function with its triggers, and how many deliveries to it are tried again or were given up."""

    function: Function
    purpose: str
    causes: Sequence[Cause]
    retrying: int
    dead: int


@get("/console/workflows/functions")
async def listed(request: Visit) -> Answer:
    """The functions there are, and the names of those to come."""
    overview = Overview(request.market)
    troubles = await overview.troubles(request.actor)
    at_desk = await desk(request)
    return at_desk.page(
        "workflows/functions.html",
        rows=[_row(function, troubles.of_function(function.name)) for function in overview.functions(request.actor)],
        absent=sorted(KNOWN - {function.name for function in TABLE}),
        few=FEW,
        tabs=tabs(),
    )


def _row(function: Function, troubles: Troubles) -> Row:
    return Row(
        function=function,
        purpose=_sentence(purpose(function)),
        causes=causes(function),
        retrying=troubles.retrying[function.name],
        dead=troubles.dead[function.name],
    )


def causes(function: Function) -> Sequence[Cause]:
    """Its triggers as they are drawn, all its times as one."""
    times = function.of(OnSchedule)
    drawn = [cause(trigger) for trigger in function.triggers if not isinstance(trigger, OnSchedule)]
    if again := tuple(f"{each.name}: {each.expression}" for each in times if each.expression):
        drawn.append(Cause(kind="Schedules", icon="calendar-clock", names=again))
    if once := tuple(f"{each.name}/…" for each in times if not each.expression):
        drawn.append(Cause(kind="One-time schedules", icon="alarm-clock", names=once))
    return drawn


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def cause(trigger: Trigger) -> Cause:
    """A trigger other than a schedule, as it is drawn."""
    assert not isinstance(trigger, OnSchedule)
    match trigger:
        case OnEvent(pattern=pattern):
            names = _types(pattern)
            text = "" if names else msgspec.json.format(msgspec.json.encode(pattern), indent=2).decode()
            return Cause(kind="Events", icon="activity", names=names, pattern=text)
        case OnChanges(entities=entities):
            return Cause(kind="Changes of the table", icon="database", names=entities)
        case OnRoute(method=method, path=path):
            return Cause(kind="Requests", icon="globe", names=(f"{method} {path}",))
        case OnTask(acts=acts):
            return Cause(kind="Tasks of workflows", icon="workflow", names=acts)
        case OnHook(hook=hook):
            return Cause(kind="Sign-up", icon="user-check", names=(hook.value,))
        case OnFields(fields=fields):
            return Cause(kind="Fields of the API", icon="code", names=fields)


def _types(pattern: Mapping[str, object]) -> Sequence[str]:
    """The types of event, where the pattern says nothing else."""
    types = pattern.get("detail-type")
    if len(pattern) == 1 and isinstance(types, list):
        return [str(each) for each in types]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return ()
