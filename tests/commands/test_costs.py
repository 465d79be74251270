"""`ecosystem costs`: the comparison in words and as JSON."""

from __future__ import annotations

import json

import pytest

from ecosystem.__main__ import main


def test_the_reference_month_is_told_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["costs", "--volume", "100000", "--transactions", "500", "--payouts", "1000"]) == 0

    said = capsys.readouterr().out
    reference, public = said.split("\n\n")[1:]
    assert "$3,450.00" in reference
    assert "$275.00" in reference
    assert "Per entry, to the bank: 500 entries x 0.25 [plan]" in reference
    assert "$4,047.62" in public


def test_everything_comes_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["costs", "--own-costs", "5000", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in told["scenarios"]] == ["reference", "public"]
    assert told["scenarios"][0]["rails"][0]["total"] == {"minor": 345_000, "currency": "USD"}
    assert told["scenarios"][1]["break_evens"][0]["transactions"] == 661


def test_a_month_that_cannot_be_is_refused_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["costs", "--transactions", "0"]) == 1

    assert "A whole number from 1" in capsys.readouterr().err
