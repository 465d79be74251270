"""What becomes of a reaction that failed: tried again with back-off, at last a dead letter for a person to see.

A reaction that succeeds leaves no trace, so the common case costs nothing. `DELIVERY#<event id>` / `<rule>` exists
from the first failure until a later attempt succeeds or an operator gives it up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import NotFound
from ecosystem.kernel.time import sortable
from ecosystem.ports.audit import AuditKind, noted
from ecosystem.ports.bus import Event, Replayed
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Cursor, Delete, Index, Key, Page, Put, Row, Stale, Stored, Table

ATTEMPTS_MAX = 8
FIRST_DELAY = timedelta(seconds=2)
REASON_LENGTH_MAX = 500
GATHERED_MAX = 1_000
PIECE = 200


class NoSuchDelivery(NotFound):
    """That delivery is no longer waiting: it succeeded, or was given up."""


class DeliveryStatus(StrEnum):
    RETRYING = "retrying"
    DEAD = "dead"


class Delivery(Stored, frozen=True, kw_only=True):
    """An event that a rule's reaction could not take: how often it was tried, why it failed, and when it is due again."""

    entity: ClassVar[str] = "delivery"
    schema: ClassVar[int] = 2

    event: Event
    rule: str
    status: DeliveryStatus
    attempts: int
    reason: str
    due_at: datetime
    first_failed_at: datetime
    replay_name: str = ""
    """The replay that handed the event over; empty when it came by itself."""

    @classmethod
    def upgraded(cls, fields: dict[str, Any], schema: int) -> dict[str, Any]:
        """Version 1 had no rules: reactions had names, and the rules made of them have the same."""
        assert schema == 1
        rule = fields.pop("reaction")
        return {**fields, "rule": rule}


def failed(
    event: Event,
    rule: str,
    reason: str,
    at: datetime,
    earlier: Delivery | None = None,
    attempts_max: int = ATTEMPTS_MAX,
) -> Delivery:
    """The delivery after one more failure: due again after 2, 4, 8 ... seconds, dead after `attempts_max` attempts."""
    attempts = (earlier.attempts if earlier else 0) + 1
    dead = attempts >= attempts_max
    return Delivery(
        event=event,
        rule=rule,
        status=DeliveryStatus.DEAD if dead else DeliveryStatus.RETRYING,
        attempts=attempts,
        # What broke may have put into its message what cannot be stored, such as half of a letter.
        reason=reason[:REASON_LENGTH_MAX].encode(errors="replace").decode(),
        due_at=at + FIRST_DELAY * 2 ** (attempts - 1),
        first_failed_at=earlier.first_failed_at if earlier else at,
        replay_name=event.replay_name if isinstance(event, Replayed) else "",
    )


def held_back(event: Event, rule: str, ahead: str, at: datetime) -> Delivery:
    """The delivery of an event that was not tried yet, because `ahead`, an earlier one, has to be delivered first."""
    first = failed(event, rule, f"Waits for {ahead}.", at)
    return msgspec.structs.replace(first, status=DeliveryStatus.RETRYING, attempts=0)


def set_aside(event: Event, rule: str, at: datetime) -> Delivery:
    """The delivery of an event whose reaction takes so long that others would wait for it, or that stands behind one."""
    first = failed(event, rule, "Takes long, or stands behind what does.", at)
    return msgspec.structs.replace(first, status=DeliveryStatus.RETRYING, attempts=0)


def delivery_key(event_id: str, rule: str) -> Key:
    """Access: one rule's trouble with one event."""
    return Key(f"DELIVERY#{event_id}", rule)


def deliveries_partition(status: DeliveryStatus) -> str:
    """Access (status index): deliveries of that status, in the order in which they are due."""
    return f"DELIVERIES#{status}"


def kept(delivery: Delivery) -> Put:
    """The write that keeps the delivery as it now stands."""
    key = delivery_key(delivery.event.event_id, delivery.rule)
    order = f"{sortable(delivery.due_at)}#{delivery.event.event_id}#{delivery.rule}"
    return Put(key=key, value=delivery, index={Index.STATUS: Key(deliveries_partition(delivery.status), order)})


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Deliveries that failed, for the relay to try again and for an operator to see, replay, or give up."""

    table: Table
    clock: Clock

    async def due(self, after: Cursor | None = None, limit: int = 50) -> Page[Delivery]:
        """Deliveries whose time to be tried again has come, the longest waiting first."""
        return await self.table.query(
            deliveries_partition(DeliveryStatus.RETRYING),
            Delivery,
            index=Index.STATUS,
            end=sortable(self.clock.now()),
            after=after,
            limit=limit,
        )

    async def dead(self, after: Cursor | None = None, limit: int = 50) -> Page[Delivery]:
        """Dead letters, oldest first."""
        partition = deliveries_partition(DeliveryStatus.DEAD)
        return await self.table.query(partition, Delivery, index=Index.STATUS, after=after, limit=limit)

    async def retrying(self, after: Cursor | None = None, limit: int = 50) -> Page[Delivery]:
        """Deliveries that will be tried again, soonest first."""
        partition = deliveries_partition(DeliveryStatus.RETRYING)
        return await self.table.query(partition, Delivery, index=Index.STATUS, after=after, limit=limit)

    async def listed(
        self, status: DeliveryStatus, actor: Actor, *, after: Cursor | None = None, limit: int = 50
    ) -> Page[Delivery]:
        """Deliveries of that status, as `dead` and `retrying` have them. For operators."""
        actor.must_operate()
        return await (self.dead if status is DeliveryStatus.DEAD else self.retrying)(after, limit)

    async def gathered(self, status: DeliveryStatus, actor: Actor) -> list[Delivery]:
        """Deliveries of that status across all rules, the first `GATHERED_MAX` of them. For operators."""
        found: list[Delivery] = []
        after: Cursor | None = None
        while len(found) < GATHERED_MAX:
            page = await self.listed(status, actor, after=after, limit=PIECE)
            found += page.values
            after = page.next
            if after is None:
                break
        return found

    async def replay_all(self, rule: str, actor: Actor) -> int:
        """Make all dead letters of a rule due at once, `GATHERED_MAX` at most; how many they were. For operators."""
        replayed = 0
        for delivery in await self.gathered(DeliveryStatus.DEAD, actor):
            if delivery.rule != rule:
                continue
            try:
                await self.replay(delivery.event.event_id, rule, actor)
            except (NoSuchDelivery, Stale):
                continue  # Somebody else has just dealt with it.
            replayed += 1
        return replayed

    async def replay(self, event_id: str, rule: str, actor: Actor) -> None:
        """Make a delivery due at once, with all its attempts before it. For operators."""
        actor.must_operate()
        row, now = await self._existing(event_id, rule), self.clock.now()
        again = msgspec.structs.replace(row.value, status=DeliveryStatus.RETRYING, attempts=0, due_at=now - FIRST_DELAY)
        await self.table.transact(
            msgspec.structs.replace(kept(again), expected=row.unchanged),
            noted(AuditKind.PRIVILEGE, "DeliveryRepeated", actor, event_id, now, rule=rule),
        )

    async def give_up(self, event_id: str, rule: str, actor: Actor) -> None:
        """Remove a delivery for good. For operators."""
        actor.must_operate()
        row = await self._existing(event_id, rule)
        await self.table.transact(
            Delete(key=row.key, expected=row.unchanged),
            noted(AuditKind.PRIVILEGE, "DeliveryGivenUp", actor, event_id, self.clock.now(), rule=rule),
        )

    async def _existing(self, event_id: str, rule: str) -> Row[Delivery]:
        row = await self.table.get(delivery_key(event_id, rule), Delivery)
        if row is None:
            raise NoSuchDelivery
        return row
