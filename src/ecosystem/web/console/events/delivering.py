"""Deliveries that a rule could not take: dead letters, and those that are tried again."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from msgspec import Meta, Struct

from ecosystem.ports.table import Cursor
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import deliveries, desk, get, post
from ecosystem.web.console.events.tabs import tabs
from ecosystem.web.templates import Toast, link
from ecosystem.web.visit import Visit
from ecosystem.workflows.deliveries import GATHERED_MAX, DeliveryStatus

PAGE = 50


class Asked(Struct, frozen=True, kw_only=True):
    """Which deliveries: all, page after page, or the first of one rule."""

    rule: Annotated[str, Meta(max_length=100)] = ""
    after: Annotated[str, Meta(max_length=2_000)] = ""


class Which(Struct, frozen=True, kw_only=True):
    """A delivery, and the page to go back to. `of` is the rule whose deliveries that page shows."""

    event_id: Annotated[str, Meta(max_length=400)]
    reaction: Annotated[str, Meta(max_length=100)]
    page: Literal["dead", "retrying"] = "dead"
    of: Annotated[str, Meta(max_length=100)] = ""


class OfRule(Struct, frozen=True, kw_only=True):
    rule: Annotated[str, Meta(min_length=1, max_length=100)]


@get("/console/events/dead")
async def dead(request: Visit) -> Answer:
    """Deliveries that were tried for the last time."""
    return await _listed(request, DeliveryStatus.DEAD)


@get("/console/events/retrying")
async def retrying(request: Visit) -> Answer:
    """Deliveries that will be tried again."""
    return await _listed(request, DeliveryStatus.RETRYING)


@post("/console/events/replay")
async def replay(request: Visit) -> Answer:
    """Try a delivery again at once, with all its attempts before it."""
    asked = (await request.form_of(Which)).asked
    await deliveries(request).replay(asked.event_id, asked.reaction, request.actor)
    return request.redirect(
        _back(asked), toast=Toast(text="It is tried again now. If it fails once more, it comes back.")
    )


@post("/console/events/replay-all")
async def replay_all(request: Visit) -> Answer:
    """Try all dead letters of a rule again."""
    rule = (await request.form_of(OfRule)).asked.rule
    count = await deliveries(request).replay_all(rule, request.actor)
    return request.redirect(
        "/console/events/dead",
        toast=Toast(text=f"{count} {'is' if count == 1 else 'are'} tried again now. What fails once more comes back."),
    )


@post("/console/events/give-up")
async def give_up(request: Visit) -> Answer:
    """Remove a delivery for good."""
    asked = (await request.form_of(Which)).asked
    await deliveries(request).give_up(asked.event_id, asked.reaction, request.actor)
    return request.redirect(_back(asked), toast=Toast(text="Given up: nobody tries it again."))


def _back(asked: Which) -> str:
    return link(f"/console/events/{asked.page}", {"rule": asked.of})


async def _listed(request: Visit, status: DeliveryStatus) -> Answer:
    asked = request.query_of(Asked).asked
    at_desk = await desk(request)
    kept = deliveries(request)
    everything = await kept.gathered(status, request.actor)
    by_rule = Counter(each.rule for each in everything)
    if asked.rule:
        shown, following = [each for each in everything if each.rule == asked.rule][:PAGE], ""
    else:
        after = Cursor(asked.after) if asked.after else None
        page = await kept.listed(status, request.actor, after=after, limit=PAGE)
        shown, following = page.values, page.next or ""
    return at_desk.page(
        "events/deliveries.html",
        deliveries=shown,
        which=status.value,
        rule=asked.rule,
        by_rule=sorted(by_rule.items()),
        of_rule=by_rule[asked.rule],
        most=GATHERED_MAX,
        after=asked.after,
        next_after=following,
        tabs=tabs(at_desk),
    )
