"""One test of a detector as the Fraud Detection Handbook does it: learn from a week, wait a week, be held to a week.

Cards that are known as compromised are no longer looked at: those with a fraud in the week of training, and on each day
of the test those whose fraud has become known by then (`get_train_test_set`, chapter 3). The model is trees grown on the
week of training alone; features may look back further, and see labels a week late.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import xgboost
from msgspec import Struct

from ecosystem.adapters.outside.measures import auc, average_precision, card_precision
from ecosystem.adapters.outside.transactions import Sorted, features, scale_of
from ecosystem.adapters.outside.transactions_file import Numbers, Transactions
from ecosystem.kernel.refusals import Invalid

TRAIN, DELAY, TEST = 7, 7, 7
CARDS = 100
QUIET_TIMES, BUSY_PART = 5, 0.02
"""A payment says little by itself below so many times the part of fraud of all; a card is busy after so many payments
of a day that this part of all at most comes after as many."""
SEEDS = 5
ROUNDS = 200
TREES = {
    "objective": "binary:logistic",
    "base_score": 0.01,
    "tree_method": "hist",
    "max_depth": 4,
    "eta": 0.05,
    "subsample": 0.8,
    "colsample_bytree": 0.5,
    "min_child_weight": 3,
    "lambda": 2,
    "nthread": 1,
}
"""Chosen, like the numbers above, on training starts from 2018-05-02 to 2018-07-11 of the public data: before the four
that are compared (07-25 to 08-15). Those were looked at about ten times on the way, so only later ones are unseen."""


class TooShort(Invalid):
    """The file does not reach from the week of training to the end of the week of the test."""


class NothingToLearn(Invalid):
    """There is nothing in the week of training, or no fraud, or nothing but fraud: nothing can be learned from it."""


class NothingToTest(Invalid):
    """There is nothing in the week of the test, or only cards that are known as compromised."""


class Split(Struct, frozen=True, kw_only=True):
    """Places of the transactions to learn from, and of those to be held to."""

    train: Numbers
    test: Numbers


class Measured(Struct, frozen=True, kw_only=True):
    """How the detector did. `card_precision` is at 100 cards a day.

    With no fraud in the test, or nothing else, `auc` is not known, and without any neither is `average_precision`.
    """

    train: int
    train_frauds: int
    test: int
    test_frauds: int
    auc: float | None
    average_precision: float | None
    card_precision: float


class Quiet(Struct, frozen=True, kw_only=True):
    """Below which score a payment says little by itself, and after how many of a day a card is busy."""

    score: float
    busy: int


def split(known: Transactions, start_day: int) -> Split:
    """The transactions of a training that starts on that day. Raises `TooShort`."""
    days, customers, frauds = known.days, known.customers, known.frauds
    # A quiet market may begin within the week; one that ends within the test was cut off.
    if days[0] >= start_day + TRAIN or days[-1] < start_day + TRAIN + DELAY + TEST - 1:
        raise TooShort
    train = np.flatnonzero((days >= start_day) & (days < start_day + TRAIN))
    compromised = np.unique(customers[train][frauds[train] == 1])
    test: list[Numbers] = []
    for day in range(start_day + TRAIN + DELAY, start_day + TRAIN + DELAY + TEST):
        news = customers[(days == day - DELAY - 1) & (frauds == 1)]
        compromised = np.union1d(compromised, news)
        today = np.flatnonzero(days == day)
        test.append(today[~np.isin(customers[today], compromised)])
    return Split(train=train, test=np.concatenate(test))


def evaluate(by: Sorted, start_day: int) -> Measured:
    """Learn, and be held to what follows. Raises `TooShort`, `NothingToLearn`, `NothingToTest`."""
    known, parts = by.known, split(by.known, start_day)
    train, test = parts.train, parts.test
    if not 0 < known.frauds[train].sum() < len(train):
        raise NothingToLearn
    if not len(test):
        raise NothingToTest
    scale = scale_of(known.cents[train], known.frauds[train])
    rows = features(by, scale)
    quiet = Quiet(score=min(0.5, QUIET_TIMES * scale.part), busy=busy_from(known.days[train], known.customers[train]))
    chances = predicted(rows[train], known.frauds[train], rows[test])
    scores = exposed(chances, known.days[test], known.customers[test], quiet)
    labels = known.frauds[test]
    return Measured(
        train=len(train),
        train_frauds=int(known.frauds[train].sum()),
        test=len(test),
        test_frauds=int(labels.sum()),
        auc=_known(auc(labels, scores)),
        average_precision=_known(average_precision(labels, scores)),
        card_precision=card_precision(known.days[test], known.customers[test], labels, scores, CARDS),
    )


def exposed(scores: Numbers, days: Numbers, cards: Numbers, quiet: Quiet) -> Numbers:
    """The scores, raised to just below the quiet one for payments of a card that has paid often that day.

    What no payment tells of itself (a terminal that was taken over lately, of which no label is known yet) meets a card
    as often as it pays: one that is busy is as likely compromised as one with a faint suspicion. Scores are in order of
    time; only earlier payments of the same day count.
    """
    earlier = earlier_that_day(days, cards)
    is_exposed = (scores < quiet.score) & (earlier >= quiet.busy)
    return np.where(is_exposed, quiet.score * (1 - 0.01 / (earlier + 1)), scores)


def busy_from(days: Numbers, cards: Numbers) -> int:
    """The least number of earlier payments of a card's day that at most `BUSY_PART` of these payments come after."""
    earlier = earlier_that_day(days, cards)
    most = int(earlier.max())
    return next(count for count in range(1, most + 2) if (earlier >= count).mean() <= BUSY_PART)


def earlier_that_day(days: Numbers, cards: Numbers) -> Numbers:
    """How many payments of the same card and day stand before each. They are in order of time."""
    order = np.lexsort((np.arange(len(days)), cards, days))
    begins = np.ones(len(days), dtype=bool)
    begins[1:] = (np.diff(cards[order]) != 0) | (np.diff(days[order]) != 0)
    places = np.arange(len(days))
    earlier = np.empty(len(days))
    earlier[order] = places - np.maximum.accumulate(np.where(begins, places, 0))
    return earlier


def _known(measure: float) -> float | None:
    return None if np.isnan(measure) else measure


def predicted(rows: Numbers, labels: Numbers, asked: Numbers) -> Numbers:
    """The mean probability of `SEEDS` models grown on the rows, for the rows asked about."""
    taught, wanted = xgboost.DMatrix(rows, labels, nthread=1), xgboost.DMatrix(asked, nthread=1)
    total = np.zeros(len(asked))
    for seed in range(SEEDS):
        total += cast("Any", xgboost).train({**TREES, "seed": seed}, taught, ROUNDS).predict(wanted)
    return total / SEEDS
