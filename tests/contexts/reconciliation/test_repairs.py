"""What is offered to mend a discrepancy, how much it moves, and what becomes of a proposal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from ecosystem.contexts import reconciliation as books
from ecosystem.contexts.reconciliation import Discrepancy, Kind, Movement, Repair, Row, Run, RunState, Side, State
from ecosystem.journeys.reconciliation_ledger import mended_row
from ecosystem.kernel.actor import Actor, Group

DAY = date(2026, 10, 1)
LATER = DAY + timedelta(days=10)
AT = datetime(2026, 10, 11, tzinfo=UTC)
ONE = Actor(actor_id="usr_one", groups=(Group.ADMINS,))


def row(side: Side, movement: Movement, amount: int, name: str, account: str = "", currency: str = "USD") -> Row:
    return Row(
        side=side, row_id=name, key="ch_abcdefghijkl", movement=movement, amount=amount, currency=currency, on=DAY,
        account=account or books.expected_account(side, movement),
    )  # fmt: skip


def known(*rows: Row) -> Discrepancy:
    (item,) = books.matched(rows, LATER).differing
    return books.found(item, LATER, "system", AT)


@pytest.mark.parametrize(
    ("movement", "sides"),
    [
        (Movement.PAYMENT, (Side.PROCESSOR,)),
        (Movement.OTHER, (Side.PROCESSOR,)),
        (Movement.CREDIT, (Side.BANK,)),
        (Movement.WITHDRAWAL, (Side.PROCESSOR, Side.BANK)),
    ],
)
def test_what_was_corrected_agrees(movement: Movement, sides: tuple[Side, ...]) -> None:
    rows = [row(side, movement, 5_000, side) for side in sides]
    one = known(*rows)
    assert Repair.CORRECT in one.repairs

    mended = mended_row(replace(one, corrected=one.amount))

    assert (mended.movement, mended.account) == (movement, books.expected_account(Side.LEDGER, movement))
    assert books.matched([*rows, mended], LATER).differing == []


def test_our_own_money_is_not_corrected_by_what_the_processor_alone_says() -> None:
    alone = known(row(Side.PROCESSOR, Movement.WITHDRAWAL, 5_000, "po"))

    assert Repair.CORRECT not in alone.repairs


def test_our_own_money_follows_the_bank() -> None:
    one = known(
        row(Side.LEDGER, Movement.WITHDRAWAL, 5_000, "w"),
        row(Side.PROCESSOR, Movement.WITHDRAWAL, 5_000, "p"),
        row(Side.BANK, Movement.WITHDRAWAL, 4_900, "b"),
    )

    assert (one.amount, one.repairs[0]) == (-100, Repair.CORRECT)


def test_amounts_in_two_currencies_are_not_corrected() -> None:
    one = known(
        row(Side.LEDGER, Movement.PAYMENT, 5_000, "a"),
        row(Side.PROCESSOR, Movement.PAYMENT, 4_000, "b", currency="EUR"),
    )

    assert Repair.CORRECT not in one.repairs


def test_the_row_that_is_as_the_other_side_says_is_kept() -> None:
    one = known(
        row(Side.LEDGER, Movement.PAYMENT, 1_000, "wrong"),
        row(Side.LEDGER, Movement.PAYMENT, 500_000, "right"),
        row(Side.PROCESSOR, Movement.PAYMENT, 500_000, "p"),
    )

    assert [each.row_id for each in one.spare] == ["wrong"]
    assert one.moved_by(Repair.REVERSE) == 1_000
    assert not one.needs_two(Repair.REVERSE)


def test_the_handing_over_of_an_entry_is_never_reversed() -> None:
    rows = [
        row(Side.LEDGER, Movement.ORIGINATED, -9_000, "handed"),
        row(Side.LEDGER, Movement.CREDIT, -9_000, "one"),
        row(Side.LEDGER, Movement.CREDIT, -9_000, "two"),
        row(Side.BANK, Movement.CREDIT, -9_000, "b"),
    ]

    assert [each.row_id for each in known(*rows).spare] == ["two"]


def test_four_eyes_are_measured_by_what_the_repair_moves_in_the_currency_s_own_units() -> None:
    twice = known(*(row(Side.LEDGER, Movement.PAYMENT, 60_000, name) for name in "abc"))
    yen = known(row(Side.PROCESSOR, Movement.PAYMENT, 1_001, "p", currency="JPY"))

    assert twice.needs_two(Repair.REVERSE)
    assert yen.needs_two(Repair.CORRECT)
    assert not known(row(Side.PROCESSOR, Movement.PAYMENT, 1_001, "p")).needs_two(Repair.CORRECT)


def test_what_is_missing_elsewhere_is_reversed_only_when_nobody_tells_of_it() -> None:
    ours = row(Side.LEDGER, Movement.WITHDRAWAL, 5_000, "w")

    assert Repair.REVERSE in known(ours).repairs
    assert Repair.REVERSE not in known(ours, row(Side.PROCESSOR, Movement.WITHDRAWAL, 5_000, "p")).repairs


def test_taking_in_is_offered_only_where_there_is_a_way() -> None:
    assert known(row(Side.PROCESSOR, Movement.REFUND, -500, "r")).repairs[0] is Repair.ADOPT
    assert Repair.ADOPT not in known(row(Side.PROCESSOR, Movement.OTHER, 500, "o")).repairs
    assert Repair.ADOPT not in known(row(Side.BANK, Movement.WITHDRAWAL, 500, "w")).repairs


def test_a_proposal_ends_when_what_it_was_about_changes() -> None:
    ours = row(Side.LEDGER, Movement.PAYMENT, 100_000, "a")
    one = books.proposed(
        known(ours, row(Side.PROCESSOR, Movement.PAYMENT, 250_000, "b")), Repair.CORRECT, "So.", ONE, AT
    )
    same, other = (
        books.matched([ours, row(Side.PROCESSOR, Movement.PAYMENT, amount, "b")], LATER).differing[0]
        for amount in (250_000, 9_900_000)
    )
    next_day = LATER + timedelta(days=1)

    kept = books.seen(one, same, next_day, "system", AT + timedelta(days=1))
    dropped = books.seen(one, other, next_day, "system", AT + timedelta(days=1))

    assert one.proposal is not None
    assert (one.proposal.amount, one.proposal.kinds) == (150_000, (Kind.AMOUNT,))
    assert kept.proposal == one.proposal
    assert (dropped.state, dropped.proposal, dropped.amount) == (State.OPEN, None, 9_800_000)
    assert dropped.history[-1].text == "It differs otherwise than when this was proposed."


def test_a_day_of_which_nothing_was_read_is_not_proven() -> None:
    unread = Run(day=DAY, asked_by="x", asked_at=AT, state=RunState.DONE, unread=(Side.BANK,))

    assert not unread.proven
    assert unread.holds
