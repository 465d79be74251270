"""`ecosystem ach check`: a verdict for each file, and a status for all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench.ach_files import samples

from ecosystem.__main__ import main

SAMPLES = samples()


@pytest.fixture
def right(tmp_path: Path) -> Path:
    path = tmp_path / "right.ach"
    path.write_bytes(SAMPLES["PPD"])
    return path


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "part.ach"
    path.write_bytes(b"\n".join(SAMPLES["return"].splitlines()[1:4]))
    return path


def test_a_line_of_json_for_each_file(right: Path, part: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ach", "check", str(right), str(part), "--json"]) == 1

    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first == {
        "file": str(right),
        "accept": True,
        "errors": [],
        "batches": 1,
        "entries": 3,
        "debit_cents": 7,
        "credit_cents": 12_353,
        "round_trip": True,
    }
    assert second["accept"] is False
    assert second["round_trip"] is True
    assert second["errors"][0].keys() == {"line", "record", "field", "rule", "message"}


def test_a_file_that_cannot_be_read_has_its_line_too(
    right: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ach", "check", str(tmp_path / "none.ach"), str(right), "--json"]) == 2

    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["accept"], first["errors"][0]["rule"], second["accept"]) == (False, "unreadable", True)


def test_lenient_takes_partial_return_files(part: Path) -> None:
    assert main(["ach", "check", str(part)]) == 1
    assert main(["ach", "check", str(part), "--lenient"]) == 0


def test_a_relaxation_is_asked_for_by_its_name(right: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right.write_bytes(SAMPLES["PPD"].replace(b"101 07", b"102 07"))

    assert main(["ach", "check", str(right)]) == 1
    assert "[priority_code]" in capsys.readouterr().out
    assert main(["ach", "check", str(right), "--relax", "any_priority_and_blocking"]) == 0
    assert main(["ach", "check", str(right), "--relax", "anything"]) == 2


def test_a_file_that_cannot_be_read_is_a_matter_of_use(right: Path, tmp_path: Path) -> None:
    assert main(["ach", "check", str(right), str(tmp_path / "none.ach")]) == 2
    with pytest.raises(SystemExit) as ended:
        main(["ach", "check"])
    assert ended.value.code == 2
