"""What numbers of bank accounts are taken, and how each is written one way only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.contexts.bank_accounts import Numbers
from ecosystem.contexts.bank_accounts.numbers import account_number, holder_name, routing_number
from ecosystem.kernel.refusals import Invalid


@pytest.mark.parametrize("typed", ["021000021", "0210 0002 1", "021-000-021", " 021000021 "])
def test_a_routing_number_is_nine_digits_however_it_is_typed(typed: str) -> None:
    assert routing_number(typed) == "021000021"


@pytest.mark.parametrize(
    "typed",
    ["", "02100002", "0210000210", "021000022", "O21000021", "٠٢١٠٠٠٠٢١", "000000000", "800000003", "990000002"],
)
def test_what_no_bank_has_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        routing_number(typed)

    assert refused.value.field == "routing_number"


@given(at=st.integers(0, 8), by=st.integers(1, 9))
def test_one_digit_mistyped_is_always_noticed(at: int, by: int) -> None:
    digits = "121000248"
    mistyped = digits[:at] + str((int(digits[at]) + by) % 10) + digits[at + 1 :]

    with pytest.raises(Invalid):
        routing_number(mistyped)


@given(at=st.integers(0, 7))
def test_two_neighbours_swapped_are_noticed_unless_they_differ_by_five(at: int) -> None:
    digits = "124303120"
    swapped = digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]

    if swapped == digits or abs(int(digits[at]) - int(digits[at + 1])) == 5:
        return
    with pytest.raises(Invalid):
        routing_number(swapped)


@pytest.mark.parametrize(
    ("typed", "number"), [("1234", "1234"), ("00-1234 56", "00123456"), ("ab12", "AB12"), ("1" * 17, "1" * 17)]
)
def test_an_account_number_loses_its_spaces(typed: str, number: str) -> None:
    assert account_number(typed) == number


@pytest.mark.parametrize("typed", ["", "123", "1" * 18, "12 3", "0000", "12_34", "\uff11\uff12\uff13\uff14"])
def test_what_is_no_account_number_is_refused(typed: str) -> None:
    with pytest.raises(Invalid):
        account_number(typed)


@pytest.mark.parametrize("typed", ["", "   ", "x" * 23, "Zoë", "a\nb\x00"])
def test_a_holder_is_named_as_entries_can(typed: str) -> None:
    with pytest.raises(Invalid):
        holder_name(typed)


def test_numbers_show_nothing_when_they_are_printed() -> None:
    numbers = Numbers(routing_number="021000021", account_number="123456789", holder="Paula Provider")

    assert "123456789" not in f"{numbers} {numbers!r}"
    assert "Paula" not in f"{numbers!r}"
