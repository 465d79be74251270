"""Where events wait for their rules: in each rule's queue one lane per aggregate, and batches of changes across them."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from ecosystem.ports.bus import Event
from ecosystem.ports.table import Cursor
from ecosystem.workflows.rules import Rule


@dataclass(slots=True, eq=False)
class Batch:
    """Changes taken together: where they end, how many they were, and how many deliveries of them are under way.

    `aside` is there once what is left of it is kept as deliveries to be tried again, and done when that is on disk.
    """

    cursor: Cursor | None
    changes: int
    done: asyncio.Future[None]
    deliveries: int = 0
    made: int = 0
    """How many deliveries there were of it in all."""
    begun_s: float = 0.0
    aside: asyncio.Future[None] | None = None


@dataclass(slots=True, eq=False)
class Queue:
    """Where events wait for one rule: a lane for each aggregate, and the aggregates whose lane nobody works on yet."""

    rule: Rule
    lanes: dict[str, deque[tuple[Event, Batch]]] = field(default_factory=dict[str, "deque[tuple[Event, Batch]]"])
    ready: deque[str] = field(default_factory=deque[str])
    workers: int = 0

    def put(self, event: Event, batch: Batch) -> bool:
        """Let the event wait in its aggregate's lane; whether that is a new one."""
        if (lane := self.lanes.get(event.aggregate)) is not None:
            lane.append((event, batch))
            return False
        self.lanes[event.aggregate] = deque([(event, batch)])
        self.ready.append(event.aggregate)
        return True

    def taken(self, batch: Batch) -> tuple[list[Event], list[str]]:
        """What is left of the batch, and the aggregates of which one of these is under way: it alone stays in its lane."""
        events, busy, ready = list[Event](), list[str](), set(self.ready)
        for aggregate, lane in self.lanes.items():
            of_batch = [event for event, of in lane if of is batch]
            if not of_batch:
                continue
            events += of_batch
            under_way = None if aggregate in ready else lane[0]
            if under_way is not None and under_way[1] is batch:
                busy.append(aggregate)
            others = [entry for entry in lane if entry is under_way or entry[1] is not batch]
            lane.clear()
            lane.extend(others)
        return events, busy
