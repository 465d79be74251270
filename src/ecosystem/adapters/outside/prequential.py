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
from ecosystem.adapters.outside.transactions import Numbers, Transactions
from ecosystem.kernel.refusals import Invalid

TRAIN, DELAY, TEST = 7, 7, 7
CARDS = 100
QUIET, BUSY = 0.04, 6
"""Below which score a payment says little by itself, and after how many of a day a card is busy."""
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
    """There is no fraud in the week of training, or none in the week of the test."""


class Split(Struct, frozen=True, kw_only=True):
    """Places of the transactions to learn from, and of those to be held to."""

    train: Numbers
    test: Numbers


class Measured(Struct, frozen=True, kw_only=True):
    """How the detector did. `card_precision` is at 100 cards a day."""

    train: int
    train_frauds: int
    test: int
    test_frauds: int
    auc: float
    average_precision: float
    card_precision: float


def split(known: Transactions, start_day: int) -> Split:
    """The transactions of a training that starts on that day. Raises `TooShort`."""
    days, customers, frauds = known.days, known.customers, known.frauds
    if days[0] > start_day or days[-1] < start_day + TRAIN + DELAY + TEST - 1:
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


def evaluate(known: Transactions, rows: Numbers, start_day: int) -> Measured:
    """Learn, and be held to what follows. `rows` are the features of all. Raises `TooShort`, `NothingToLearn`."""
    parts = split(known, start_day)
    train, test = parts.train, parts.test
    if not known.frauds[train].any() or not known.frauds[test].any():
        raise NothingToLearn
    scores = exposed(predicted(rows[train], known.frauds[train], rows[test]), known.days[test], known.customers[test])
    labels = known.frauds[test]
    return Measured(
        train=len(train),
        train_frauds=int(known.frauds[train].sum()),
        test=len(test),
        test_frauds=int(labels.sum()),
        auc=auc(labels, scores),
        average_precision=average_precision(labels, scores),
        card_precision=card_precision(known.days[test], known.customers[test], labels, scores, CARDS),
    )


def exposed(scores: Numbers, days: Numbers, cards: Numbers) -> Numbers:
    """The scores, raised to just below `QUIET` for payments of a card that has paid often that day.

    What no payment tells of itself (a terminal that was taken over lately, of which no label is known yet) meets a card
    as often as it pays: one that has paid seven times and more is as likely compromised as one with a faint suspicion.
    Scores are in order of time; only earlier payments of the same day count.
    """
    order = np.lexsort((np.arange(len(scores)), cards, days))
    begins = np.ones(len(scores), dtype=bool)
    begins[1:] = (np.diff(cards[order]) != 0) | (np.diff(days[order]) != 0)
    places = np.arange(len(scores))
    earlier = np.empty(len(scores))
    earlier[order] = places - np.maximum.accumulate(np.where(begins, places, 0))
    return np.where((scores < QUIET) & (earlier >= BUSY), QUIET * (1 - 0.01 / (earlier + 1)), scores)


def predicted(rows: Numbers, labels: Numbers, asked: Numbers) -> Numbers:
    """The mean probability of `SEEDS` models grown on the rows, for the rows asked about."""
    taught, wanted = xgboost.DMatrix(rows, labels, nthread=1), xgboost.DMatrix(asked, nthread=1)
    total = np.zeros(len(asked))
    for seed in range(SEEDS):
        total += cast("Any", xgboost).train({**TREES, "seed": seed}, taught, ROUNDS).predict(wanted)
    return total / SEEDS
