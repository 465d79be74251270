"""What plays bank files and measures them runs, in a tiny form."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest
from bench.ach_files import samples
from bench.conformance import played

from bench import ach_conformance, ach_speed


def test_reading_a_file_is_timed_and_its_memory_taken() -> None:
    rows = {row.name: row.figure for row in ach_speed.run(200)}

    assert 0 < rows["200 entries read, validated, written"] < 3
    assert rows["memory for 800"] < 20


async def test_recorded_verdicts_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "ach"
    folder.mkdir()
    content = samples()["PPD"]
    (folder / "right.ach").write_bytes(content)
    listed = {"file": "right.ach", "accept": True, "batches": 1, "entries": 3}
    totals = {"total_debit_cents": 7, "total_credit_cents": 12_353}
    (folder / "MANIFEST.jsonl").write_bytes(msgspec.json.encode(listed | totals) + b"\n")
    other = content.decode().replace("101 07", "102 07")
    case = {"id": 1, "kind": "priority", "text": other, "moov_accepts": True}
    (folder / "mutations.jsonl.gz").write_bytes(gzip.compress(msgspec.json.encode(case) + b"\n"))

    assert await played(tmp_path)
    assert "0 agree, 1 refused by a stricter rule, 0 differ" in capsys.readouterr().out


def test_a_verdict_that_differs_without_a_reason_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = tmp_path / "MANIFEST.jsonl"
    (tmp_path / "right.ach").write_bytes(samples()["PPD"])
    wrong = {"file": "right.ach", "accept": False}
    listed.write_bytes(msgspec.json.encode(wrong) + b"\n")

    assert ach_conformance.play(listed) == 1
    assert "right.ach: expected refused" in capsys.readouterr().out
