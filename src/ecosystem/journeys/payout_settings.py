"""When and how a provider is paid: what its owner sets, what an operator sets, and who pauses and resumes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ecosystem.contexts import payouts as paying
from ecosystem.contexts.payouts import PausedBy, PayoutPlan, PayoutPlanChanged, PayoutPlans, Reserve, SetPayoutPlan
from ecosystem.journeys.payout_outlook import Outlooks
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Row, Stale, Table

ACTOR = system("payout-manager")
ATTEMPTS_MAX = 5


@dataclass(frozen=True, slots=True)
class PayoutSettings:
    """Each act raises `ProviderUnknown`, `Denied`."""

    table: Table
    clock: Clock
    plans: PayoutPlans
    outlooks: Outlooks

    async def set(self, provider_id: str, request: SetPayoutPlan, actor: Actor) -> PayoutPlan:
        """Set the plan, for its owner. Raises `PayoutPlanChanged` when another was set meanwhile, `Invalid`."""
        row, plan, zone = await self._plan(provider_id, actor)
        if request.version != (row.version if row else 0):
            raise PayoutPlanChanged
        at = self.clock.now()
        after = paying.set_plan(plan, request, zone, at)
        await self.table.transact(*paying.plan_becomes(row, after, actor, at))
        return after

    async def pause(self, provider_id: str, reason: str, actor: Actor) -> PayoutPlan:
        """Pay nothing out until it is resumed. An operator says why; only an operator resumes that."""
        by = PausedBy.OPERATOR if actor.is_operator else PausedBy.OWNER
        if by is PausedBy.OPERATOR and not reason.strip():
            raise Invalid("Say why: the provider reads it.", field="reason")
        words = reason.strip() or "You paused your payouts."
        return await self._changed(
            provider_id, actor, lambda plan, _zone, at: paying.paused(plan, by, words, actor, at)
        )

    async def hold(self, provider_id: str, reason: str) -> PayoutPlan:
        """Pay nothing out until an operator resumes it: a payout was refused by those who looked into it."""
        return await self._changed(
            provider_id, ACTOR, lambda plan, _zone, at: paying.paused(plan, PausedBy.OPERATOR, reason, ACTOR, at)
        )

    async def resume(self, provider_id: str, actor: Actor) -> PayoutPlan:
        """Let payouts go out again, from the next date on. Raises `NotPaused`."""
        return await self._changed(provider_id, actor, lambda plan, zone, at: paying.resumed(plan, zone, actor, at))

    async def keep_back(self, provider_id: str, reserve: Reserve | None, actor: Actor) -> PayoutPlan:
        """Keep another part back from this provider than the rules say; None: what they say. For operators."""
        actor.must_operate()
        return await self._changed(
            provider_id, actor, lambda plan, _zone, at: paying.kept_back(plan, reserve, actor, at)
        )

    async def begin(self, provider_id: str) -> PayoutPlan:
        """See that a provider who can be paid has a plan, and that what paused it for trouble does so no longer."""

        def begun(plan: PayoutPlan, zone: str, at: datetime) -> PayoutPlan:
            if plan.pause and plan.pause.by is PausedBy.TROUBLE:
                return paying.resumed(plan, zone, ACTOR, at)
            return plan

        return await self._changed(provider_id, ACTOR, begun)

    async def _changed(
        self, provider_id: str, actor: Actor, becomes: Callable[[PayoutPlan, str, datetime], PayoutPlan]
    ) -> PayoutPlan:
        for left in reversed(range(ATTEMPTS_MAX)):
            row, plan, zone = await self._plan(provider_id, actor)
            at = self.clock.now()
            after = becomes(plan, zone, at)
            try:
                if writes := paying.plan_becomes(row, after, actor, at):
                    await self.table.transact(*writes)
            except Stale:
                if not left:
                    raise
                continue
            return after
        raise AssertionError

    async def _plan(self, provider_id: str, actor: Actor) -> tuple[Row[PayoutPlan] | None, PayoutPlan, str]:
        provider = await self.outlooks.own(provider_id, actor)
        row, zone = await self.plans.find(provider_id), await self.outlooks.zone_of(provider)
        return row, row.value if row else paying.first_plan(provider_id, zone, self.clock.now()), zone
