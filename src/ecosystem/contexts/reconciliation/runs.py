"""Runs: one for each day, done as often as somebody asks. What it came to, and the proof that each side's day adds up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from msgspec import Struct, field
from msgspec.structs import replace

from ecosystem.contexts.reconciliation import keys
from ecosystem.contexts.reconciliation.rows import Side
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import NotFound
from ecosystem.ports.table import ABSENT, Put, Row, Stale, Stored, Table, Write

WINDOW_DAYS: Final = 15
"""Days that a run reads, its own the last: a movement's sides tell of it within a few."""

LATEST: Final = 31
SILENT_MAX: Final = timedelta(minutes=10)
LOST_AFTER: Final = timedelta(minutes=20)
"""A run that nobody heard of for so long has died: no function lives longer than a quarter of an hour."""

AGAIN_AFTER, AGAIN_WITHIN = timedelta(minutes=15), timedelta(hours=6)
"""One that failed is tried again after the former, each time twice as long after, up to the latter."""

FAILURES_MAX: Final = 12
"""More than a day of trying. The runs of the days after read that day too."""

TOLD_AT: Final = 2
"""The failure at which operators are told."""


class NoSuchRun(NotFound):
    """That day was not reconciled."""


class RunState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Proof(Struct, frozen=True, kw_only=True):
    """What a side had before the day, what moved, and what it had after, in minor units.

    `closing` is what the side itself says; None where it says nothing for that day.
    """

    side: Side
    account: str
    currency: str
    opening: int
    movements: int
    count: int
    closing: int | None = None

    @property
    def holds(self) -> bool:
        return self.closing is None or self.opening + self.movements == self.closing

    @property
    def off(self) -> int:
        """By how much the closing balance is not what opening and movements make."""
        return 0 if self.closing is None else self.closing - self.opening - self.movements


class Run(Stored, frozen=True, kw_only=True):
    """The reconciliation of one day. `rows` counts what was read, by side; `unread` names sides whose file is missing.

    `failures` counts how often it failed since it was asked for.
    """

    entity: ClassVar[str] = "reconciliation_run"

    day: date
    state: RunState = RunState.WAITING
    asked_by: str
    asked_at: datetime
    started_at: datetime | None = None
    heard_at: datetime | None = None
    ended_at: datetime | None = None
    rows: Mapping[str, int] = field(default_factory=dict[str, int])
    agreed: int = 0
    on_their_way: int = 0
    differing: int = 0
    new: int = 0
    gone: int = 0
    proofs: tuple[Proof, ...] = ()
    unread: tuple[str, ...] = ()
    failure: str = ""
    failures: int = 0

    def is_due(self, at: datetime) -> bool:
        """Whether it waits to be carried out, or to be tried again by now."""
        if self.state is not RunState.FAILED:
            return self.state is RunState.WAITING
        if self.ended_at is None or not 0 < self.failures <= FAILURES_MAX:
            return False
        return at >= self.ended_at + min(AGAIN_AFTER * 2 ** (self.failures - 1), AGAIN_WITHIN)

    def is_lost(self, at: datetime) -> bool:
        """Whether who carried it out must have died."""
        return self.state is RunState.RUNNING and at - (self.heard_at or self.asked_at) > LOST_AFTER

    @property
    def is_open(self) -> bool:
        return self.state in {RunState.WAITING, RunState.RUNNING}

    @property
    def proven(self) -> bool:
        """Whether each side that is in use told of the day, and what it told adds up."""
        return bool(self.proofs) and self.holds and not self.unread

    @property
    def holds(self) -> bool:
        """Whether what was read adds up."""
        return all(proof.holds for proof in self.proofs)

    @property
    def total(self) -> int:
        return sum(self.rows.values())


class RunChanged(Stale):
    """The run changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Runs:
    table: Table

    async def row(self, day: date) -> Row[Run] | None:
        return await self.table.get(keys.run(day), Run)

    async def of(self, day: date, actor: Actor) -> Run:
        """The run of a day. Raises `NoSuchRun`, `Denied`."""
        actor.must_operate()
        row = await self.row(day)
        if row is None:
            raise NoSuchRun
        return row.value

    async def latest(self, actor: Actor, limit: int = LATEST) -> list[Run]:
        """The latest runs, newest first. Raises `Denied`."""
        actor.must_operate()
        page = await self.table.query(keys.runs(), Run, descending=True, limit=limit)
        return page.values

    async def ask(self, day: date, actor: Actor, at: datetime) -> Run:
        """Ask for the day to be reconciled, anew if it was; one that is under way is the answer. Raises `Denied`."""
        actor.must_operate()
        row = await self.row(day)
        if row and row.value.is_open and at - (row.value.heard_at or row.value.asked_at) <= SILENT_MAX:
            return row.value
        asked = Run(day=day, asked_by=actor.actor_id, asked_at=at)
        await self.table.transact(run_put(asked, row))
        return asked

    async def note(self, day: date, **changes: object) -> Run:
        """Keep how far it is."""
        row = await self.row(day)
        if row is None:
            raise NoSuchRun
        after = replace(row.value, **changes)
        await self.table.transact(run_put(after, row))
        return after


def run_put(run: Run, row: Row[Run] | None) -> Write:
    return Put(
        key=keys.run(run.day),
        value=run,
        expected=row.unchanged if row else ABSENT,
        otherwise=RunChanged(),
    )
