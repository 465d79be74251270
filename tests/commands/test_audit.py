"""`ecosystem audit check-proofs`: a verdict for each line, whatever the lines hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecosystem.__main__ import main

ROOT = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0="


def inclusion(case: str, **other: object) -> bytes:
    said = {"kind": "inclusion", "case": case, "leafIdx": 0, "treeSize": 1, "root": ROOT, "leafHash": ROOT}
    return json.dumps(said | {"proof": None, "wantErr": False} | other).encode() + b"\n"


def verdicts(folder: Path, printed: pytest.CaptureFixture[str], *lines: bytes) -> tuple[int, list[dict[str, object]]]:
    path = folder / "cases.jsonl"
    path.write_bytes(b"".join(lines))
    status = main(["audit", "check-proofs", str(path)])
    return status, [json.loads(line) for line in printed.readouterr().out.splitlines()]


def test_each_case_has_its_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = verdicts(tmp_path, capsys, inclusion("a"), b"\n", inclusion("b", leafIdx=1, wantErr=True))

    assert (status, said) == (0, [{"case": "a", "accepted": True}, {"case": "b", "accepted": False}])


def test_a_verdict_that_is_not_expected_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = verdicts(tmp_path, capsys, inclusion("a", wantErr=True))

    assert (status, said) == (1, [{"case": "a", "accepted": True}])


def test_half_a_character_in_a_name_ends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = verdicts(tmp_path, capsys, inclusion("half \ud800"), inclusion("next"))

    assert status == 0
    assert [case["accepted"] for case in said] == [True, True]
    assert said[0]["case"] == "half \ud800"


def test_a_line_without_end_has_one_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = inclusion("long", proof=["A" * 5_000_000], wantErr=True)

    status, said = verdicts(tmp_path, capsys, long, inclusion("next"), b"not json")

    assert status == 0
    assert [case["accepted"] for case in said] == [False, True, False]
