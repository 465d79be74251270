"""The rules of payouts that operators set, in versions: what is kept back from whom, from which amount on, at what price.

A payout names the version it was decided under.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.payouts import keys
from ecosystem.contexts.payouts.events import PayoutRulesSet
from ecosystem.contexts.payouts.filling import Filling
from ecosystem.contexts.payouts.reserves import NOTHING_KEPT, Reserve
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import BPS, Money
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.bus import announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Put, Row, Stale, Stored, Table

AMOUNTS_MAX = 200
NEW_DAYS_MAX = 3_650
HISTORY_MAX = 100


class PayoutRulesChanged(Stale):
    """The rules were changed meanwhile: read them again."""


class PayoutRules(Struct, frozen=True, kw_only=True):
    """What holds for payouts decided from now on.

    `reserve` holds for providers younger than `new_for_days`. `minimums` is at most one amount per currency, below which
    nothing is paid out. An instant payout costs its provider `instant_fee_bps` of what reaches their bank, as the
    processor counts it, at least the one of `instant_fee_minimums`; in a currency not named there, none are offered.
    With a `filling`, our own money goes to our bank account by itself.
    """

    version: int = 1
    new_for_days: int = 90
    reserve: Reserve = Reserve(share_bps=2_500, days=14)
    minimums: tuple[Money, ...] = (Money(1_000, "CHF"), Money(1_000, "EUR"), Money(1_000, "GBP"), Money(1_000, "USD"))
    instant_fee_bps: int = 100
    instant_fee_minimums: tuple[Money, ...] = (Money(50, "EUR"), Money(50, "GBP"), Money(50, "USD"))
    filling: Filling | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.new_for_days <= NEW_DAYS_MAX:
            raise Invalid(f"A provider is new for at most {NEW_DAYS_MAX} days.", field="new_for_days")
        if not 0 <= self.instant_fee_bps <= BPS:
            raise Invalid(f"The price lies between 0 and {BPS} basis points.", field="instant_fee_bps")
        for field, amounts in (("minimums", self.minimums), ("instant_fee_minimums", self.instant_fee_minimums)):
            named = [amount.currency for amount in amounts]
            if len(set(named)) < len(named) or len(named) > AMOUNTS_MAX:
                raise Invalid("A currency has one amount.", field=field)

    def minimum(self, currency: str) -> Money:
        """The least that is paid out in that currency: one minor unit, where the rules name none."""
        return next((each for each in self.minimums if each.currency == currency and each), Money(1, currency))

    def reserve_for(self, since: datetime, at: datetime) -> Reserve:
        """What is kept back from a provider who is there since then."""
        return self.reserve if at < since + timedelta(days=self.new_for_days) else NOTHING_KEPT

    def instant_fee(self, amount: Money) -> Money | None:
        """What an instant payout of that amount costs its provider; None where none is offered, or nothing is left."""
        least = next((each for each in self.instant_fee_minimums if each.currency == amount.currency), None)
        if least is None:
            return None
        fee = max(least, amount - self._reaching(amount), key=lambda each: each.minor)
        return fee if fee < amount else None

    def _reaching(self, amount: Money) -> Money:
        """The most that can reach the bank when its price, rounded down, is taken of the amount too."""
        most = amount.minor * BPS // (BPS + self.instant_fee_bps)
        one_more = most + 1 + (most + 1) * self.instant_fee_bps // BPS
        return Money(most + (one_more <= amount.minor), amount.currency)


FIRST = PayoutRules()
"""The rules until an operator changes them."""


class PayoutRulesVersion(Stored, frozen=True, kw_only=True):
    """One version of the rules: since when, and by whom."""

    entity: ClassVar[str] = "payout_rules"

    rules: PayoutRules
    at: datetime
    actor: Actor


@dataclass(frozen=True, slots=True)
class PayoutRuleBook:
    """The rules in force, and those before."""

    table: Table
    clock: Clock

    async def current(self) -> PayoutRules:
        row = await self._latest()
        return row.value.rules if row else FIRST

    async def shown(self, actor: Actor) -> PayoutRules:
        """The rules as anybody may read them; how our own bank account is filled, operators only."""
        rules = await self.current()
        return rules if actor.is_operator else replace(rules, filling=None)

    async def history(self) -> Sequence[PayoutRulesVersion]:
        """The versions that operators set, newest first; before the first of them, `FIRST` held."""
        page = await self.table.query(
            keys.rules_partition(), PayoutRulesVersion, prefix=keys.RULES, descending=True, limit=HISTORY_MAX
        )
        return page.values

    async def set(self, rules: PayoutRules, actor: Actor) -> PayoutRules:
        """Change the rules from now on; `rules.version` is the one the asker saw. For operators.

        Raises `PayoutRulesChanged` when another was set meanwhile.
        """
        actor.must_operate()
        before = await self.current()
        if rules.version != before.version:
            raise PayoutRulesChanged(field="version")
        after, at = replace(rules, version=before.version + 1), self.clock.now()
        await self.table.transact(
            Put(
                key=keys.rules(after.version),
                value=PayoutRulesVersion(rules=after, at=at, actor=actor),
                expected=ABSENT,
                otherwise=PayoutRulesChanged(field="version"),
            ),
            announce(
                PayoutRulesSet(version=after.version),
                aggregate=keys.rules_partition(),
                sequence=after.version,
                actor=actor,
                at=at,
                previous=msgspec.to_builtins(before),
            ),
        )
        return after

    async def _latest(self) -> Row[PayoutRulesVersion] | None:
        page = await self.table.query(
            keys.rules_partition(), PayoutRulesVersion, prefix=keys.RULES, descending=True, limit=1
        )
        return page.rows[0] if page.rows else None
