"""What the rows of one movement say, and what is said of several that are entangled."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ecosystem.contexts.reconciliation import EXPLAINED, Item, Kind, Movement, Row, Side, matched
from ecosystem.contexts.reconciliation.pairing import near

DAY = date(2026, 11, 2)
LONG_AFTER = date(2026, 12, 20)


def row(side: Side, key: str = "ch_abcdefghijklmn", movement: Movement = Movement.PAYMENT, **other: object) -> Row:
    account = {Side.LEDGER: "processor", Side.PROCESSOR: "processor", Side.BANK: "bank"}[side]
    made = Row(
        side=side, row_id=f"{side}-{key}", key=key, movement=movement, amount=5_000, currency="USD", on=DAY,
        account=account, party="acct 000001",
    )  # fmt: skip
    return replace(made, **other)


OURS, THEIRS = row(Side.LEDGER), row(Side.PROCESSOR)


def found(*rows: Row, as_of: date = LONG_AFTER) -> list[Item]:
    return matched(rows, as_of).differing


def kinds(*rows: Row, as_of: date = LONG_AFTER) -> list[set[Kind]]:
    return [set(item.kinds) for item in found(*rows, as_of=as_of)]


def test_two_sides_that_tell_the_same_agree() -> None:
    result = matched([OURS, THEIRS], LONG_AFTER)

    assert (result.agreed, result.differing, result.on_their_way) == (1, [], [])


def test_what_one_side_has_not_told_yet_is_on_its_way_until_it_is_overdue() -> None:
    soon = matched([OURS], DAY + timedelta(days=2))

    assert [item.key for item in soon.on_their_way] == [OURS.key]
    assert soon.differing == []
    assert kinds(OURS, as_of=DAY + timedelta(days=3)) == [{Kind.MISSING_AT_PROCESSOR}]


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"amount": 5_001}, Kind.AMOUNT),
        ({"amount": -5_000}, Kind.SIGN),
        ({"currency": "EUR"}, Kind.CURRENCY),
        ({"account": "bank"}, Kind.ACCOUNT),
        ({"party": "acct 000002"}, Kind.PARTY),
        ({"movement": Movement.TRANSFER_REVERSED}, Kind.MOVEMENT),
        ({"on": DAY + timedelta(days=9)}, Kind.LATE),
        ({"on": DAY - timedelta(days=9)}, Kind.EARLY),
        ({"key": "ch_abcdefghijklnm"}, Kind.REFERENCE),
        ({"key": ""}, Kind.REFERENCE),
    ],
)
def test_one_field_that_differs_is_named(changed: dict[str, object], kind: Kind) -> None:
    assert kinds(OURS, replace(THEIRS, **changed)) == [{kind}]


def test_two_fields_that_differ_are_both_named() -> None:
    other = replace(THEIRS, amount=4_000, on=DAY + timedelta(days=20), key="ch_abcdefghijklmnx")

    assert kinds(OURS, other) == [{Kind.REFERENCE, Kind.AMOUNT, Kind.LATE}]


@pytest.mark.parametrize(
    ("movement", "kind"),
    [
        (Movement.PAYMENT, Kind.MISSING_IN_LEDGER),
        (Movement.REFUND, Kind.REFUND_UNBOOKED),
        (Movement.CHARGEBACK, Kind.CHARGEBACK_UNBOOKED),
        (Movement.FEE, Kind.FEE_UNBOOKED),
        (Movement.TRANSFER_REVERSED, Kind.FAILURE_UNBOOKED),
    ],
)
def test_what_our_books_do_not_know_is_called_by_what_it_is(movement: Movement, kind: Kind) -> None:
    assert kinds(replace(THEIRS, movement=movement)) == [{kind}]


def test_an_entry_that_was_handed_over_is_settled_late_or_never() -> None:
    given = row(Side.LEDGER, "910000190000001", Movement.ORIGINATED, account="clearing")
    booked = row(Side.LEDGER, "910000190000001", Movement.CREDIT, account="bank")
    shown = row(Side.BANK, "910000190000001", Movement.CREDIT)

    assert kinds(given, booked, shown) == []
    assert kinds(given) == [{Kind.STALE_CLEARING}]
    assert kinds(given, as_of=DAY + timedelta(days=3)) == []
    assert kinds(given, shown) == [{Kind.SETTLEMENT_UNBOOKED}]
    assert kinds(replace(given, on=DAY - timedelta(days=20)), booked, shown) == [{Kind.LATE}]


def test_a_line_too_many_is_a_duplicate_before_and_after_the_sides_agreed() -> None:
    again = replace(THEIRS, row_id="again")

    assert kinds(OURS, THEIRS, again) == [{Kind.DUPLICATE_AT_PROCESSOR}]
    assert kinds(THEIRS, again, OURS) == [{Kind.DUPLICATE_AT_PROCESSOR}]
    assert kinds(OURS, THEIRS, replace(again, amount=1)) == [{Kind.DUPLICATE_AT_PROCESSOR, Kind.AMOUNT}]
    assert kinds(OURS, replace(OURS, row_id="again"), THEIRS) == [{Kind.DUPLICATE_IN_LEDGER}]


def test_parts_that_add_up_are_one_movement_in_parts() -> None:
    parts = [replace(THEIRS, row_id=f"part {at}", amount=amount) for at, amount in enumerate((2_000, 3_000))]

    assert kinds(OURS, *parts) == [{Kind.SPLIT}]


def test_two_movements_under_each_others_reference_are_swapped() -> None:
    other = replace(OURS, key="ch_otherotherother", amount=900, party="acct 000009", row_id="other")
    exchanged = [
        replace(THEIRS, key=other.key),
        replace(THEIRS, key=OURS.key, amount=900, party="acct 000009", row_id="exchanged"),
    ]

    items = found(OURS, other, *exchanged)

    assert [set(item.kinds) for item in items] == [{Kind.SWAPPED}, {Kind.SWAPPED}]
    assert {item.beside for item in items} == {(OURS.key,), (other.key,)}


def test_a_line_that_holds_two_movements_is_merged() -> None:
    one = row(Side.LEDGER, "910000190000001", Movement.DEBIT_RETURNED, account="bank")
    two = replace(one, key="910000190000777", row_id="two", amount=700, party="acct 000777")
    line = row(Side.BANK, "910000190000001", Movement.DEBIT_RETURNED, amount=5_700)

    assert kinds(one, two, line) == [{Kind.MERGED}, {Kind.MERGED}]


def test_our_own_money_is_told_by_all_three() -> None:
    booked = row(Side.LEDGER, "po_abcdefghijklmn", Movement.WITHDRAWAL, account="bank")
    left = row(Side.PROCESSOR, "po_abcdefghijklmn", Movement.WITHDRAWAL, on=DAY - timedelta(days=3))
    arrived = row(Side.BANK, "po_abcdefghijklmn", Movement.WITHDRAWAL)

    assert kinds(booked, left, arrived) == []
    assert kinds(booked, left) == [{Kind.MISSING_AT_BANK}]
    assert kinds(left, arrived) == [{Kind.MISSING_IN_LEDGER}]
    assert kinds(booked, left, replace(arrived, amount=4_999)) == [{Kind.AMOUNT}]


def test_each_kind_is_explained_and_has_something_done_about_it() -> None:
    assert set(EXPLAINED) == set(Kind)
    assert all(explained.repairs and explained.meaning.endswith(".") for explained in EXPLAINED.values())
    assert len({explained.title for explained in EXPLAINED.values()}) == len(Kind)


@given(st.text("abc0123456789", min_size=10, max_size=24), st.data())
def test_a_reference_is_near_whatever_one_slip_makes_of_it(reference: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(reference) - 1))
    slips = (
        reference[:at] + reference[at + 1 :],
        reference[:at] + "z" + reference[at:],
        reference[:at] + "z" + reference[at + 1 :],
    )

    assert all(near(reference, slip) and near(slip, reference) for slip in slips)


@given(st.permutations([OURS, THEIRS, replace(THEIRS, row_id="again")]))
def test_the_order_of_rows_does_not_matter(rows: list[Row]) -> None:
    assert kinds(*rows) == [{Kind.DUPLICATE_AT_PROCESSOR}]
