"""Schedules: what fires again and again, and what fires once, with the acts of an operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.console.workflows.matters import Matter, matters
from ecosystem.web.console.workflows.paths import tabs
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit
from ecosystem.workflows.functions import TABLE
from ecosystem.workflows.scheduler import Scheduler
from ecosystem.workflows.schedules import Schedule
from ecosystem.workflows.triggers import OnSchedule

UPCOMING = 60
RESTING = 100


class Which(Struct, frozen=True, kw_only=True):
    """A schedule; `matter` is what a one-time schedule is about."""

    name: Annotated[str, Meta(max_length=200)]
    matter: Annotated[str, Meta(max_length=200)] = ""


class Row(Struct, frozen=True, kw_only=True):
    """A schedule with the function that it calls, and what it is about."""

    schedule: Schedule
    function: str
    matter: Matter | None


@get("/console/workflows/schedules")
async def listed(request: Visit) -> Answer:
    """Every recurring schedule, the one-time schedules that come next, and those at rest."""
    scheduler, actor = schedules(request), request.actor
    at_desk = await desk(request)
    recurring = await scheduler.recurring(actor)
    upcoming = [each for each in await scheduler.upcoming(actor, UPCOMING) if each.matter]
    resting = [each for each in await scheduler.at_rest(actor, RESTING) if each.matter]
    return at_desk.page(
        "workflows/schedules.html",
        recurring=_rows(sorted(recurring, key=lambda each: each.name)),
        upcoming=_rows(upcoming),
        resting=_rows(resting),
        tabs=tabs(),
    )


@post("/console/workflows/schedules/pause")
async def pause(request: Visit) -> Answer:
    """Let a schedule rest."""
    asked = (await request.form_of(Which)).asked
    await schedules(request).pause(asked.name, request.actor, asked.matter)
    return _back(request, "It rests until somebody lets it go on.")


@post("/console/workflows/schedules/resume")
async def resume(request: Visit) -> Answer:
    """Let a schedule go on."""
    asked = (await request.form_of(Which)).asked
    await schedules(request).resume(asked.name, request.actor, asked.matter)
    return _back(request, "It goes on with its next time.")


@post("/console/workflows/schedules/fire")
async def fire(request: Visit) -> Answer:
    """Fire a schedule at once."""
    asked = (await request.form_of(Which)).asked
    await schedules(request).fire_now(asked.name, request.actor, asked.matter)
    return _back(request, "It fires now.")


def schedules(request: Visit) -> Scheduler:
    return Scheduler(request.market.ports.table, request.market.ports.clock)


def _back(request: Visit, said: str) -> Answer:
    return request.redirect("/console/workflows/schedules", toast=Toast(text=said))


def _rows(found: Sequence[Schedule]) -> Sequence[Row]:
    return [
        Row(
            schedule=each,
            function=_FUNCTIONS.get(each.name, ""),
            matter=next(iter(matters(each.matter)), None),
        )
        for each in found
    ]


_FUNCTIONS: Mapping[str, str] = {
    trigger.name: function.name for function in TABLE for trigger in function.of(OnSchedule)
}
