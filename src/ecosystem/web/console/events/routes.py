"""Events across the house, and one of them with its neighbours."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ecosystem.journeys.happenings import Wanted
from ecosystem.ports.bus import Event
from ecosystem.web.answers import Answer
from ecosystem.web.console.bookings.story import told
from ecosystem.web.console.desk import desk, get
from ecosystem.web.console.events.tabs import tabs
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
        tabs=tabs(at_desk),
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


def pretty(event: Event) -> str:
    """The event as JSON, a field a line."""
    plain: Any = msgspec.to_builtins(event)
    return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()
