"""Inspections: somebody asked that everything be read and held to its rules; how far that is, and what was found.

A process of its own reads, so that the one that serves goes on serving. The request is committed first; a schedule
takes it up, notes what the reading process says, and keeps its report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, NewType

from msgspec import field
from msgspec.structs import replace

from ecosystem.contexts.insights import keys
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import IdReused, NotFound, Unavailable
from ecosystem.ports.audit import AuditKind, noted
from ecosystem.ports.clock import Clock
from ecosystem.ports.inspector import Inspector, Whole
from ecosystem.ports.table import ABSENT, Put, Row, Stored, Table

InspectionId = NewType("InspectionId", str)

KEPT_FOR = timedelta(days=400)
SILENT_MAX = timedelta(seconds=60)
"""An inspection that was not heard of for so long has lost its process."""

LATEST = 20
AMONG = 60
"""Inspections that are looked at to find those of one kind."""


class InspectionGone(NotFound):
    """There is no such inspection."""


class InspectionState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


OPEN = frozenset({InspectionState.WAITING, InspectionState.RUNNING})


class Inspection(Stored, frozen=True, kw_only=True):
    """One inspection. `read` counts what was read so far, by kind; `report` is what the reading process found."""

    entity: ClassVar[str] = "inspection"

    inspection_id: InspectionId
    what: Whole = Whole.LEDGER
    asked_by: Actor
    asked_at: datetime
    state: InspectionState = InspectionState.WAITING
    started_at: datetime | None = None
    heard_at: datetime | None = None
    ended_at: datetime | None = None
    read: Mapping[str, int] = field(default_factory=dict[str, int])
    report: dict[str, Any] | None = None
    failure: str = ""

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def total(self) -> int:
        """How many items were read so far."""
        return sum(self.read.values())


@dataclass(frozen=True, slots=True)
class Inspections:
    """For operators; `step` is for the schedule. Without an inspector nothing can be asked."""

    table: Table
    clock: Clock
    inspector: Inspector | None

    async def ask(self, inspection_id: str, actor: Actor, what: Whole = Whole.LEDGER) -> Inspection:
        """Ask for an inspection of that; while one is under way, that one is the answer. Raises `IdReused`, `Unavailable`."""
        actor.must_operate()
        ids.check("ins", inspection_id, field="inspection_id")
        if self.inspector is None:
            raise Unavailable("This deployment has no process that reads beside it.")
        under_way = next((one for one in await self.latest(actor, what=what) if one.is_open), None)
        if under_way is not None:
            return under_way
        asked = Inspection(
            inspection_id=InspectionId(inspection_id), what=what, asked_by=actor, asked_at=self.clock.now()
        )
        await self.table.transact(
            self._put(asked, None),
            noted(AuditKind.PRIVILEGE, "VerificationAsked", actor, what.value, asked.asked_at),
        )
        return asked

    async def latest(self, actor: Actor, limit: int = LATEST, *, what: Whole = Whole.LEDGER) -> Sequence[Inspection]:
        """The latest inspections of that, newest first, among the latest of all."""
        actor.must_operate()
        return [row.value for row in await self._latest(AMONG) if row.value.what is what][:limit]

    async def inspection(self, inspection_id: str, actor: Actor) -> Inspection:
        """One inspection. Raises `InspectionGone`."""
        actor.must_operate()
        return (await self._row(ids.check("ins", inspection_id, field="inspection_id"))).value

    async def step(self) -> int:
        """Carry out what is asked for, the oldest first; how many were carried out."""
        carried = 0
        for row in reversed(await self._latest(AMONG)):
            one = row.value
            if one.state is InspectionState.RUNNING and self._is_lost(one):
                lost = replace(one, state=InspectionState.FAILED, ended_at=self.clock.now(), failure=_LOST)
                await self.table.transact(self._put(lost, row))
            if one.state is InspectionState.WAITING:
                await self._carry_out(one.inspection_id, one.what)
                carried += 1
        return carried

    async def _carry_out(self, inspection_id: str, what: Whole) -> None:
        if self.inspector is None:
            return
        await self._note(inspection_id, state=InspectionState.RUNNING, started_at=self.clock.now())
        try:
            async with aclosing(self.inspector.verification(what)) as heard:
                async for said in heard:
                    if said.report is not None:
                        await self._note(
                            inspection_id,
                            state=InspectionState.DONE,
                            ended_at=self.clock.now(),
                            read=said.read,
                            report=said.report,
                        )
                    else:
                        await self._note(inspection_id, read=said.read)
        except Unavailable as failed:
            failure = failed.message[:1000]
            await self._note(inspection_id, state=InspectionState.FAILED, ended_at=self.clock.now(), failure=failure)

    async def _note(self, inspection_id: str, **changes: Any) -> None:
        row = await self._row(inspection_id)
        await self.table.transact(self._put(replace(row.value, heard_at=self.clock.now(), **changes), row))

    def _is_lost(self, one: Inspection) -> bool:
        heard_at = one.heard_at or one.asked_at
        return self.clock.now() - heard_at > SILENT_MAX

    def _put(self, one: Inspection, row: Row[Inspection] | None) -> Put:
        return Put(
            key=keys.inspection(one.inspection_id),
            value=one,
            expires_at=one.asked_at + KEPT_FOR,
            expected=row.unchanged if row else ABSENT,
            otherwise=None if row else IdReused(field="inspection_id"),
        )

    async def _row(self, inspection_id: str) -> Row[Inspection]:
        row = await self.table.get(keys.inspection(inspection_id), Inspection)
        if row is None:
            raise InspectionGone
        return row

    async def _latest(self, limit: int) -> Sequence[Row[Inspection]]:
        page = await self.table.query(keys.inspections(), Inspection, descending=True, limit=limit)
        return page.rows


_LOST = "The process that read was ended before it was done. Ask again."
