"""The relay: follows the table's changes, and hands each new event to the rules whose pattern it matches.

At least once: the checkpoint moves after the reactions of a batch have run, so a crash repeats them, and every
reaction is idempotent. Events of one aggregate are handed over in order; aggregates go side by side.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from ecosystem.ports.bus import Event, type_of
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Change, Cursor, Delete, Key, Put, Stored, Table
from ecosystem.ports.table_codec import decoded
from ecosystem.workflows.deliveries import ATTEMPTS_MAX, Deliveries, Delivery, failed, kept
from ecosystem.workflows.rules import Rule, Rules

log = logging.getLogger(__name__)
BATCH = 250
AT_ONCE = 16
"""Aggregates whose events are delivered side by side: each takes the loop for a moment, and pages wait meanwhile."""


class Checkpoint(Stored, frozen=True, kw_only=True):
    """How far a follower of the changes has come."""

    entity: ClassVar[str] = "checkpoint"

    cursor: Cursor
    at: datetime


def checkpoint_key(follower: str) -> Key:
    """Access: the place of one follower."""
    return Key(f"FOLLOWER#{follower}", "CHECKPOINT")


@dataclass(slots=True)
class Relay:
    """Follows the changes and delivers events. One relay runs at a time."""

    table: Table
    clock: Clock
    rules: Sequence[Rule]
    cursor: Cursor | None = None
    started: bool = False
    _waiting: Rules = field(init=False)

    def __post_init__(self) -> None:
        self._waiting = Rules(self.rules)

    async def step(self, limit: int = BATCH) -> int:
        """Deliver the events among the next changes; how many changes there were, 0 when caught up."""
        if not self.started:
            earlier = await self.table.get(checkpoint_key("relay"), Checkpoint)
            self.cursor = earlier.value.cursor if earlier else None
            self.started = True
        changes = await self.table.changes(self.cursor, limit=limit)
        if not changes:
            return 0
        delivered = await self._deliver(
            [event for change in changes if type_of(change.key) in self._waiting and (event := new_event(change))]
        )
        self.cursor = changes[-1].cursor
        # A batch without deliveries need not move the stored place: reading it again is free of effects.
        if delivered or len(changes) == limit:
            place = Checkpoint(cursor=self.cursor, at=self.clock.now())
            await self.table.transact(Put(key=checkpoint_key("relay"), value=place))
        return len(changes)

    async def retry(self, limit: int = 50) -> int:
        """Try deliveries that are due again; how many were tried."""
        due = await Deliveries(self.table, self.clock).due(limit)
        await asyncio.gather(*(self._again(row.value) for row in due))
        return len(due)

    async def drain(self, steps_max: int = 10_000) -> None:
        """Step until nothing is left to deliver. For tests, simulations and a graceful stop."""
        for _ in range(steps_max):
            if not await self.step():
                return

    async def _deliver(self, events: Sequence[Event]) -> int:
        by_aggregate: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            by_aggregate[event.aggregate].append(event)
        turns = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._in_order(group, turns) for group in by_aggregate.values()))
        return len(by_aggregate)

    async def _in_order(self, events: Sequence[Event], turns: asyncio.Semaphore) -> None:
        async with turns:
            for event in events:
                for rule in self._waiting.of(event):
                    reason = await self._attempt(rule, event)
                    if reason is not None:
                        await self.table.transact(
                            kept(failed(event, rule.name, reason, self.clock.now(), attempts_max=rule.attempts_max))
                        )

    async def _again(self, delivery: Delivery) -> None:
        rule = self._waiting.named(delivery.rule)
        reason = await self._attempt(rule, delivery.event) if rule else "No such rule any more."
        attempts_max = rule.attempts_max if rule else ATTEMPTS_MAX
        after = failed(delivery.event, delivery.rule, reason or "", self.clock.now(), delivery, attempts_max)
        write = kept(after) if reason is not None else Delete(key=kept(delivery).key)
        await self.table.transact(write)

    async def _attempt(self, rule: Rule, event: Event) -> str | None:
        """None when the reaction succeeded, otherwise why not."""
        try:
            await rule.react(event)
        except Exception as failure:
            # An entry point of its own: whatever a reaction raises must not stop the others.
            log.warning("reaction failed", extra={"rule": rule.name, "event_id": event.event_id}, exc_info=True)
            return f"{type(failure).__name__}: {failure}"
        return None


class Behind(Struct, frozen=True, kw_only=True):
    """How far the relay is behind: events that reactions wait for among the next changes, and the oldest's age."""

    events: int
    seconds: float


async def behind(table: Table, clock: Clock, awaited: Container[str], limit: int = 1000) -> Behind:
    """How many events of the `awaited` types lie beyond the stored place, as far as the next changes tell."""
    earlier = await table.get(checkpoint_key("relay"), Checkpoint)
    changes = await table.changes(earlier.value.cursor if earlier else None, limit=limit)
    waiting = [
        event.at for change in changes if type_of(change.key) in awaited and (event := new_event(change)) is not None
    ]
    seconds = max(0.0, (clock.now() - min(waiting)).total_seconds()) if waiting else 0.0
    return Behind(events=len(waiting), seconds=seconds)


def new_event(change: Change) -> Event | None:
    """The event that this change brought, if it brought one."""
    if change.old is None and change.new is not None and change.new.entity == Event.entity:
        return decoded(change.new, Event)
    return None
