"""Payouts through the card processor: a transfer to the provider's account there, then that account's payout to the bank.

Each step is safe to repeat, and each call has its intention committed before: `begun` before the transfer, `sent` before
the payout. One that does not reach the bank is taken back from the provider's account before its money is on the
balance again; the reversal bears the payout's id, so that it happens once. When the processor does not give the money
back, operators are told, and it is asked for again until it does.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from ecosystem.contexts import payouts as paying
from ecosystem.contexts.notifications import Kind
from ecosystem.contexts.payouts import (
    Payout,
    PayoutBook,
    PayoutNews,
    PayoutNotThere,
    PayoutStatus,
    Rail,
    Speed,
    Trouble,
)
from ecosystem.journeys.alarms import Alarms
from ecosystem.journeys.payout_holds import PayoutHolds
from ecosystem.journeys.payout_passage import PayoutPassage
from ecosystem.kernel.actor import Actor
from ecosystem.ports.accounts import UnknownAccount
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Write
from ecosystem.ports.transfers import (
    BalanceTooLow,
    InstantRefused,
    PayoutOrder,
    PayoutOutcome,
    PayoutRefused,
    PayoutStanding,
    ReversalOrder,
    ReversalRefused,
    TransferOrder,
    TransferOutcome,
    TransferRefused,
    Transfers,
)
from ecosystem.ports.transfers import Speed as Travel

log = logging.getLogger(__name__)
COVERED_WITHIN = timedelta(days=10)
"""How long a payout waits for our own money to become available at the processor; captured money takes some days."""

TOLD_AFTER = timedelta(days=3)
"""How long it waits before operators are told: what cards bring in is available by then."""

COMES_BACK_WITHIN = timedelta(days=10)
"""How long after it was paid a bank may send a payout back: so long it is asked about."""

KEY_HOLDS_FOR = timedelta(hours=12)
"""How long the processor surely knows under which key it was asked for something; it says a day."""

PAID_MAX = 1_000

TOO_LOW = Trouble(
    code="balance_too_low",
    words="The payment processor does not have the money ready yet. Ask again later.",
    pauses=False,
)
NOT_AT_ONCE = Trouble(
    code="no_instant_payout", words="Your bank takes no instant payout now. The standard way is open.", pauses=False
)
UNFIT = Trouble(
    code="account_refused", words="The payment processor pays nothing to your account now. See what it needs of you."
)
TAKEN_BACK = Trouble(code="taken_back", words="The payout did not leave the payment processor.", pauses=False)
LEFT_THERE = Trouble(
    code="not_given_back", words="The payout failed. The payment processor has not given its money back yet."
)
CANCELLED = Trouble(code="cancelled", words="The payout was called off at the payment processor.", pauses=False)


@dataclass(frozen=True, slots=True)
class ProcessorPayouts:
    clock: Clock
    transfers: Transfers
    book: PayoutBook
    passage: PayoutPassage
    alarms: Alarms
    holds: PayoutHolds

    async def carry_out(self, payout_id: str, actor: Actor) -> Payout:
        """Take the payout as far as the processor lets it now, or learn what became of it: a repeatable step.

        One that travels in a file, or that an operator looks at first, stays as it is, and so does one of a provider who
        is paid nothing now, unless the processor owes an answer. Raises `NoSuchPayout`, `ProcessorSilent`.
        """
        payout = (await self.book.row(payout_id)).value
        if payout.rail is not Rail.STRIPE or payout.in_review:
            return payout
        if payout.status is PayoutStatus.INTENDED and payout.send_at <= self.clock.now():
            if payout.begun_at is None and await self.holds.why(payout.provider_id):
                return payout
            try:
                payout = await self.passage.begin(payout_id, actor)
            except PayoutNotThere:
                return (await self.book.row(payout_id)).value  # It was called off a moment ago.
            payout = await self._transferred(payout, actor)
        if payout.status is PayoutStatus.SENT:
            return await self._paid_out(payout, actor)
        if payout.status in {PayoutStatus.IN_TRANSIT, PayoutStatus.PAID}:
            return await self._asked(payout, actor)
        return payout

    async def hear(self, rail_id: str, account_id: str, actor: Actor, *also: Write) -> Payout | None:
        """Take in what an event points at: the processor's id of a payout. None when it is not one of ours.

        One whose answer we never had is known by the id of ours that it bears.
        """
        outcome = await self.transfers.payout_status(rail_id, account_id)
        row = await self.book.find(outcome.payout_id.rpartition("_")[0])
        if row is None or row.value.rail_id not in {"", rail_id}:
            return None
        return await self._learned(row.value, outcome, actor, *also)

    async def hear_of_transfer(self, transfer_id: str, actor: Actor) -> tuple[TransferOutcome, Payout] | None:
        """Take on the payout that the processor's transfer of that id is for. None when it is for none of ours."""
        outcome = await self.transfers.transfer_status(transfer_id)
        if await self.book.find(outcome.group) is None:
            return None
        return outcome, await self.carry_out(outcome.group, actor)

    async def waiting_for_money(self) -> Sequence[Payout]:
        """Payouts that were begun and not made: our balance at the processor was too low, or it was silent."""
        before = self.clock.now() + COVERED_WITHIN
        found = await self.book.due(PayoutStatus.INTENDED, Rail.STRIPE, before)
        return [payout for payout in found if (payout.begun_at or payout.attempt > 1) and not payout.in_review]

    async def left(self, before: datetime, limit: int) -> Sequence[Payout]:
        """Payouts that should have been asked about before then, candidates for the sweep."""
        found: list[Payout] = []
        for status in paying.OPEN:
            found += await self.book.due(status, Rail.STRIPE, before, limit=limit)
        found += await self.book.stranded(Rail.STRIPE, before, limit=limit)
        return found[:limit]

    async def lately_paid(self, limit: int = PAID_MAX) -> Sequence[Payout]:
        """The next of the payouts that may still come back: call by call all of them, then from the oldest again."""
        now = self.clock.now()
        return await self.book.next_paid(Rail.STRIPE, now - COMES_BACK_WITHIN, now, limit)

    async def _transferred(self, payout: Payout, actor: Actor) -> Payout:
        order = TransferOrder(
            transfer_id=_asked_as(payout),
            account_id=payout.destination.account_id,
            # With the price for speed, which the processor takes of that account.
            amount=payout.amount,
            group=payout.payout_id,
            intended_at=payout.intended_at,
        )
        try:
            outcome = await self.transfers.transfer(order)
        except BalanceTooLow:
            if payout.speed is Speed.INSTANT or payout.intended_at + COVERED_WITHIN < self.clock.now():
                return await self._failed(payout, TOO_LOW, actor)
            if payout.intended_at + TOLD_AFTER <= self.clock.now():
                await self.alarms.payout_waits(payout)
            attempt = payout.attempt
            return await self.passage.note(
                payout.payout_id, lambda known, at: paying.tried_anew(known, attempt, at), actor
            )
        except (TransferRefused, UnknownAccount):
            return await self._failed(payout, UNFIT, actor)
        news = PayoutNews(status=PayoutStatus.SENT, transfer_id=outcome.processor_id)
        return await self.passage.learn(payout.payout_id, news, actor)

    async def _paid_out(self, payout: Payout, actor: Actor) -> Payout:
        if self.clock.now() - payout.intended_at > KEY_HOLDS_FOR:
            # Its outcome may have been learned, and its money taken back, by one who died before it was noted.
            taken_back = (await self.transfers.transfer_status(payout.transfer_id)).taken_back
            if taken_back >= payout.amount:
                return await self._failed(payout, TAKEN_BACK, actor)
            if taken_back.minor:
                return await self._left_there(payout, actor)
        order = PayoutOrder(
            payout_id=_asked_as(payout),
            account_id=payout.destination.account_id,
            amount=payout.net,
            speed=Travel(payout.speed),
            intended_at=payout.intended_at,
        )
        try:
            outcome = await self.transfers.pay_out(order)
        except InstantRefused:
            return await self._taken_back(payout, NOT_AT_ONCE, actor)
        except BalanceTooLow:
            return await self._taken_back(payout, TOO_LOW, actor)
        except (PayoutRefused, UnknownAccount):
            return await self._taken_back(payout, UNFIT, actor)
        return await self._learned(payout, outcome, actor)

    async def _asked(self, payout: Payout, actor: Actor, *also: Write) -> Payout:
        outcome = await self.transfers.payout_status(payout.rail_id, payout.destination.account_id)
        return await self._learned(payout, outcome, actor, *also)

    async def _learned(self, payout: Payout, outcome: PayoutOutcome, actor: Actor, *also: Write) -> Payout:
        match outcome.standing:
            case PayoutStanding.PENDING | PayoutStanding.IN_TRANSIT:
                status = PayoutStatus.IN_TRANSIT
            case PayoutStanding.PAID:
                status = PayoutStatus.PAID
            case PayoutStanding.CANCELLED:
                return await self._taken_back(payout, CANCELLED, actor, *also, outcome=outcome)
            case PayoutStanding.FAILED:
                return await self._taken_back(payout, _trouble(outcome), actor, *also, outcome=outcome)
        news = PayoutNews(status=status, rail_id=outcome.processor_id, expected_at=outcome.arrives_on)
        return await self.passage.learn(payout.payout_id, news, actor, *also)

    async def _taken_back(
        self, payout: Payout, trouble: Trouble, actor: Actor, *also: Write, outcome: PayoutOutcome | None = None
    ) -> Payout:
        """Take the money back from the provider's account there, then put it on the balance here.

        `outcome` is what the processor says of a payout that it made: its price for that does not come back.
        """
        kept = outcome.fee if outcome else None
        if payout.status not in paying.GIVEN_BACK:
            amount = payout.amount - kept if kept else payout.amount
            order = ReversalOrder(
                reversal_id=_taken_back_as(payout),
                processor_id=payout.transfer_id,
                amount=amount,
                intended_at=payout.intended_at,
            )
            try:
                await self.transfers.reverse(order)
            except (BalanceTooLow, ReversalRefused):
                if (await self.transfers.transfer_status(payout.transfer_id)).taken_back < amount:
                    return await self._left_there(payout, actor, *also)
                log.warning("a transfer was taken back by other hands", extra={"payout_id": payout.payout_id})
        news = _returned(payout, trouble)
        if outcome:
            news = replace(news, rail_id=outcome.processor_id, fee_kept=kept)
        return await self.passage.learn(payout.payout_id, news, actor, *also)

    async def _left_there(self, payout: Payout, actor: Actor, *also: Write) -> Payout:
        """Tell operators that the money is neither at a bank nor back, and ask for it again later."""
        log.error("a payout failed, and its money could not be taken back", extra={"payout_id": payout.payout_id})
        told = f"{payout.payout_id}:stranded"
        await self.alarms.of_provider(
            Kind.PAYOUT_STRANDED, payout.provider_id, told, payout.intended_at, amount=payout.amount
        )
        refused = payout.reversals_refused
        return await self.passage.note(
            payout.payout_id, lambda known, at: paying.stranded(known, refused, LEFT_THERE, at), actor, *also
        )

    async def _failed(self, payout: Payout, trouble: Trouble, actor: Actor) -> Payout:
        return await self.passage.learn(payout.payout_id, _returned(payout, trouble), actor)


def _returned(payout: Payout, trouble: Trouble) -> PayoutNews:
    status = PayoutStatus.RETURNED if payout.paid_at else PayoutStatus.FAILED
    return PayoutNews(status=status, trouble=trouble)


def _asked_as(payout: Payout) -> str:
    """The id under which it is asked for: another one after the processor had too little money for the last."""
    return f"{payout.payout_id}_{payout.attempt}"


def _taken_back_as(payout: Payout) -> str:
    """The id under which its money is taken back: another one after the processor has refused the last."""
    refused = payout.reversals_refused
    return f"{payout.payout_id}_{refused}" if refused else payout.payout_id


def _trouble(outcome: PayoutOutcome) -> Trouble:
    failure = outcome.failure
    if failure is None:
        return Trouble(code="", words="Your bank did not take the payout.")
    return Trouble(code=failure.code, words=failure.sentence, pauses=failure.account_at_fault)
