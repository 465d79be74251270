"""Transactions in the handbook's columns: what is read, and that no feature sees what comes after."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from ecosystem.__main__ import main
from ecosystem.adapters.outside.prequential import QUIET, TooShort, exposed, split
from ecosystem.adapters.outside.transactions import (
    COLUMNS,
    DAY_S,
    DELAY_S,
    FEATURES,
    NotTransactions,
    Transactions,
    features,
    read,
)

HEADER = ",".join(COLUMNS)


@pytest.fixture(scope="module")
def some() -> Transactions:
    """Ninety days of a few customers and terminals, a fifth of them fraud, so that every feature has something to see."""
    chance = np.random.default_rng(7)
    count = 3_000
    return Transactions(
        ids=np.arange(count),
        at_s=np.sort(chance.integers(0, 90 * DAY_S, count)),
        customers=chance.integers(0, 25, count),
        terminals=chance.integers(0, 18, count),
        cents=chance.integers(100, 40_000, count),
        frauds=(chance.random(count) < 0.2).astype(np.int64),
    )


@pytest.mark.parametrize("day", [1, 8, 20, 45, 80])
def test_features_are_the_same_whatever_comes_after(some: Transactions, day: int) -> None:
    cut = some.before(day * DAY_S)

    np.testing.assert_array_equal(features(some)[: len(cut.ids)], features(cut))


@pytest.mark.parametrize("day", [10, 30, 60])
def test_labels_are_seen_after_their_delay_alone(some: Transactions, day: int) -> None:
    """With every label from that day on turned round, nothing differs until seven days later; then something does."""
    turned = np.where(some.at_s >= day * DAY_S, 1 - some.frauds, some.frauds)

    before, after = features(some), features(replace(some, frauds=turned))
    early = some.at_s < day * DAY_S + DELAY_S
    np.testing.assert_array_equal(before[early], after[early])
    assert not np.array_equal(before[~early], after[~early], equal_nan=True)


def test_no_transaction_sees_its_own_label(some: Transactions) -> None:
    last = some.frauds.copy()
    last[-1] = 1 - last[-1]

    np.testing.assert_array_equal(features(some), features(replace(some, frauds=last)))


def test_every_feature_says_something(some: Transactions) -> None:
    rows = features(some)

    assert rows.shape == (3_000, len(FEATURES))
    for place, name in enumerate(FEATURES):
        known = rows[np.isfinite(rows[:, place]), place]
        assert len(np.unique(known)) > 1, name


def test_a_run_of_frauds_at_a_terminal_is_counted_from_the_last_genuine_one() -> None:
    # Terminal 1: genuine on day 0, fraud on days 2 and 3; asked about on day 12.
    at_s = np.array([0, 2, 3, 12]) * DAY_S
    known = Transactions(
        ids=np.arange(4),
        at_s=at_s,
        customers=np.array([1, 2, 3, 4]),
        terminals=np.ones(4, dtype=np.int64),
        cents=np.array([1_000, 1_000, 1_000, 1_000]),
        frauds=np.array([0, 1, 1, 0]),
    )

    told = dict(zip(FEATURES, features(known)[3], strict=True))

    assert told["terminal_run"] == 2
    assert told["terminal_run_days"] == 10
    assert told["terminal_genuine_days"] == 12
    assert told["terminal_frauds_30d"] == 2


def test_known_compromised_cards_leave_the_test_day_by_day() -> None:
    # One payment of each card on each day; card 1 is known from the week of training, card 2 from day 8 of the delay.
    days, cards = np.repeat(np.arange(21), 4), np.tile(np.arange(1, 5), 21)
    frauds = ((cards == 1) & (days == 3)) | ((cards == 2) & (days == 8)) | ((cards == 3) & (days == 20))
    known = Transactions(
        ids=np.arange(84),
        at_s=days * DAY_S + cards,
        customers=cards,
        terminals=cards,
        cents=np.full(84, 500),
        frauds=frauds.astype(np.int64),
    )

    parts = split(known, 0)

    assert set(known.days[parts.train]) == set(range(7))
    tested = set(zip(known.days[parts.test].tolist(), known.customers[parts.test].tolist(), strict=True))
    # What happened on day 8 is known from day 16 on: the handbook looks at the day before the delay.
    assert tested == {(day, card) for day in range(14, 21) for card in (2, 3, 4) if card != 2 or day < 16}


def test_only_earlier_payments_of_the_same_card_and_day_raise_a_score() -> None:
    # Card 1 pays eight times on day 0 and once on day 1; card 2 has a strong suspicion and stays as it is.
    days = np.array([0] * 9 + [1])
    cards = np.array([1] * 7 + [2, 1, 1])
    scores = np.array([0.001] * 7 + [0.9, 0.5, 0.001])

    raised = exposed(scores, days, cards)

    assert raised[:6].tolist() == [0.001] * 6
    assert 0.039 < raised[6] < QUIET
    assert raised[7:].tolist() == [0.9, 0.5, 0.001]


def test_a_file_that_ends_before_the_test_is_refused(some: Transactions) -> None:
    with pytest.raises(TooShort):
        split(some, 75)


def test_columns_may_stand_in_any_order_beside_others_and_packed(tmp_path: Path) -> None:
    rows = "TX_FRAUD,NOTE,TX_AMOUNT_CENTS,TERMINAL_ID,CUSTOMER_ID,TX_TIME_SECONDS,TRANSACTION_ID\n0,9,500,3,2,60,1\n1,9,700,4,2,10,0\n"
    path = tmp_path / "some.csv.gz"
    path.write_bytes(gzip.compress(rows.encode()))

    known = read(path)

    assert known.at_s.tolist() == [10, 60]
    assert known.frauds.tolist() == [1, 0]
    assert known.cents.tolist() == [700, 500]


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEADER,
        "TRANSACTION_ID,TX_TIME_SECONDS\n1,2\n",
        f"{HEADER}\n1,2,3,4,5,2\n",
        f"{HEADER}\n1,-2,3,4,5,0\n",
        f"{HEADER}\n1,2,3,4,-5,0\n",
        f"{HEADER}\n1,2,3,4,five,0\n",
        f"{HEADER}\n1,2,3,4,5,0\n1,3,3,4,5,0\n",
        f"{HEADER}\n1,2,3\n",
    ],
)
@pytest.mark.filterwarnings("ignore:loadtxt. input contained no data")
def test_what_is_no_file_of_transactions_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(text)

    with pytest.raises(NotTransactions):
        read(path)


def test_the_command_evaluates_what_the_simulator_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "made-up.csv.gz"
    assert main(["fraud", "simulate", str(path), "--days", "60"]) == 0

    status = main(["fraud", "evaluate", str(path), "--train-start", "2018-05-01", "--train-start", "2018-05-08"])

    assert status == 0
    table, *lines = capsys.readouterr().out.split("\n{")
    assert "card precision@100" in table
    first, second, means = (json.loads("{" + line) for line in lines)
    assert date.fromisoformat(first["test_start"]) == date(2018, 5, 15)
    for name in ("auc", "average_precision", "card_precision_100"):
        assert means[name] == pytest.approx((first[name] + second[name]) / 2)
    assert means["auc"] > 0.7


def test_a_file_that_is_not_there_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fraud", "evaluate", "/nowhere.csv", "--train-start", "2018-07-25"]) == 1
    assert capsys.readouterr().err.startswith("NoSuchFile: ")
