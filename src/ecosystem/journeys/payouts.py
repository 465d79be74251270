"""Paying providers out: what they may have and when, and the intention that takes it off their balance.

An intention is one commit: the money leaves the balance for the payout's own account, with the payout and its event, at
the very balance that it was decided on, under the very plan. What the rail does with it comes after (`payout_rails`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec.structs import replace

from ecosystem.contexts import ledger as books
from ecosystem.contexts import payouts as paying
from ecosystem.contexts.bank_accounts import BankAccounts
from ecosystem.contexts.fraud import Verdict
from ecosystem.contexts.ledger import Ledger
from ecosystem.contexts.payouts import (
    AskPayout,
    Destination,
    Origin,
    PausedBy,
    Payout,
    PayoutBook,
    PayoutId,
    PayoutNews,
    PayoutPlans,
    PayoutStatus,
    Rail,
    Speed,
)
from ecosystem.journeys.alarms import Alarms
from ecosystem.journeys.payout_destinations import NoDestination
from ecosystem.journeys.payout_outlook import Outlook, Outlooks
from ecosystem.journeys.payout_passage import ATTEMPTS_MAX, PayoutPassage, disbursement
from ecosystem.journeys.screening import Screened, Screening
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.money import Money, decimal_text, zero
from ecosystem.kernel.refusals import Conflict, Invalid, Refusal, Unavailable
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Check, Cursor, Page, Stale, Table, Write

log = logging.getLogger(__name__)
ACTOR = system("payout-manager")
UNDO = timedelta(minutes=1)
"""How long a payout that was asked for waits before it is sent: until then its owner may call it off."""


LOOKED_INTO = "We look into your payouts before they go out. Write to us if you have a question."


class NothingToPay(Conflict):
    """There is nothing to pay out now."""


class MoreThanAvailable(Conflict):
    """That is more than can be paid out now."""


class BelowMinimum(Invalid):
    """That is less than is paid out at once."""


class BetweenSteps(Invalid):
    """The processor moves no such amount."""


class PayoutsRest(Conflict):
    """Payouts are paused."""


class NoInstant(Conflict):
    """This cannot be paid out at once here; the standard way is open."""


class FeeChanged(Conflict):
    """The price for speed is another one by now: look at it again."""


@dataclass(frozen=True, slots=True)
class PayingOut:
    """For the owner of a provider, and for operators. Each act raises `ProviderUnknown`, `Denied`."""

    table: Table
    clock: Clock
    ledger: Ledger
    book: PayoutBook
    plans: PayoutPlans
    outlooks: Outlooks
    passage: PayoutPassage
    screening: Screening
    bank_accounts: BankAccounts
    alarms: Alarms

    async def payouts(
        self, provider_id: str, actor: Actor, *, after: Cursor | None = None, limit: int = 25
    ) -> Page[Payout]:
        """The provider's payouts, newest first."""
        await self.outlooks.own(provider_id, actor)
        return await self.book.of_provider(provider_id, after=after, limit=limit)

    async def payout(self, payout_id: str, actor: Actor) -> Payout:
        """One payout, for its provider's owner and for operators. Raises `NoSuchPayout`."""
        payout = (await self.book.row(payout_id)).value
        await self.outlooks.own(payout.provider_id, actor)
        return payout

    async def ask(self, request: AskPayout, actor: Actor) -> Payout:
        """Decide a payout that its owner asks for. The same request again returns it as it is by then.

        Raises `NothingToPay`, `MoreThanAvailable`, `BelowMinimum`, `BetweenSteps`, `PayoutsRest`, `NoDestination`,
        `NoInstant`, `FeeChanged`, `IdReused`.
        """
        ids.check(paying.PREFIX, request.payout_id)
        await self.outlooks.own(request.provider_id, actor)
        return await self._intended(request, Origin.ASKED, actor)

    async def cancel(self, payout_id: str, actor: Actor) -> Payout:
        """Call off a payout that nobody has begun to send: its money is back on the balance. Raises `PayoutUnderWay`.

        What was asked for, and what waits for a look, its owner may call off, and an operator any.
        """
        payout = await self.payout(payout_id, actor)
        if payout.origin is not Origin.ASKED and not payout.in_review:
            actor.must_operate()
        return await self.passage.learn(payout_id, PayoutNews(status=PayoutStatus.CANCELLED), actor)

    async def pay_due(self) -> int:
        """Decide the payouts of everybody whose date has come, each apart. How many plans there were.

        Of one that is refused operators are told; it keeps its date, and is tried again.
        """
        due = await self.plans.due(self.clock.now())
        for plan in due:
            try:
                await self.follow(plan.provider_id)
            except (Stale, Unavailable):
                continue  # Somebody is at the same plan; it is found again if it must.
            except Refusal as refused:
                log.warning("a due payout is refused", extra={"provider_id": plan.provider_id, "refusal": refused.name})
                due_at = plan.next_at or self.clock.now()
                await self.alarms.payout_undecided(plan.provider_id, refused.message, due_at)
        return len(due)

    async def follow(self, provider_id: str) -> Sequence[Payout]:
        """Decide the payouts of a provider whose date has come, one per currency, and set the next date."""
        row, at = await self.plans.find(provider_id), self.clock.now()
        if row is None or row.value.pause or row.value.next_at is None or row.value.next_at > at:
            return []
        outlook = await self.outlooks.of(provider_id, ACTOR)
        made: list[Payout] = []
        for funds in outlook.funds if not outlook.hindered else ():
            payout_id = scheduled_id(provider_id, funds.currency, row.value.next_at)
            if funds.goes_out and await self.book.find(payout_id) is None:
                request = AskPayout(payout_id=payout_id, provider_id=provider_id, amount=funds.available)
                try:
                    made.append(await self._intended(request, Origin.SCHEDULED, ACTOR))
                except (NothingToPay, MoreThanAvailable, BelowMinimum, NoDestination, PayoutsRest):
                    continue  # Money went back to a customer meanwhile, or somebody paused it.
        # A plan that failed meanwhile is paused: then it keeps its date.
        current = await self.plans.find(provider_id)
        if current and current.value.next_at == row.value.next_at:
            after = paying.due_next(current.value, outlook.zone, at)
            await self.table.transact(*paying.plan_becomes(current, after, ACTOR, at))
        return made

    async def _intended(self, request: AskPayout, origin: Origin, actor: Actor) -> Payout:
        if earlier := await self.book.find(request.payout_id):
            return earlier.value.to(actor, request)
        for left in reversed(range(ATTEMPTS_MAX)):
            outlook = await self.outlooks.of(request.provider_id, actor, currency=request.amount.currency)
            step = self.outlooks.step(request.amount.currency)
            payout = decided(outlook, request, origin, actor, self.clock.now(), step=step)
            try:
                taken = await self.ledger.writes(*books.disbursed(disbursement(payout)))
            except books.Overdrawn:
                continue
            if not books.moves(taken, request.amount):
                continue  # The balance fell between the two readings.
            screened = await self._screened(payout, actor)
            payout = replace(payout, in_review=screened.verdict is Verdict.REVIEW)
            made = [*screened.writes, *paying.payout_made(payout, actor, payout.intended_at)]
            try:
                await self.table.transact(*made, *taken, *await self._plan_stands(outlook))
            except Stale:
                if not left:
                    raise
                continue
            return payout
        raise MoreThanAvailable(field="amount")

    async def _screened(self, payout: Payout, actor: Actor) -> Screened:
        """What is thought of the payout. One that is refused pauses the plan until an operator has looked into it."""
        screened = await self.screening.screen_payout(
            payout.payout_id,
            payout.provider_id,
            payout.amount,
            await self._bank(payout.destination),
            actor,
            instant=payout.speed is Speed.INSTANT,
        )
        if screened.verdict is not Verdict.DECLINE:
            return screened
        row, at = await self.plans.find(payout.provider_id), self.clock.now()
        plan = row.value if row else (await self.outlooks.of(payout.provider_id, ACTOR)).plan
        held = paying.paused(plan, PausedBy.OPERATOR, LOOKED_INTO, ACTOR, at)
        await self.table.transact(*screened.writes, *paying.plan_becomes(row, held, ACTOR, at))
        raise PayoutsRest(LOOKED_INTO)

    async def _bank(self, destination: Destination) -> str:
        """What tells a bank account from others, whoever added it: its blind index, or the rail's name of the account."""
        if destination.rail is not Rail.ACH:
            return destination.account_id
        return (await self.bank_accounts.row(destination.account_id)).value.fingerprint.hex()

    async def _plan_stands(self, outlook: Outlook) -> list[Write]:
        """That the plan is still the one decided under; a provider's first payout comes with their first plan."""
        row = await self.plans.find(outlook.plan.provider_id)
        if row is None:
            return paying.plan_becomes(None, outlook.plan, ACTOR, self.clock.now())
        if row.version != outlook.plan_version:
            raise paying.PayoutPlanChanged
        return [Check(key=row.key, expected=row.unchanged, otherwise=paying.PayoutPlanChanged())]


def decided(
    outlook: Outlook, request: AskPayout, origin: Origin, actor: Actor, at: datetime, *, step: int = 1
) -> Payout:
    """Decide a payout of whole steps of so many minor units. Raises what `PayingOut.ask` says."""
    funds = outlook.of(request.amount.currency)
    if outlook.held:
        raise PayoutsRest(outlook.held)
    if outlook.destination is None:
        raise NoDestination(outlook.hindered)
    if funds is None or not funds.available:
        raise NothingToPay
    if funds.available < request.amount:
        raise MoreThanAvailable(field="amount")
    if request.amount < funds.minimum:
        least = f"{decimal_text(funds.minimum)} {funds.currency}"
        raise BelowMinimum(f"The least that is paid out is {least}.", field="amount")
    if request.amount.minor % step:
        steps = decimal_text(Money(step, funds.currency))
        raise BetweenSteps(f"{funds.currency} is paid out in steps of {steps}.", field="amount")
    return Payout(
        payout_id=request.payout_id,
        provider_id=request.provider_id,
        amount=request.amount,
        fee=_fee(outlook, request),
        destination=outlook.destination,
        speed=request.speed,
        origin=origin,
        requested_by=actor.actor_id,
        rules=outlook.rules.version,
        intended_at=at,
        send_at=at + UNDO if origin is Origin.ASKED and request.speed is Speed.STANDARD else at,
        ask_at=at + paying.ASK_AGAIN_AFTER,
    )


def scheduled_id(provider_id: str, currency: str, due_at: datetime) -> PayoutId:
    """The id of the payout of a date: made from it, so that there is only one."""
    random = sha256(f"{provider_id}:{currency}".encode()).digest()[: ids.RANDOM_BYTES]
    return PayoutId(ids.make(paying.PREFIX, due_at, random))


def _fee(outlook: Outlook, request: AskPayout) -> Money:
    if request.speed is Speed.STANDARD:
        return zero(request.amount.currency)
    assert outlook.destination
    fee = outlook.rules.instant_fee(request.amount)
    if outlook.destination.rail is not Rail.STRIPE or fee is None:
        raise NoInstant
    if request.fee is not None and request.fee != fee:
        raise FeeChanged(field="fee")
    return fee
