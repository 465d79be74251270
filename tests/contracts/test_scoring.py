"""What every adapter of the scoring port promises."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from ecosystem.adapters.outside.scoring import SHIPPED, BoostedScoring
from ecosystem.contexts.fraud import NAMES, Kind
from ecosystem.ports.scoring import ModelId, ModelUnfit, Scoring, UnknownModel


@pytest.fixture(scope="module", params=["trees"])
def scoring() -> Scoring:
    return BoostedScoring()


def unknown(kind: Kind) -> Sequence[float]:
    return [math.nan] * len(NAMES[kind])


@pytest.mark.parametrize("kind", Kind)
def test_the_shipped_model_scores_by_the_features_that_the_product_has(scoring: Scoring, kind: Kind) -> None:
    assert scoring.card(scoring.shipped).kinds[kind].features == NAMES[kind]


@pytest.mark.parametrize("kind", Kind)
def test_a_score_is_a_probability_and_the_same_each_time(scoring: Scoring, kind: Kind) -> None:
    scores = {scoring.score(scoring.shipped, kind, unknown(kind)) for _ in range(3)}

    assert len(scores) == 1
    assert all(0 <= score <= 1 for score in scores)


def test_what_looks_like_fraud_scores_higher_than_what_does_not(scoring: Scoring) -> None:
    calm = dict.fromkeys(NAMES[Kind.CHECKOUT], 0.0) | {
        "amount": 6_000.0,
        "amount_to_customer_mean": 1.0,
        "amount_to_provider_mean": 1.0,
        "account_days": 400.0,
        "lead_hours": 120.0,
        "local_hour": 14.0,
        "seats": 1.0,
        "customer_paid": 8.0,
        "customer_attempts_30d": 1.0,
        "provider_days": 200.0,
    }
    hectic = calm | {
        "account_days": 0.1,
        "customer_paid": 0.0,
        "customer_attempts_1h": 9.0,
        "customer_attempts_24h": 9.0,
        "customer_declined_24h": 7.0,
        "customer_declined_30d": 7.0,
        "customer_cards": 9.0,
        "zone_gap_hours": 7.0,
    }

    low, high = (scoring.score(scoring.shipped, "checkout", list(case.values())) for case in (calm, hectic))

    assert low < 0.05
    assert high > 0.7


@pytest.mark.parametrize("kind", Kind)
def test_every_feature_has_its_part_in_the_score(scoring: Scoring, kind: Kind) -> None:
    parts = scoring.contributions(scoring.shipped, kind, unknown(kind))

    assert len(parts) == len(NAMES[kind])
    assert any(parts)


def test_a_model_that_was_not_taken_in_is_refused(scoring: Scoring) -> None:
    with pytest.raises(UnknownModel):
        scoring.score(ModelId("trees-elsewhere"), "checkout", unknown(Kind.CHECKOUT))
    with pytest.raises(UnknownModel):
        scoring.card(ModelId("trees-elsewhere"))


@pytest.mark.parametrize("features", [[], [1.0], [0.0] * 500])
def test_a_row_of_another_length_is_refused(scoring: Scoring, features: list[float]) -> None:
    with pytest.raises(ModelUnfit):
        scoring.score(scoring.shipped, "checkout", features)


@pytest.mark.parametrize("body", [b"", b"{}", b"not a model", SHIPPED.read_bytes()[:-20], b"x" * 5_000_000])
def test_bytes_that_are_no_model_are_refused(scoring: Scoring, body: bytes) -> None:
    with pytest.raises(ModelUnfit):
        scoring.take(body)


def test_a_model_whose_trees_were_damaged_is_refused(scoring: Scoring) -> None:
    body = SHIPPED.read_bytes()
    middle = body.index(b'"booster":"') + 400
    damaged = body[:middle] + b"A" * 200 + body[middle + 200 :]

    with pytest.raises(ModelUnfit):
        scoring.take(damaged)


def test_the_shipped_model_is_small() -> None:
    assert SHIPPED.stat().st_size < 500_000
