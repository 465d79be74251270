"""The short form of the splits drill (`python -m bench.splits` makes ten million)."""

from __future__ import annotations

import pytest

from bench import splits
from ecosystem.kernel.money import Money
from ecosystem.kernel.rates import Rates


def test_no_unit_is_lost_in_many_splits() -> None:
    heard: list[int] = []

    assert splits.drill(20_000, seed=3, said=lambda done, _seconds: heard.append(done)) == 20_000
    assert heard == []


def test_a_lost_unit_stops_the_drill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "whole", lambda lines: lines.provider_share.minor + 1)

    with pytest.raises(splits.Lost):
        splits.check(Money(100, "EUR"), Rates(), guest=True, part=5000)
