"""The short form of the drill: `python -m bench.ach_mutation` reads ten million damaged files, this some thousands."""

from pathlib import Path

import pytest

from bench import ach_mutation


def test_no_damaged_file_breaks_the_codec() -> None:
    state = ach_mutation.drill(6_000, seed=2026, workers=1, kept=None)

    assert state.broken == []
    assert state.done == 6_000
    assert 0 < state.accepted < 3_000
    assert len(state.rules) > 70


def test_an_interrupted_drill_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ach_mutation, "BLOCK", 50)
    kept = tmp_path / "state.json"

    ach_mutation.drill(100, seed=1, workers=1, kept=kept)
    state = ach_mutation.drill(200, seed=1, workers=1, kept=kept)

    assert state.done == 200
    assert state.rules == ach_mutation.drill(200, seed=1, workers=1, kept=None).rules
