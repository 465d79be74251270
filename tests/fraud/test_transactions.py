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
from ecosystem.adapters.outside.prequential import Quiet, TooShort, busy_from, exposed, split
from ecosystem.adapters.outside.transactions import DELAY_S, FEATURES, Scale, Sorted, scale_of
from ecosystem.adapters.outside.transactions import features as features_of
from ecosystem.adapters.outside.transactions_file import COLUMNS, DAY_S, NotTransactions, Numbers, Transactions, read

SCALE = Scale(high_cents=22_000, part=0.2)
HEADER = ",".join(COLUMNS)


def features(known: Transactions) -> Numbers:
    return features_of(Sorted(known), SCALE)


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

    raised = exposed(scores, days, cards, Quiet(score=0.04, busy=6))

    assert raised[:6].tolist() == [0.001] * 6
    assert 0.039 < raised[6] < 0.04
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
    ("text", "said"),
    [
        ("", "Line 1 names the columns, and lacks TRANSACTION_ID,"),
        (HEADER, "no transactions"),
        (f"{HEADER}\n\n\n", "no transactions"),
        ("TRANSACTION_ID,TX_TIME_SECONDS\n1,2\n", "lacks CUSTOMER_ID, TERMINAL_ID, TX_AMOUNT_CENTS, TX_FRAUD"),
        (f"{HEADER},TX_FRAUD\n1,2,3,4,5,0,0\n", "names TX_FRAUD twice"),
        (f"{HEADER}\n1,2,3,4,5,2\n", "Line 2, TX_FRAUD: '2'"),
        (f"{HEADER}\n1,-2,3,4,5,0\n", "Line 2, TX_TIME_SECONDS: '-2'"),
        (f"{HEADER}\n1,2,3,4,5,0\n2,2,3,4,-5,0\n", "Line 3, TX_AMOUNT_CENTS: '-5'"),
        (f"{HEADER}\n\n1,2,3,4,five,0\n", "Line 3, TX_AMOUNT_CENTS: 'five' is no whole number"),
        (f"{HEADER}\n1,2,3,4,5.5,0\n", "Line 2, TX_AMOUNT_CENTS: '5.5' is no whole number"),
        (f"{HEADER}\n1,2,3,4,,0\n", "Line 2, TX_AMOUNT_CENTS: '' is no whole number"),
        (f"{HEADER}\n1,2,3,4,nan,0\n", "Line 2, TX_AMOUNT_CENTS: 'nan' is no whole number"),
        (f"{HEADER}\n1,{9**30},3,4,5,0\n", "Line 2, TX_TIME_SECONDS"),
        (f"{HEADER}\n1,2,3,4,5,0\n1,3,3,4,5,0\n", "TRANSACTION_ID 1 stands on more than one line"),
        (f"{HEADER}\n1,2,3\n", "Line 2 ends after 3 columns; TERMINAL_ID would be column 4"),
    ],
)
def test_what_is_no_file_of_transactions_is_refused_by_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(text)

    with pytest.raises(NotTransactions) as refused:
        read(path)
    assert said in refused.value.message


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_plainly_meant_is_read(tmp_path: Path, *, packed: bool) -> None:
    """A byte order mark, other line ends, quotes, blank lines, whole numbers with a point, other delimiters."""
    header = ";".join(f'"{name}"' for name in reversed(COLUMNS))
    body = f'\ufeff{header}\r\n0;"500";3;2;60.0;1\r\n\r\n 1 ;7e2;4;2;10;2\r\n'.encode()
    path = tmp_path / "some"
    path.write_bytes(gzip.compress(body) if packed else body)

    known = read(path)

    assert known.at_s.tolist() == [10, 60]
    assert known.cents.tolist() == [700, 500]
    assert known.frauds.tolist() == [1, 0]


def test_a_byte_order_mark_before_an_ordinary_file_is_no_part_of_its_first_column(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_bytes(f"\ufeff{HEADER}\n1,2,3,4,5,0\n".encode())

    assert read(path).cents.tolist() == [5]


@pytest.mark.parametrize("kept", [12, 40, -9])
def test_a_packed_file_that_is_cut_off_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kept: int
) -> None:
    chance = np.random.default_rng(1)
    rows = "\n".join(f"{row},{row * 60},{row % 7},{row % 5},{chance.integers(9_999)},0" for row in range(5_000))
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}\n{rows}\n".encode())[:kept])

    assert main(["fraud", "evaluate", str(path), "--train-start", "2018-04-01"]) == 1
    assert capsys.readouterr().err.startswith("NotTransactions: ")


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_bytes(f"{HEADER}\n1,2,3,4,5,0\n".encode("utf-16"))

    with pytest.raises(NotTransactions) as refused:
        read(path)
    assert "UTF-8" in refused.value.message


def small(tmp_path: Path, *, fraud_days: range, days: int = 28, cents: int = 900) -> Path:
    """Ten payments of ten cards a day; the third of each of those days is fraud."""
    rows = [
        f"{day * 10 + card},{day * DAY_S + card * 60},{day * 10 + card},{card},{cents + card},"
        f"{int(card == 3 and day in fraud_days)}"
        for day in range(days)
        for card in range(10)
    ]
    path = tmp_path / "small.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def evaluated(path: Path, capsys: pytest.CaptureFixture[str], *starts: str) -> tuple[int, str, str]:
    status = main(["fraud", "evaluate", str(path), *(word for start in starts for word in ("--train-start", start))])
    answer = capsys.readouterr()
    return status, answer.out, answer.err


def test_a_test_without_fraud_says_that_its_measures_are_undefined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = evaluated(small(tmp_path, fraud_days=range(7)), capsys, "2018-04-01")

    assert status == 0
    first, means = (json.loads("{" + line) for line in out.split("\n{")[1:])
    assert (first["auc"], first["average_precision"], first["card_precision_100"]) == (None, None, 0)
    assert (means["auc"], means["mean_of"]) == (None, 1)
    assert "no fraud in the week of the test: AUC is undefined" in out


@pytest.mark.parametrize(
    ("start", "refusal", "said"),
    [
        ("2018-04-08", "NothingToLearn", "2018-04-08 to 2018-04-14"),
        ("2018-04-15", "TooShort", "reaches from 2018-04-01 to 2018-04-28"),
        ("2018-03-25", "TooShort", "training from 2018-03-25"),
    ],
)
def test_a_start_that_cannot_be_measured_is_refused_by_its_days(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], start: str, refusal: str, said: str
) -> None:
    status, out, err = evaluated(small(tmp_path, fraud_days=range(7)), capsys, "2018-04-01", start)

    assert (status, out) == (1, "")
    assert err.startswith(f"{refusal}: ")
    assert said in err


def test_a_market_whose_first_payment_came_within_the_week_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small(tmp_path, fraud_days=range(2, 28, 9))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[21:]]))

    status, out, _ = evaluated(path, capsys, "2018-04-01")

    assert status == 0
    assert json.loads("{" + out.split("\n{")[1])["train"] == 50


def test_a_test_of_nothing_but_known_cards_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two cards pay each day, and both are compromised in the week of training."""
    rows = [
        f"{day * 2 + card},{day * DAY_S + card},{card},1,500,{int(day == card)}" for day in range(21) for card in (0, 1)
    ]
    path = tmp_path / "known.csv"
    path.write_text("\n".join([HEADER, *rows]))

    status, _, err = evaluated(path, capsys, "2018-04-01")

    assert status == 1
    assert err.startswith("NothingToTest: From 2018-04-15 to 2018-04-21")


def test_the_scale_of_a_market_is_read_off_its_week() -> None:
    cents = np.array([*range(100, 200), *range(5_000, 5_020)])
    frauds = (cents >= 5_000).astype(np.int64)

    assert scale_of(cents, frauds) == Scale(high_cents=199, part=20 / 120)
    assert scale_of(cents, np.roll(frauds, 50)).high_cents > 5_019
    assert busy_from(np.zeros(100, dtype=np.int64), np.array([*range(90), *[90] * 10])) == 8
    assert busy_from(np.zeros(3, dtype=np.int64), np.array([1, 1, 1])) == 3


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
