"""Rate tables: what rails charge for what, each rate with its source and date. They are files beside this module."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from importlib import resources
from typing import Final

import msgspec
from msgspec import Struct

NAMES: Final = ("reference", "public")
"""The tables that ship, in the order in which they are shown."""

MONTHLY: Final = frozenset({"volume", "transactions", "payouts", "paid_out", "entries", "accounts", "own_costs"})
"""What a month itself says; a component may be charged on it. Amounts count in whole units of the currency."""


class Source(Struct, frozen=True, kw_only=True):
    """Where rates were read: by whom they are published, and of which day they are.

    `seen` says what was looked at, where that was not the publisher's own page of that day.
    """

    name: str
    url: str
    as_of: date
    seen: str = ""


class Usage(Struct, frozen=True, kw_only=True):
    """How much of a service a month uses: a part every month, and a part for each transaction and payout."""

    unit: str
    base: Decimal = Decimal(0)
    per_transaction: Decimal = Decimal(0)
    per_payout: Decimal = Decimal(0)


class Component(Struct, frozen=True, kw_only=True):
    """One rate: `rate` for each `per` of what is used beyond what is `included`, and of no more than `up_to`.

    `of` names a usage of the table or a figure of the month; without it, it is once a month. With `each_max`, a rate on
    the volume is at most that for each transaction. `line` is where it is shown; several may add up in one.
    """

    line: str
    title: str
    rate: Decimal
    source: str
    of: str = ""
    per: Decimal = Decimal(1)
    included: Decimal = Decimal(0)
    up_to: Decimal | None = None
    each_max: Decimal | None = None


class Rail(Struct, frozen=True, kw_only=True):
    """A way for money. What the platform's services cost is part of every rail: in a line each, or in one of this title."""

    name: str
    title: str
    words: str
    components: tuple[Component, ...]
    services_as: str = ""


class RateTable(Struct, frozen=True, kw_only=True):
    """Rates of one time, and what a month uses by default.

    Per transaction and payout: entries of the Automated Clearing House; per payout: accounts paid out to in the month.
    """

    name: str
    title: str
    words: str
    currency: str
    as_of: date
    entries_per_transaction: Decimal
    entries_per_payout: Decimal
    accounts_per_payout: Decimal
    sources: Mapping[str, Source]
    usage: Mapping[str, Usage]
    lines: Mapping[str, str]
    services: tuple[Component, ...]
    rails: tuple[Rail, ...]

    def __post_init__(self) -> None:
        for component in (*self.services, *(each for rail in self.rails for each in rail.components)):
            where = f"{self.name}: {component.title}"
            assert component.source in self.sources, f"{where}: no source {component.source}"
            assert component.line in self.lines, f"{where}: no line {component.line}"
            assert not component.of or component.of in self.usage or component.of in MONTHLY, f"{where}: {component.of}"
            assert component.per > 0, where

    def rail(self, name: str) -> Rail:
        return next(rail for rail in self.rails if rail.name == name)


def exact(number: Decimal) -> Fraction:
    return Fraction(number)


@lru_cache(maxsize=1)
def tables() -> tuple[RateTable, ...]:
    """The tables that ship with the product, read once."""
    folder = resources.files("ecosystem.contexts.rails") / "rates"
    return tuple(
        msgspec.toml.decode((folder / f"{name}.toml").read_bytes(), type=RateTable, strict=False) for name in NAMES
    )
