"""What cancelling gives back and until when: a policy's rules, worked out for one booking with dates and amounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from ecosystem.contexts.booking import Booking, Policy, Side, refund_of, refund_share
from ecosystem.kernel.money import BPS, Money
from ecosystem.kernel.rates import Lines, Rates

_TICK = timedelta(microseconds=1)


class Stage(Struct, frozen=True, kw_only=True):
    """What is given back until an instant, which is included; until the start, which is not, in the last one."""

    until: datetime
    share_bps: int
    amount: Money

    @property
    def is_all(self) -> bool:
        return self.share_bps == BPS

    @property
    def percent(self) -> str:
        return f"{self.share_bps / 100:g}"


class Deal(Struct, frozen=True, kw_only=True):
    """What the stages depend on. `cap_bps` is the most that is left after moves."""

    policy: Policy
    rates: Rates
    lines: Lines
    start_at: datetime
    booked_at: datetime
    cap_bps: int = BPS


def deal_of(booking: Booking) -> Deal:
    return Deal(
        policy=booking.policy,
        rates=booking.rates,
        lines=booking.lines,
        start_at=booking.start_at,
        booked_at=booking.booked_at or booking.placed_at,
        cap_bps=booking.refund_cap_bps,
    )


def stages(deal: Deal, at: datetime) -> Sequence[Stage]:
    """From now to the start, in order; neighbours that give the same are one. None once it has begun.

    Each tier holds up to an instant, so between two of these instants nothing changes: looking at the later one tells.
    """
    turns = {deal.start_at}
    for tier in deal.policy.tiers:
        turns.add(deal.start_at - timedelta(minutes=tier.before_min))
        if tier.within_min is not None:
            turns.add(deal.booked_at + timedelta(minutes=tier.within_min))
    found: list[Stage] = []
    for turn in sorted(turn for turn in turns if at <= turn <= deal.start_at and at < deal.start_at):
        share_bps = refund_share(
            deal.policy,
            start_at=deal.start_at,
            booked_at=deal.booked_at,
            at=min(turn, deal.start_at - _TICK),
            by=Side.CUSTOMER,
        )
        share_bps = min(share_bps, deal.cap_bps)
        amount = refund_of(deal.lines, deal.rates, share_bps).amount
        if found and found[-1].share_bps == share_bps:
            found.pop()
        found.append(Stage(until=turn, share_bps=share_bps, amount=amount))
    return found
