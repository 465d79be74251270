"""A month as its costs are asked for: how much, in how many transactions, with how many payouts."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Final

from msgspec import Meta, Struct

from ecosystem.contexts.rails.tables import RateTable, exact
from ecosystem.kernel.money import BPS, Money, exponent
from ecosystem.kernel.refusals import Invalid

COUNT_MAX: Final = 10**9
VOLUME_MAX: Final = 10**12
"""In whole units of the currency."""

Count = Annotated[int, Meta(ge=0, le=COUNT_MAX)]


class MonthAsked(Struct, frozen=True, kw_only=True):
    """A month: the volume in whole units of the table's currency, and how it comes about.

    `entries` (of the Automated Clearing House) and `accounts` (paid out to in the month) follow from the rest by the
    table's own proportions unless they are given. `paid_out_bps` is what providers get of the volume. `own_costs` is
    what native rails cost besides, by one's own reckoning: a bank's minimum, somebody's hours.
    """

    volume: Annotated[int, Meta(ge=0, le=VOLUME_MAX)] = 100_000
    transactions: Annotated[int, Meta(ge=1, le=COUNT_MAX)] = 500
    payouts: Count = 1_000
    entries: Count | None = None
    accounts: Count | None = None
    paid_out_bps: Annotated[int, Meta(ge=0, le=BPS)] = 9_000
    own_costs: Annotated[int, Meta(ge=0, le=VOLUME_MAX)] = 0

    def __post_init__(self) -> None:
        for name, most in (("volume", VOLUME_MAX), ("own_costs", VOLUME_MAX), ("payouts", COUNT_MAX)):
            if not 0 <= getattr(self, name) <= most:
                raise Invalid(f"A whole number from 0 to {most}.", field=name)
        if not 1 <= self.transactions <= COUNT_MAX:
            raise Invalid(f"A whole number from 1 to {COUNT_MAX}.", field="transactions")
        if not 0 <= self.paid_out_bps <= BPS:
            raise Invalid(f"Between 0 and {BPS} basis points.", field="paid_out_bps")
        for name in ("entries", "accounts"):
            if (given := getattr(self, name)) is not None and not 0 <= given <= COUNT_MAX:
                raise Invalid(f"A whole number from 0 to {COUNT_MAX}.", field=name)


class Month(Struct, frozen=True, kw_only=True):
    """A month's figures, exact, by the names a rate may be charged on. Amounts count in whole units of the currency."""

    figures: dict[str, Fraction]
    transactions: Fraction
    payouts: Fraction

    @classmethod
    def of(cls, asked: MonthAsked, table: RateTable) -> Month:
        """The month with what the table supposes for what was not given."""
        transactions, payouts = Fraction(asked.transactions), Fraction(asked.payouts)
        entries = (
            transactions * exact(table.entries_per_transaction) + payouts * exact(table.entries_per_payout)
            if asked.entries is None
            else Fraction(asked.entries)
        )
        accounts = payouts * exact(table.accounts_per_payout) if asked.accounts is None else Fraction(asked.accounts)
        return cls(
            transactions=transactions,
            payouts=payouts,
            figures={
                "volume": Fraction(asked.volume),
                "transactions": transactions,
                "payouts": payouts,
                "paid_out": Fraction(asked.volume * asked.paid_out_bps, BPS),
                "entries": entries,
                "accounts": accounts,
                "own_costs": Fraction(asked.own_costs),
            },
        )

    def scaled(self, by: Fraction) -> Month:
        """The same mix at another size: everything that grows with sales grows in proportion, own costs stand."""
        figures = {name: figure if name == "own_costs" else figure * by for name, figure in self.figures.items()}
        return Month(figures=figures, transactions=self.transactions * by, payouts=self.payouts * by)


def minor(amount: Fraction, currency: str) -> Money:
    """An exact amount of whole units, rounded half up to the minor unit."""
    units = amount * 10 ** exponent(currency)
    return Money((2 * units.numerator + units.denominator) // (2 * units.denominator), currency)
