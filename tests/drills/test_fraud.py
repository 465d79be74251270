"""The short forms of `bench.fraud_scoring` and `bench.fraud_models`."""

from __future__ import annotations

import pytest

from bench import fraud_models, fraud_scoring


def test_a_checkout_is_scored_in_time() -> None:
    rows = fraud_scoring.run(160)

    assert [row.unit for row in rows] == ["ms"] * 3
    assert rows[0].figure < fraud_scoring.GOAL_MS


def test_the_detector_is_held_to_frauds_that_it_learned_and_to_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert fraud_models.on_a_market_made_up(60)

    said = capsys.readouterr().out
    assert "patterns as trained on" in said
    assert "patterns never trained on" in said
