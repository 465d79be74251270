"""One execution: how its machine went, step by step, and what an operator may do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.journeys.executions import AnswerTask, Seen, Whole
from ecosystem.kernel.refusals import Invalid, Refusal
from ecosystem.ports.workflows import ExecutionStatus, HistoryEvent
from ecosystem.web.answers import Answer, Drawn
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.console.workflows.graph import graph
from ecosystem.web.console.workflows.matters import matters
from ecosystem.web.console.workflows.paths import execution_path
from ecosystem.web.console.workflows.steps import Step, story
from ecosystem.web.forms import Form, blank
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

STEPS = 50
"""Steps on one page."""

SHOWN_MAX = 20_000
"""Characters of one value that are shown."""

WATCHED_MAX = timedelta(minutes=30)
"""For so long a page that is left open asks whether something has happened."""

_SEEN = re.compile(r"([A-Z_]{1,20})\.([0-9]{1,9})\.([0-9]{1,6})")

OPEN_PAYLOADS = 3
"""With no more steps than this they are shown with what went in and out."""


class Asked(Struct, frozen=True, kw_only=True):
    """What of the execution: the steps of one state, from that one on. `since` is when the page was opened.

    `seen` is what the page shows already.
    """

    state: Annotated[str, Meta(max_length=200)] = ""
    start: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    since: Annotated[int, Meta(ge=0, le=10**11)] = 0
    seen: Annotated[str, Meta(max_length=80)] = ""


class Reasoned(Struct, frozen=True, kw_only=True):
    reason: Annotated[str, Meta(max_length=1_000)] = ""


class Answered(Struct, frozen=True, kw_only=True):
    """An answer to an open task. `output` is a JSON object, for what the task is to hand on."""

    task_id: Annotated[str, Meta(max_length=64)]
    verdict: Literal["accept", "reject"]
    reason: Annotated[str, Meta(max_length=1_000)] = ""
    output: Annotated[str, Meta(max_length=20_000)] = ""


class Shown(Struct, frozen=True, kw_only=True):
    """A step as it is drawn: its values as JSON, and how deep it lies within others."""

    step: Step
    input: str
    output: str
    depth: int
    is_open: bool


@get("/console/workflows/{execution_id:str}")
async def show(request: Visit, execution_id: FromPath[str]) -> Answer:
    """One execution. A page that is left open is told nothing while nothing has happened."""
    asked = request.query_of(Asked).asked
    watching = request.market.executions
    known = _known(execution_id, asked.seen) if request.arrival.wants_fragment else None
    if known and await watching.is_still(known, request.actor):
        return Drawn(status=204).answer()
    whole = await watching.whole(execution_id, request.actor)
    return await _page(request, whole, asked, blank(Answered))


@post("/console/workflows/{execution_id:str}/stop")
async def stop(request: Visit, execution_id: FromPath[str]) -> Answer:
    """End an execution where it is."""
    form = await request.form_of(Reasoned)
    try:
        await request.market.executions.stop(execution_id, form.asked.reason, request.actor)
    except Invalid as no:
        return await _again(request, execution_id, form.refused(no))
    return request.redirect(execution_path(execution_id), toast=Toast(text="Stopped: nothing more is done for it."))


@post("/console/workflows/{execution_id:str}/redrive")
async def redrive(request: Visit, execution_id: FromPath[str]) -> Answer:
    """Go on from the steps that failed."""
    await request.market.executions.redrive(execution_id, request.actor)
    return request.redirect(execution_path(execution_id), toast=Toast(text="It goes on from where it had failed."))


@post("/console/workflows/{execution_id:str}/answer")
async def answer(request: Visit, execution_id: FromPath[str]) -> Answer:
    """Answer a task that waits for a person."""
    form = await request.form_of(Answered)
    try:
        asked = form.asked
        given = AnswerTask(
            execution_id=execution_id,
            task_id=asked.task_id,
            accepted=asked.verdict == "accept",
            reason=asked.reason,
            output=_object(asked.output),
        )
        await request.market.executions.answer(given, request.actor)
    except Refusal as no:
        return await _again(request, execution_id, form.refused(no))
    said = "Accepted: it goes on." if given.accepted else "Rejected: it goes on with that."
    return request.redirect(execution_path(execution_id), toast=Toast(text=said))


async def _again(request: Visit, execution_id: str, form: Form[Any]) -> Answer:
    whole = await request.market.executions.whole(execution_id, request.actor)
    return await _page(request, whole, Asked(), form)


async def _page(request: Visit, whole: Whole, asked: Asked, form: Form[Any]) -> Answer:
    at_desk = await desk(request)
    execution = whole.execution
    told = story(execution, whole.events, frozenset(execution.awaiting))
    steps = [step for step in told.steps if not asked.state or step.state == asked.state]
    since = asked.since or int(request.at.timestamp())
    is_running = execution.status is ExecutionStatus.RUNNING
    path = execution_path(execution.execution_id)
    values: dict[str, Any] = {
        "execution": execution,
        "path": path,
        "graph": graph(whole.definition, told.standings, told.taken),
        "drawing_of": f"{execution.machine} {execution.name}",
        "live": True,
        "chosen": asked.state,
        "state_path": path,
        "steps": _shown(steps, asked),
        "steps_total": len(steps),
        "start": asked.start,
        "next_start": asked.start + STEPS if asked.start + STEPS < len(steps) else 0,
        "tasks": [(task, pretty(task.input)) for task in whole.tasks],
        "matters": matters(execution.input),
        "input": pretty(execution.input),
        "output": pretty(execution.output) if execution.output is not None else "",
        "is_cut": whole.is_cut,
        "is_masked": whole.is_masked,
        "may_stop": is_running,
        "may_redrive": whole.may_redrive,
        "took_s": ((execution.ended_at or request.at) - execution.started_at).total_seconds(),
        "is_watched": is_running and request.at - datetime.fromtimestamp(since, UTC) < WATCHED_MAX,
        "since": since,
        "seen": seen(whole),
    }
    if form.refusal is not None:
        return at_desk.again("workflows/execution.html", "workflows/_execution.html", form, **values)
    return at_desk.answer("workflows/execution.html", "workflows/_execution.html", form=form, **values)


def seen(whole: Whole) -> str:
    """What tells a page that shows this from one that shows something later."""
    last: HistoryEvent | None = whole.events[-1] if whole.events else None
    return f"{whole.execution.status}.{last.id if last else 0}.{len(whole.execution.awaiting)}"


def _known(execution_id: str, text: str) -> Seen | None:
    """What the page said it shows already."""
    found = _SEEN.fullmatch(text)
    if found is None:
        return None
    status, last, tasks = found.groups()
    return Seen(execution_id=execution_id, status=status, last_event=int(last), tasks=int(tasks))


def pretty(value: Any) -> str:
    """A value as JSON, a field a line, as far as it is shown."""
    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode()
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}\n…"


def _shown(steps: Sequence[Step], asked: Asked) -> Sequence[Shown]:
    page = steps[asked.start : asked.start + STEPS]
    depth: dict[int, int] = {0: -1}
    for step in steps:
        depth[step.number] = depth.get(step.within, -1) + 1
    return [
        Shown(
            step=step,
            input=pretty(step.input) if step.input is not None else "",
            output=pretty(step.output) if step.has_output else "",
            depth=min(3, depth[step.number]) if not asked.state else 0,
            is_open=bool(asked.state) and len(page) <= OPEN_PAYLOADS,
        )
        for step in page
    ]


def _object(text: str) -> Any:
    """What an operator typed as JSON; None when that is nothing. Raises `Invalid`."""
    if not text.strip():
        return None
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as wrong:
        raise Invalid(f"That is no JSON: {wrong}", field="output") from wrong
