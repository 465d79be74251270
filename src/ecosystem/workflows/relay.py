"""The relay: follows the table's changes, and hands each new event to the rules whose pattern it matches.

At least once: the stored place moves after everything before it has been delivered, so a crash repeats some, and every
reaction is idempotent. Events of one aggregate reach one rule in order, those that fail at first too; one that goes on
failing steps out of line. What is slow or fails holds up neither other aggregates nor other rules.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict, deque
from collections.abc import Container, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.kernel.refusals import Unavailable
from ecosystem.kernel.trace import trace_id
from ecosystem.ports.bus import Event, replayed, type_of
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Change, ChangesForgotten, Cursor, Delete, Key, Put, Row, Stored, Table
from ecosystem.ports.table_codec import decoded
from ecosystem.workflows.deliveries import (
    ATTEMPTS_MAX,
    Deliveries,
    Delivery,
    delivery_key,
    failed,
    held_back,
    kept,
    set_aside,
)
from ecosystem.workflows.lanes import Batch, Queue
from ecosystem.workflows.lines import Lines, Place, place_of, stands_in_line
from ecosystem.workflows.rules import Rule, Rules

log = logging.getLogger(__name__)
BATCH = 250
AT_ONCE = 8
"""Events that one rule takes side by side: each takes the loop for a moment, and pages wait meanwhile."""

AHEAD = 4
"""Full batches that are handed out before the first of them is waited for."""

PATIENCE_S = 0.25
RETRY_PATIENCE_S = 5.0
OF_ONE_RULE = 25
"""Deliveries of one rule that are tried again side by side: one that hangs leaves places to others."""

DUE_PAGE = 100
DUE_PAGES = 10
"""So much of what is due is looked at in one go; the next goes on from there."""

UNDER_WAY_MAX = 5_000
"""Changes past the stored place that may be under way: so many are read again after a crash, at most."""

OVERDUE_S = 5.0
"""With so many under way, what takes longer is set aside."""

PIECE = 50
"""Deliveries that one transaction keeps."""


class Checkpoint(Stored, frozen=True, kw_only=True):
    """How far a follower of the changes has come."""

    entity: ClassVar[str] = "checkpoint"

    cursor: Cursor
    at: datetime


def checkpoint_key(follower: str) -> Key:
    """Access: the place of one follower."""
    return Key(f"FOLLOWER#{follower}", "CHECKPOINT")


class Lost(Unavailable):
    """What became of an event could not be kept; it is delivered again."""


@dataclass(slots=True)
class Relay:
    """Follows the changes and delivers events. One relay runs at a time.

    In each rule's queue an aggregate has its lane, in which events go one after the other; lanes go side by side. A
    step hands out the next changes and waits `patience_s` for them at most, far behind for some before them: a lane that
    takes longer goes on by itself.
    The stored place moves to the end of the last changes before which everything has been delivered, or kept to be
    tried again; what is tried again keeps its place in line for a while (`lines.py`). What takes so long that too many
    changes would be under way is kept too: it goes on here, and is tried again only after a restart.
    """

    table: Table
    clock: Clock
    rules: Sequence[Rule]
    patience_s: float = PATIENCE_S
    cursor: Cursor | None = None
    started: bool = False
    _waiting: Rules = field(init=False)
    _queues: dict[str, Queue] = field(default_factory=dict[str, Queue])
    _running: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _batches: deque[Batch] = field(default_factory=deque[Batch])
    _again: set[Place] = field(default_factory=set[Place])
    _aside: set[Place] = field(default_factory=set[Place])
    """Where what was set aside is still under way in its lane."""
    _due: Cursor | None = None
    """Up to where what is due was looked at; None at its beginning."""
    _lines: Lines = field(default_factory=Lines)
    _failure: BaseException | None = None
    _lost: int = 0
    """How often all that was under way was let go of."""

    def __post_init__(self) -> None:
        self._waiting = Rules(self.rules)
        self._queues = {rule.name: Queue(rule) for rule in self.rules}

    async def step(self, limit: int = BATCH) -> int:
        """Deliver the events among the next changes; how many changes there were, 0 when caught up."""
        if self._failure is not None:
            await self._begin_anew()
        if not self.started:
            self.table.hold_for(checkpoint_key("relay"))
            earlier = await self.table.get(checkpoint_key("relay"), Checkpoint)
            self.cursor = earlier.value.cursor if earlier else None
            self._lines = Lines.of(await self._troubled())
            self.started = True
        try:
            changes = await self.table.changes(self.cursor, limit=limit)
        except ChangesForgotten:
            log.error("events were forgotten before they were delivered: replay them", extra={"after": self.cursor})  # noqa: TRY400 — it is no failure of this code
            changes = await self.table.changes(None, limit=limit)
        if changes:
            events = [
                event for change in changes if type_of(change.key) in self._waiting and (event := new_event(change))
            ]
            batch = self._batch(changes[-1].cursor, len(changes))
            self._batches.append(batch)
            self.cursor = batch.cursor
            self._hand_out(events, batch)
            await self._wait(batch if len(changes) < limit else self._earlier())
        await self._move(full=len(changes) == limit)
        while sum(each.changes for each in self._batches) > UNDER_WAY_MAX and self._failure is None:
            oldest = self._batches[0]
            left_s = oldest.begun_s + OVERDUE_S - asyncio.get_running_loop().time()
            await asyncio.wait((oldest.done,), timeout=max(0.0, min(left_s, self.patience_s)))
            if left_s <= 0 and oldest.deliveries:
                await asyncio.wait((self._spawned(self._set_aside(oldest)),))
            await self._move(full=True)
        return len(changes)

    async def deliver(self, events: Sequence[Event], names: Container[str] | None = None) -> int:
        """Deliver these events once more, to the rules of those names alone; how many deliveries there were.

        Returns when all of them have been made, or kept to be tried again. Raises `Lost` when one could not be kept.
        """
        batch = self._batch(None, 0)
        self._hand_out(events, batch, names)
        lost = self._lost
        while batch.deliveries and self._failure is None and self._lost == lost:
            await asyncio.wait((batch.done,), timeout=self.patience_s)
        if batch.deliveries:
            raise Lost
        return batch.made

    async def retry(self, limit: int = 50) -> int:
        """Try deliveries that are due again; how many were tried. What takes long goes on by itself."""
        due = await self._due_now(limit)
        begun: set[asyncio.Task[None]] = set()
        for place, rows in due.items():
            self._again.add(place)
            begun.add(self._spawned(self._in_turn(place, rows)))
        if begun:
            await asyncio.wait(begun, timeout=RETRY_PATIENCE_S)
        return sum(map(len, due.values()))

    async def drain(self, steps_max: int = 10_000) -> None:
        """Step until nothing is left to deliver. For tests, simulations and a graceful stop."""
        for _ in range(steps_max):
            found = await self.step()
            if self._running:
                await asyncio.wait(self._running)
            elif not found:
                return

    async def stop(self, grace_s: float = 5.0) -> None:
        """Wait a while for lanes that still run, then cut them off: they are delivered again at the next start."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        if self._failure is None:
            await self._move(full=True)
        await self._let_go()

    async def _wait(self, batch: Batch | None) -> None:
        """Wait a while for that batch; else let others have the loop."""
        if batch is not None and batch.deliveries:
            await asyncio.wait((batch.done,), timeout=self.patience_s)
        else:
            await asyncio.sleep(0)

    def _earlier(self) -> Batch | None:
        """What is waited for when far behind: else each step would take as long as its own slowest event."""
        return self._batches[-AHEAD] if len(self._batches) >= AHEAD else None

    def _batch(self, cursor: Cursor | None, changes: int) -> Batch:
        loop = asyncio.get_running_loop()
        return Batch(cursor=cursor, changes=changes, done=loop.create_future(), begun_s=loop.time())

    def _hand_out(self, events: Sequence[Event], batch: Batch, names: Container[str] | None = None) -> None:
        """Put each event into its lane in the queue of each of its rules, and see that somebody works there."""
        busy: set[str] = set()
        for event in events:
            for rule in self._waiting.of(event):
                if names is not None and rule.name not in names:
                    continue
                batch.deliveries += 1
                if self._queues[rule.name].put(event, batch):
                    busy.add(rule.name)
        batch.made = batch.deliveries
        for name in busy:
            queue = self._queues[name]
            for _ in range(min(AT_ONCE - queue.workers, len(queue.ready))):
                queue.workers += 1
                self._spawned(self._work(queue))

    async def _work(self, queue: Queue) -> None:
        """Deliver what waits in the queue: whole lanes, each one event after the other."""
        rule = queue.rule
        while queue.ready:
            aggregate = queue.ready.popleft()
            lane = queue.lanes[aggregate]
            while lane:
                event, batch = lane[0]
                ahead = self._lines.first((aggregate, rule.name)) if self._lines else None
                if ahead is not None:
                    await self._join(event, rule, ahead)
                else:
                    reason = await self._attempt(rule, event)
                    if batch.aside is not None:
                        await self._learned_late(event, rule, batch.aside, reason)
                    if reason is not None:
                        late = failed(event, rule.name, reason, self.clock.now(), attempts_max=rule.attempts_max)
                        await self._keep(late)
                lane.popleft()
                if batch.aside is not None:
                    self._aside.discard((aggregate, rule.name))
                    continue
                batch.deliveries -= 1
                if not batch.deliveries:
                    batch.done.set_result(None)
            del queue.lanes[aggregate]
        queue.workers -= 1

    async def _learned_late(self, event: Event, rule: Rule, aside: asyncio.Future[None], reason: str | None) -> None:
        """What was set aside has come to an end after all: once it is on disk, one that succeeded is removed there."""
        await asyncio.wait((aside,))
        if reason is None:
            await self.table.transact(Delete(key=delivery_key(event.event_id, rule.name)))
            self._lines.leave(place_of(event, rule.name), event.event_id)

    async def _set_aside(self, batch: Batch) -> None:
        """Keep what is left of a batch as deliveries to be tried again, so that its changes hold up no others."""
        aside = batch.aside = asyncio.get_running_loop().create_future()
        left: list[Delivery] = []
        for queue in self._queues.values():
            rest, under_way = queue.taken(batch)
            left += [set_aside(event, queue.rule.name, self.clock.now()) for event in rest]
            self._aside |= {(aggregate, queue.rule.name) for aggregate in under_way}
        for delivery in left:
            self._lines.after(delivery)
        for start in range(0, len(left), PIECE):
            await self.table.transact(*map(kept, left[start : start + PIECE]))
        log.warning("deliveries take long", extra={"rules": sorted({each.rule for each in left}), "count": len(left)})
        batch.deliveries = 0
        batch.done.set_result(None)
        aside.set_result(None)

    def _spawned(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """The task that does it; what fails there has the relay begin anew."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._failure = self._failure or (Lost("It was cut off.") if task.cancelled() else task.exception())

    async def _move(self, *, full: bool) -> None:
        """Move the stored place past the changes that need nothing any more."""
        place: Cursor | None = None
        delivered = False
        while self._batches and not self._batches[0].deliveries:
            batch = self._batches.popleft()
            place, delivered = batch.cursor, delivered or batch.made > 0
        # A batch without deliveries need not move the stored place: reading it again is free of effects.
        if place is not None and (delivered or full):
            checkpoint = Checkpoint(cursor=place, at=self.clock.now())
            await self.table.transact(Put(key=checkpoint_key("relay"), value=checkpoint))

    async def _begin_anew(self) -> None:
        """Go back to the stored place after a delivery's outcome could not be kept. Raises what prevented it."""
        failure, self._failure = self._failure, None
        await self._let_go()
        self.started = False
        assert failure is not None
        raise Lost(f"An event will be delivered again: {failure}") from failure

    async def _let_go(self) -> None:
        self._lost += 1
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._queues = {rule.name: Queue(rule) for rule in self.rules}
        self._again.clear()
        self._aside.clear()
        self._batches.clear()
        self._failure = None

    async def _troubled(self) -> list[Delivery]:
        """What is to be tried again, as far as an index tells."""
        deliveries, found, after = Deliveries(self.table, self.clock), list[Delivery](), None
        while len(found) < UNDER_WAY_MAX:
            page = await deliveries.retrying(after, limit=500)
            found += page.values
            after = page.next
            if after is None:
                break
        return found

    async def _due_now(self, limit: int) -> dict[Place, list[Row[Delivery]]]:
        """What is due and not under way, so much of each rule; what of it was not looked at is so the next time."""
        deliveries, found = Deliveries(self.table, self.clock), defaultdict[Place, list[Row[Delivery]]](list)
        of_rule = Counter(rule for _, rule in self._again | self._aside)
        for _ in range(DUE_PAGES):
            page = await deliveries.due(self._due, limit=DUE_PAGE)
            for row in page.rows:
                place = place_of(row.value.event, row.value.rule)
                if place in self._again or place in self._aside:
                    continue
                if place not in found:
                    if of_rule[place[1]] >= OF_ONE_RULE or len(found) >= limit:
                        continue
                    of_rule[place[1]] += 1
                found[place].append(row)
            self._due = page.next
            if page.next is None or len(found) >= limit:
                break
        if len(found) >= limit:
            self._due = None
        return found

    async def _keep(self, delivery: Delivery) -> None:
        await self.table.transact(kept(delivery))
        self._lines.after(delivery)

    async def _join(self, event: Event, rule: Rule, ahead: str) -> None:
        """Let the event wait behind another; one that came twice waits already."""
        if not self._lines.has((event.aggregate, rule.name), event.event_id):
            await self._keep(held_back(event, rule.name, ahead, self.clock.now()))

    async def _in_turn(self, place: Place, due: Sequence[Row[Delivery]]) -> None:
        for row in sorted(due, key=lambda row: row.value.event.sequence):
            ahead = await self._ahead(place, row.value)
            if ahead is None:
                await self._once_more(row.key, row.value)
            else:
                await self.table.transact(kept(replace(row.value, due_at=ahead.due_at)))
        self._again.discard(place)

    async def _ahead(self, place: Place, delivery: Delivery) -> Delivery | None:
        """The delivery that has to be made before this one, if there is one."""
        event_id = delivery.event.event_id
        while self._lines.has(place, event_id) and (first := self._lines.first(place)) not in {None, event_id}:
            assert first is not None
            row = await self.table.get(delivery_key(first, delivery.rule), Delivery)
            if row is not None and stands_in_line(row.value):
                return row.value
            # Somebody gave it up.
            self._lines.leave(place, first)
        return None

    async def _once_more(self, key: Key, delivery: Delivery) -> None:
        rule = self._waiting.named(delivery.rule)
        name, event = delivery.replay_name, delivery.event
        event = replayed(event, name) if name else event
        reason = await self._attempt(rule, event) if rule else "No such rule any more."
        if reason is None:
            await self.table.transact(Delete(key=key))
            self._lines.leave(place_of(event, delivery.rule), event.event_id)
            return
        attempts_max = rule.attempts_max if rule else ATTEMPTS_MAX
        await self._keep(failed(event, delivery.rule, reason, self.clock.now(), delivery, attempts_max))

    async def _attempt(self, rule: Rule, event: Event) -> str | None:
        """None when the reaction succeeded, otherwise why not. What it writes bears the trace of the event."""
        trace_id.set(event.trace_id or event.event_id)
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
    try:
        changes = await table.changes(earlier.value.cursor if earlier else None, limit=limit)
    except ChangesForgotten:
        since = earlier.value.at if earlier else clock.now()
        return Behind(events=limit, seconds=(clock.now() - since).total_seconds())
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
