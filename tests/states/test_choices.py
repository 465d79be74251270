from __future__ import annotations

from typing import Any

import pytest

from ecosystem.adapters.embedded.states import stepping
from ecosystem.adapters.embedded.states.definition import MachineRefused
from states.machines import AT, HERE, machine


def chosen(rule: dict[str, Any], given: Any) -> Any:
    """Whether the rule holds; the error's name when it cannot be told."""
    played = machine(
        {
            "C": {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"},
            "Yes": {"Type": "Pass", "Result": True, "End": True},
            "No": {"Type": "Pass", "Result": False, "End": True},
        }
    )
    run = stepping.begin(played, HERE, given, AT).run
    return run.error or run.output


@pytest.mark.parametrize(
    ("name", "against", "value", "holds"),
    [
        ("StringEquals", "a", "a", True),
        ("StringLessThan", "b", "B", True),
        ("StringLessThan", "\uff5e", "\U0001f600", True),
        ("NumericEquals", 1, 1.0, True),
        ("NumericEquals", 1, True, False),
        ("NumericEquals", 1, "1", False),
        ("NumericGreaterThanEquals", 2, 2, True),
        ("BooleanEquals", True, 1, False),
        ("TimestampEquals", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00Z", True),
        ("TimestampLessThan", "2026-01-01T00:00:00Z", "no instant", False),
        ("IsTimestamp", True, "2026-01-01t00:00:00z", False),
        ("IsTimestamp", True, "2026-02-30T00:00:00Z", False),
        ("IsNull", True, None, True),
        ("IsNumeric", True, False, False),
        ("IsPresent", True, None, True),
        ("StringMatches", "a*b*c", "a-b-b-c", True),
        ("StringMatches", "a*b*c", "a-c-b", False),
        ("StringMatches", "ab*ba", "aba", False),
        ("StringMatches", "\\*\\\\", "*\\", True),
        ("StringMatches", "a\\*", "ab", False),
    ],
)
def test_a_comparison_holds_as_in_the_cloud(name: str, against: Any, value: Any, holds: bool) -> None:
    assert chosen({"Variable": "$.v", name: against}, {"v": value}) is holds


def test_a_pattern_with_many_stars_takes_no_time() -> None:
    assert chosen({"Variable": "$.v", "StringMatches": "a*" * 50 + "b"}, {"v": "a" * 50_000}) is False


def test_what_is_nowhere_can_only_be_asked_for() -> None:
    assert chosen({"Variable": "$.v", "IsPresent": False}, {}) is True
    assert chosen({"Variable": "$.v", "IsNull": True}, {}) == "States.Runtime"
    assert chosen({"Variable": "$.a", "StringEqualsPath": "$.v"}, {"a": "x"}) == "States.Runtime"


def test_joined_rules_are_asked_no_further_than_needed() -> None:
    absent = {"Variable": "$.v", "StringEquals": "x"}

    assert chosen({"And": [{"Variable": "$.v", "IsPresent": True}, absent]}, {}) is False
    assert chosen({"Or": [{"Not": {"Variable": "$.v", "IsPresent": True}}, absent]}, {}) is True


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"Variable": "$.v"},
        {"Variable": "$.v", "NumericEquals": "1"},
        {"Variable": "$.v", "BooleanLessThan": True},
        {"Variable": "$.v", "TimestampEquals": "yesterday"},
        {"Variable": "$.v", "IsNull": "yes"},
        {"Variable": "$.v", "StringEquals": "a", "IsNull": True},
        {"Variable": "v", "IsNull": True},
        {"And": []},
        {"Not": [{"Variable": "$.v", "IsNull": True}]},
        {"And": [{"Variable": "$.v", "IsNull": True, "Next": "Yes"}]},
        {"Condition": "{% true %}"},
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(MachineRefused):
        chosen(rule, {})
