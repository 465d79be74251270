"""Where a provider's payouts go, by the rail of their plan: the account at the processor, or a bank account."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.contexts.payments import PayoutAccountBook, PayoutState
from ecosystem.contexts.payouts import Destination, PayoutPlan, Rail
from ecosystem.kernel.refusals import Conflict


class NoDestination(Conflict):
    """There is no account yet that could be paid."""


_WORDS = {
    PayoutState.NONE: "Set up payouts at the payment processor first.",
    PayoutState.REQUESTED: "The payment processor is still opening your account.",
    PayoutState.PENDING: "The payment processor does not know enough about you yet.",
    PayoutState.RESTRICTED: "The payment processor needs something of you before it pays out.",
    PayoutState.REJECTED: "The payment processor pays nothing out to your account.",
}


@dataclass(frozen=True, slots=True)
class Destinations:
    accounts: PayoutAccountBook

    async def of(self, plan: PayoutPlan) -> Destination:
        """Where money goes now. Raises `NoDestination` with what stands in the way."""
        if plan.rail is Rail.ACH:
            raise NoDestination("Your bank account is not verified yet.")
        row = await self.accounts.of(plan.provider_id)
        state = row.value.state if row else PayoutState.NONE
        if row is None or state is not PayoutState.ACTIVE:
            raise NoDestination(_WORDS[state])
        return Destination(rail=Rail.STRIPE, account_id=row.value.account_id, last4=row.value.bank_last4)
