"""How likely something is fraud, by a trained model: numbers in, a probability out.

A model scores by features of two kinds of thing, checkouts and payouts, each under names that stand in its card. It is
one file of bytes. A deployment ships with one; others are taken in while it runs, so that a challenger may score beside
the champion.

Scoring makes no call and takes well under a millisecond; telling why takes longer, and is asked for what is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NewType, Protocol

from msgspec import Struct, field

from ecosystem.kernel.refusals import Invalid, NotFound

ModelId = NewType("ModelId", str)


class UnknownModel(NotFound):
    """This process has no model by that name."""


class ModelUnfit(Invalid):
    """These bytes are no model that can be used here, or it scores by other features than the product has."""


class Bin(Struct, frozen=True, kw_only=True):
    """One step of how probabilities held good: of `cases` scored `expected` on average, the part `observed` was fraud."""

    cases: int
    expected: float
    observed: float


class Pattern(Struct, frozen=True, kw_only=True):
    """How a model did on one kind of fraud. `trained` tells whether it learned from any of that kind.

    `reviewed` and `declined` are the parts of it that the thresholds would have caught.
    """

    name: str
    cases: int
    trained: bool
    auc: float
    reviewed: float
    declined: float


class Metrics(Struct, frozen=True, kw_only=True):
    """What a model did on cases later than those it learned from. `brier` is the mean squared error of probabilities."""

    cases: int
    frauds: int
    auc: float
    average_precision: float
    brier: float
    reliability: tuple[Bin, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    false_reviewed: float = 0.0
    false_declined: float = 0.0


class Spread(Struct, frozen=True, kw_only=True):
    """How a number was spread where the model learned: `parts` lie below each edge, and the last above them all."""

    edges: tuple[float, ...]
    parts: tuple[float, ...]


class KindCard(Struct, frozen=True, kw_only=True):
    """What is known of a model for one kind of thing. `spreads` are by feature, and of the score under `score`."""

    features: tuple[str, ...]
    learned: int
    frauds: int
    metrics: Metrics
    spreads: Mapping[str, Spread] = field(default_factory=dict[str, Spread])


class ModelCard(Struct, frozen=True, kw_only=True):
    """What a model is: from what it learned, when, how it did."""

    model: ModelId
    made_at: datetime
    source: str
    seed: int
    kinds: Mapping[str, KindCard]


class Scoring(Protocol):
    @property
    def shipped(self) -> ModelId:
        """The model that the product ships with."""
        ...

    def knows(self, model: ModelId) -> bool:
        """Whether the model was taken in."""
        ...

    def take(self, body: bytes) -> ModelCard:
        """Take a model in, to score with from now on. Raises `ModelUnfit`."""
        ...

    def card(self, model: ModelId) -> ModelCard:
        """What is known of the model. Raises `UnknownModel`."""
        ...

    def score(self, model: ModelId, kind: str, features: Sequence[float]) -> float:
        """The probability of fraud, 0 to 1, calibrated. `nan` stands for what is not known. Raises `UnknownModel`."""
        ...

    def contributions(self, model: ModelId, kind: str, features: Sequence[float]) -> Sequence[float]:
        """What each feature adds to the log-odds of fraud, in their order (exact Shapley values of the trees).

        Raises `UnknownModel`.
        """
        ...
