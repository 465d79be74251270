from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from ecosystem.adapters.embedded.states import chance, stepping
from ecosystem.adapters.embedded.states.run import Run, RunStatus, Succeeded
from ecosystem.adapters.embedded.states.stepping import CallNotAwaited, NotRedrivable
from ecosystem.adapters.embedded.states.walking import EVENTS_MAX, TURN_EVENTS_MAX
from states.machines import AT, HERE, Playing, evaluated, machine, one

TASK: dict[str, Any] = {"Type": "Task", "Resource": "work"}
RETRY: list[dict[str, Any]] = [{"ErrorEquals": ["E"], "IntervalSeconds": 2, "MaxAttempts": 2, "BackoffRate": 3.0}]


def test_a_run_goes_as_far_as_it_can_and_asks_for_what_it_needs() -> None:
    playing = Playing(machine({"A": {"Type": "Pass", "Result": {"k": 1}, "Next": "B"}, "B": {**TASK, "End": True}}))

    (call,) = playing.asked
    assert (call.call_id, call.function, call.input, call.attempt) == (1, "work", {"k": 1}, 0)
    assert playing.run.wakes_at is None

    playing.succeed([2])

    assert playing.run.status is RunStatus.SUCCEEDED
    assert playing.run.output == [2]
    assert playing.told == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "TaskStateEntered",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert [event.id for event in playing.events] == list(range(1, 10))
    assert [event.previous_id for event in playing.events] == [0, 0, 2, 3, 4, 5, 6, 7, 8]


def test_an_answer_nobody_waits_for_is_refused() -> None:
    playing = Playing(one(TASK))
    playing.succeed(1, call_id=1)

    with pytest.raises(CallNotAwaited):
        playing.succeed(1, call_id=1)
    with pytest.raises(CallNotAwaited):
        stepping.beat(playing.machine, playing.run, 7, AT)


def test_a_turn_leaves_the_run_it_was_given_as_it_was() -> None:
    given: dict[str, Any] = {"list": [1]}
    playing = Playing(one({**TASK, "ResultPath": "$.list[0]"}), given)
    before, packed = playing.run, msgspec.msgpack.encode(playing.run)
    output: dict[str, Any] = {"own": [1]}

    playing.asked[0].input["list"].append("by the handler")
    given["list"].append("by the caller")
    playing.succeed(output)
    output["own"].append("by the handler, later")

    assert msgspec.msgpack.encode(before) == packed
    assert playing.run.output == {"list": [{"own": [1]}]}


def test_retries_wait_longer_each_time_and_are_counted_for_each_retrier() -> None:
    playing = Playing(one({**TASK, "Retry": [*RETRY, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]}))

    waits: list[Any] = []
    for error in ("E", "E", "other"):
        playing.fail(error)
        assert playing.run.wakes_at is not None
        waits.append((playing.run.wakes_at - playing.at).total_seconds())
        playing.wake(waits[-1])
    playing.fail("E", "cause")

    assert waits == [2, 6, 1]
    assert [call.attempt for call in playing.asked] == [0, 1, 2, 3]
    assert (playing.run.status, playing.run.error, playing.run.cause) == (RunStatus.FAILED, "E", "cause")


def test_jitter_and_the_longest_delay_keep_waits_short() -> None:
    retrier = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "MaxDelaySeconds": 20, "MaxAttempts": 99999999}
    for jitter, low, high in (("NONE", 20, 20), ("FULL", 0, 20)):
        playing = Playing(one({**TASK, "Retry": [{**retrier, "BackoffRate": 1e8, "JitterStrategy": jitter}]}))
        for _ in range(60):
            playing.fail("E")
            assert playing.run.wakes_at is not None
            playing.wake((playing.run.wakes_at - playing.at).total_seconds())
        playing.fail("E")

        assert playing.run.wakes_at is not None
        assert low <= (playing.run.wakes_at - playing.at).total_seconds() <= high


def test_no_attempts_means_none() -> None:
    playing = Playing(one({**TASK, "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 0}]}))

    assert playing.fail("E").status is RunStatus.FAILED


@pytest.mark.parametrize(
    ("names", "error", "is_caught"),
    [
        (["E"], "E", True),
        (["e"], "E", False),
        (["States.TaskFailed"], "E", True),
        (["States.TaskFailed"], None, True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.DataLimitExceeded", True),
        (["States.ALL"], "States.Runtime", False),
    ],
)
def test_a_catcher_takes_what_it_names(names: list[str], error: str | None, is_caught: bool) -> None:
    catch = [{"ErrorEquals": names, "Next": "H", "ResultPath": "$.error"}]
    playing = Playing(machine({"T": {**TASK, "Catch": catch, "End": True}, "H": {"Type": "Succeed"}}), {"k": 1})

    run = playing.fail(error, "why")

    if is_caught:
        assert run.output == {"k": 1, "error": {"Error": error, "Cause": "why"}}
    else:
        assert run.error == error


def test_a_path_that_finds_nothing_is_caught_by_nobody() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "H"}]
    inner = {"StartAt": "I", "States": {"I": {**TASK, "OutputPath": "$.none", "End": True}}}
    outer = {"Type": "Parallel", "Branches": [inner], "Catch": catch, "End": True}
    playing = Playing(machine({"P": outer, "H": {"Type": "Succeed"}}))

    run = playing.succeed({})

    assert (run.status, run.error) == (RunStatus.FAILED, "States.Runtime")
    assert playing.told[-2:] == ["LambdaFunctionSucceeded", "ExecutionFailed"]


def test_a_result_that_has_no_place_can_be_caught() -> None:
    catch = [{"ErrorEquals": ["States.ResultPathMatchFailure"], "Next": "H"}]
    played = machine({"T": {**TASK, "ResultPath": "$.a.b", "Catch": catch, "End": True}, "H": {"Type": "Succeed"}})

    assert Playing(played, {"a": 1}).succeed(2).output["Error"] == "States.ResultPathMatchFailure"
    assert Playing(played, {}).succeed(2).output == {"a": {"b": 2}}


@pytest.mark.parametrize("size", [262_142, 262_143])
def test_no_payload_passes_the_limit(size: int) -> None:
    playing = Playing(one(TASK))

    run = playing.succeed("é" * (size // 2) + "x" * (size % 2))

    assert run.error == (None if size + 2 <= 262_144 else "States.DataLimitExceeded")


def test_what_a_function_returns_and_json_cannot_hold_is_its_failure() -> None:
    assert Playing(one(TASK)).succeed("\ud800").error == "Runtime.MarshalError"
    assert Playing(one(TASK)).succeed(object()).error == "Runtime.MarshalError"


def test_a_wait_is_over_when_its_time_has_come() -> None:
    for state, given in (
        ({"Seconds": 90}, {}),
        ({"SecondsPath": "$.s"}, {"s": 90}),
        ({"Timestamp": "2026-03-14T03:00:30+01:00"}, {}),
        ({"TimestampPath": "$.t"}, {"t": "2026-03-14T02:00:30Z"}),
    ):
        playing = Playing(one({"Type": "Wait", **state}), given)

        assert playing.run.wakes_at == AT + timedelta(seconds=90)
        assert playing.wake(89).status is RunStatus.RUNNING
        assert playing.wake(1).output == given


@pytest.mark.parametrize(
    ("state", "given", "words"),
    [
        ({"SecondsPath": "$.s"}, {"s": -1}, "references a negative value: $.s == -1"),
        ({"SecondsPath": "$.s"}, {"s": 1.5}, "cannot be parsed as a long value: $.s == 1.5"),
        ({"SecondsPath": "$.s"}, {}, "does not reference an input value: $.s"),
        ({"SecondsPath": "$.s"}, {"s": 2147483648}, "delay is too long"),
        ({"TimestampPath": "$.s"}, {"s": "2026-01-01"}, "$.s == 2026-01-01"),
        ({"TimestampPath": "$.s"}, {"s": "2096-01-01T00:00:00Z"}, "delay is too long"),
    ],
)
def test_a_wait_for_no_time_ends_the_execution(state: dict[str, Any], given: Any, words: str) -> None:
    run = Playing(one({"Type": "Wait", **state}), given).run

    assert run.error == "States.Runtime"
    assert words in (run.cause or "")


def test_a_task_that_takes_too_long_is_cancelled() -> None:
    playing = Playing(
        one({**TASK, "TimeoutSecondsPath": "$.s", "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}]}),
        {"s": 5},
    )

    playing.wake(5)
    assert playing.cancelled == [1]
    playing.wake(1)
    with pytest.raises(CallNotAwaited):
        playing.succeed("late", call_id=1)
    playing.wake(5)

    assert (playing.run.error, playing.run.cause) == ("States.Timeout", None)
    assert playing.told[-2:] == ["LambdaFunctionTimedOut", "ExecutionFailed"]


def test_beats_keep_a_task_waiting_and_their_absence_ends_it() -> None:
    catch = [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "H"}]
    task = {**TASK, "Resource": "work.waitForTaskToken", "HeartbeatSeconds": 10, "TimeoutSeconds": 60}
    playing = Playing(machine({"T": {**task, "Catch": catch, "End": True}, "H": {"Type": "Succeed"}}))

    for _ in range(3):
        playing.wake(9)
        playing.beat()
    playing.wake(10)

    assert playing.run.output == {"Error": "States.Timeout", "Cause": ""}


def test_only_the_token_of_a_call_names_it() -> None:
    playing = Playing(one({**TASK, "Resource": "ask.waitForTaskToken", "Parameters": {"t.$": "$$.Task.Token"}}))
    (call,) = playing.asked
    assert call.token is not None

    assert call.input == {"t": call.token}
    assert playing.run.call_of(call.token) == call
    assert chance.addressee(call.token) == ("exe_1", 1)
    for other in ("", "x", "." * 9, "A" * 32 + call.token[32:], call.token.replace(".1.", ".2."), call.token + "x"):
        assert playing.run.call_of(other) is None

    turn = stepping.submitted(playing.machine, playing.run, call.call_id, {"sent": True}, AT)
    assert [event.type for event in turn.events] == ["TaskSubmitted"]
    assert turn.run.calls()[0].is_submitted
    assert stepping.submitted(playing.machine, turn.run, call.call_id, None, AT).events == ()
    assert stepping.answer(playing.machine, turn.run, 1, Succeeded("yes"), AT).run.output == "yes"


def test_an_invoked_function_gets_its_payload_and_its_result_is_wrapped() -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}
    parameters = {"FunctionName.$": "$.f", "Payload": {"a.$": "$.a"}}
    playing = Playing(one({**task, "Parameters": parameters, "OutputPath": "$.Payload"}), {"f": "work:live", "a": 1})

    (call,) = playing.asked
    assert (call.function, call.input) == ("work", {"a": 1})
    assert playing.succeed("done").output == "done"
    assert "TaskScheduled" in playing.told


def test_branches_run_side_by_side_and_end_together() -> None:
    branches = [{"StartAt": name, "States": {name: {**TASK, "Resource": name, "End": True}}} for name in ("A", "B")]
    playing = Playing(one({"Type": "Parallel", "Branches": branches, "ResultSelector": {"b.$": "$[1]"}}), {"k": 1})

    assert [(call.function, call.input) for call in playing.asked] == [("A", {"k": 1}), ("B", {"k": 1})]
    playing.succeed("b", call_id=2)
    assert playing.succeed("a", call_id=1).output == {"b": "b"}


def test_a_branch_that_fails_ends_the_others_and_all_may_be_tried_again() -> None:
    flows = [
        {"StartAt": "A", "States": {"A": {**TASK, "End": True}}},
        {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9, "End": True}}},
        {"StartAt": "B", "States": {"B": {**TASK, "End": True}}},
    ]
    state = {"Type": "Parallel", "Branches": flows, "Retry": RETRY, "Catch": [{"ErrorEquals": ["E"], "Next": "H"}]}
    playing = Playing(machine({"P": {**state, "End": True}, "H": {"Type": "Succeed"}}))

    playing.fail("E", call_id=1)
    assert playing.cancelled == [2]
    assert {"TaskStateAborted", "WaitStateAborted"} <= set(playing.told)
    assert playing.run.calls() == []
    playing.wake(2)
    playing.fail("E", call_id=3)
    playing.wake(6)
    playing.fail("E", call_id=5)

    assert playing.run.output == {"Error": "E", "Cause": None}
    assert playing.told.count("ParallelStateStarted") == 3
    assert playing.told.count("ParallelStateFailed") == 1


def test_iterations_keep_within_their_concurrency_and_results_keep_their_order() -> None:
    inner = {"StartAt": "I", "States": {"I": {**TASK, "End": True}}}
    selector = {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "all.$": "$.l"}
    state = {"Type": "Map", "ItemsPath": "$.l", "MaxConcurrency": 2, "ItemSelector": selector, "ItemProcessor": inner}
    playing = Playing(one(state), {"l": ["a", "b", "c"]})

    assert [call.input for call in playing.run.calls()] == [
        {"i": i, "v": v, "all": ["a", "b", "c"]} for i, v in ((0, "a"), (1, "b"))
    ]
    playing.succeed("second", call_id=2)
    assert [call.call_id for call in playing.run.calls()] == [1, 3]
    playing.succeed("third", call_id=3)
    assert playing.succeed("first", call_id=1).output == ["first", "second", "third"]


def test_a_few_iterations_may_fail_where_that_is_said() -> None:
    inner = {"StartAt": "I", "States": {"I": {**TASK, "End": True}}}
    state = {"Type": "Map", "MaxConcurrency": 1, "ToleratedFailureCount": 1, "ItemProcessor": inner}

    playing = Playing(one(state), [1, 2, 3])
    playing.fail("E")
    playing.succeed("two")
    assert playing.succeed("three").output == ["two", "three"]

    playing = Playing(one(state), [1, 2, 3])
    playing.fail("E")
    assert playing.fail("E").error == "States.ExceedToleratedFailureThreshold"


def test_nothing_is_iterated_over_nothing() -> None:
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}

    assert Playing(one({"Type": "Map", "ItemProcessor": inner}), []).run.output == []
    assert Playing(one({"Type": "Map", "ItemProcessor": inner}), {"no": "list"}).run.error == "States.Runtime"


def test_variables_are_seen_inward_and_kept_from_outward() -> None:
    inner = {
        "StartAt": "I",
        "States": {
            "I": {
                "Type": "Pass",
                "Parameters": {"sum.$": "States.MathAdd($n, $$.Map.Item.Value)"},
                "Assign": {"own": 1},
                "End": True,
            }
        },
    }
    playing = Playing(
        machine(
            {
                "A": {"Type": "Pass", "Assign": {"n.$": "$.n", "o": {"deep": [7]}}, "Next": "M"},
                "M": {"Type": "Map", "ItemsPath": "$.l", "ItemProcessor": inner, "ResultPath": "$.r", "Next": "B"},
                "B": {"Type": "Pass", "Parameters": {"r.$": "$.r[*].sum", "d.$": "$o.deep[0]"}, "Next": "C"},
                "C": {"Type": "Pass", "Parameters": {"own.$": "$own"}, "End": True},
            }
        ),
        {"n": 10, "l": [1, 2]},
    )

    assert [event.details.get("output") for event in playing.events if event.details.get("name") == "B"][
        1
    ] == '{"r":[11,12],"d":7}'
    assert playing.run.error == "States.Runtime"


def test_an_execution_has_its_time_and_no_more() -> None:
    playing = Playing(machine({"T": {**TASK, "Retry": RETRY, "End": True}}, TimeoutSeconds=60))

    assert playing.run.wakes_at == AT + timedelta(seconds=60)
    playing.wake(60)

    assert (playing.run.status, playing.run.ended_at) == (RunStatus.TIMED_OUT, playing.at)
    assert playing.cancelled == [1]
    assert playing.told[-1] == "ExecutionTimedOut"


def test_an_answer_after_its_time_finds_the_execution_timed_out() -> None:
    playing = Playing(machine({"T": {**TASK, "End": True}}, TimeoutSeconds=60))
    playing.at += timedelta(seconds=61)

    assert playing.succeed("late").status is RunStatus.TIMED_OUT


def test_a_stopped_execution_waits_for_nothing() -> None:
    playing = Playing(one(TASK))

    run = playing.stop("Enough", "for today")

    assert (run.status, run.error, run.cause) == (RunStatus.ABORTED, "Enough", "for today")
    assert playing.cancelled == [1]
    assert (run.calls(), run.wakes_at) == ([], None)
    assert stepping.stop(run, None, None, AT).events == ()


def test_an_execution_goes_on_from_where_it_failed() -> None:
    flows = [
        {"StartAt": name, "States": {name: {**TASK, "Resource": name, "Retry": RETRY, "End": True}}}
        for name in ("A", "B", "C")
    ]
    playing = Playing(machine({"P": {"Type": "Parallel", "Branches": flows, "Next": "D"}, "D": {**TASK, "End": True}}))
    playing.succeed("a", call_id=1)
    playing.fail("other", call_id=2)
    assert playing.run.status is RunStatus.FAILED

    run = playing.redrive()

    assert (run.status, run.redrives, run.error) == (RunStatus.RUNNING, 1, None)
    assert [call.function for call in run.calls()] == ["B", "C"]
    playing.succeed("b", call_id=4)
    playing.succeed("c", call_id=5)
    assert playing.succeed("d").output == "d"
    assert playing.told.count("ExecutionRedriven") == 1
    assert playing.told.count("TaskStateEntered") == 4


def test_only_what_did_not_succeed_can_be_redriven() -> None:
    for playing in (Playing(one(TASK)), Playing(one({"Type": "Succeed"}))):
        with pytest.raises(NotRedrivable):
            playing.redrive()


def test_a_machine_that_turns_round_ends_at_the_limit_in_turns_that_are_small() -> None:
    playing = Playing(
        machine(
            {
                "A": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "B"}],
                    "Default": "A",
                },
                "B": {"Type": "Succeed"},
            }
        ),
        {},
    )
    turns = 0

    while not playing.run.is_over:
        assert playing.run.wakes_at == AT
        told = len(playing.events)
        playing.wake()
        assert len(playing.events) - told <= TURN_EVENTS_MAX + 2
        turns += 1

    assert playing.run.error == "States.Runtime"
    assert "maximum number of history events" in (playing.run.cause or "")
    assert EVENTS_MAX - 5 <= len(playing.events) <= EVENTS_MAX
    assert turns > 200


def test_the_context_object_tells_where_it_is() -> None:
    context = evaluated({"c.$": "$$"}, {"k": 1})["c"]

    assert context == {
        "Execution": {
            "Id": "exe_1",
            "Input": {"k": 1},
            "Name": "one",
            "RedriveCount": 0,
            "RoleArn": "role",
            "StartTime": "2026-03-14T01:59:00.000Z",
        },
        "State": {"Name": "S", "EnteredTime": "2026-03-14T01:59:00.000Z"},
        "StateMachine": {"Id": "mch_1", "Name": "machine"},
    }


def test_a_run_packs_small() -> None:
    playing = Playing(one({**TASK, "Retry": RETRY}), {"booking_id": "bkg_1"})
    packed = msgspec.msgpack.encode(playing.run)

    assert len(packed) < 200
    assert msgspec.msgpack.decode(packed, type=Run) == playing.run


def test_an_input_that_is_not_json_fails_at_once() -> None:
    for given in (object(), "\ud800", "x" * 300_000):
        run = stepping.begin(one({"Type": "Succeed"}), HERE, given, AT).run

        assert run.status is RunStatus.FAILED
        with pytest.raises(NotRedrivable):
            stepping.redrive(one({"Type": "Succeed"}), run, AT)


def test_a_task_that_is_tried_for_ever_ends_at_the_limit() -> None:
    playing = Playing(one({**TASK, "Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 0, "MaxAttempts": 99999999}]}))

    while not playing.run.is_over:
        playing.fail("E")
        playing.wake()

    assert playing.run.error == "States.Runtime"
    assert len(playing.events) <= EVENTS_MAX + 5


def test_a_value_nested_beyond_measure_fails_the_run_alone() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]

    playing = Playing(one({"Type": "Pass", "Parameters": {"r.$": "$.l[?(@ == $.l[1])]"}}), {"l": [deep, deep]})

    assert playing.run.status in {RunStatus.SUCCEEDED, RunStatus.FAILED}
