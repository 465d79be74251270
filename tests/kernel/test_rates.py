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
STEPS = {"EUR": 1, "JPY": 1, "ISK": 1, "UGX": 1, "HUF": 1, "TWD": 1, "KWD": 10, "BHD": 10, "JOD": 10, "MGA": 100}
"""What cards pay in each currency in whole multiples of, in minor units."""
bases = st.builds(Money, st.integers(0, BASE_MAX), st.sampled_from(sorted(STEPS)))


@dataclass(frozen=True)
class Charge:
    lines: Lines
    rates: Rates


@st.composite
def charges(draw: st.DrawFn) -> Charge:
    under = draw(rates)
    base = draw(bases)
    return Charge(quote(base, under, guest=draw(st.booleans()), step=STEPS[base.currency]), under)


@st.composite
def payable(draw: st.DrawFn) -> Charge:
    """A charge whose base price a card can pay."""
    under, base = draw(rates), draw(bases)
    step = STEPS[base.currency]
    whole = Money(base.minor // step * step, base.currency)
    return Charge(quote(whole, under, guest=draw(st.booleans()), step=step), under)


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


@given(payable(), st.lists(st.integers(0, BPS), max_size=6))
def test_what_a_card_pays_and_is_given_back_falls_on_its_step(charge: Charge, parts: list[int]) -> None:
    lines, step = charge.lines, STEPS[charge.lines.currency]
    assert lines.total.minor % step == 0

    refunded = zero(lines.currency)
    for bps in parts:
        left = remaining(lines, charge.rates, refunded)
        amount = left.share(bps)
        assert amount.minor % step == 0
        assert amount <= left.total
        refunded += amount

    assert remaining(lines, charge.rates, refunded).share(BPS) == lines.total - refunded


@given(charges(), st.integers(0, BPS))
def test_a_share_lies_within_half_a_step_of_the_exact_one(charge: Charge, bps: int) -> None:
    total, step = charge.lines.total, STEPS[charge.lines.currency]

    given_back = charge.lines.share(bps)

    assert given_back <= total
    assert abs(given_back.minor * BPS - total.minor * bps) * 2 <= step * BPS


@pytest.mark.parametrize(
    ("base", "step", "surcharge", "half"),
    [
        (Money(12_340, "KWD"), 10, 1_230, 6_790),  # 1.234 is nearer to 1.230, and 6.785 lies between: up
        (Money(12_350, "BHD"), 10, 1_240, 6_800),  # 1.235 lies between: up
        (Money(10_050, "JOD"), 10, 1_010, 5_530),
        (Money(1_255, "JPY"), 1, 126, 691),
        (Money(99_99, "EUR"), 1, 10_00, 55_00),
        (Money(12_500_00, "MGA"), 100, 1_250_00, 6_875_00),
    ],
)
def test_a_surcharge_and_a_half_are_rounded_half_up_to_the_step(
    base: Money, step: int, surcharge: int, half: int
) -> None:
    lines = quote(base, Rates(), guest=True, step=step)

    assert (lines.surcharge.minor, lines.share(5000).minor) == (surcharge, half)
