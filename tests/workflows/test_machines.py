"""The machines: each is read, clean by a second opinion, and asks functions of the table for acts that they have."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest
from statelint.config import Config
from statelint.linter import Linter
from statelint.problem import ProblemType

from ecosystem.adapters.embedded.states.definition import load
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.workflows import Definition
from ecosystem.workflows.definitions import definitions
from ecosystem.workflows.entries.workflow_orchestrator import BEGINNINGS
from ecosystem.workflows.functions import TABLE
from ecosystem.workflows.triggers import OnTask

TASKS = {function.name for function in TABLE if function.of(OnTask)}
TIMEOUTS = {
    "ecosystem-booking-lifecycle": 15 * 60,
    "ecosystem-payment-processing": 10 * 60,
    "ecosystem-dispute-resolution": 7 * 24 * 60 * 60,
    "ecosystem-provider-onboarding": 30 * 60,
}
every_machine = pytest.mark.parametrize("machine", definitions(), ids=lambda each: each.name)


def states(machine: Definition) -> dict[str, dict[str, Any]]:
    return cast("dict[str, dict[str, Any]]", msgspec.json.decode(machine.content)["States"])


def test_there_are_the_machines_of_the_system_with_their_times_and_an_event_begins_each() -> None:
    times = {machine.name: msgspec.json.decode(machine.content)["TimeoutSeconds"] for machine in definitions()}

    assert times == TIMEOUTS
    assert {beginning.machine for beginning in BEGINNINGS.values()} == set(TIMEOUTS)


@every_machine
def test_a_machine_is_read_and_names_functions_that_machines_may_call(machine: Definition) -> None:
    assert load(machine.content, file=machine.file, functions=TASKS)
    with pytest.raises(Invalid, match="there is no function"):
        load(machine.content, file=machine.file, functions=())


@every_machine
def test_a_second_opinion_finds_nothing_wrong(machine: Definition) -> None:
    # Our resources are names, not addresses.
    assert Linter.validate(machine.content.decode(), Config({ProblemType.URI})) == []


@every_machine
def test_each_task_has_an_end_in_time_and_a_second_try_with_jitter_where_many_may_wake_together(
    machine: Definition,
) -> None:
    tasks = {name: state for name, state in states(machine).items() if state["Type"] == "Task"}

    assert tasks
    for name, state in tasks.items():
        assert "TimeoutSeconds" in state or "TimeoutSecondsPath" in state, name
        assert state["ResultPath"] != "$", f"{name} loses its input"
        for retrier in state["Retry"]:
            if retrier.get("MaxAttempts") == 0:
                continue
            assert retrier["BackoffRate"] == 2.0, name
            assert retrier.get("JitterStrategy") == "FULL" or retrier["MaxAttempts"] == 1, name
