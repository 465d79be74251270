"""What of a balance can be paid out: the rest is kept back for a while from providers who are new.

Refunds and chargebacks come within days of the service. Of what was released to a new provider in the last `days` days,
`share_bps` basis points stay on the balance; each release's part is free that long after it. All of it for three days
is a delay, a tenth of it for ninety a rolling reserve.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from ecosystem.kernel.money import BPS, Money, zero
from ecosystem.kernel.refusals import Invalid

DAYS_MAX = 365


class Reserve(Struct, frozen=True, kw_only=True):
    """How much of what was released in the last `days` days is kept back, in basis points."""

    share_bps: int
    days: int

    def __post_init__(self) -> None:
        if not 0 <= self.share_bps <= BPS:
            raise Invalid(f"What is kept back lies between 0 and {BPS} basis points.", field="share_bps")
        if not 0 <= self.days <= DAYS_MAX:
            raise Invalid(f"A reserve lasts at most {DAYS_MAX} days.", field="days")

    def since(self, at: datetime) -> datetime:
        """What was released before that instant is free."""
        return at - timedelta(days=self.days)


NOTHING_KEPT = Reserve(share_bps=0, days=0)


class Released(Struct, frozen=True, kw_only=True):
    """A share that was released to the provider."""

    amount: Money
    at: datetime


class Disposable(Struct, frozen=True, kw_only=True):
    """A balance as its owner may use it. `units` may be below nothing; `kept` and `available` together never pass it.

    `free_at` is when the next part of what is kept becomes free.
    """

    units: int
    kept: Money
    available: Money
    free_at: datetime | None = None


def disposable(
    units: int, releases: Sequence[Released], reserve: Reserve, currency: str, at: datetime, *, step: int = 1
) -> Disposable:
    """What can be paid out of a balance of so many minor units, in whole steps; the rest of a step stays there.

    Releases before `reserve.since(at)` do not count.
    """
    since = reserve.since(at)
    counted = [each for each in releases if each.at > since] if reserve.share_bps else []
    there = Money(max(0, units), currency)
    kept = zero(currency)
    for each in counted:
        kept += each.amount.share(reserve.share_bps)
    kept = min(kept, there)
    oldest = min((each.at for each in counted), default=None)
    return Disposable(
        units=units,
        kept=kept,
        available=Money((there - kept).minor // step * step, currency),
        free_at=oldest + timedelta(days=reserve.days) if oldest and kept else None,
    )
