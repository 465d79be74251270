"""What holds a provider's payouts up, those that were intended before too: nothing new is asked of a rail meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.contexts.catalogue import Providers, ProviderStatus
from ecosystem.contexts.payouts import PayoutPlan, PayoutPlans
from ecosystem.kernel.refusals import Unavailable

RESTS = "Your payouts are paused."
SUSPENDED = "Nothing is paid out while you are suspended."


class PayoutHeld(Unavailable):
    """The provider's payouts are held up: this one waits until they are let go on."""


@dataclass(frozen=True, slots=True)
class PayoutHolds:
    providers: Providers
    plans: PayoutPlans

    async def why(self, provider_id: str) -> str:
        """Why nothing goes out to the provider now, in words for them; empty when it does. Raises `ProviderUnknown`."""
        row = await self.plans.find(provider_id)
        return hold(row.value if row else None, (await self.providers.load(provider_id)).value.status)

    async def must_go(self, provider_id: str) -> None:
        """Raises `PayoutHeld` when nothing goes out to the provider now."""
        if why := await self.why(provider_id):
            raise PayoutHeld(why)


def hold(plan: PayoutPlan | None, status: ProviderStatus) -> str:
    """Why nothing goes out under that plan to a provider of that status; empty when it does."""
    if plan is not None and plan.pause:
        return plan.pause.reason or RESTS
    return SUSPENDED if status is ProviderStatus.SUSPENDED else ""
