"""How well scores tell fraud from the rest: the usual measures, over arrays.

Labels are 0 and 1, scores any numbers, higher for what looks more like fraud. Equal scores count as equal: none of the
measures depends on the order in which cases stand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[Any]
Scores = NDArray[Any]


def auc(labels: Labels, scores: Scores) -> float:
    """The area under the ROC curve: how likely a fraud scores above a genuine case (Mann-Whitney, ties count half).

    `nan` when there is only one kind of case.
    """
    frauds, others = int(labels.sum()), int(len(labels) - labels.sum())
    if not frauds or not others:
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[labels == 1].sum() - frauds * (frauds + 1) / 2) / (frauds * others))


def average_precision(labels: Labels, scores: Scores) -> float:
    """The mean of the precision at each threshold, weighted by the recall it adds; `nan` without any fraud."""
    if not labels.sum():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(labels[order])
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    precision, recall = hits[ends] / (ends + 1), hits[ends] / labels.sum()
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def card_precision(days: NDArray[Any], cards: NDArray[Any], labels: Labels, scores: Scores, k: int) -> float:
    """The part of frauds among the `k` most suspicious cards of a day, as the mean over the days.

    A card is as suspicious as its highest score of the day, and compromised when any of its payments of the day was
    fraud; one that was found is not looked for on later days. After the Fraud Detection Handbook, section 4.3
    (`card_precision_top_k`). Of cards with equal scores the lower number comes first.
    """
    found: set[int] = set()
    daily: list[float] = []
    for day in np.unique(days):
        today = np.flatnonzero((days == day) & ~np.isin(cards, list(found)))
        names, place = np.unique(cards[today], return_inverse=True)
        highest, compromised = np.full(len(names), -np.inf), np.zeros(len(names), dtype=bool)
        np.maximum.at(highest, place, scores[today])
        np.logical_or.at(compromised, place, labels[today] == 1)
        top = np.argsort(-highest, kind="stable")[:k]
        hits = names[top][compromised[top]]
        found.update(int(card) for card in hits)
        daily.append(len(hits) / k)
    return float(np.mean(daily)) if daily else float("nan")
