"""Executions in memory: each its head at a version, the calls made for it here, and what it has yet to hear."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from ecosystem.adapters.embedded.workflows_calls import Job
from ecosystem.adapters.embedded.workflows_items import Head, due_key, execution, kept_key, listing
from ecosystem.adapters.embedded.workflows_turns import Arrival
from ecosystem.kernel.time import EPOCH
from ecosystem.ports.table import Index, Key, Row

REMEMBERED = 1_000
"""Executions kept in memory after use."""


class Live:
    """One execution. While `driving`, one task takes in what arrives; everyone else leaves theirs in the `inbox`."""

    __slots__ = (
        "doubtful",
        "driving",
        "due_at",
        "execution_id",
        "head",
        "inbox",
        "jobs",
        "key",
        "places",
        "version",
        "wakes_at",
    )

    def __init__(self, execution_id: str, head: Head, version: int, due_at: datetime | None = None) -> None:
        self.execution_id = execution_id
        self.key = execution(execution_id)
        self.head = head
        self.version = version
        """0 while it is not stored yet."""
        self.due_at = due_at
        """The instant in its place among those that somebody has to look at."""
        self.wakes_at: datetime | None = None
        """When it has something to do by itself."""
        self.places: dict[Index, Key] = {}
        self.jobs: dict[int, Job] = {}
        self.inbox: list[Arrival] = []
        self.driving = False
        self.doubtful = False
        """Nobody knows whether its last commit was written: the table is to be read before anything else."""

    @classmethod
    def of(cls, row: Row[Head]) -> Live:
        live = cls(row.value.execution_id, row.value, row.version)
        live.read(row)
        return live

    def read(self, row: Row[Head]) -> None:
        """Take in what the table has."""
        self.head, self.version = row.value, row.version
        self.wakes_at = row.value.run.wakes_at
        self.places = dict(row.index)
        self.due_at = None
        place = self.places.get(Index.PROVIDER)
        if place is not None and not self.head.run.is_over:
            self.due_at = datetime.fromisoformat(place.sort.partition("#")[0])

    @property
    def idle(self) -> bool:
        return not (self.driving or self.inbox or self.jobs or self.doubtful)

    def placed(
        self, head: Head, wakes_at: datetime | None, *, slack: timedelta, retention: timedelta
    ) -> tuple[dict[Index, Key], datetime | None]:
        """The index keys of the head as it becomes, and the instant in the last of them.

        That instant is never later than when somebody has to look at it, and up to `slack` earlier, so that most turns
        leave the indexes as they are.
        """
        run = head.run
        if not self.places or run.status is not self.head.run.status or self.version == 0:
            places = listing(head)
        else:
            places = self.places
        if run.is_over:
            key = kept_key(self.execution_id, run.ended_at or EPOCH, retention)
            return {**places, Index.PROVIDER: key}, None
        needed = wakes_at
        for claim in head.claims.values():
            if needed is None or claim.until < needed:
                needed = claim.until
        if needed is None:
            return {index: key for index, key in places.items() if index is not Index.PROVIDER}, None
        if self.due_at is not None and places is self.places and self.due_at <= needed < self.due_at + slack:
            return places, self.due_at
        return {**places, Index.PROVIDER: due_key(self.execution_id, needed)}, needed


class Lives:
    """The executions in memory, the longest unused first. One that is at work stays, however many there are."""

    def __init__(self) -> None:
        self._lives: OrderedDict[str, Live] = OrderedDict()

    def __len__(self) -> int:
        return len(self._lives)

    def __contains__(self, execution_id: str) -> bool:
        return execution_id in self._lives

    def used(self, execution_id: str) -> Live | None:
        """The execution, if it is here; the latest used from now on."""
        live = self._lives.get(execution_id)
        if live is not None:
            self._lives.move_to_end(execution_id)
        return live

    def remember(self, live: Live) -> None:
        self._lives[live.execution_id] = live
        if len(self._lives) > REMEMBERED:
            oldest = next(iter(self._lives.values()))
            if oldest.idle:
                del self._lives[oldest.execution_id]
            else:
                self._lives.move_to_end(oldest.execution_id)

    def forget(self, live: Live) -> None:
        if self._lives.get(live.execution_id) is live:
            del self._lives[live.execution_id]
