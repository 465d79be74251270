"""The archive of the bus: events of a window of time, and replays that hand some of them out once more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.kernel.refusals import Invalid, Refusal
from ecosystem.kernel.time import local, zone
from ecosystem.web.answers import Answer
from ecosystem.web.console.bookings.story import Told, told
from ecosystem.web.console.desk import Desk, desk, get, post
from ecosystem.web.console.events.tabs import tabs
from ecosystem.web.forms import Form, blank
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit
from ecosystem.workflows.archive import Archive, Counted, Replay, Replays, ReplayState, StartReplay, Window
from ecosystem.workflows.bindings import rules
from ecosystem.workflows.patterns import SIZE_MAX
from ecosystem.workflows.rules import Rules

SHOWN = 15
REPLAYS_SHOWN = 20
HOUR = timedelta(hours=1)
_WALL = "%Y-%m-%dT%H:%M"

WallTime = Annotated[
    str,
    Meta(pattern=r"^(\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?)?$", max_length=19, description="A day and a time of day."),
]


class Asked(Struct, frozen=True, kw_only=True):
    """Which events: from a wall time of the operator's zone to another, those that match, and for which rule."""

    start: WallTime = ""
    end: WallTime = ""
    pattern: Annotated[str, Meta(max_length=SIZE_MAX)] = ""
    rule: Annotated[str, Meta(max_length=100)] = ""


class Begin(Struct, frozen=True, kw_only=True):
    """A replay of the same, under a name."""

    name: Annotated[str, Meta(max_length=64)]
    start: WallTime
    end: WallTime
    pattern: Annotated[str, Meta(max_length=SIZE_MAX)] = ""
    rule: Annotated[str, Meta(max_length=100)] = ""


class Preview(Struct, frozen=True, kw_only=True):
    """What a window holds: the first events of it, and how many as far as was counted."""

    counted: Counted
    events: Sequence[Told]
    types: Sequence[tuple[str, int]]


@get("/console/events/archive")
async def look(request: Visit) -> Answer:
    """What a window of time holds; without one asked for, the last hour is offered."""
    form = request.query_of(Asked)
    at_desk = await desk(request)
    if not form.values.get("start"):
        now = request.at
        offered = blank(Asked, start=_wall(now - HOUR, request.zone), end=_wall(now, request.zone))
        return await _page(request, at_desk, offered, None)
    try:
        return await _page(request, at_desk, form, await _previewed(request, form.asked))
    except Refusal as no:
        return await _page(request, at_desk, form.refused(no, start_at="start", end_at="end"), None)


@post("/console/events/archive")
async def begin(request: Visit) -> Answer:
    """Start a replay."""
    form = await request.form_of(Begin)
    try:
        asked = form.asked
        window = _window(Asked(start=asked.start, end=asked.end, pattern=asked.pattern), request)
        wanted = StartReplay(name=asked.name, window=window, rules=(asked.rule,) if asked.rule else ())
        replay = await replays(request).start(wanted, request.actor)
    except Refusal as no:
        at_desk = await desk(request)
        return await _page(request, at_desk, form.refused(no, start_at="start", end_at="end", rules="rule"), None)
    return request.redirect(f"/console/events/archive/{replay.name}", toast=Toast(text="The replay has begun."))


@get("/console/events/archive/{name:str}")
async def show(request: Visit, name: FromPath[str]) -> Answer:
    """A replay, and how far it has come."""
    replay = await replays(request).replay(name, request.actor)
    at_desk = await desk(request)
    return at_desk.answer("events/replay.html", "events/_replay.html", **_drawn(replay))


@post("/console/events/archive/{name:str}/cancel")
async def cancel(request: Visit, name: FromPath[str]) -> Answer:
    """End a replay before its time."""
    await replays(request).cancel(name, request.actor)
    return request.redirect(f"/console/events/archive/{name}", toast=Toast(text="Cancelled: no more is handed out."))


def replays(request: Visit) -> Replays:
    return Replays(request.market.ports.table, request.market.ports.clock, Rules(rules(request.market)))


def _drawn(replay: Replay) -> dict[str, Any]:
    return {
        "replay": replay,
        "is_running": replay.state is ReplayState.RUNNING,
        "percent": round(100 * replay.progress),
    }


async def _previewed(request: Visit, asked: Asked) -> Preview:
    archive = Archive(request.market.ports.table, request.market.ports.clock)
    window = _window(asked, request)
    counted = await archive.count(window, request.actor)
    listed = await archive.events(window, request.actor, limit=SHOWN)
    return Preview(
        counted=counted,
        events=[told(event) for event in listed.events],
        types=sorted(counted.by_type.items(), key=lambda pair: (-pair[1], pair[0])),
    )


async def _page(request: Visit, at_desk: Desk, form: Form[Any], preview: Preview | None) -> Answer:
    made = await replays(request).listed(request.actor, limit=REPLAYS_SHOWN)
    return at_desk.page(
        "events/archive.html",
        status=status_of(form.refusal) if form.refusal else 200,
        form=form,
        preview=preview,
        replays=[_drawn(replay) for replay in made],
        rules=[(rule.name, rule.name) for rule in rules(request.market)],
        offered_name=form.text("name") or f"replay-{local(request.at, request.zone):%Y%m%d-%H%M%S}",
        tabs=tabs(at_desk),
    )


def _window(asked: Asked, request: Visit) -> Window:
    """The window in UTC. Its end is the end of the minute that was named, as far as that has passed."""
    start_at, end_at = _instant(asked.start, "start", request.zone), _instant(asked.end, "end", request.zone)
    if len(asked.end) == len("2026-11-20T12:00") and end_at <= request.at < end_at + timedelta(minutes=1):
        end_at = request.at
    return Window(start_at=start_at, end_at=end_at, pattern=asked.pattern.strip())


def _instant(text: str, field: str, zone_name: str) -> datetime:
    """The instant of a wall time. Raises `Invalid`."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone(zone_name)).astimezone(UTC)
    except ValueError:
        raise Invalid("A day and a time of day.", field=field) from None


def _wall(at: datetime, zone_name: str) -> str:
    return local(at, zone_name).strftime(_WALL)
