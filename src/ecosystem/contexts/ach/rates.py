"""Return rates: how much of what we debited came back, over the last 60 days, against the network's limits.

| rate | returns that count | the network's limit |
| --- | --- | --- |
| unauthorized | R05, R07, R10, R11, R29, R51 | 0.5 % |
| administrative | R02, R03, R04 | 3 % |
| overall | all but of RCK entries | 15 % |

Nacha Operating Rules, subsections 2.17.2.1 and 2.17.3: returns received within the period, over debits originated that
settled within it. Days are New York's. A day's counts lie in shards that are only added to, so that no entry waits for
another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from ecosystem.contexts.ach import keys
from ecosystem.contexts.ach.entries import Direction, Entry
from ecosystem.contexts.ach.events import AchRateAlarmed
from ecosystem.contexts.ach.files import AchFile
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.banking import eastern_day
from ecosystem.kernel.money import BPS
from ecosystem.kernel.nacha import Reason
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Add, Counter, Key, Put, Stale, Stored, Table, Write

DAYS = 60
SHARDS = 4
DEBITS_MIN = 100
"""Below so many debits a rate says nothing: one return would pass every limit. It is shown, and not alarmed about."""


class Rate(StrEnum):
    UNAUTHORIZED = "unauthorized"
    ADMINISTRATIVE = "administrative"
    OVERALL = "overall"


LIMITS_BPS = {Rate.UNAUTHORIZED: 50, Rate.ADMINISTRATIVE: 300, Rate.OVERALL: 1500}
WARNING_SHARE = 80
"""An alarm comes at this percentage of a limit already, since returns of the same period are still to arrive."""


class Standing(Struct, frozen=True, kw_only=True):
    """A rate over the 60 days that end on `until`: `returned` of `debits`, in basis points, against its limit."""

    rate: Rate
    debits: int
    returned: int
    until: date

    @property
    def limit_bps(self) -> int:
        return LIMITS_BPS[self.rate]

    @property
    def rate_bps(self) -> int:
        """Rounded up: a rate that is a hair above its limit is above it."""
        return -(-self.returned * BPS // self.debits) if self.debits else 0

    @property
    def is_over(self) -> bool:
        """Whether the network's limit is passed."""
        return self.returned * BPS > self.limit_bps * self.debits

    @property
    def is_close(self) -> bool:
        return self.debits >= DEBITS_MIN and self.returned * BPS * 100 >= self.limit_bps * WARNING_SHARE * self.debits


class Alarmed(Stored, frozen=True, kw_only=True):
    """On which day each rate was alarmed about last, as `rate` to an ISO date."""

    entity: ClassVar[str] = "ach-alarmed"

    days: dict[str, str] = {}


def debits_counted(file: AchFile, settled_on: date) -> list[Write]:
    """The write that counts the debits of a file that settled, all together."""
    batches = {
        batch.number: batch.entries
        for batch in file.batches
        if batch.direction is Direction.DEBIT and batch.cents and not batch.is_dishonor
    }
    debits = sum(batches.values()) - sum(each.batch in batches for each in file.left_out)
    return [Add(key=_place(settled_on, file.file_id), by={"debits": debits})] if debits else []


def return_counted(entry: Entry, reason: Reason, received_on: date) -> list[Write]:
    """The write that counts a return of a debit."""
    if entry.direction is not Direction.DEBIT or not entry.moves_money:
        return []
    by = {Rate.OVERALL.value: 1}
    if reason.is_unauthorized:
        by[Rate.UNAUTHORIZED.value] = 1
    if reason.is_administrative:
        by[Rate.ADMINISTRATIVE.value] = 1
    return [Add(key=_place(received_on, entry.entry_id), by=by)]


def _place(day: date, name: str) -> Key:
    return keys.rate_day(day.isoformat(), keys.shard(name) % SHARDS)


@dataclass(frozen=True, slots=True)
class ReturnRates:
    table: Table
    clock: Clock

    async def standing(self) -> Sequence[Standing]:
        """Each rate as it stands today."""
        until = eastern_day(self.clock.now())
        days = [until - timedelta(days=back) for back in range(DAYS)]
        places = [keys.rate_day(day.isoformat(), shard) for day in days for shard in range(SHARDS)]
        sums: dict[str, int] = {}
        for start in range(0, len(places), 100):
            for row in await self.table.batch_get(places[start : start + 100], Counter):
                if row is not None:
                    for name, count in row.counters.items():
                        sums[name] = sums.get(name, 0) + count
        debits = sums.get("debits", 0)
        return [Standing(rate=rate, debits=debits, returned=sums.get(rate.value, 0), until=until) for rate in Rate]

    async def alarm(self, actor: Actor) -> Sequence[Standing]:
        """Tell of each rate that is close to its limit or past it, once a day; those that were told of now."""
        told: list[Standing] = []
        at = self.clock.now()
        for standing in await self.standing():
            if not standing.is_close:
                continue
            row = await self.table.get(keys.alarm(), Alarmed)
            known, today = (row.value.days if row else {}), standing.until.isoformat()
            if known.get(standing.rate.value) == today:
                continue
            fact = AchRateAlarmed(
                rate=standing.rate,
                rate_bps=standing.rate_bps,
                limit_bps=standing.limit_bps,
                day=standing.until,
            )
            after = Alarmed(days={**known, standing.rate.value: today})
            sequence = (row.version if row else 0) + 1
            try:
                await self.table.transact(
                    Put(key=keys.alarm(), value=after, expected=row.unchanged if row else ABSENT),
                    announce(fact, aggregate=keys.RATES, sequence=sequence, actor=actor, at=at),
                )
            except Stale:
                continue  # Somebody else is telling; what is left is told with the next round.
            told.append(standing)
        return told
