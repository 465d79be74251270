"""How a model of `scoring.py` is made: boosted trees on rows of features, calibrated on later rows, held to later ones yet.

Rows are in order of time and are divided by it: the first part teaches, the next calibrates, the last tells how good the
model is. The same rows and seed make the same bytes (one thread, the histogram method).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
import numpy as np
import xgboost
from msgspec import Struct
from numpy.typing import NDArray

from ecosystem.adapters.outside.measures import auc, average_precision
from ecosystem.adapters.outside.scoring import File, Trees
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.scoring import Bin, KindCard, Metrics, ModelCard, ModelId, Pattern, Spread

Rows = NDArray[Any]
LEARNED, CALIBRATED = 0.6, 0.8
"""Up to which part of the rows the model learns, and up to which it is calibrated."""
BLOCK = 25
FRAUDS_MIN = 20
CHANCES = (0.0005, 0.995)
SHAPES: Mapping[str, tuple[int, int]] = {"checkout": (4, 140), "payout": (3, 60)}
"""Depth and number of the trees."""


class TooLittleFraud(Invalid):
    """There is too little fraud among these to learn from."""


class Cases(Struct, frozen=True, kw_only=True):
    """What there is to learn from, in order of time: a row of numbers each, whether it was fraud, and of which pattern."""

    features: tuple[str, ...]
    rows: Rows
    labels: NDArray[Any]
    patterns: Sequence[str]


class Learned(Struct, frozen=True, kw_only=True):
    """A model for one kind, and what is known of it."""

    card: KindCard
    trees: Trees


def mixed(one: Cases, other: Cases) -> Cases:
    """Both, shuffled into each other evenly, each in its own order, so that each part of them teaches and tests."""
    if not len(other.rows):
        return one
    places = np.concatenate([np.linspace(0, 1, len(some.rows), endpoint=False) for some in (one, other)])
    order = np.argsort(places, kind="stable")
    patterns: list[str] = [*one.patterns, *other.patterns]
    return Cases(
        features=one.features,
        rows=np.concatenate([one.rows, other.rows])[order],
        labels=np.concatenate([one.labels, other.labels])[order],
        patterns=[patterns[int(place)] for place in order],
    )


def learn(kind: str, cases: Cases, seed: int, thresholds: tuple[float, float]) -> Learned:
    """The model of those cases. `thresholds` are the probabilities from which one is looked at, and refused."""
    first, second = int(len(cases.rows) * LEARNED), int(len(cases.rows) * CALIBRATED)
    if cases.labels[:first].sum() < FRAUDS_MIN or cases.labels[first:second].sum() < FRAUDS_MIN / 4:
        raise TooLittleFraud
    booster = _boosted(kind, cases.rows[:first], cases.labels[:first], seed)
    margins, chances = isotonic(_margins(booster, cases.rows[first:second]), cases.labels[first:second])
    scored = np.interp(_margins(booster, cases.rows), margins, chances)
    test = slice(second, None)
    metrics = measured(scored[test], cases.labels[test], cases.patterns[test], thresholds, trained=True)
    spreads = {name: spread(cases.rows[:second, place]) for place, name in enumerate(cases.features)}
    spreads["score"] = spread(scored[:second])
    return Learned(
        card=KindCard(
            features=cases.features,
            learned=first,
            frauds=int(cases.labels[:first].sum()),
            metrics=metrics,
            spreads=spreads,
        ),
        trees=Trees(
            booster=base64.b64encode(bytes(booster.save_raw("ubj"))).decode(),
            margins=tuple(float(margin) for margin in margins),
            chances=tuple(float(chance) for chance in chances),
        ),
    )


def bundled(learned: Mapping[str, Learned], source: str, seed: int, made_at: datetime) -> bytes:
    """The model's file. Its name is made from its content."""
    kinds = {kind: one.trees for kind, one in sorted(learned.items())}
    digest = hashlib.sha256(msgspec.json.encode(kinds)).hexdigest()[:12]
    card = ModelCard(
        model=ModelId(f"trees-{digest}"),
        made_at=made_at,
        source=source,
        seed=seed,
        kinds={kind: one.card for kind, one in sorted(learned.items())},
    )
    return msgspec.json.encode(File(card=card, kinds=kinds))


def measured(
    chances: NDArray[Any],
    labels: NDArray[Any],
    patterns: Sequence[str],
    thresholds: tuple[float, float],
    *,
    trained: bool,
) -> Metrics:
    """How those probabilities did."""
    named = np.array(patterns)
    genuine = labels == 0
    review, decline = thresholds

    def of_pattern(name: str) -> Pattern:
        mine = named == name
        among = mine | genuine
        return Pattern(
            name=name,
            cases=int(mine.sum()),
            trained=trained,
            auc=_round(auc(mine[among].astype(int), chances[among])),
            reviewed=_round(float((chances[mine] >= review).mean())),
            declined=_round(float((chances[mine] >= decline).mean())),
        )

    return Metrics(
        cases=len(labels),
        frauds=int(labels.sum()),
        auc=_round(auc(labels, chances)),
        average_precision=_round(average_precision(labels, chances)),
        brier=_round(float(((chances - labels) ** 2).mean())),
        reliability=reliability(chances, labels),
        patterns=tuple(of_pattern(name) for name in sorted(set(patterns) - {""})),
        false_reviewed=_round(float((chances[genuine] >= review).mean())) if genuine.any() else 0.0,
        false_declined=_round(float((chances[genuine] >= decline).mean())) if genuine.any() else 0.0,
    )


def reliability(chances: NDArray[Any], labels: NDArray[Any]) -> tuple[Bin, ...]:
    """Cases by what was thought of them, in tenths, beside what part of them was fraud. Empty tenths are left out."""
    tenths = np.minimum((chances * 10).astype(int), 9)
    return tuple(
        Bin(
            cases=int((tenths == tenth).sum()),
            expected=_round(float(chances[tenths == tenth].mean())),
            observed=_round(float(labels[tenths == tenth].mean())),
        )
        for tenth in range(10)
        if (tenths == tenth).any()
    )


def isotonic(margins: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Margins and the probabilities they stand for, never falling (pool adjacent violators over blocks of `BLOCK`).

    Between two of them the probability is in between. Barlow et al., Statistical Inference under Order Restrictions.
    """
    order = np.argsort(margins, kind="stable")
    centres: list[float] = []
    means: list[float] = []
    weights: list[int] = []
    for first in range(0, len(order), BLOCK):
        block = order[first : first + BLOCK]
        centres.append(float(margins[block].mean()))
        means.append(float(labels[block].mean()))
        weights.append(len(block))
        while len(means) > 1 and means[-2] >= means[-1]:
            weight = weights[-2] + weights[-1]
            means[-2] = (means[-2] * weights[-2] + means[-1] * weights[-1]) / weight
            centres[-2] = (centres[-2] * weights[-2] + centres[-1] * weights[-1]) / weight
            weights[-2] = weight
            del means[-1], centres[-1], weights[-1]
    return np.array(centres), np.clip(np.array(means), *CHANCES)


def spread(numbers: NDArray[Any]) -> Spread:
    """How numbers are spread, in ten parts or fewer; what is not known is a part of its own, the last."""
    known = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(known, np.linspace(0.1, 0.9, 9))) if len(known) else np.array([])
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    parts = [*(counts / len(numbers)), 1 - len(known) / len(numbers)]
    return Spread(
        edges=tuple(_round(float(edge)) for edge in edges), parts=tuple(_round(float(part)) for part in parts)
    )


def _boosted(kind: str, rows: Rows, labels: NDArray[Any], seed: int) -> Any:
    depth, rounds = SHAPES[kind]
    told = {
        "objective": "binary:logistic",
        "base_score": 0.5,
        "tree_method": "hist",
        "max_depth": depth,
        "eta": 0.08,
        "subsample": 0.8,
        "colsample_bytree": 0.6,
        "min_child_weight": 4,
        "lambda": 3,
        "nthread": 1,
        "seed": seed,
    }
    return cast("Any", xgboost).train(told, xgboost.DMatrix(rows, labels, nthread=1), rounds)


def _margins(booster: Any, rows: Rows) -> NDArray[Any]:
    return booster.predict(xgboost.DMatrix(rows, nthread=1), output_margin=True)


def _round(number: float) -> float:
    return float(f"{number:.6g}")
