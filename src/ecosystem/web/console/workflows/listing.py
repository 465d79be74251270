"""Executions of all machines, the newest first; and one found by the name of its matter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.kernel.time import midnight
from ecosystem.ports.table import Cursor
from ecosystem.ports.workflows import Execution, ExecutionStatus, MachineUnknown
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import Desk, desk, get
from ecosystem.web.console.workflows.graph import graph
from ecosystem.web.console.workflows.matters import Matter, matters
from ecosystem.web.console.workflows.paths import execution_path, tabs
from ecosystem.web.visit import Visit

PAGE = 40
_DAY = timedelta(days=1)


class Asked(Struct, frozen=True, kw_only=True):
    """Which executions. `q` is a name; `since` and `until` are days of the operator's zone, both included."""

    machine: Annotated[str, Meta(max_length=80)] = ""
    status: ExecutionStatus | None = None
    q: Annotated[str, Meta(max_length=200)] = ""
    since: date | None = None
    until: date | None = None
    after: Annotated[str, Meta(max_length=700)] = ""


class Row(Struct, frozen=True, kw_only=True):
    """An execution in a list, with where it leads and what it is about."""

    execution: Execution
    path: str
    matter: Matter | None
    took_s: float | None


@get("/console/workflows")
async def listed(request: Visit) -> Answer:
    """Executions, by machine, status, name and day."""
    asked = request.query_of(Asked).asked
    if asked.q:
        named = await request.market.executions.named([asked.q.strip()], request.actor)
        if len(named) == 1:
            return request.redirect(execution_path(named[0].execution_id))
        return await _shown(request, asked, named, "")
    found = await request.market.executions.listed(
        request.actor,
        machine=asked.machine or None,
        status=asked.status,
        began_since=midnight(asked.since, request.zone) if asked.since else None,
        began_before=midnight(asked.until + _DAY, request.zone) if asked.until else None,
        after=Cursor(asked.after) if asked.after else None,
        limit=PAGE,
    )
    return await _shown(request, asked, found.executions, found.next or "")


@get("/console/workflows/machines/{name:str}")
async def machine(request: Visit, name: FromPath[str]) -> Answer:
    """A machine as executions begin with it now, and the latest of them."""
    written = next((each for each in request.market.executions.machines(request.actor) if each.name == name), None)
    if written is None:
        raise MachineUnknown
    at_desk = await desk(request)
    latest = await request.market.executions.listed(request.actor, machine=name, limit=8)
    return at_desk.page(
        "workflows/machine.html",
        machine=written,
        document=written.content.decode(),
        graph=graph(written.content.decode(), {}, frozenset()),
        rows=rows(latest.executions),
        drawing_of=name,
        chosen="",
        state_path="",
        live=False,
    )


def rows(executions: Sequence[Execution]) -> Sequence[Row]:
    """Executions as rows of a list."""
    return [
        Row(
            execution=each,
            path=execution_path(each.execution_id),
            matter=next(iter(matters(each.input)), None),
            took_s=(each.ended_at - each.started_at).total_seconds() if each.ended_at else None,
        )
        for each in executions
    ]


async def _shown(request: Visit, asked: Asked, executions: Sequence[Execution], following: str) -> Answer:
    at_desk: Desk = await desk(request)
    market, actor = request.market, request.actor
    query = {
        name: value.isoformat() if isinstance(value, date) else value
        for name in ("machine", "status", "q", "since", "until")
        if (value := getattr(asked, name))
    }
    return at_desk.page(
        "workflows/list.html",
        rows=rows(executions),
        machines=[each.name for each in market.executions.machines(actor)],
        counts_by_status={status.value: count for status, count in (await market.executions.counts(actor)).items()},
        statuses=[status.value for status in ExecutionStatus],
        asked=asked,
        query=query,
        after=asked.after,
        next_after=following,
        tabs=tabs(),
    )
