"""How much of our own money is brought to the bank: what is missing there, and no more than can be spared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.contexts.payouts import BankStanding, Filling, PayoutRules, filling_id, to_fill
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid

UNITS = st.integers(min_value=0, max_value=10**12)


def filling(least: int, left: int) -> Filling:
    return Filling(least=Money(least, "USD"), left=Money(left, "USD"))


def test_nothing_is_brought_there_until_an_operator_says_so() -> None:
    assert PayoutRules().filling is None


def test_both_amounts_are_of_one_currency() -> None:
    with pytest.raises(Invalid):
        Filling(least=Money(1, "USD"), left=Money(1, "EUR"))


@given(
    least=UNITS,
    left=UNITS,
    at_bank=st.integers(min_value=-(10**12), max_value=10**12),
    coming=UNITS,
    at_processor=st.integers(min_value=-(10**12), max_value=10**12),
    wanted=UNITS,
    step=st.sampled_from([1, 100]),
)
def test_what_is_missing_comes_and_what_is_to_stay_stays(
    least: int, left: int, at_bank: int, coming: int, at_processor: int, wanted: int, step: int
) -> None:
    standing = BankStanding(at_bank=at_bank, coming=coming, at_processor=at_processor, wanted=wanted)

    amount = to_fill(filling(least, left), standing, step=step).minor

    after = at_bank + coming + amount
    assert amount % step == 0
    assert amount == 0 or at_processor - amount >= left
    assert amount == 0 or after - (least + wanted) < step
    assert after >= least + wanted or at_processor - amount - left < step


def test_there_is_one_withdrawal_a_day() -> None:
    morning = datetime(2026, 11, 20, 8, tzinfo=UTC)

    ids = [filling_id("USD", morning + timedelta(hours=hours)) for hours in (0, 15, 16)]

    assert ids[0] == ids[1] != ids[2]
    assert filling_id("EUR", morning) != ids[0]
