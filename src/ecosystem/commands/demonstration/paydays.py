"""How providers are paid in the demo: what owners do about their payouts, and what their banks make of them.

Most wait for their Monday. The first who have earned something do something else each, so that payouts occur in every
state: one is paid at once, one daily, one calls a payout off, the bank of one refuses it, that of another sends it back
after it was paid, and one owes what a customer was given back.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from enum import StrEnum

from ecosystem.commands.demonstration.stage import Stage
from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payouts import (
    AskPayout,
    Cadence,
    Payout,
    PayoutId,
    PayoutStatus,
    SetPayoutPlan,
    Speed,
    Withdraw,
)
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money

NOON = timedelta(hours=12, minutes=41)
BEGINS = timedelta(days=1)

WITHDRAWN_EVERY = 6
"""Days between two withdrawals of our own money to our bank account."""


class Habit(StrEnum):
    """What a provider does about payouts, or meets with, beside waiting for Monday."""

    AT_ONCE = "at once"
    SENT_BACK = "sent back"
    OWES = "owes"
    CALLS_OFF = "calls off"
    REFUSED = "refused"
    DAILY = "daily"
    RESTS = "rests"


async def paydays(stage: Stage, first: datetime, until: datetime) -> None:
    """Day after day: whoever has something to be paid out takes up the next habit, until everybody has had one."""
    habits: dict[str, Habit] = {}
    done: set[str] = set()
    noon = first + BEGINS + NOON
    while noon < until:
        if noon > stage.now:
            await stage.agenda.until(noon)
        for owner, _ in stage.cast.owners:
            for row in await stage.market.providers.owned_by(owner.actor_id):
                provider_id = row.value.provider_id
                if provider_id in done:
                    continue
                if provider_id not in habits and await _has_something(stage, owner, provider_id):
                    habits[provider_id] = list(Habit)[len(habits) % len(Habit)]
                habit = habits.get(provider_id)
                if habit and await _followed(stage, owner, provider_id, habit):
                    done.add(provider_id)
        noon += timedelta(days=1)


async def _has_something(stage: Stage, owner: Actor, provider_id: str) -> bool:
    account_id = chart.provider(provider_id, "EUR")
    known = (await stage.market.ledger.positions([account_id])).get(account_id)
    if known is None or known.balances.net <= 0:
        return False  # Most have nothing yet: no need to look at all the rest.
    outlook = await stage.market.paying_out.outlooks.of(provider_id, owner)
    return not outlook.hindered and any(each.goes_out for each in outlook.funds)


async def _followed(stage: Stage, owner: Actor, provider_id: str, habit: Habit) -> bool:
    """Do what the habit says today; whether that was all of it."""
    market = stage.market
    if habit is Habit.DAILY:
        known = await market.payout_plans.find(provider_id)
        request = SetPayoutPlan(cadence=Cadence.DAILY, version=known.version if known else 0)
        return await stage.tried(market.payout_settings.set(provider_id, request, owner)) is not None
    if habit is Habit.RESTS:
        return await stage.tried(market.payout_settings.pause(provider_id, "", owner)) is not None
    if habit is Habit.CALLS_OFF:
        made = await _asked(stage, owner, provider_id, Speed.STANDARD)
        return made is not None and await stage.tried(market.paying_out.cancel(made.payout_id, owner)) is not None
    if habit is Habit.AT_ONCE:
        return await _asked(stage, owner, provider_id, Speed.INSTANT) is not None
    return await _met(stage, owner, provider_id, habit)


async def _met(stage: Stage, owner: Actor, provider_id: str, habit: Habit) -> bool:
    """What befalls a payout on its way, or after it was paid; it is asked for before."""
    expected = PayoutStatus.IN_TRANSIT if habit is Habit.REFUSED else PayoutStatus.PAID
    page = await stage.market.paying_out.payouts(provider_id, owner)
    found = next((each for each in page.values if each.status is expected and each.rail_id), None)
    if found is None:
        if not any(each.is_open for each in page.values):
            await _asked(stage, owner, provider_id, Speed.STANDARD)
        return False
    if habit is not Habit.OWES:
        await stage.desk.send_back(found.rail_id)
        return True
    return await _given_back(stage, provider_id)


async def _given_back(stage: Stage, provider_id: str) -> bool:
    """A customer has all of their money back after the provider was paid out: the provider owes it."""
    market, operator = stage.market, stage.cast.operator
    bookings, _ = await market.bookings.in_status(BookingStatus.COMPLETED, operator, limit=100)
    booking = next((each for each in bookings if each.offer.provider_id == provider_id and each.refund is None), None)
    if booking is None:
        return False
    chance = random.Random(booking.booking_id).randbytes(ids.RANDOM_BYTES)  # noqa: S311 — no secret
    request = GiveBack(
        refund_id=ids.make("rfd", stage.now, chance),
        booking_id=booking.booking_id,
        amount=booking.lines.total,
        reason="Not what was agreed, as the pictures show.",
    )
    return await stage.tried(market.refunding.give_back(request, operator)) is not None


async def _asked(stage: Stage, owner: Actor, provider_id: str, speed: Speed) -> Payout | None:
    """Ask for all there is; None when there is nothing yet, or something hinders it."""
    outlook = await stage.market.paying_out.outlooks.of(provider_id, owner)
    funds = next((each for each in outlook.funds if each.goes_out), None)
    if funds is None or outlook.hindered:
        return None
    chance = random.Random(f"{provider_id}:{stage.now:%Y-%m-%d}").randbytes(ids.RANDOM_BYTES)  # noqa: S311 — no secret
    request = AskPayout(
        payout_id=PayoutId(ids.make("pyt", stage.now, chance)),
        provider_id=provider_id,
        amount=funds.available,
        speed=speed,
    )
    return await stage.tried(stage.market.paying_out.ask(request, owner))


async def looked_after(stage: Stage, day: int, chance: random.Random) -> None:
    """The operator's part of a morning: now and then our own money to our bank."""
    market, operator, at = stage.market, stage.cast.operator, stage.now
    if day % WITHDRAWN_EVERY == WITHDRAWN_EVERY - 1:
        balance = await stage.tried(market.withdrawing.balance(operator))
        euros = balance.of("EUR").available // 5 if balance else 0
        if euros > 0:
            made_id = ids.make("wdr", at, chance.randbytes(ids.RANDOM_BYTES))
            await stage.tried(
                market.withdrawing.withdraw(Withdraw(withdrawal_id=made_id, amount=Money(euros, "EUR")), operator)
            )
