"""Plans: when a provider is paid, from which amount on, and by which rail; and what pauses that.

A plan is in the provider's own time: a day begins at their midnight, and payouts go out six hours into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.payouts import keys
from ecosystem.contexts.payouts.events import PayoutPlanSet, PayoutsPaused, PayoutsResumed, ReserveSet
from ecosystem.contexts.payouts.payouts import WORDS_MAX, Payout, Rail, Trouble
from ecosystem.contexts.payouts.reserves import Reserve
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict, Denied, Invalid
from ecosystem.kernel.time import local, midnight
from ecosystem.ports.bus import announce
from ecosystem.ports.table import ABSENT, Index, Key, Put, Row, Stale, Stored, Table, Write

HOURS_INTO_DAY = timedelta(hours=6)
DUE_MAX = 500
WEEK = 7


class PayoutPlanChanged(Stale):
    """The plan was changed meanwhile: read it again."""


class NotPaused(Conflict):
    """Payouts are not paused."""


class Cadence(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MANUAL = "manual"


class PausedBy(StrEnum):
    """Who keeps payouts from going out: one that failed, their owner, or an operator."""

    TROUBLE = "trouble"
    OWNER = "owner"
    OPERATOR = "operator"


class Pause(Struct, frozen=True, kw_only=True):
    """Why nothing is paid out until somebody resumes it. `payout_id` is the payout that failed, if one did."""

    by: PausedBy
    reason: str
    at: datetime
    actor_id: str
    payout_id: str = ""


class PayoutPlan(Stored, frozen=True, kw_only=True):
    """One provider's plan. `weekday` counts from Monday as 1. `minimum` of its currency stands over that of the rules.

    `bank_account_id` is the bank account of the rail `ach`. `reserve` is an operator's, in the place of the rules' own.
    `next_at` is when payouts go out next; None when their owner asks for each.
    """

    entity: ClassVar[str] = "payout_plan"

    provider_id: str
    cadence: Cadence = Cadence.WEEKLY
    weekday: int = 1
    minimum: Money | None = None
    rail: Rail = Rail.STRIPE
    bank_account_id: str = ""
    reserve: Reserve | None = None
    pause: Pause | None = None
    next_at: datetime | None = None
    changed_at: datetime

    def __post_init__(self) -> None:
        if not 1 <= self.weekday <= WEEK:
            raise Invalid("A day of the week is a number from 1, Monday, to 7.", field="weekday")


class SetPayoutPlan(Struct, frozen=True, kw_only=True):
    """Ask for a plan. `version` is that of the plan the asker saw, 0 when there was none."""

    cadence: Cadence
    weekday: int = 1
    minimum: Money | None = None
    rail: Rail = Rail.STRIPE
    bank_account_id: str = ""
    version: int


# Decisions


def first_plan(provider_id: str, zone: str, at: datetime) -> PayoutPlan:
    """The plan of a provider who never said anything: Mondays."""
    return due_next(PayoutPlan(provider_id=provider_id, changed_at=at), zone, at)


def next_payout_at(cadence: Cadence, weekday: int, zone: str, after: datetime) -> datetime | None:
    """When payouts go out next, later than `after`; None when their owner asks for each."""
    if cadence is Cadence.MANUAL:
        return None
    today = local(after, zone).date()
    for ahead in range(2 * WEEK):
        day = today + timedelta(days=ahead)
        if cadence is Cadence.WEEKLY and day.isoweekday() != weekday:
            continue
        at = midnight(day, zone) + HOURS_INTO_DAY
        if at > after:
            return at
    raise AssertionError("a fortnight has every day of the week")


def due_next(plan: PayoutPlan, zone: str, after: datetime) -> PayoutPlan:
    """The plan with its next date."""
    return replace(plan, next_at=next_payout_at(plan.cadence, plan.weekday, zone, after))


def set_plan(plan: PayoutPlan, request: SetPayoutPlan, zone: str, at: datetime) -> PayoutPlan:
    """The plan as its owner wants it; what pauses it stays. A bank account belongs to the rail `ach` alone."""
    if request.rail is Rail.ACH and not request.bank_account_id:
        raise Invalid("Say to which bank account you are paid.", field="bank_account_id")
    after = replace(
        plan,
        cadence=request.cadence,
        weekday=request.weekday,
        minimum=request.minimum or None,
        rail=request.rail,
        bank_account_id=request.bank_account_id if request.rail is Rail.ACH else "",
        changed_at=at,
    )
    return due_next(after, zone, at)


def paused(plan: PayoutPlan, by: PausedBy, reason: str, actor: Actor, at: datetime, payout_id: str = "") -> PayoutPlan:
    """The plan at rest. An operator's pause stands over the others, and trouble over the owner's own."""
    if len(reason) > WORDS_MAX:
        raise Invalid("That is too long for a reason.", field="reason")
    order = (PausedBy.OWNER, PausedBy.TROUBLE, PausedBy.OPERATOR)
    if plan.pause and order.index(plan.pause.by) > order.index(by):
        return plan
    pause = Pause(by=by, reason=reason, at=at, actor_id=actor.actor_id, payout_id=payout_id)
    return replace(plan, pause=pause, changed_at=at)


def troubled(plan: PayoutPlan, payout: Payout, trouble: Trouble, actor: Actor, at: datetime) -> PayoutPlan:
    """The plan after one of its payouts failed or came back: nothing more goes where that went."""
    return paused(plan, PausedBy.TROUBLE, trouble.words, actor, at, payout.payout_id)


def resumed(plan: PayoutPlan, zone: str, actor: Actor, at: datetime) -> PayoutPlan:
    """The plan going on. What an operator paused an operator resumes. Raises `NotPaused`, `Denied`."""
    if plan.pause is None:
        raise NotPaused
    if plan.pause.by is PausedBy.OPERATOR and not (actor.is_operator or actor.is_system):
        raise Denied("Your payouts were paused by those who run the marketplace; ask them.")
    return due_next(replace(plan, pause=None, changed_at=at), zone, at)


def kept_back(plan: PayoutPlan, reserve: Reserve | None, actor: Actor, at: datetime) -> PayoutPlan:
    """The plan with an operator's reserve, or again with that of the rules. For operators."""
    actor.must_operate()
    return replace(plan, reserve=reserve, changed_at=at)


# Writes


def plan_becomes(row: Row[PayoutPlan] | None, after: PayoutPlan, actor: Actor, at: datetime) -> list[Write]:
    """The writes of a plan, new or changed, with the event it makes; none when nothing changed."""
    before = row.value if row else None
    if after == before:
        return []
    put = Put(
        key=keys.plan(after.provider_id),
        value=after,
        index=_index(after),
        expected=row.unchanged if row else ABSENT,
        otherwise=PayoutPlanChanged(),
    )
    fact = _told(before, after)
    if fact is None:
        return [put]
    told = announce(
        fact,
        aggregate=keys.plan_timeline(after.provider_id),
        sequence=row.version + 1 if row else 1,
        actor=actor,
        at=at,
        previous=_previous(before) if before else None,
    )
    return [put, told]


def _previous(before: PayoutPlan) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(before)
    return {name: fields[name] for name in ("cadence", "weekday", "rail", "minimum", "reserve", "pause")}


def _told(
    before: PayoutPlan | None, after: PayoutPlan
) -> PayoutPlanSet | PayoutsPaused | PayoutsResumed | ReserveSet | None:
    """What a change announces: one thing, since each act changes one."""
    provider_id = after.provider_id
    if after.pause and after.pause != (before.pause if before else None):
        pause = after.pause
        return PayoutsPaused(provider_id=provider_id, by=pause.by, reason=pause.reason, payout_id=pause.payout_id)
    if before and before.pause and after.pause is None:
        return PayoutsResumed(provider_id=provider_id)
    if before and before.reserve != after.reserve:
        kept = after.reserve
        return ReserveSet(
            provider_id=provider_id, share_bps=kept.share_bps if kept else None, days=kept.days if kept else None
        )
    if before and before.changed_at == after.changed_at:
        return None  # Its date has come, and the next one is set.
    return PayoutPlanSet(
        provider_id=provider_id, cadence=after.cadence, weekday=after.weekday, rail=after.rail, minimum=after.minimum
    )


def _index(plan: PayoutPlan) -> dict[Index, Key]:
    if plan.next_at is None or plan.pause is not None:
        return {}
    partition = keys.due_plans(keys.shard(plan.provider_id))
    return {Index.STATUS: Key(partition, keys.place(plan.next_at, plan.provider_id))}


@dataclass(frozen=True, slots=True)
class PayoutPlans:
    """Finds plans. What changes them is decided above and committed by journeys."""

    table: Table

    async def find(self, provider_id: str) -> Row[PayoutPlan] | None:
        """The provider's plan, if there is one yet."""
        return await self.table.get(keys.plan(provider_id), PayoutPlan)

    async def due(self, at: datetime, limit: int = DUE_MAX) -> Sequence[PayoutPlan]:
        """Plans whose date has come and that nothing pauses, candidates: those that wait longest first."""
        found: list[PayoutPlan] = []
        for shard in range(keys.SHARDS):
            page = await self.table.query(
                keys.due_plans(shard), PayoutPlan, index=Index.STATUS, end=keys.place(at, "~"), limit=limit
            )
            found += page.values
        return sorted(found, key=lambda plan: plan.next_at or at)[:limit]
