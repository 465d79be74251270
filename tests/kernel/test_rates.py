"""Rates: the lines of a price add up, and so do any refunds of it, in every currency and at every rate."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.kernel.money import BPS, Money, zero
from ecosystem.kernel.rates import ExceedsCharge, Lines, Rates, quote, refund, remaining
from ecosystem.kernel.refusals import Invalid

BASE_MAX = 10**14
rates = st.builds(Rates, provider_share_bps=st.integers(0, BPS), surcharge_bps=st.integers(0, BPS))
bases = st.builds(Money, st.integers(0, BASE_MAX), st.sampled_from(["EUR", "JPY", "KWD"]))


@dataclass(frozen=True)
class Charge:
    lines: Lines
    rates: Rates


@st.composite
def charges(draw: st.DrawFn) -> Charge:
    under = draw(rates)
    return Charge(quote(draw(bases), under, guest=draw(st.booleans())), under)


@given(bases, rates, st.booleans())
def test_the_lines_of_a_price_add_up(base: Money, under: Rates, guest: bool) -> None:
    lines = quote(base, under, guest=guest)

    assert lines.provider_share + lines.commission == lines.base == base
    assert lines.total == base + lines.surcharge
    assert guest or not lines.surcharge


@given(charges(), st.lists(st.integers(0, BPS), max_size=6))
def test_refunds_and_what_remains_add_up_to_the_charge(charge: Charge, parts: list[int]) -> None:
    given_back = [zero(charge.lines.currency)] * 4
    refunded = zero(charge.lines.currency)
    for bps in parts:
        amount = (charge.lines.total - refunded).share(bps)
        of = refund(charge.lines, charge.rates, refunded=refunded, amount=amount)
        assert of.total == amount
        assert of.provider_share + of.commission == of.base
        refunded += amount
        shares = (of.base, of.surcharge, of.provider_share, of.commission)
        given_back = [sum_ + share for sum_, share in zip(given_back, shares, strict=True)]

    rest = remaining(charge.lines, charge.rates, refunded)
    left = (rest.base, rest.surcharge, rest.provider_share, rest.commission)
    whole = (charge.lines.base, charge.lines.surcharge, charge.lines.provider_share, charge.lines.commission)
    assert tuple(sum_ + share for sum_, share in zip(given_back, left, strict=True)) == whole


@given(charges())
def test_a_full_refund_leaves_nothing_to_anyone(charge: Charge) -> None:
    rest = remaining(charge.lines, charge.rates, charge.lines.total)

    assert not any((rest.base, rest.surcharge, rest.provider_share, rest.commission))


@given(charges(), st.integers(1, BASE_MAX))
def test_refunds_together_cannot_exceed_the_charge(charge: Charge, more: int) -> None:
    with pytest.raises(ExceedsCharge):
        refund(charge.lines, charge.rates, refunded=charge.lines.total, amount=Money(more, charge.lines.currency))


def test_of_a_hundred_the_provider_has_ninety_and_a_guest_pays_ten_more() -> None:
    lines = quote(Money(100_00, "EUR"), Rates(), guest=True)

    assert (lines.provider_share.minor, lines.commission.minor, lines.surcharge.minor) == (90_00, 10_00, 10_00)
    assert lines.total == Money(110_00, "EUR")


@pytest.mark.parametrize(("minor", "code", "share"), [(5, "EUR", 5), (15, "JPY", 14), (1005, "KWD", 905)])
def test_the_providers_half_unit_is_rounded_up(minor: int, code: str, share: int) -> None:
    lines = quote(Money(minor, code), Rates(), guest=False)

    assert lines.provider_share.minor == share


def test_half_of_a_guests_payment_comes_half_from_the_surcharge() -> None:
    lines = quote(Money(99_99, "EUR"), Rates(), guest=True)

    half = refund(lines, Rates(), refunded=zero("EUR"), amount=lines.total.share(5000))

    assert (lines.total.minor, half.total.minor) == (109_99, 55_00)
    assert (half.base.minor, half.surcharge.minor) == (50_00, 5_00)


@pytest.mark.parametrize("field", ["provider_share_bps", "surcharge_bps"])
@pytest.mark.parametrize("bps", [-1, BPS + 1])
def test_a_rate_outside_the_whole_is_refused_by_name(field: str, bps: int) -> None:
    with pytest.raises(Invalid) as refused:
        Rates(**{field: bps})

    assert refused.value.field == field
