"""The operator's rounds: each morning a look at what failed and what waits, and now and then something given back."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from ecosystem.commands.demonstration import cheats, odds, paydays
from ecosystem.commands.demonstration.disputes import part
from ecosystem.commands.demonstration.stage import Stage
from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.payments import Follow, FollowRefund
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel import ids

MORNING = timedelta(hours=9, minutes=7)
_NOTES = {
    Follow.TRIED_AGAIN: "",
    Follow.PAID_ELSEWHERE: "Paid to the account that the customer named.",
    Follow.CLOSED: "The customer has had a voucher instead.",
}


async def rounds(stage: Stage, seed: int, first: datetime, until: datetime) -> None:
    """Every morning from the first day on. The last one is left to whoever looks at the demo."""
    morning, day = first + MORNING, 0
    while morning < until - timedelta(days=1):
        if morning > stage.now:
            await stage.agenda.until(morning)
            chance = random.Random(f"{seed}:office:{morning:%Y-%m-%d}")  # noqa: S311 — the same each time
            await cheats.look(stage)
            await _round(stage, chance)
            await paydays.looked_after(stage, day, chance)
        morning, day = morning + timedelta(days=1), day + 1


async def _round(stage: Stage, chance: random.Random) -> None:
    operator, at = stage.cast.operator, stage.now
    for owed in await stage.market.failed_refunds.waiting(operator):
        how = chance.choice(tuple(Follow))
        request = FollowRefund(
            refund_id=owed.refund.refund_id,
            booking_id=owed.refund.booking_id,
            how=how,
            by_refund_id="" if how is Follow.CLOSED else ids.make("rfd", at, chance.randbytes(ids.RANDOM_BYTES)),
            note=_NOTES[how],
        )
        await stage.tried(stage.market.failed_refunds.follow(request, operator))
    if chance.random() < odds.GOODWILL:
        done, _ = await stage.market.bookings.in_status(BookingStatus.COMPLETED, operator, limit=20)
        bookings = [each for each in done if each.refund is None]
        if bookings:
            booking = chance.choice(bookings)
            request = GiveBack(
                refund_id=ids.make("rfd", at, chance.randbytes(ids.RANDOM_BYTES)),
                booking_id=booking.booking_id,
                amount=part(booking.lines.total, 0.2),
                reason="For the wait at the door.",
            )
            await stage.tried(stage.market.refunding.give_back(request, operator))
