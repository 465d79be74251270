"""What news of a payout does to its record, to the ledger and to the provider's plan, in one commit.

Every rail, and whoever cancels, ends here. Learning the same twice has one effect.

| the payout becomes | ledger | plan |
| --- | --- | --- |
| sent | payout -> processor or clearing, with the price for speed | - |
| paid, by a file | clearing -> bank | - |
| failed, returned | all that it moved is reversed: the money is back on the balance; a price that is kept is our cost | paused, if the next would end no better |
| cancelled | the same; its entry, if it has one, is taken out before a file is built | - |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ecosystem.contexts import ledger as books
from ecosystem.contexts import payouts as paying
from ecosystem.contexts.ach import Entries, EntryFiled
from ecosystem.contexts.ledger import Disbursement, Ledger, chart
from ecosystem.contexts.payouts import (
    GIVEN_BACK,
    Payout,
    PayoutBook,
    PayoutNews,
    PayoutPlan,
    PayoutPlans,
    PayoutStatus,
    PayoutUnderWay,
    Rail,
)
from ecosystem.kernel.actor import Actor
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Row, Stale, Table, Write

ATTEMPTS_MAX = 8


def disbursement(payout: Payout) -> Disbursement:
    """The payout as the ledger sees it."""
    return Disbursement(
        payout_id=payout.payout_id, provider_id=payout.provider_id, amount=payout.amount, fee=payout.fee
    )


@dataclass(frozen=True, slots=True)
class PayoutPassage:
    table: Table
    clock: Clock
    book: PayoutBook
    plans: PayoutPlans
    ledger: Ledger
    entries: Entries

    async def learn(self, payout_id: str, news: PayoutNews, actor: Actor, *also: Write) -> Payout:
        """Take in how the payout stands; `also` is committed with it, news or not.

        Raises `NoSuchPayout`, `PayoutNotThere`, `PayoutUnderWay`.
        """

        async def act(row: Row[Payout], at: datetime) -> tuple[Payout, list[Write]]:
            after = paying.moved(row.value, news, at)
            return after, await self._writes(row, after, actor, at)

        return await self._changed(payout_id, act, *also)

    async def writes(self, payout_id: str, news: PayoutNews, actor: Actor) -> list[Write]:
        """The writes of `learn`, for a journey to commit with its own; none when it is no news. May be `Stale` then."""
        row, at = await self.book.row(payout_id), self.clock.now()
        return await self._writes(row, paying.moved(row.value, news, at), actor, at)

    async def begin(self, payout_id: str, actor: Actor) -> Payout:
        """Commit that the processor is asked: until it answers, it cannot be cancelled. Raises `PayoutNotThere`."""
        return await self.note(payout_id, paying.begun, actor)

    async def note(
        self, payout_id: str, becomes: Callable[[Payout, datetime], Payout], actor: Actor, *also: Write
    ) -> Payout:
        """Commit a change of the payout that moves no money, and `also` with it."""

        async def act(row: Row[Payout], at: datetime) -> tuple[Payout, list[Write]]:
            after = becomes(row.value, at)
            return after, paying.payout_becomes(row, after, actor, at)

        return await self._changed(payout_id, act, *also)

    async def _changed(
        self,
        payout_id: str,
        act: Callable[[Row[Payout], datetime], Awaitable[tuple[Payout, list[Write]]]],
        *also: Write,
    ) -> Payout:
        """The payout after the act, which is decided anew when somebody was faster."""
        for left in reversed(range(ATTEMPTS_MAX)):
            row = await self.book.row(payout_id)
            after, writes = await act(row, self.clock.now())
            if not writes and not also:
                return after
            try:
                await self.table.transact(*writes, *also)
            except Stale:
                if not left:
                    raise
                continue
            return after
        raise AssertionError

    async def _writes(self, row: Row[Payout], after: Payout, actor: Actor, at: datetime) -> list[Write]:
        if after == row.value:
            return []
        writes = paying.payout_becomes(row, after, actor, at)
        if after.status is row.value.status:
            return writes
        taken_out = await self._taken_out(after, actor)
        return [*writes, *taken_out, *await self._postings(after), *await self._pause(after, actor, at)]

    async def _taken_out(self, after: Payout, actor: Actor) -> Sequence[Write]:
        """That no file carries a payout which is cancelled. Raises `PayoutUnderWay` when one does."""
        if after.status is not PayoutStatus.CANCELLED or after.rail is not Rail.ACH:
            return []
        if await self.entries.find(after.entry_id) is None:
            return [self.entries.none(after.entry_id)]
        try:
            return await self.entries.cancel(after.entry_id, actor)
        except EntryFiled as filed:
            raise PayoutUnderWay from filed

    async def _postings(self, after: Payout) -> list[Write]:
        made = disbursement(after)
        if after.status is PayoutStatus.SENT:
            through = chart.processor if after.rail is Rail.STRIPE else chart.clearing
            return await self.ledger.writes(*books.handed_over(made, through(made.currency)))
        if after.status is PayoutStatus.PAID and after.rail is Rail.ACH:
            return await self.ledger.writes(*books.cleared(made))
        if after.status in GIVEN_BACK:
            caused = await self.ledger.transfers(books.disbursement_ids(after.payout_id))
            kept = after.fee_kept
            fee = books.processor_fee(f"{after.payout_id}.kept", after.payout_id, kept) if kept else []
            return await self.ledger.writes(*books.recovered(caused), *fee)
        return []

    async def _pause(self, after: Payout, actor: Actor, at: datetime) -> list[Write]:
        if after.status is PayoutStatus.CANCELLED or after.trouble is None or not after.trouble.pauses:
            return []
        row: Row[PayoutPlan] | None = await self.plans.find(after.provider_id)
        if row is None:
            return []
        return paying.plan_becomes(row, paying.troubled(row.value, after, after.trouble, actor, at), actor, at)
