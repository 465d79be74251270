"""The machines: each is read, clean by a second opinion, and asks functions of the table for acts that they have."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import msgspec
import pytest
from statelint.config import Config
from statelint.linter import Linter
from statelint.problem import ProblemType

from ecosystem.adapters.embedded.states.definition import load
from ecosystem.contexts.disputes import DECIDE
from ecosystem.journeys.answers import REJECT, REJECTED, answers
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.workflows import Definition
from ecosystem.workflows import charges, payouts, refunds
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
        # A wait is not begun anew where all of them together would not end in time: then another state looks.
        assert "Retry" in state or any(each["ErrorEquals"] == ["States.ALL"] for each in state["Catch"]), name
        for retrier in state.get("Retry", ()):
            if retrier.get("MaxAttempts") == 0:
                continue
            assert retrier["BackoffRate"] == 2.0, name
            assert retrier.get("JitterStrategy") == "FULL" or retrier["MaxAttempts"] == 1, name


ANCHORED = {"$.dispute.due_in_s", "$.dispute.decide_in_s"}
"""Waits that end at an instant of their matter, which lies `DECIDE` after the beginning at the latest."""

GUARDED = {"$.check.until": charges.PATIENCE, "$.refund.until": refunds.PATIENCE, "$.payout.until": payouts.PATIENCE}
"""Ways that are open until so long after the beginning: what leads back through them has that bound."""

VISITS_MAX = 2
"""How often one state is entered after the last of these instants: each dispute is taken on by every step."""


def backing_off(state: dict[str, Any], tries: int) -> float:
    """All pauses between the tries, with nothing taken off by chance."""
    longest = 0.0
    for retrier in state.get("Retry", ()):
        first, rate, most = retrier.get("IntervalSeconds", 1), retrier.get("BackoffRate", 2.0), retrier["MaxAttempts"]
        longest = max(longest, sum(first * rate**number for number in range(min(most, tries))))
    return longest


def taken(state: dict[str, Any], functions: dict[str, int]) -> float:
    """The longest that a state takes, all tries included, and an anchored wait's own time left out.

    A try of a wait that is tried again has failed in the asked function, which has its own time: nobody else fails it.
    """
    if state["Type"] == "Wait":
        return state["Seconds"]
    if state["Type"] != "Task":
        return 0
    tries = max((retrier["MaxAttempts"] for retrier in state.get("Retry", ())), default=0)
    if "waitForTaskToken" in state["Resource"]:
        asked = functions[state["Parameters"]["FunctionName"].strip("${}")]
        own = 1 if state.get("TimeoutSecondsPath") in ANCHORED else state["TimeoutSeconds"]
        return asked * tries + backing_off(state, tries) + own
    return state["TimeoutSeconds"] * (tries + 1) + backing_off(state, tries)


def ways(state: dict[str, Any]) -> list[tuple[str, timedelta | None]]:
    """Where a state leads, and until when that way is open."""
    found: list[tuple[str, timedelta | None]] = [(state[name], None) for name in ("Next", "Default") if name in state]
    found += [(each["Next"], None) for each in state.get("Catch", ())]
    for choice in state.get("Choices", ()):
        until = next((GUARDED[path] for path in GUARDED if path in str(choice)), None)
        found.append((choice["Next"], until))
    return found


def longest(
    within: dict[str, dict[str, Any]], start: str, functions: dict[str, int], visits: int, seen: tuple[str, ...] = ()
) -> float:
    """Seconds from the entering of a state to the end, along ways without a bound in time, each state so many times."""
    if seen.count(start) >= visits:
        return 0
    after = [
        longest(within, following, functions, visits, (*seen, start))
        for following, until in ways(within[start])
        if until is None
    ]
    return taken(within[start], functions) + max(after, default=0)


@every_machine
def test_the_longest_way_through_a_machine_ends_before_its_time_is_over(machine: Definition) -> None:
    within, functions = states(machine), {function.name: function.timeout_s for function in TABLE}
    document = msgspec.json.decode(machine.content)
    anchored = [name for name, state in within.items() if state.get("TimeoutSecondsPath") in ANCHORED]
    guarded = [(following, until) for state in within.values() for following, until in ways(state) if until]

    worst = longest(within, document["StartAt"], functions, 1)
    for following, until in guarded:
        worst = max(worst, until.total_seconds() + longest(within, following, functions, 1))
    for name in anchored:
        worst = max(worst, DECIDE.total_seconds() + longest(within, name, functions, VISITS_MAX))

    assert worst < document["TimeoutSeconds"], worst


@every_machine
def test_persons_are_asked_where_an_answer_has_a_way_on_and_nowhere_else(machine: Definition) -> None:
    for name, state in states(machine).items():
        offered = answers(state.get("Parameters", {}).get("Payload"))
        caught = [error for each in state.get("Catch", ()) for error in each["ErrorEquals"]]

        assert (REJECT in offered) == (REJECTED in caught), name
        assert not offered or "waitForTaskToken" in state["Resource"], name
