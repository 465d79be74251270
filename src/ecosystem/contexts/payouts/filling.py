"""Filling our bank account from the card processor, so that payouts in files find money there.

What cards bring in lies at the processor; payouts in files leave from the bank. An operator says how much is to be at
the bank besides what payouts wait for, and how much is to stay at the processor, where the other payouts leave from.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from hashlib import sha256

from msgspec import Struct

from ecosystem.contexts.payouts.withdrawals import WITHDRAWAL_PREFIX
from ecosystem.kernel import ids
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.refusals import Invalid


class Filling(Struct, frozen=True, kw_only=True):
    """`least` is to be at our bank besides what payouts wait for; `left` is never taken from the processor."""

    least: Money
    left: Money

    def __post_init__(self) -> None:
        if self.least.currency != self.left.currency:
            raise Invalid("Both amounts are of one currency.", field="left")

    @property
    def currency(self) -> str:
        return self.least.currency


class BankStanding(Struct, frozen=True, kw_only=True):
    """Where our own money is, in minor units: at the bank, on its way there, free at the processor; what payouts want.

    `at_bank` is less what clearing takes of it; it may be below nothing.
    """

    at_bank: int
    coming: int
    at_processor: int
    wanted: int


def to_fill(filling: Filling, standing: BankStanding, *, step: int = 1) -> Money:
    """How much is to be brought to the bank now, in whole steps of minor units: nothing while there is enough.

    Where the processor has less than is missing, what it can spare.
    """
    missing = filling.least.minor + standing.wanted - standing.at_bank - standing.coming
    spare = standing.at_processor - filling.left.minor
    if missing <= 0 or spare < step:
        return zero(filling.currency)
    rounded_up = -(-missing // step) * step
    return Money(min(rounded_up, spare // step * step), filling.currency)


def short_by(standing: BankStanding, coming: Money) -> Money:
    """How much payouts will lack at the bank although `coming` is brought there too: nothing where there is enough."""
    lacking = standing.wanted - standing.at_bank - standing.coming - coming.minor
    return Money(max(0, lacking), coming.currency)


def filling_id(currency: str, at: datetime) -> str:
    """The id of the withdrawal that fills the bank account on that day (UTC): there is one a day at most."""
    day = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
    return ids.make(
        WITHDRAWAL_PREFIX, day, sha256(f"fill the bank account:{currency}".encode()).digest()[: ids.RANDOM_BYTES]
    )
