"""What the card processor told of its own accord: what waits, what came lately, and acting upon one once more."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.payments import UnreadableEvent, Webhook
from ecosystem.journeys.happenings import Wanted
from ecosystem.kernel.refusals import Invalid, NotFound, Refusal
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PAGE = 40
STORED = Wanted(types=("WebhookStored",))


class NoSuchWebhookHere(NotFound):
    """There is no such event of the processor, or its time to be kept is over."""


class Asked(Struct, frozen=True, kw_only=True):
    after: Annotated[str, Meta(max_length=700)] = ""


@get("/console/webhooks")
async def listed(request: Visit) -> Answer:
    """Events that wait, the oldest first; and those that came, the latest first."""
    asked = request.query_of(Asked).asked
    at_desk = await desk(request)
    hearing, actor = request.market.hearing, request.actor
    found = await request.market.happenings.latest(actor, STORED, before=asked.after or None, limit=PAGE)
    ids = [str(event.detail["processor_event_id"]) for event in found.events]
    return at_desk.page(
        "webhooks/list.html",
        waiting=await hearing.waiting(actor) if not asked.after else (),
        webhooks=await hearing.stored(ids, actor) if ids else (),
        unknown=await hearing.unknown(actor) if not asked.after else (),
        comparisons=await request.market.missed_events.latest(actor) if not asked.after else (),
        after=asked.after,
        next_after=found.next or "",
    )


@get("/console/webhooks/{event_id:str}")
async def show(request: Visit, event_id: FromPath[str]) -> Answer:
    """One event of the processor, as it came."""
    return await _shown(request, event_id)


@post("/console/webhooks/{event_id:str}/replay")
async def replay(request: Visit, event_id: FromPath[str]) -> Answer:
    """Act upon the event once more, now."""
    await _webhook(request, event_id)
    try:
        await request.market.hearing.replay(event_id, request.actor)
    except Refusal as no:
        return await _shown(request, event_id, no)
    return request.redirect(f"/console/webhooks/{event_id}", toast=Toast(text="Acted upon once more."))


async def _shown(request: Visit, event_id: str, refusal: Refusal | None = None) -> Answer:
    webhook = await _webhook(request, event_id)
    at_desk = await desk(request)
    try:
        hint = webhook.hint
    except UnreadableEvent:
        hint = None
    return at_desk.page(
        "webhooks/detail.html",
        status=status_of(refusal) if refusal else 200,
        webhook=webhook,
        hint=hint,
        text=_pretty(webhook.body),
        refusal=refusal,
    )


async def _webhook(request: Visit, event_id: str) -> Webhook:
    try:
        found = await request.market.hearing.stored([event_id], request.actor)
    except Invalid:
        raise NoSuchWebhookHere from None
    if not found:
        raise NoSuchWebhookHere
    return found[0]


def _pretty(body: bytes) -> str:
    try:
        return msgspec.json.format(body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode(errors="replace")
