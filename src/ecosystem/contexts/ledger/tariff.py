"""The versions of the rates. A new one is for later bookings; an old one is never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from msgspec import structs

from ecosystem.contexts.ledger import keys
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.rates import Rates
from ecosystem.kernel.refusals import NotFound
from ecosystem.ports.audit import AuditKind, noted
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Put, Stale, Stored, Table

FIRST = Rates()


class NoSuchRates(NotFound):
    """There are no rates of that version."""


class RatesChanged(Stale):
    """The rates were changed meanwhile: look at them again."""


class RatesSet(Stored, frozen=True, kw_only=True):
    """One version of the rates: since when, and by whom."""

    entity: ClassVar[str] = "rates"

    rates: Rates
    at: datetime
    actor: Actor


@dataclass(frozen=True, slots=True)
class Tariff:
    """The rates, as operators set them."""

    table: Table
    clock: Clock

    async def current(self) -> Rates:
        """The rates for a booking made now."""
        page = await self.table.query(keys.rates_partition(), RatesSet, descending=True, limit=1)
        return page.values[0].rates if page.rows else FIRST

    async def version(self, version: int) -> Rates:
        """The rates a booking was made under. Raises `NoSuchRates`."""
        row = await self.table.get(keys.rates_key(version), RatesSet)
        if row is not None:
            return row.value.rates
        if version == FIRST.version:
            return FIRST
        raise NoSuchRates(f"There are no rates of version {version}.", field="version")

    async def history(self) -> list[RatesSet]:
        """The versions operators set, newest first; before the first of them, `FIRST` held."""
        return (await self.table.query(keys.rates_partition(), RatesSet, descending=True, limit=100)).values

    async def change(self, rates: Rates, actor: Actor, *, seen: int | None = None) -> Rates:
        """The rates with the next version, from now on; `seen` is the version that the asker looked at.

        Raises `Denied`, or `Stale` when another was set meanwhile.
        """
        actor.must_operate()
        latest = await self.current()
        if seen is not None and seen != latest.version:
            raise RatesChanged
        changed = structs.replace(rates, version=latest.version + 1)
        at = self.clock.now()
        await self.table.transact(
            Put(
                key=keys.rates_key(changed.version),
                value=RatesSet(rates=changed, at=at, actor=actor),
                expected=ABSENT,
            ),
            noted(AuditKind.RULES, "RatesSet", actor, "rates", at, version=changed.version),
        )
        return changed
