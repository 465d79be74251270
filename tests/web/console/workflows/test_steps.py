"""What a history tells: one step for each visit of a state, how each state stands, and which ways were taken."""

from __future__ import annotations

from tests.web.console.workflows.histories import Told, execution, through_everything

from ecosystem.ports.workflows import ExecutionStatus
from ecosystem.web.console.workflows.machines import END, START
from ecosystem.web.console.workflows.steps import Outcome, Taken, story

NOBODY = frozenset[str]()


def test_a_state_that_succeeded_at_the_third_call_shows_two_retries() -> None:
    told = Told()
    told.say("ExecutionStarted", 0)
    told.task("Charge", "Unavailable", "CardTimeout")
    told.say("ExecutionSucceeded")

    read = story(execution(ExecutionStatus.SUCCEEDED), told.events, NOBODY)

    (step,) = read.steps
    assert (step.outcome, step.retries) == (Outcome.SUCCEEDED, 2)
    assert [call.error for call in step.calls] == ["Unavailable", "CardTimeout", ""]
    assert (step.input, step.output) == ({"hold_id": "hld_1"}, {"done": "Charge"})
    assert read.taken == {Taken(START, "Charge"), Taken("Charge", END)}


def test_an_error_that_was_caught_leads_on() -> None:
    told = Told()
    told.say("ExecutionStarted", 0)
    told.enter("Charge")
    told.call("CardDeclined", succeeds=False)
    told.leave("Charge")
    told.enter("LetGo", "Pass")
    told.leave("LetGo", "Pass")

    read = story(execution(ExecutionStatus.SUCCEEDED), told.events, NOBODY)

    assert read.standings["Charge"].outcome is Outcome.CAUGHT
    assert read.steps[0].error == "CardDeclined"
    assert Taken("Charge", "LetGo", caught=True) in read.taken


def test_an_error_that_nobody_caught_fails_its_state_and_stops_what_ran_beside_it() -> None:
    told = Told()
    told.say("ExecutionStarted", 0)
    told.enter("Both", "Parallel")
    opened = told.say("ParallelStateStarted")
    told.enter("Slow", before=opened)
    told.enter("Charge", before=opened)
    failed = told.call("CardDeclined", succeeds=False)
    told.say("ParallelStateFailed", failed)
    told.say("ExecutionFailed", error="CardDeclined")

    read = story(execution(ExecutionStatus.FAILED, error="CardDeclined"), told.events, NOBODY)

    assert {name: standing.outcome for name, standing in read.standings.items()} == {
        "Both": Outcome.FAILED, "Charge": Outcome.FAILED, "Slow": Outcome.ABORTED,
    }  # fmt: skip
    assert {step.state: step.within for step in read.steps}["Charge"] == read.steps[0].number


def test_a_state_in_a_loop_stands_as_it_was_left_last() -> None:
    read = story(execution(ExecutionStatus.RUNNING), through_everything(), frozenset({"AskOperator"}))

    assert read.standings["IsItPaid"].visits == 3
    assert read.standings["AskProcessor"].outcome is Outcome.SUCCEEDED
    assert read.standings["TellEverybody"].outcome is Outcome.CAUGHT
    assert read.standings["MailCustomer"].outcome is Outcome.SUCCEEDED
    assert read.standings["AskOperator"].outcome is Outcome.ASKED
    assert read.standings["WriteCalendar"].outcome is Outcome.FAILED
    assert "Booked" not in read.standings
    assert {
        Taken("AskProcessor", "IsItPaid"),
        Taken("TellEverybody", "AskOperator", caught=True),
        Taken("MailProvider", "WriteCalendar"),
    } <= read.taken
    assert Taken("MailCustomer", "MailProvider") not in read.taken


def test_each_item_of_a_map_is_told_apart_and_the_gravest_is_shown() -> None:
    told = Told()
    told.say("ExecutionStarted", 0)
    told.enter("Each", "Map")
    opened = told.say("MapStateStarted", length=2)
    for index in range(2):
        begun = told.say("MapIterationStarted", opened, name="Each", index=index)
        told.enter("Print", before=begun)
        if index == 0:
            told.call()
            done = told.leave("Print")
            told.say("MapIterationSucceeded", done, name="Each", index=index)

    read = story(execution(ExecutionStatus.RUNNING), told.events, NOBODY)

    assert [step.item for step in read.steps if step.state == "Print"] == [0, 1]
    assert read.standings["Print"].outcome is Outcome.RUNNING
    assert read.standings["Each"].outcome is Outcome.RUNNING


def test_what_was_under_way_when_it_was_stopped_is_shown_as_stopped() -> None:
    told = Told()
    told.say("ExecutionStarted", 0)
    told.enter("Pause", "Wait")
    told.say("ExecutionAborted")

    aborted = story(execution(ExecutionStatus.ABORTED), told.events, NOBODY)
    timed_out = story(execution(ExecutionStatus.TIMED_OUT), told.events, NOBODY)
    running = story(execution(ExecutionStatus.RUNNING), told.events[:2], NOBODY)

    assert aborted.standings["Pause"].outcome is Outcome.ABORTED
    assert timed_out.standings["Pause"].outcome is Outcome.TIMED_OUT
    assert running.standings["Pause"].outcome is Outcome.WAITING
