"""Amounts of different currencies beside each other."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ecosystem.contexts.fraud import RateTable, worth
from ecosystem.kernel.money import Money

AT = datetime(2026, 11, 20, tzinfo=UTC)


def test_what_is_worth_the_same_counts_the_same() -> None:
    dinners = [Money(5_000, "EUR"), Money(5_200, "USD"), Money(8_150, "JPY"), Money(165_500, "TND")]

    values = [worth(each, AT) for each in dinners]

    for value in values:
        assert value == pytest.approx(5_000, rel=0.1)


def test_an_amount_is_valued_by_the_rates_of_its_day_and_never_by_later_ones() -> None:
    old = RateTable(as_of=date(2020, 1, 1), source="", rates={"TRY": 6.7})
    new = RateTable(as_of=date(2025, 1, 1), source="", rates={"TRY": 36.7})
    lira = Money(36_700, "TRY")

    assert worth(lira, datetime(2024, 12, 31, tzinfo=UTC), (old, new)) == 5_478
    assert worth(lira, AT, (old, new)) == 1_000
    assert worth(lira, datetime(2019, 1, 1, tzinfo=UTC), (old, new)) == 5_478


def test_a_currency_without_a_rate_has_no_worth() -> None:
    assert worth(Money(1_000, "ZWG"), AT) is None
