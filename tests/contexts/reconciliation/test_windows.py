"""What a run over some days says of movements whose days lie at its beginning, or have left it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace

from ecosystem.contexts import reconciliation as books
from ecosystem.contexts.reconciliation import WINDOW_DAYS, Item, Kind, Matching, Movement, Row, Side

DAY = date(2026, 10, 20)
FIRST = DAY - timedelta(days=WINDOW_DAYS - 1)


def row(side: Side, on: date, amount: int = 5_000, key: str = "ch_abcdefghijkl", name: str = "") -> Row:
    return Row(
        side=side, row_id=f"{side}{name or key}", key=key, movement=Movement.PAYMENT, amount=amount, currency="USD",
        on=on, account="processor",
    )  # fmt: skip


def differing(rows: list[Row], *known: Item, day: date = DAY) -> dict[str, tuple[Kind, ...]]:
    first = day - timedelta(days=WINDOW_DAYS - 1)
    matching = Matching(as_of=day, first=first)
    for item in known:
        matching.carry(item.key, item.rows, item.agreed_amount)
    matching.take(each for each in rows if first <= each.on <= day)
    return {item.key: item.kinds for item in matching.end().differing}


def item(*rows: Row, agreed_amount: int | None = None) -> Item:
    return Item(key=rows[0].key, rows=rows, agreed_amount=agreed_amount)


def test_a_side_that_told_before_the_window_is_not_missed() -> None:
    ours, theirs = row(Side.LEDGER, FIRST), row(Side.PROCESSOR, FIRST - timedelta(days=1))

    assert differing([ours, theirs]) == {}
    assert differing([theirs, ours], day=DAY - timedelta(days=1)) == {}


def test_what_is_missing_at_the_edge_is_reported_only_if_it_is_known() -> None:
    ours = row(Side.LEDGER, FIRST)

    assert differing([ours]) == {}
    assert differing([ours], item(ours)) == {ours.key: (Kind.MISSING_AT_PROCESSOR,)}


def test_what_is_open_stays_so_when_its_days_have_left_the_window() -> None:
    ours = row(Side.LEDGER, FIRST - timedelta(days=3))

    assert differing([], item(ours)) == {ours.key: (Kind.MISSING_AT_PROCESSOR,)}


def test_a_side_that_tells_weeks_later_is_late_and_not_a_stranger() -> None:
    ours, theirs = row(Side.LEDGER, DAY - timedelta(days=24)), row(Side.PROCESSOR, DAY)

    assert differing([theirs], item(ours)) == {ours.key: (Kind.LATE,)}


def test_a_duplicate_stays_one_while_its_days_leave_the_window() -> None:
    spare = row(Side.PROCESSOR, FIRST - timedelta(days=1), name="second")
    ours, theirs = row(Side.LEDGER, FIRST), row(Side.PROCESSOR, FIRST - timedelta(days=1))

    for days in range(4):
        found = differing([ours, theirs, spare], item(spare, agreed_amount=5_000), day=DAY + timedelta(days=days))
        assert found == {ours.key: (Kind.DUPLICATE_AT_PROCESSOR,)}


def test_a_run_of_an_earlier_day_changes_nothing() -> None:
    ours = row(Side.LEDGER, DAY)
    (one,) = books.matched([ours], DAY + timedelta(days=5)).differing
    at = datetime(2026, 10, 26, tzinfo=UTC)
    known = books.found(one, DAY + timedelta(days=5), "system", at)

    assert books.seen(known, replace(one, kinds=(Kind.AMOUNT,)), DAY + timedelta(days=4), "system", at) == known


def test_what_may_have_lost_a_side_is_not_taken_for_what_is_missing_elsewhere() -> None:
    lost = row(Side.LEDGER, FIRST + timedelta(days=1), key="ch_mmmmmmmmmmmm")
    clean = row(Side.PROCESSOR, FIRST, key="ch_nnnnnnnnnnnn")

    assert differing([lost, clean], item(lost)) == {lost.key: (Kind.MISSING_AT_PROCESSOR,)}
