"""What amounts are worth beside each other: in hundredths of a euro, by a dated table of rates beside this module.

Nothing is paid by these rates. They let a model that learned amounts in one currency see others on the same scale, and
let sums over several currencies mean something. An amount is valued by the table of its own day, never by a later one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from importlib import resources

import msgspec
from msgspec import Struct

from ecosystem.kernel.money import Money, exponent


class RateTable(Struct, frozen=True, kw_only=True):
    """Units of each currency for one euro, from that day on."""

    as_of: date
    source: str
    rates: Mapping[str, float]


class _File(Struct, frozen=True, kw_only=True):
    tables: tuple[RateTable, ...]


def worth(amount: Money, at: datetime, tables: tuple[RateTable, ...] | None = None) -> int | None:
    """What the amount was worth then in hundredths of a euro; None for a currency without a rate.

    Before the first table's day that table holds.
    """
    known = tables or shipped()
    table = next((each for each in reversed(known) if each.as_of <= at.date()), known[0])
    rate = table.rates.get(amount.currency)
    return None if rate is None else round(amount.minor * 100 / (10 ** exponent(amount.currency) * rate))


@lru_cache(maxsize=1)
def shipped() -> tuple[RateTable, ...]:
    """The tables that ship with the product, the oldest first, read once."""
    text = (resources.files("ecosystem.contexts.fraud") / "currencies.toml").read_bytes()
    return tuple(sorted(msgspec.toml.decode(text, type=_File).tables, key=lambda each: each.as_of))
