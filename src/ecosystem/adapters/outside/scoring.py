"""The scoring port on gradient-boosted trees (XGBoost), one thread, in the caller's own.

A model is one file: JSON with its card and, for each kind, the trees (XGBoost's own JSON-like binary, base64) and the
steps by which margins become probabilities (isotonic, linear in between). One row takes some tens of microseconds, so
it is scored where it is asked for; telling why takes up to a millisecond.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import xgboost
from msgspec import Struct

from ecosystem.ports.scoring import ModelCard, ModelId, ModelUnfit, UnknownModel

SHIPPED = Path(__file__).with_name("scoring_model.json")
BODY_BYTES_MAX = 4_000_000


class Trees(Struct, frozen=True, kw_only=True):
    """The trees of one kind, and how margins (log-odds before calibration) become probabilities: steps of equal length."""

    booster: str
    margins: tuple[float, ...]
    chances: tuple[float, ...]


class File(Struct, frozen=True, kw_only=True):
    """A model as it is kept."""

    card: ModelCard
    kinds: Mapping[str, Trees]


@dataclass(frozen=True, slots=True)
class _Open:
    booster: Any
    features: int
    margins: Sequence[float]
    chances: Sequence[float]

    def chance(self, margin: float) -> float:
        place = bisect_right(self.margins, margin)
        if place == 0:
            return self.chances[0]
        if place == len(self.margins):
            return self.chances[-1]
        low, high = self.margins[place - 1], self.margins[place]
        below, above = self.chances[place - 1], self.chances[place]
        return below + (above - below) * (margin - low) / (high - low)


class BoostedScoring:
    """The `Scoring` port. Opens with the model that ships."""

    def __init__(self, shipped: bytes | None = None) -> None:
        self._cards: dict[ModelId, ModelCard] = {}
        self._open: dict[tuple[ModelId, str], _Open] = {}
        self._shipped = self.take(SHIPPED.read_bytes() if shipped is None else shipped).model

    @property
    def shipped(self) -> ModelId:
        return self._shipped

    def knows(self, model: ModelId) -> bool:
        return model in self._cards

    def take(self, body: bytes) -> ModelCard:
        if len(body) > BODY_BYTES_MAX:
            raise ModelUnfit("A model has at most 4 MB.")
        try:
            file = msgspec.json.decode(body, type=File)
            opened = {kind: _opened(file.card, kind, trees) for kind, trees in file.kinds.items()}
        except (msgspec.DecodeError, binascii.Error, xgboost.core.XGBoostError) as broken:
            raise ModelUnfit(f"That is no model: {str(broken).splitlines()[0]}") from broken
        self._cards[file.card.model] = file.card
        self._open |= {(file.card.model, kind): one for kind, one in opened.items()}
        return file.card

    def card(self, model: ModelId) -> ModelCard:
        if model not in self._cards:
            raise UnknownModel
        return self._cards[model]

    def score(self, model: ModelId, kind: str, features: Sequence[float]) -> float:
        opened, row = self._row(model, kind, features)
        margin = opened.booster.inplace_predict(row, predict_type="margin", validate_features=False)
        return opened.chance(float(margin[0]))

    def contributions(self, model: ModelId, kind: str, features: Sequence[float]) -> Sequence[float]:
        opened, row = self._row(model, kind, features)
        told = opened.booster.predict(xgboost.DMatrix(row, nthread=1), pred_contribs=True)
        return [float(part) for part in told[0][:-1]]

    def _row(self, model: ModelId, kind: str, features: Sequence[float]) -> tuple[_Open, Any]:
        opened = self._open.get((model, kind))
        if opened is None:
            raise UnknownModel
        if len(features) != opened.features:
            raise ModelUnfit(f"{model} scores by {opened.features} features, not by {len(features)}.")
        return opened, np.array([features], dtype=np.float32)


def _opened(card: ModelCard, kind: str, trees: Trees) -> _Open:
    if kind not in card.kinds:
        raise ModelUnfit(f"The model's card says nothing about {kind}.")
    if not trees.margins or len(trees.margins) != len(trees.chances) or list(trees.margins) != sorted(trees.margins):
        raise ModelUnfit("The model's calibration has no order.")
    booster = cast("Any", xgboost.Booster)({"nthread": 1}, model_file=bytearray(base64.b64decode(trees.booster)))
    features = len(card.kinds[kind].features)
    if booster.num_features() != features:
        raise ModelUnfit(f"The trees of {kind} read {booster.num_features()} features, the card names {features}.")
    return _Open(booster=booster, features=features, margins=trees.margins, chances=trees.chances)
