"""Time passes: the clocks, ours and the processor's, are moved to the next instant at which anything happens.

What happens is due in one of these places: a person's agenda, an execution, a one-time schedule, a delivery that failed,
the processor. What falls due within a minute happens together. Where the clocks stand is kept in a file before they are
moved, so that an ended process goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ecosystem.adapters.outside.clock import HeldClock
from ecosystem.commands.demonstration.agenda import Agenda
from ecosystem.commands.demonstration.desk import Desk
from ecosystem.ports.table import Index
from ecosystem.sandbox.control import Passed
from ecosystem.workflows.schedules import SHARDS, Schedule, due_shard
from ecosystem.workflows.wiring import NeverDone, Wiring

TOGETHER = timedelta(seconds=60)
"""What falls due within this time of something happens with it."""

AT_MOST = timedelta(hours=6)
"""The clocks are never moved further at once. What recurs does so this often too, though it would every minute: it looks
for what was left behind, and is most of the work when nothing was."""

ROUNDS_MAX = 100
SOONEST = 12
"""Of each shard, how many schedules are looked at to find one that is not of the kind that fires every few minutes."""


def stood_at(file: Path) -> datetime | None:
    """Where the clocks of an unfinished demo stand, by the file that says so."""
    return datetime.fromtimestamp(float(file.read_text()), UTC) if file.exists() else None


def keep(file: Path, at: datetime) -> None:
    """Say in the file where the clocks are to stand."""
    draft = file.with_suffix(".new")
    draft.write_text(repr(at.timestamp()))
    draft.replace(file)


@dataclass(slots=True)
class Passage:
    clock: HeldClock
    file: Path
    desk: Desk
    wiring: Wiring
    agenda: Agenda
    instants: int = 0
    _passed: Passed | None = None
    _recurred_at: datetime | None = None

    async def on(self, until: datetime) -> bool:
        """Move to the next instant and do all that happens then; False when there is none before `until`."""
        at = await self._next_at()
        now = self.clock.now()
        at = min(at, now + AT_MOST) if at else now + AT_MOST
        if at > until:
            return False
        await self.move(max(at, now + TOGETHER))
        return True

    async def move(self, at: datetime) -> None:
        """Move to that instant, and do all that happens then."""
        keep(self.file, at)
        self.clock.hold(at)
        self.instants += 1
        self._passed = await self.desk.move_clock(at)
        self.agenda.wake()
        await self.quiet()

    async def quiet(self) -> None:
        """Return when nothing happens any more at this instant."""
        for _ in range(ROUNDS_MAX):
            await self.agenda.rested()
            await self.wiring.caught_up(recurring=self._recurs())
            before = self._passed
            self._passed = await self.desk.move_clock(self.clock.now())
            if before is not None and before.delivered == self._passed.delivered:
                return
        raise NeverDone

    def _recurs(self) -> bool:
        """Whether it is time again for what recurs."""
        now = self.clock.now()
        if self._recurred_at is not None and now < self._recurred_at + AT_MOST:
            return False
        self._recurred_at = now
        return True

    async def let_go(self) -> None:
        """The clocks go by themselves again, from now on."""
        self.clock.let_go()
        await self.desk.move_clock(None)
        self.file.unlink(missing_ok=True)

    async def _next_at(self) -> datetime | None:
        processor = self._passed.next_at if self._passed else None
        instants = [
            self.agenda.next_at,
            await self.wiring.market.ports.workflows.next_at(),
            await self._scheduled(),
            *(row.value.due_at for row in (await self.wiring.deliveries.retrying(limit=1)).rows),
            datetime.fromtimestamp(processor, UTC) if processor is not None else None,
        ]
        return min((at for at in instants if at is not None), default=None)

    async def _scheduled(self) -> datetime | None:
        """When the next one-time schedule fires. What fires every few minutes fires whenever anything happens."""
        soonest: list[datetime] = []
        for shard in range(SHARDS):
            page = await self.wiring.market.ports.table.query(
                due_shard(shard), Schedule, index=Index.STATUS, limit=SOONEST
            )
            soonest += [row.value.next_at for row in page.rows if row.value.matter and row.value.next_at]
        return min(soonest, default=None)
