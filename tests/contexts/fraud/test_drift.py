"""Whether what is seen still looks like what was learned, and what a score is made of, in words."""

from __future__ import annotations

import math

import pytest

from ecosystem.contexts.fraud import NAMES, Kind, explained
from ecosystem.contexts.fraud.drift import index, parts
from ecosystem.contexts.fraud.reasons import GROUPS
from ecosystem.ports.scoring import Spread


def test_the_stability_index_of_the_same_spread_is_nothing() -> None:
    assert index((0.2, 0.3, 0.5), (0.2, 0.3, 0.5)) == 0


def test_the_stability_index_is_the_sum_over_its_parts() -> None:
    # (0.3 - 0.5) ln(0.3 / 0.5) + (0.7 - 0.5) ln(0.7 / 0.5)
    assert index((0.5, 0.5), (0.3, 0.7)) == pytest.approx(-0.2 * math.log(0.6) + 0.2 * math.log(1.4))
    assert index((1.0, 0.0), (0.0, 1.0)) > 1


def test_numbers_fall_into_the_parts_they_were_learned_in() -> None:
    spread = Spread(edges=(1.0, 2.0), parts=(0.25, 0.25, 0.25, 0.25))

    assert parts(spread, [0.5, 1.0, 1.5, 9.0, math.nan]) == pytest.approx((0.4, 0.2, 0.2, 0.2))


@pytest.mark.parametrize("kind", Kind)
def test_every_number_belongs_to_one_reason(kind: Kind) -> None:
    told = [feature for group in GROUPS[kind] for feature in group.features]

    assert sorted(told) == sorted(NAMES[kind])


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("number", [0.0, 1.0, 7.3, math.nan])
def test_reasons_can_be_said_whatever_the_numbers(kind: Kind, number: float) -> None:
    count = len(NAMES[kind])

    told = explained(kind, [number] * count, [0.3] * count)

    assert told
    assert all(why.text.endswith(".") and "nan" not in why.text for why in told)
    assert [why.weight for why in told] == sorted((why.weight for why in told), reverse=True)
