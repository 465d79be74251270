"""Events that a reaction could not take, for operators."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ecosystem.api.plain import Paging, connection
from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.workflows.deliveries import Deliveries, Delivery, DeliveryStatus

ROOTS = Roots()


class Listed(Paging, frozen=True, kw_only=True):
    status: DeliveryStatus


class OfDelivery(Struct, frozen=True, kw_only=True):
    event_id: str
    reaction: Annotated[str, Meta(min_length=1, max_length=200)]


@ROOTS.query
async def deliveries(ask: Ask, request: Listed) -> Plain:
    page = await _deliveries(ask).listed(request.status, ask.actor, after=request.cursor, limit=request.limit)
    return connection([_delivery(each) for each in page.values], page.next)


@ROOTS.mutation
async def replay_delivery(ask: Ask, request: OfDelivery) -> bool:
    await _deliveries(ask).replay(request.event_id, request.reaction, ask.actor)
    return True


@ROOTS.mutation
async def give_up_delivery(ask: Ask, request: OfDelivery) -> bool:
    await _deliveries(ask).give_up(request.event_id, request.reaction, ask.actor)
    return True


def _deliveries(ask: Ask) -> Deliveries:
    return Deliveries(ask.market.ports.table, ask.market.ports.clock)


def _delivery(kept: Delivery) -> Plain:
    event = kept.event
    return {
        "eventId": event.event_id,
        "eventType": event.type,
        "aggregate": event.aggregate,
        "at": event.at,
        "reaction": kept.rule,
        "status": kept.status,
        "attempts": kept.attempts,
        "reason": kept.reason,
        "dueAt": kept.due_at,
        "firstFailedAt": kept.first_failed_at,
        "detail": msgspec.json.encode(event.detail).decode(),
    }
