"""The rules of disputes that an operator may change: up to which amount a contested one is decided by rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import msgspec
from msgspec import Struct

from ecosystem.contexts.disputes import keys
from ecosystem.contexts.disputes.events import DisputeRulesSet
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Put, Row, Stale, Stored, Table

LIMITS_MAX = 200


class RulesChanged(Stale):
    """The rules were changed meanwhile: read them again."""


class Rules(Stored, frozen=True, kw_only=True):
    """`limits`: at most one amount per currency. In a currency without one every contested dispute is escalated."""

    entity: ClassVar[str] = "dispute-rules"

    version: int
    limits: tuple[Money, ...]
    set_at: datetime | None = None

    def limit(self, currency: str) -> Money | None:
        return next((limit for limit in self.limits if limit.currency == currency), None)


class SetRules(Struct, frozen=True, kw_only=True):
    """Ask for rules. `version` is that of the rules the asker saw."""

    limits: tuple[Money, ...]
    version: int


FIRST = Rules(version=1, limits=(Money(2_500, "CHF"), Money(2_500, "EUR"), Money(2_000, "GBP"), Money(2_500, "USD")))
"""The rules until an operator changes them."""


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules in force."""

    table: Table
    clock: Clock

    async def current(self) -> Rules:
        row = await self._row()
        return row.value if row else FIRST

    async def set(self, request: SetRules, actor: Actor) -> Rules:
        """Change the rules; operators only. Raises `RulesChanged` when the asker saw older ones."""
        actor.must_operate()
        named = [limit.currency for limit in request.limits]
        if len(set(named)) < len(named) or len(named) > LIMITS_MAX:
            raise Invalid("A currency has one limit.", field="limits")
        row = await self._row()
        known = row.value if row else FIRST
        if request.version != known.version:
            raise RulesChanged(field="version")
        at = self.clock.now()
        limits = tuple(sorted(request.limits, key=lambda limit: limit.currency))
        after = Rules(version=known.version + 1, limits=limits, set_at=at)
        await self.table.transact(
            Put(
                key=keys.rules(),
                value=after,
                expected=row.unchanged if row else ABSENT,
                otherwise=RulesChanged(field="version"),
            ),
            announce(
                DisputeRulesSet(version=after.version),
                aggregate=keys.rules().partition,
                sequence=after.version,
                actor=actor,
                at=at,
                previous={"version": known.version, "limits": msgspec.to_builtins(known.limits)},
            ),
        )
        return after

    async def _row(self) -> Row[Rules] | None:
        return await self.table.get(keys.rules(), Rules)
