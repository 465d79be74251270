"""What the processor's webhooks should have told and never did: found in its own lists, and repaired.

First its events, ours and those of each payout account: one that never arrived is stored and acted upon as if it had.
Then the things themselves, as far back as they may still change: one that stands differently there is taken in by the
way its own news would have taken. So nothing rests on the events alone, which the processor keeps for thirty days.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from ecosystem.contexts import payments as paying
from ecosystem.contexts.payments import Compared, Comparisons, Missed, Payments, Refunds, Webhooks
from ecosystem.contexts.payouts import PayoutBook, WithdrawalBook
from ecosystem.journeys.hearing import SUBSCRIBED, Hearing, Reach
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.refusals import Refusal, Unavailable
from ecosystem.ports.accounts import Accounts, UnknownAccount
from ecosystem.ports.cards import ChargebackOutcome, Happened, Outcome, RefundOutcome
from ecosystem.ports.clock import Clock
from ecosystem.ports.listing import Listed
from ecosystem.ports.table import Row, Table
from ecosystem.ports.transfers import PayoutOutcome, TransferOutcome

T = TypeVar("T")
ACTOR = system("webhook-reconciliation")

ON_ITS_WAY = timedelta(minutes=10)
"""What happened so lately may still arrive by itself."""

OVERLAP = timedelta(hours=1)
FIRST = timedelta(days=29)
"""How far back the first comparison looks: the processor keeps events for thirty days."""

PAGES_MAX = 2_000
AMONG = 100

PAYMENTS_SINCE = timedelta(days=9)
"""A hold on a card ends after seven days."""
REFUNDS_SINCE = timedelta(days=35)
"""A refund may come back a month after it was made."""
CHARGEBACKS_SINCE = timedelta(days=150)
"""Banks decide within some months."""
PAYOUTS_SINCE = timedelta(days=15)
"""A bank may send a payout back for some days after it was paid."""


@dataclass(slots=True)
class _Found:
    events: int = 0
    objects: int = 0
    missed: list[Missed] = field(default_factory=list[Missed])


@dataclass(frozen=True, slots=True)
class MissedEvents:
    table: Table
    clock: Clock
    accounts: Accounts
    webhooks: Webhooks
    comparisons: Comparisons
    hearing: Hearing
    payments: Payments
    refunds: Refunds
    payouts: PayoutBook
    withdrawals: WithdrawalBook

    async def compare(self) -> Compared:
        """Find and repair what never arrived since the last time: safe to repeat. Raises `ProcessorSilent`."""
        began_at = self.clock.now()
        mark, found = await self.comparisons.mark(), _Found()
        since = mark.value.until - OVERLAP if mark else began_at - FIRST
        until = began_at - ON_ITS_WAY
        await self._events(found, since, until, None)
        known = [account async for account in _all(lambda after: self.accounts.accounts(after=after))]
        ours = [account for account in known if account.provider_id]
        for account in ours:
            await self._events(found, since, until, account.account_id)
        await self._payments(found, began_at)
        for account in ours:
            await self._account(found, account.account_id, account.provider_id)
        await self._transfers(found, began_at - PAYOUTS_SINCE)
        for account_id in (None, *(account.account_id for account in ours)):
            await self._payouts(found, began_at - PAYOUTS_SINCE, account_id)
        made = Compared(
            began_at=began_at,
            ended_at=self.clock.now(),
            since=since,
            until=until,
            events=found.events,
            objects=found.objects,
            count=len(found.missed),
            missed=tuple(sorted(found.missed, key=lambda each: not each.trouble)[: paying.SHOWN_MAX]),
        )
        await self.table.transact(*paying.compared_writes(made, mark))
        return made

    async def latest(self, actor: Actor) -> Sequence[Compared]:
        """The comparisons of late. For operators."""
        return await self.comparisons.latest(actor)

    @property
    def _reach(self) -> Reach:
        return self.hearing.reach

    async def _events(self, found: _Found, since: datetime, until: datetime, account_id: str | None) -> None:
        """Act upon those events of one account that never arrived, oldest first."""
        cards = self._reach.cards
        listed = [
            event
            async for event in _all(lambda after: cards.events(since=since, account_id=account_id, after=after))
            if event.kind in SUBSCRIBED and event.at < until
        ]
        found.events += len(listed)
        listed.reverse()
        for start in range(0, len(listed), AMONG):
            batch = listed[start : start + AMONG]
            stored = {each.event_id for each in await self.webhooks.among([event.event_id for event in batch])}
            for event in batch:
                if event.event_id not in stored:
                    await self._heard(found, event, account_id)

    async def _heard(self, found: _Found, event: Happened, account_id: str | None) -> None:
        receipt = await self.webhooks.take_in(_of_account(event.body, account_id))
        if not receipt.is_new:
            return  # It arrived this moment.
        await self._noted(found, event.kind, event.event_id, self.hearing.act(event.event_id))

    async def _payments(self, found: _Found, now: datetime) -> None:
        """Payments, refunds and chargebacks that stand differently there."""
        reach, cards = self._reach, self._reach.cards

        async def learn(outcome: Outcome) -> None:
            await reach.settlement.learn(outcome.booking_id, outcome.payment_id, outcome, ACTOR)

        async def charge_back(outcome: ChargebackOutcome) -> None:
            stands = await cards.payment(outcome.intent_id)
            await learn(stands)
            await reach.refunding.carry_out_all(outcome.booking_id, ACTOR)
            await reach.settlement.learn_chargeback(outcome.booking_id, outcome.payment_id, outcome, ACTOR)

        async for paid in _all(lambda after: cards.payments(since=now - PAYMENTS_SINCE, after=after)):
            if paid.booking_id and paid.payment_id:
                await self._differs(
                    found, "payment", paid.payment_id, self._payment, paid, lambda paid=paid: learn(paid)
                )
        async for refund in _all(lambda after: cards.refunds_made(since=now - REFUNDS_SINCE, after=after)):
            await self._refund(found, refund)
        async for chargeback in _all(lambda after: cards.chargebacks(since=now - CHARGEBACKS_SINCE, after=after)):
            if chargeback.booking_id and chargeback.payment_id:
                await self._differs(
                    found,
                    "chargeback",
                    chargeback.chargeback_id,
                    self._payment,
                    chargeback,
                    lambda outcome=chargeback: charge_back(outcome),
                )

    async def _payment(self, outcome: Outcome | ChargebackOutcome) -> object:
        return (await self.payments.payment(outcome.booking_id, outcome.payment_id)).value

    async def _refund(self, found: _Found, refund: RefundOutcome) -> None:
        paid = await self._reach.cards.payment(refund.intent_id) if refund.intent_id else None
        if paid is None or not (paid.booking_id and paid.payment_id):
            return

        async def stands(_: RefundOutcome) -> object:
            return [row.value for row in await self.refunds.refunds_of(paid.booking_id)]

        async def learn() -> None:
            await self._reach.adopting.learn(refund, paid.booking_id if refund.refund_id else "", ACTOR)

        await self._differs(found, "refund", refund.processor_id, stands, refund, learn)

    async def _account(self, found: _Found, account_id: str, provider_id: str) -> None:
        accounts = self._reach.payout_accounts

        async def stands(_: str) -> object:
            row = await accounts.book.of(provider_id)
            return row.value if row else None

        async def hear() -> None:
            await accounts.hear(account_id, ACTOR)

        await self._differs(found, "account", account_id, stands, account_id, hear)

    async def _transfers(self, found: _Found, since: datetime) -> None:
        """Transfers whose payout stands differently there."""
        reach = self._reach

        async def stands(outcome: TransferOutcome) -> object:
            return _value(await self.payouts.find(outcome.group))

        async def hear(outcome: TransferOutcome) -> None:
            await reach.processor_payouts.hear_of_transfer(outcome.processor_id, ACTOR)

        async for transfer in _all(lambda after: reach.transfers.transfers(since=since, after=after)):
            await self._differs(
                found, "transfer", transfer.processor_id, stands, transfer, lambda outcome=transfer: hear(outcome)
            )

    async def _payouts(self, found: _Found, since: datetime, account_id: str | None) -> None:
        """Payouts of one account, or of our own balance, that stand differently there."""
        reach = self._reach

        async def stands(outcome: PayoutOutcome) -> object:
            if account_id is None:
                return _value(await self.withdrawals.of_rail(outcome.processor_id, outcome.payout_id, outcome.made_at))
            return _value(await self.payouts.find(outcome.payout_id.rpartition("_")[0]))

        async def hear(outcome: PayoutOutcome) -> None:
            if account_id is None:
                await reach.withdrawing.hear(outcome.processor_id, ACTOR)
            else:
                await reach.processor_payouts.hear(outcome.processor_id, account_id, ACTOR)

        try:
            async for payout in _all(lambda after: reach.transfers.payouts(account_id, since=since, after=after)):
                await self._differs(
                    found, "payout", payout.processor_id, stands, payout, lambda outcome=payout: hear(outcome)
                )
        except UnknownAccount:
            return  # Its owner ended our access: what becomes of its payouts the sweep learns.

    async def _differs(
        self,
        found: _Found,
        kind: str,
        thing_id: str,
        stands: Callable[[T], Awaitable[object]],
        thing: T,
        learn: Callable[[], Awaitable[None]],
    ) -> None:
        """Take in how a thing stands; it was missed if that changed anything."""
        found.objects += 1
        try:
            before = await stands(thing)
            await learn()
            if await stands(thing) != before:
                found.missed.append(Missed(kind=kind, thing_id=thing_id))
        except Unavailable:
            raise
        except Refusal as refused:
            trouble = f"{refused.name}: {refused.message}"
            found.missed.append(Missed(kind=kind, thing_id=thing_id, trouble=trouble[:500]))

    async def _noted(self, found: _Found, kind: str, thing_id: str, acted: Awaitable[None]) -> None:
        trouble = ""
        try:
            await acted
        except Unavailable as silent:
            trouble = f"{silent.name}: {silent.message}"  # It is stored, and waits for the sweep.
        except Refusal as refused:
            trouble = f"{refused.name}: {refused.message}"
        found.missed.append(Missed(kind=kind, thing_id=thing_id, trouble=trouble[:500]))


async def _all(page: Callable[[str | None], Awaitable[Listed[T]]]) -> AsyncIterator[T]:
    """What a list has, page by page."""
    after: str | None = None
    for _ in range(PAGES_MAX):
        listed = await page(after)
        for item in listed.items:
            yield item
        after = listed.after
        if after is None:
            return


def _value(row: Row[Any] | None) -> object:
    return row.value if row else None


def _of_account(body: bytes, account_id: str | None) -> bytes:
    """The event as its webhook would have come: a payout account's own list does not say whose it is."""
    if account_id is None:
        return body
    told: dict[str, Any] = msgspec.json.decode(body)
    return body if told.get("account") else msgspec.json.encode({**told, "account": account_id})
