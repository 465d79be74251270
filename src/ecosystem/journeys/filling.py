"""Filling our bank account: once a day, if an operator asked for it, as much as payouts in files want.

What clearing will take counts as gone; what it will bring does not count, since it may come back.
"""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.contexts import payouts as paying
from ecosystem.contexts.ledger import Ledger, chart
from ecosystem.contexts.payouts import BankStanding, PayoutRuleBook, Withdraw, Withdrawal, WithdrawalStatus
from ecosystem.journeys.alarms import Alarms
from ecosystem.journeys.payout_bank import BankPayouts
from ecosystem.journeys.withdrawals import Withdrawing
from ecosystem.kernel.actor import system
from ecosystem.ports.clock import Clock

ACTOR = system("payout-manager")
_COMING = frozenset({WithdrawalStatus.INTENDED, WithdrawalStatus.IN_TRANSIT})


@dataclass(frozen=True, slots=True)
class BankFilling:
    clock: Clock
    rules: PayoutRuleBook
    payouts: BankPayouts
    withdrawing: Withdrawing
    ledger: Ledger
    alarms: Alarms

    async def fill(self) -> Withdrawal | None:
        """Have what is missing at the bank withdrawn from the processor; None when nothing is asked for or missing.

        Operators are told, once a day, when that does not suffice for the payouts that wait. Raises `ProcessorSilent`: asked again within the day, it is the same withdrawal.
        """
        filling, at = (await self.rules.current()).filling, self.clock.now()
        if filling is None:
            return None
        withdrawal_id = paying.filling_id(filling.currency, at)
        if await self.withdrawing.book.find(withdrawal_id) is not None:
            return None  # The day's, which the sweep of withdrawals sees through.
        step = self.withdrawing.cards.step(filling.currency).minor
        standing = await self.standing(filling.currency)
        amount = paying.to_fill(filling, standing, step=step)
        if short := paying.short_by(standing, amount):
            await self.alarms.bank_low(short, withdrawal_id, at)
        if not amount:
            return None
        return await self.withdrawing.withdraw(Withdraw(withdrawal_id=withdrawal_id, amount=amount), ACTOR)

    async def standing(self, currency: str) -> BankStanding:
        """Where our own money is, and what payouts in files want of it. Raises `ProcessorSilent`."""
        bank, clearing = chart.bank(currency), chart.clearing(currency)
        positions = await self.ledger.positions([bank, clearing])
        # Assets: what is there was debited.
        there, moving = (-positions[name].balances.net if name in positions else 0 for name in (bank, clearing))
        watched = await self.withdrawing.book.watched(self.clock.now())
        coming = [each.amount for each in watched if each.status in _COMING and each.amount.currency == currency]
        wanted = 0
        async for page in self.payouts.queue():
            wanted += sum(each.net.minor for each in page if each.net.currency == currency)
        return BankStanding(
            at_bank=there + min(0, moving),
            coming=sum(each.minor for each in coming),
            at_processor=(await self.withdrawing.balance(ACTOR)).of(currency).available,
            wanted=wanted,
        )
