"""The short form of the drill: `python -m bench.reconciliation` puts ten thousand faults into files, this some hundreds."""

from pathlib import Path

import pytest

from bench import reconciliation


def test_files_that_agree_are_left_alone(tmp_path: Path) -> None:
    result = reconciliation.clean(20_000, 5, tmp_path)

    assert result.rows > 20_000
    assert result.reported == 0


@pytest.mark.parametrize("seed", [2, 3])
def test_every_fault_is_found_and_named(tmp_path: Path, seed: int) -> None:
    result = reconciliation.drilled(600, seed, tmp_path)

    assert (result.found, result.false_alarms) == (result.faults, 0)
    assert result.faults > 550
    assert result.compound > 100
    assert result.kinds >= 20
    # In so few files, one that two faults make by chance weighs more than in the long form, whose bar is 99 in 100.
    assert result.named_rightly >= 0.98 * result.clear, result.wrong


def test_faults_are_made_without_knowing_who_looks_for_them() -> None:
    for name in ("reconciliation_mutations", "reconciliation_world"):
        text = (Path(reconciliation.__file__).parent / f"{name}.py").read_text()
        assert "ecosystem" not in text
