"""Rates of a marketplace, and the lines of a price they make: parts that always add up to the whole.

Everything follows from three numbers: what was charged, what was given back of it, and the rates. Each part of a refund
is the difference of two such states, so that any sequence of refunds, before or after the release, ends where one
refund of the same sum would, and no unit is lost on the way.
"""

from __future__ import annotations

from msgspec import Struct

from ecosystem.kernel.money import BPS, Money, zero
from ecosystem.kernel.refusals import Conflict, Invalid


class ExceedsCharge(Conflict):
    """Refunds would together pass the amount charged."""


class Rates(Struct, frozen=True, kw_only=True):
    """What the provider keeps of the base price, and what a guest pays on top of it, in basis points.

    They are data with versions; a booking keeps the one it was made under.
    """

    version: int = 1
    provider_share_bps: int = 9000
    surcharge_bps: int = 1000

    def __post_init__(self) -> None:
        if not 0 <= self.provider_share_bps <= BPS:
            raise Invalid(f"The provider's share lies between 0 and {BPS} basis points.", field="provider_share_bps")
        if not 0 <= self.surcharge_bps <= BPS:
            raise Invalid(f"The surcharge lies between 0 and {BPS} basis points.", field="surcharge_bps")


class Lines(Struct, frozen=True, kw_only=True):
    """A price, or a part of one given back: base and surcharge are what a customer pays, the base has two owners."""

    base: Money
    surcharge: Money
    provider_share: Money
    commission: Money
    step: int = 1
    """What the total of any part given back is a multiple of, in minor units: see `quote`."""

    @property
    def total(self) -> Money:
        """What the customer pays: base and surcharge."""
        return self.base + self.surcharge

    @property
    def currency(self) -> str:
        return self.base.currency

    def __sub__(self, other: Lines) -> Lines:
        return Lines(
            base=self.base - other.base,
            surcharge=self.surcharge - other.surcharge,
            provider_share=self.provider_share - other.provider_share,
            commission=self.commission - other.commission,
            step=self.step,
        )

    def share(self, bps: int) -> Money:
        """`bps` basis points of the total, rounded half up to the step, and never more than there is."""
        return min(self.total, self.total.share(bps, self.step)) if bps < BPS else self.total


def quote(base: Money, rates: Rates, *, guest: bool, step: int = 1) -> Lines:
    """The lines of a price. The provider's share is rounded half up, the platform has the rest of the base.

    `step` is what cards pay in the currency in whole multiples of, in minor units: the surcharge is rounded half up to
    it, so that what a guest pays can be charged if the base can.
    """
    surcharge = base.share(rates.surcharge_bps, step) if guest else zero(base.currency)
    return _lines(base, surcharge, rates, step)


def remaining(charged: Lines, rates: Rates, refunded: Money) -> Lines:
    """The lines of what is left of a charge after that much of its total was refunded.

    The refund takes from base and surcharge in proportion, rounded half up on the base. Raises `ExceedsCharge`.
    """
    if charged.total < refunded:
        raise ExceedsCharge(f"{refunded.minor} of {charged.total.minor} {refunded.currency} cannot be refunded.")
    of_base = charged.base.proportion(refunded, charged.total)
    return _lines(charged.base - of_base, charged.surcharge - (refunded - of_base), rates, charged.step)


def refund(charged: Lines, rates: Rates, *, refunded: Money, amount: Money) -> Lines:
    """The lines of a refund: what it takes from each part of a charge of which `refunded` was already given back."""
    return remaining(charged, rates, refunded) - remaining(charged, rates, refunded + amount)


def _lines(base: Money, surcharge: Money, rates: Rates, step: int) -> Lines:
    share = base.share(rates.provider_share_bps)
    return Lines(base=base, surcharge=surcharge, provider_share=share, commission=base - share, step=step)
