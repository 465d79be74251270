"""Events across the house, and what became of those that a reaction could not take."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from ecosystem.journeys.happenings import Wanted
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Cursor
from ecosystem.web.answers import Answer
from ecosystem.web.console.bookings.story import told
from ecosystem.web.console.desk import deliveries, desk, get, post
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit
from ecosystem.workflows.bindings import rules
from ecosystem.workflows.rules import Rules

PAGE = 50
SOURCES = ("booking", "catalogue", "identity", "payment", "provider")


class Asked(Struct, frozen=True, kw_only=True):
    """Which events. `type` and `about` are what an operator typed; `before` is where to go on from."""

    type: Annotated[str, Meta(max_length=60, pattern=r"^[A-Za-z]*$", description="A type such as BookingPlaced.")] = ""
    source: Annotated[str, Meta(max_length=30)] = ""
    about: Annotated[str, Meta(max_length=120)] = ""
    after: Annotated[str, Meta(max_length=700)] = ""


class One(Struct, frozen=True, kw_only=True):
    id: Annotated[str, Meta(max_length=400)]


class AskedDeliveries(Struct, frozen=True, kw_only=True):
    after: Annotated[str, Meta(max_length=2_000)] = ""


class Which(Struct, frozen=True, kw_only=True):
    """A delivery, and the page to go back to."""

    event_id: Annotated[str, Meta(max_length=400)]
    reaction: Annotated[str, Meta(max_length=100)]
    page: Literal["dead", "retrying"] = "dead"


@get("/console/events")
async def listed(request: Visit) -> Answer:
    """Events, the latest first."""
    asked = request.query_of(Asked).asked
    at_desk = await desk(request)
    wanted = Wanted(types=(asked.type,) if asked.type else (), source=asked.source, aggregate=asked.about)
    found = await request.market.happenings.latest(request.actor, wanted, before=asked.after or None, limit=PAGE)
    query = {name: value for name in ("type", "source", "about") if (value := getattr(asked, name))}
    return at_desk.page(
        "events/list.html",
        events=[told(event) for event in found.events],
        types=sorted(Rules(rules(request.market)).types),
        sources=sorted({*SOURCES, *([asked.source] if asked.source else [])}),
        asked=asked,
        query=query,
        after=asked.after,
        next_after=found.next or "",
        looked_back_to=found.looked_back_to,
        tabs=_tabs(at_desk.waiting["events"]),
    )


@get("/console/events/detail")
async def show(request: Visit) -> Answer:
    """One event, whole, and its neighbours in its timeline."""
    asked = request.query_of(One).asked
    at_desk = await desk(request)
    event = await request.market.happenings.event(asked.id, request.actor)
    around = await request.market.happenings.about(event.aggregate, request.actor)
    return at_desk.page(
        "events/detail.html",
        event=event,
        told=told(event),
        text=pretty(event),
        subject=event.aggregate.partition("#")[2],
        around=[told(each) for each in around.values],
        reactions=[rule.name for rule in Rules(rules(request.market)).of(event)],
    )


@get("/console/events/dead")
async def dead(request: Visit) -> Answer:
    """Deliveries that were tried for the last time."""
    return await _deliveries(request, "dead")


@get("/console/events/retrying")
async def retrying(request: Visit) -> Answer:
    """Deliveries that will be tried again."""
    return await _deliveries(request, "retrying")


@post("/console/events/replay")
async def replay(request: Visit) -> Answer:
    """Try a delivery again at once, with all its attempts before it."""
    asked = (await request.form_of(Which)).asked
    await deliveries(request).replay(asked.event_id, asked.reaction, request.actor)
    return request.redirect(
        f"/console/events/{asked.page}",
        toast=Toast(text="It is tried again now. If it fails once more, it comes back."),
    )


@post("/console/events/give-up")
async def give_up(request: Visit) -> Answer:
    """Remove a delivery for good."""
    asked = (await request.form_of(Which)).asked
    await deliveries(request).give_up(asked.event_id, asked.reaction, request.actor)
    return request.redirect(f"/console/events/{asked.page}", toast=Toast(text="Given up: nobody tries it again."))


async def _deliveries(request: Visit, page: Literal["dead", "retrying"]) -> Answer:
    asked = request.query_of(AskedDeliveries).asked
    at_desk = await desk(request)
    after = Cursor(asked.after) if asked.after else None
    kept = deliveries(request)
    found = await (kept.dead if page == "dead" else kept.retrying)(after, PAGE)
    return at_desk.page(
        "events/deliveries.html",
        deliveries=found.values,
        which=page,
        after=asked.after,
        next_after=found.next or "",
        tabs=_tabs(at_desk.waiting["events"]),
    )


def pretty(event: Event) -> str:
    """The event as JSON, a field a line."""
    plain: Any = msgspec.to_builtins(event)
    return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()


def _tabs(dead_letters: int) -> list[tuple[str, str, str]]:
    return [
        ("/console/events", "All events", ""),
        ("/console/events/dead", "Dead letters", str(dead_letters) if dead_letters else ""),
        ("/console/events/retrying", "Tried again", ""),
    ]
