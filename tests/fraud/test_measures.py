"""The measures, on cases small enough to work out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.adapters.outside.measures import auc, average_precision, card_precision


def test_auc_is_the_part_of_pairs_that_stand_in_the_right_order() -> None:
    # Frauds at .8 and .4, genuine at .6, .4, .1: of six pairs four are right and one is a tie.
    labels, scores = np.array([1, 1, 0, 0, 0]), np.array([0.8, 0.4, 0.6, 0.4, 0.1])

    assert auc(labels, scores) == pytest.approx(4.5 / 6)


def test_average_precision_is_the_mean_precision_where_recall_rises() -> None:
    # In order of score: fraud, genuine, fraud, genuine: precision 1 at the first fraud, 2/3 at the second.
    labels, scores = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1])

    assert average_precision(labels, scores) == pytest.approx((1 + 2 / 3) / 2)


def test_equal_scores_are_one_threshold() -> None:
    labels, scores = np.array([1, 0, 0, 1]), np.array([0.5, 0.5, 0.5, 0.5])

    assert average_precision(labels, scores) == pytest.approx(0.5)
    assert auc(labels, scores) == pytest.approx(0.5)


def test_without_both_kinds_there_is_no_measure() -> None:
    assert math.isnan(auc(np.array([1, 1]), np.array([0.1, 0.2])))
    assert math.isnan(average_precision(np.array([0, 0]), np.array([0.1, 0.2])))


def test_card_precision_looks_at_cards_not_payments_and_not_twice_at_the_same() -> None:
    # Day 0: card 1 is compromised by its second payment, and has the highest score by its first. Card 2 is genuine.
    # Day 1: card 1 was found and is left out; card 3 leads, card 2 follows.
    days = np.array([0, 0, 0, 1, 1, 1])
    cards = np.array([1, 1, 2, 1, 2, 3])
    labels = np.array([0, 1, 0, 1, 0, 1])
    scores = np.array([0.9, 0.1, 0.5, 1.0, 0.4, 0.6])

    assert card_precision(days, cards, labels, scores, k=1) == pytest.approx((1 / 1 + 1 / 1) / 2)
    assert card_precision(days, cards, labels, scores, k=2) == pytest.approx((1 / 2 + 1 / 2) / 2)


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=2, max_size=60).filter(
        lambda cases: 0 < sum(label for label, _ in cases) < len(cases)
    )
)
def test_auc_is_what_counting_the_pairs_gives(cases: list[tuple[int, int]]) -> None:
    frauds = [score for label, score in cases if label]
    others = [score for label, score in cases if not label]
    counted = sum((fraud > other) + (fraud == other) / 2 for fraud in frauds for other in others)

    labels, scores = (np.array(column) for column in zip(*cases, strict=True))
    assert auc(labels, scores) == pytest.approx(counted / len(frauds) / len(others))
