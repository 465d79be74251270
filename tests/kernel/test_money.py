"""Money: it adds up in every currency, and reads back as a person wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.kernel.money import (
    BPS,
    MINOR_MAX,
    CurrencyMismatch,
    Money,
    UnknownCurrency,
    currencies,
    decimal_text,
    exponent,
    parse_decimal,
    round_half_up,
    zero,
)
from ecosystem.kernel.refusals import Invalid

currency = st.sampled_from(sorted(currencies()))
minors = st.integers(0, MINOR_MAX)


@given(minors, st.integers(0, BPS), currency)
def test_a_share_and_the_rest_are_the_whole(minor: int, bps: int, code: str) -> None:
    whole = Money(minor, code)

    share = whole.share(bps)

    assert share + (whole - share) == whole
    assert zero(code) <= share <= whole


@given(minors, st.integers(0, BPS))
def test_a_share_is_off_by_half_a_unit_at_most_and_halves_go_up(minor: int, bps: int) -> None:
    share = Money(minor, "EUR").share(bps).minor

    # Doubled, to stay whole: a half that was rounded up is off by -BPS, one rounded down would be by BPS.
    assert -BPS <= 2 * (minor * bps - share * BPS) < BPS


@given(st.integers(0, 10**30), st.integers(1, 10**15))
def test_rounding_goes_to_the_nearest_whole(numerator: int, denominator: int) -> None:
    rounded = round_half_up(numerator, denominator)

    assert 2 * abs(numerator - rounded * denominator) <= denominator


@given(minors, currency)
def test_what_is_written_as_a_decimal_reads_back_the_same(minor: int, code: str) -> None:
    money = Money(minor, code)

    assert parse_decimal(decimal_text(money), code) == money


@given(minors, minors, minors)
def test_a_proportion_never_passes_the_amount(minor: int, part: int, rest: int) -> None:
    whole = Money(min(part + rest, MINOR_MAX), "KWD")
    share = Money(minor, "KWD").proportion(Money(min(part, whole.minor), "KWD"), whole)

    assert share <= Money(minor, "KWD")


@pytest.mark.parametrize(("code", "places"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("XCG", 2)])
def test_the_minor_unit_is_that_of_iso_4217(code: str, places: int) -> None:
    assert exponent(code) == places
    assert decimal_text(Money(1250, code)) == {0: "1250", 2: "12.50", 3: "1.250"}[places]


@pytest.mark.parametrize("text", ["", ".", "1,5", "-1", "1e3", "\uff11\uff12", "12.345", "9" * 14, " 1 2 "])
def test_what_is_no_amount_is_refused_by_field(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_decimal(text, "EUR")

    assert refused.value.field == "amount"


def test_two_currencies_do_not_add_up() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(CurrencyMismatch):
        Money(1, "EUR").proportion(Money(1, "USD"), Money(2, "EUR"))


@pytest.mark.parametrize(("minor", "code"), [(-1, "EUR"), (MINOR_MAX + 1, "EUR")])
def test_money_is_never_negative_nor_boundless(minor: int, code: str) -> None:
    with pytest.raises(Invalid):
        Money(minor, code)


def test_a_currency_that_is_none_is_refused() -> None:
    with pytest.raises(UnknownCurrency):
        Money(1, "EURO")
