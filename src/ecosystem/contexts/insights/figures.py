"""Figures: what was counted, read in a few bounded steps. For operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from msgspec import Struct

from ecosystem.contexts.insights import keys
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.table import Counter, Table

DAYS_MAX = 400
GROUPS_MAX = 200


class DaysTooMany(Invalid):
    """That is more days than are shown at once."""


class Now(Struct, frozen=True, kw_only=True):
    """How each group of figures stands."""

    groups: Mapping[str, Mapping[str, int]]

    def of(self, group: str, name: str) -> int:
        return self.groups.get(group, {}).get(name, 0)

    def within(self, beginning: str) -> dict[str, Mapping[str, int]]:
        """The groups whose names begin so, by the rest of their names."""
        return {name.removeprefix(beginning): by for name, by in self.groups.items() if name.startswith(beginning)}


@dataclass(frozen=True, slots=True)
class Figures:
    table: Table

    async def now(self, actor: Actor) -> Now:
        """How everything stands that is counted, a moment behind. Raises `Denied`."""
        actor.must_operate()
        page = await self.table.query(keys.now("x").partition, Counter, limit=GROUPS_MAX)
        return Now(groups={row.key.sort: row.counters for row in page.rows})

    async def days(self, group: str, first: date, last: date, actor: Actor) -> dict[date, Mapping[str, int]]:
        """What each day from first to last (UTC) added to the group, every day of them in order. Raises `Denied`."""
        actor.must_operate()
        length = (last - first).days + 1
        if not 0 < length <= DAYS_MAX:
            raise DaysTooMany(field="days")
        page = await self.table.query(
            keys.days(group),
            Counter,
            start=first.isoformat(),
            end=(last + timedelta(days=1)).isoformat(),
            limit=DAYS_MAX,
        )
        found = {date.fromisoformat(row.key.sort): row.counters for row in page.rows}
        wanted = (first + timedelta(days=count) for count in range(length))
        return {day: found.get(day, {}) for day in wanted}
