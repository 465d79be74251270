"""Where a provider's payouts go, by the rail of their plan: the account at the processor, or a bank account."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.contexts.bank_accounts import BankAccounts, NoSuchBankAccount
from ecosystem.contexts.payments import PayoutAccountBook, PayoutState
from ecosystem.contexts.payouts import Destination, PayoutPlan, Rail
from ecosystem.kernel.refusals import Conflict
from ecosystem.ports.clock import Clock


class NoDestination(Conflict):
    """There is no account yet that could be paid."""


_WORDS = {
    PayoutState.NONE: "Set up payouts at the payment processor first.",
    PayoutState.REQUESTED: "The payment processor is still opening your account.",
    PayoutState.PENDING: "The payment processor does not know enough about you yet.",
    PayoutState.RESTRICTED: "The payment processor needs something of you before it pays out.",
    PayoutState.REJECTED: "The payment processor pays nothing out to your account.",
}
_UNVERIFIED = "Your bank account is not verified yet."
_RESTS = "Your bank account is new: payouts to it begin a few days after it was added."


@dataclass(frozen=True, slots=True)
class Destinations:
    accounts: PayoutAccountBook
    bank_accounts: BankAccounts
    clock: Clock

    async def of(self, plan: PayoutPlan) -> Destination:
        """Where money goes now. Raises `NoDestination` with what stands in the way."""
        if plan.rail is Rail.ACH:
            return await self._bank_account(plan)
        row = await self.accounts.of(plan.provider_id)
        state = row.value.state if row else PayoutState.NONE
        if row is None or state is not PayoutState.ACTIVE:
            raise NoDestination(_WORDS[state])
        return Destination(rail=Rail.STRIPE, account_id=row.value.account_id, last4=row.value.bank_last4)

    async def _bank_account(self, plan: PayoutPlan) -> Destination:
        try:
            account = (await self.bank_accounts.row(plan.bank_account_id)).value
        except NoSuchBankAccount:
            raise NoDestination(_UNVERIFIED) from None
        payable_from = account.payable_from()
        if account.owner_id != plan.provider_id or payable_from is None:
            raise NoDestination(_UNVERIFIED)
        if self.clock.now() < payable_from:
            raise NoDestination(_RESTS)
        return Destination(rail=Rail.ACH, account_id=account.account_id, last4=account.last4)
