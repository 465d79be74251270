"""Whether what is seen now still looks like what the model learned from: the population stability index.

Of two spreads over the same parts it is the sum of (now - then) * ln(now / then). Below 0.1 is called stable, from 0.25
on the model should be looked at (Siddiqi, Credit Risk Scorecards, 2006). Parts that are empty count as one in ten
thousand.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from ecosystem.contexts.fraud.assessments import Assessment
from ecosystem.contexts.fraud.features import NAMES, Kind
from ecosystem.ports.scoring import KindCard, ModelId, Spread
from ecosystem.ports.table import Stored

WATCH, ALARM = 0.1, 0.25
LEAST = 1e-4
CASES_MIN = 300
"""With fewer cases chance alone looks like drift."""


class Drift(Struct, frozen=True, kw_only=True):
    """How far one number has moved. `parts` are how it is spread now, beside `then`."""

    feature: str
    index: float
    parts: tuple[float, ...]
    then: tuple[float, ...]

    @property
    def is_alarming(self) -> bool:
        return self.index >= ALARM


class Drifts(Struct, frozen=True, kw_only=True):
    """Every number of a kind, the furthest moved first; none while there are too few cases."""

    kind: Kind
    cases: int
    drifts: tuple[Drift, ...]

    @property
    def score(self) -> Drift | None:
        return next((each for each in self.drifts if each.feature == "score"), None)

    @property
    def is_enough(self) -> bool:
        return self.cases >= CASES_MIN


class DriftsSeen(Stored, frozen=True, kw_only=True):
    """What was found when it was last looked at, and of which model."""

    entity: ClassVar[str] = "fraud_drifts"

    at: datetime
    model: ModelId
    drifts: tuple[Drifts, ...]


def index(then: Sequence[float], now: Sequence[float]) -> float:
    """The population stability index of two spreads over the same parts."""
    total = 0.0
    for before, after in zip(then, now, strict=True):
        old, new = max(before, LEAST), max(after, LEAST)
        total += (new - old) * math.log(new / old)
    return total


def parts(spread: Spread, numbers: Sequence[float]) -> tuple[float, ...]:
    """How the numbers are spread over the same parts; what is not known is the last of them."""
    counts = [0] * (len(spread.edges) + 2)
    for number in numbers:
        counts[-1 if math.isnan(number) else bisect_left(spread.edges, number)] += 1
    return tuple(count / len(numbers) for count in counts)


def drifts(kind: Kind, card: KindCard, some: Sequence[Assessment]) -> Drifts:
    """How far the numbers of these lie from where the model learned."""
    mine = [each for each in some if each.kind is kind and len(each.numbers) == len(NAMES[kind])]
    if not mine:
        return Drifts(kind=kind, cases=0, drifts=())
    columns = {name: [each.numbers[place] for each in mine] for place, name in enumerate(NAMES[kind])}
    columns["score"] = [each.chance for each in mine]
    found = [_drift(name, card.spreads[name], numbers) for name, numbers in columns.items() if name in card.spreads]
    return Drifts(kind=kind, cases=len(mine), drifts=tuple(sorted(found, key=lambda each: -each.index)))


def _drift(name: str, spread: Spread, numbers: Sequence[float]) -> Drift:
    now = parts(spread, numbers)
    return Drift(feature=name, index=index(spread.parts, now), parts=now, then=spread.parts)
