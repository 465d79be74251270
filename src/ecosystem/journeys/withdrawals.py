"""The platform's own money from the processor to its bank account: an operator asks, the processor carries it out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from ecosystem.contexts import ledger as books
from ecosystem.contexts import payouts as paying
from ecosystem.contexts.ledger import Ledger
from ecosystem.contexts.payouts import Withdraw, Withdrawal, WithdrawalBook, WithdrawalStatus
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import decimal_text
from ecosystem.kernel.refusals import IdReused, Invalid, Refusal
from ecosystem.ports.cards import Cards
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Row, Stale, Table, Write
from ecosystem.ports.transfers import (
    Balance,
    BalanceTooLow,
    PayoutOrder,
    PayoutOutcome,
    PayoutRefused,
    PayoutStanding,
    Transfers,
)

ATTEMPTS_MAX = 5
_STATUS = {
    PayoutStanding.PENDING: WithdrawalStatus.IN_TRANSIT,
    PayoutStanding.IN_TRANSIT: WithdrawalStatus.IN_TRANSIT,
    PayoutStanding.PAID: WithdrawalStatus.ARRIVED,
    PayoutStanding.FAILED: WithdrawalStatus.FAILED,
    PayoutStanding.CANCELLED: WithdrawalStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Withdrawing:
    table: Table
    clock: Clock
    transfers: Transfers
    cards: Cards
    book: WithdrawalBook
    ledger: Ledger

    async def withdraw(self, request: Withdraw, actor: Actor) -> Withdrawal:
        """Have an amount paid to our bank account, once per id. For operators.

        Raises `Invalid`, `IdReused`; `ProcessorSilent` after the intention stands: it is carried out later.
        """
        ids.check(paying.WITHDRAWAL_PREFIX, request.withdrawal_id)
        actor.must_operate()
        if earlier := await self.book.find(request.withdrawal_id):
            earlier.value.to(actor, request)
        else:
            step = self.cards.step(request.amount.currency)
            if request.amount.minor % step.minor:
                raise Invalid(f"The processor moves {step.currency} in steps of {decimal_text(step)}.", field="amount")
            at = self.clock.now()
            made = paying.withdrawal(request, actor, at)
            await self.table.transact(*paying.withdrawal_made(made, actor, at))
        return await self.carry_out(request.withdrawal_id, actor)

    async def balance(self, actor: Actor) -> Balance:
        """What our balance at the processor holds. For operators. Raises `ProcessorSilent`."""
        actor.must_operate()
        return await self.transfers.balance(None)

    async def carry_out(self, withdrawal_id: str, actor: Actor) -> Withdrawal:
        """Have the processor pay it, or learn what became of it: a repeatable step. Raises `ProcessorSilent`."""
        known = (await self.book.row(withdrawal_id)).value
        if known.status is WithdrawalStatus.FAILED:
            return known
        try:
            outcome = await self._outcome(known)
        except (BalanceTooLow, PayoutRefused) as refused:
            reason = _words(refused)
            return await self._learned(
                withdrawal_id,
                lambda each, at: paying.withdrawal_moved(each, WithdrawalStatus.FAILED, at, reason=reason),
                actor,
            )
        failure = outcome.failure.sentence if outcome.failure else ""
        return await self._learned(
            withdrawal_id,
            lambda each, at: paying.withdrawal_moved(
                each,
                _STATUS[outcome.standing],
                at,
                rail_id=outcome.processor_id,
                expected_at=outcome.arrives_on,
                reason=failure,
            ),
            actor,
        )

    async def hear(self, rail_id: str, actor: Actor) -> Withdrawal:
        """Take in what an event points at: a payout of our own balance.

        One that was made at the processor's desk, or by its schedule, enters our books as well.
        """
        outcome = await self.transfers.payout_status(rail_id, None)
        known = await self.book.of_rail(outcome.processor_id, outcome.payout_id, outcome.made_at)
        if known is None:
            found = paying.found_withdrawal(outcome.processor_id, outcome.amount, outcome.made_at, actor)
            with suppress(IdReused):  # Another event about it was heard at the same moment.
                await self.table.transact(*paying.withdrawal_made(found, actor, self.clock.now()))
            known = await self.book.row(found.withdrawal_id)
        return await self.carry_out(known.value.withdrawal_id, actor)

    async def _outcome(self, known: Withdrawal) -> PayoutOutcome:
        if known.rail_id:
            return await self.transfers.payout_status(known.rail_id, None)
        order = PayoutOrder(
            payout_id=known.withdrawal_id, account_id=None, amount=known.amount, intended_at=known.asked_at
        )
        return await self.transfers.pay_out(order)

    async def _learned(
        self, withdrawal_id: str, becomes: Callable[[Withdrawal, datetime], Withdrawal], actor: Actor
    ) -> Withdrawal:
        for left in reversed(range(ATTEMPTS_MAX)):
            row, at = await self.book.row(withdrawal_id), self.clock.now()
            after = becomes(row.value, at)
            writes = paying.withdrawal_becomes(row, after, actor, at)
            if not writes:
                return after
            try:
                await self.table.transact(*writes, *await self._postings(row, after))
            except Stale:
                if not left:
                    raise
                continue
            return after
        raise AssertionError

    async def _postings(self, row: Row[Withdrawal], after: Withdrawal) -> list[Write]:
        if after.status is row.value.status:
            return []
        if after.status is WithdrawalStatus.ARRIVED:
            return await self.ledger.writes(*books.arrived(after.withdrawal_id, after.amount))
        if after.status is WithdrawalStatus.FAILED and row.value.status is WithdrawalStatus.ARRIVED:
            caused = await self.ledger.transfers([f"{after.withdrawal_id}.arrived"])
            return await self.ledger.writes(*books.recovered(caused))
        return []


def _words(refused: Refusal) -> str:
    if isinstance(refused, BalanceTooLow):
        return "The balance at the payment processor is lower than that."
    return "The payment processor does not pay this out."
