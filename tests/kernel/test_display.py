from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.kernel.display import at_text, length_text, money_text, span_text, zone_text
from ecosystem.kernel.money import MINOR_MAX, Money, currencies, exponent
from ecosystem.kernel.time import Span

NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(3200, "EUR"), "€32.00"),
        (Money(1250, "JPY"), "¥1,250"),
        (Money(1250, "KWD"), "KWD\u00a01.250"),
        (Money(0, "USD"), "$0.00"),
        (Money(123456789, "GBP"), "£1,234,567.89"),
        (Money(5, "CHF"), "CHF\u00a00.05"),
    ],
)
def test_money_is_written_as_its_currency_is(money: Money, text: str) -> None:
    assert money_text(money) == text


@given(st.integers(0, MINOR_MAX), st.sampled_from(sorted(currencies())))
def test_no_digit_of_an_amount_is_lost_in_writing(minor: int, currency: str) -> None:
    written = money_text(Money(minor, currency))

    digits = "".join(sign for sign in written if sign.isdigit())
    assert int(digits) == minor
    assert ("." in written) is (exponent(currency) > 0)


def test_a_span_is_told_on_the_clock_of_the_zone_which_is_named() -> None:
    span = Span(datetime(2026, 11, 26, 16, 10, tzinfo=UTC), datetime(2026, 11, 26, 17, 10, tzinfo=UTC))

    assert span_text(span, "Europe/Lisbon", seen_at=NOVEMBER) == "Thursday 26 November, 16:10 to 17:10 (Lisbon time)"
    assert span_text(span, "Asia/Kolkata", seen_at=NOVEMBER) == "Thursday 26 November, 21:40 to 22:40 (Kolkata time)"


def test_a_span_over_midnight_names_both_days_and_another_year_is_named() -> None:
    span = Span(datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2027, 1, 1, 1, tzinfo=UTC))

    assert (
        span_text(span, "UTC", seen_at=NOVEMBER) == "Thursday 31 December, 23:00 to Friday 1 January 2027, 01:00 (UTC)"
    )


def test_the_hour_that_comes_twice_says_which_one_it_is() -> None:
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)

    assert at_text(first, "America/New_York", seen_at=NOVEMBER) == "Sunday 1 November, 01:30 UTC-4 (New York time)"
    assert (
        at_text(first + timedelta(hours=1), "America/New_York", seen_at=NOVEMBER)
        == "Sunday 1 November, 01:30 UTC-5 (New York time)"
    )
    assert (
        at_text(first + timedelta(hours=2), "America/New_York", seen_at=NOVEMBER)
        == "Sunday 1 November, 02:30 (New York time)"
    )
    half_an_hour = datetime(2026, 4, 4, 15, 15, tzinfo=UTC)
    assert "UTC+10:30" in at_text(half_an_hour, "Australia/Lord_Howe")


def test_zones_are_named_by_their_place() -> None:
    assert zone_text("America/Argentina/Buenos_Aires") == "Buenos Aires time"
    assert zone_text("UTC") == "UTC"
    assert zone_text("Etc/UTC") == "UTC"


def test_lengths_are_told_in_the_largest_units() -> None:
    assert length_text(timedelta(minutes=45)) == "45 minutes"
    assert length_text(timedelta(hours=1, minutes=30)) == "1 hour 30 minutes"
    assert length_text(timedelta(days=1)) == "1 day"
    assert length_text(timedelta(seconds=20)) == "less than a minute"
