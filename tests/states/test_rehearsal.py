from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecosystem.__main__ import main
from ecosystem.adapters.embedded.states.rehearsal import read, rehearse

CASES = Path(__file__).parent / "cases"
PLAIN: dict[str, Any] = {
    "id": "plain",
    "definition": {
        "StartAt": "T",
        "States": {
            "T": {"Type": "Task", "Resource": "f", "Retry": [{"ErrorEquals": ["E"]}], "Next": "W"},
            "W": {"Type": "Wait", "Seconds": 5, "End": True},
        },
    },
    "input": {"k": 1},
    "tasks": {"f": [{"error": "E"}, {"output": {"a": [2, 1], "at": "now"}, "expect_input": {"k": 1}}]},
    "expected": {"status": "SUCCEEDED"},
}


def test_our_own_cases_agree_and_a_disputed_one_is_only_told(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["workflow", "rehearse", str(CASES)])

    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert status == 0, out
    assert [line["id"] for line in lines if not line["pass"]] == ["disputed/who-knows"]
    assert err.splitlines() == [
        "disputed: 0 passed, 0 failed, 1 disputed",
        "lifecycle: 5 passed, 0 failed, 0 disputed",
        "in all: 5 passed, 0 failed, 1 disputed",
    ]


@pytest.mark.parametrize(
    ("expected", "field"),
    [
        ({"status": "FAILED"}, "status"),
        ({"output": {"a": [2, 1], "at": "then"}}, "output"),
        ({"output": {"a": [1, 2], "at": "now"}}, "output"),
        ({"error": "E"}, "error"),
        ({"error_any_of": ["E", "F"]}, "error_any_of"),
        ({"cause": "c", "cause_match": "exact"}, "cause"),
        ({"states_entered": ["W", "T"]}, "states_entered"),
        ({"calls": {"f": 1}}, "calls/f"),
        ({"calls": {"g": 1}}, "calls/g"),
        ({"retry_delays_seconds": [2]}, "retry_delays_seconds"),
        ({"waits_seconds": [6]}, "waits_seconds"),
        ({"output": {"a": [2, 1], "at": 0}, "ignore": ["/at"], "check": {"/at": {"type": "integer"}}}, "check/at"),
    ],
)
def test_whatever_a_case_expects_is_compared(expected: dict[str, Any], field: str) -> None:
    rehearsed = rehearse(read(json.dumps({**PLAIN, "expected": expected}).encode(), name="plain"))

    assert [difference.field for difference in rehearsed.differences] == [field]


@pytest.mark.parametrize(
    "expected",
    [
        {"output": {"a": [1, 2], "at": "now"}, "output_unordered": ["/a"]},
        {"output": {"a": [2, 1], "at": 0}, "ignore": ["/at"]},
        {"states_entered": ["W", "T"], "states_entered_order": "any"},
        {"calls": {"f": 2}, "retry_delays_seconds": [1], "waits_seconds": [5]},
        {"cause": "never compared", "cause_match": "ignore"},
    ],
)
def test_a_case_may_leave_things_open(expected: dict[str, Any]) -> None:
    assert rehearse(read(json.dumps({**PLAIN, "expected": expected}).encode(), name="plain")).agrees


def test_the_input_of_a_call_and_a_call_too_many_are_told() -> None:
    tasks = {"f": [{"error": "E", "expect_input": {"k": 2}}]}

    rehearsed = rehearse(read(json.dumps({**PLAIN, "tasks": tasks, "expected": {}}).encode(), name="plain"))

    assert [difference.field for difference in rehearsed.differences] == ["tasks/f/0/expect_input", "tasks/f"]


def test_a_case_that_differs_ends_with_1_and_says_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "case.json"
    case.write_text(json.dumps({**PLAIN, "expected": {"status": "FAILED"}}))

    assert main(["workflow", "rehearse", str(case)]) == 1

    assert json.loads(capsys.readouterr().out) == {
        "id": "plain",
        "pass": False,
        "differs": [{"field": "status", "expected": "FAILED", "got": "SUCCEEDED"}],
    }


@pytest.mark.parametrize(
    "content", ["", "[1]", "{}", '{"expected": {}}', '{"expected": {}, "definition": {}, "tasks": 1}']
)
def test_a_file_that_is_no_case_ends_with_2(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "case.json"
    case.write_text(content)

    assert main(["workflow", "rehearse", str(case)]) == 2
    assert str(case) in capsys.readouterr().err


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workflow", "rehearse", str(tmp_path / "none.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main(["workflow", "rehearse", str(tmp_path)]) == 2


def test_a_case_whose_machine_is_refused_differs() -> None:
    definition = {"StartAt": "T", "States": {"T": {"Type": "Pass"}}}

    (difference,) = rehearse(read(json.dumps({**PLAIN, "definition": definition}).encode(), name="plain")).differences

    assert difference.field == "definition"
