from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosystem.adapters.embedded.states import stepping
from ecosystem.adapters.embedded.states.definition import MachineRefused, load
from ecosystem.adapters.embedded.states.run import Failed, Run, Succeeded
from states.machines import AT, HERE

END: dict[str, Any] = {"Type": "Pass", "End": True}
TASK: dict[str, Any] = {"Type": "Task", "Resource": "work", "End": True}


def problems(definition: Any, functions: Any = None) -> list[tuple[str, str]]:
    content = definition if isinstance(definition, bytes) else json.dumps(definition).encode()
    with pytest.raises(MachineRefused) as refused:
        load(content, file="m.asl.json", functions=functions)
    assert all(problem.file == "m.asl.json" for problem in refused.value.problems)
    return [(problem.state, problem.reason) for problem in refused.value.problems]


def test_every_problem_is_told_with_its_state() -> None:
    found = problems(
        {
            "StartAt": "A",
            "States": {
                "A": {"Type": "Pass", "InputPath": "$.", "Next": "Nowhere"},
                "B": {**TASK, "Resource": "gone"},
                "C": {"Type": "Task", "Resource": "work", "Seconds": 3, "End": True},
            },
        },
        functions={"work"},
    )

    assert [state for state, _ in found] == ["A", "B", "C", "A", "B", "C", ""]
    reasons = [reason for _, reason in found]
    assert reasons[0].startswith("InputPath: ")
    assert reasons[1:] == [
        "there is no function 'gone'",
        "Seconds is not a field of a Task state",
        "there is no state 'Nowhere' beside it",
        "nothing leads to it",
        "nothing leads to it",
        "no state ends it",
    ]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"Type": "Pass"}, "a state has either Next or End"),
        ({"Type": "Sleep", "End": True}, "Type 'Sleep' is not one of"),
        ({**TASK, "Resource": "arn:aws:states:::sqs:sendMessage"}, "nothing that can be called here"),
        ({**TASK, "Resource": "arn:aws:states:::lambda:invoke"}, "needs Parameters with a FunctionName"),
        ({**TASK, "TimeoutSeconds": 0}, "TimeoutSeconds must be a whole number"),
        ({**TASK, "TimeoutSeconds": 5, "TimeoutSecondsPath": "$.t"}, "exclude each other"),
        ({**TASK, "TimeoutSeconds": 5, "HeartbeatSeconds": 5}, "HeartbeatSeconds must be less"),
        ({**TASK, "Retry": [{"ErrorEquals": []}]}, "ErrorEquals within Retry"),
        ({**TASK, "Retry": [{"ErrorEquals": ["States.ALL", "E"]}]}, "must stand alone"),
        ({**TASK, "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]}, "must be in the last of Retry"),
        ({**TASK, "Retry": [{"ErrorEquals": ["E"], "BackoffRate": 0.5}]}, "BackoffRate"),
        ({**TASK, "Retry": [{"ErrorEquals": ["E"], "MaxAttempt": 1}]}, "MaxAttempt is not a field within Retry"),
        ({**TASK, "Catch": [{"ErrorEquals": ["E"]}]}, "each part of Catch needs a Next"),
        ({**TASK, "ResultPath": "$.a[*]"}, "may name more than one place"),
        ({**TASK, "ResultPath": "$$.a"}, "not a place in the input"),
        ({**TASK, "Parameters": {"a.$": "no path"}}, "must be a path or an intrinsic function"),
        ({**TASK, "Parameters": {"a.$": 1}}, "must be a path or an intrinsic function"),
        ({**TASK, "Parameters": {"a.$": "$.b", "a": 1}}, "name the same field"),
        ({**TASK, "Arguments": {}}, "Arguments is JSONata"),
        ({**TASK, "QueryLanguage": "JSONata"}, "JSONata is not spoken here"),
        ({"Type": "Wait", "Seconds": 1, "Timestamp": "2026-01-01T00:00:00Z", "End": True}, "one of Seconds"),
        ({"Type": "Wait", "Timestamp": "tomorrow", "End": True}, "Timestamp must be an instant"),
        ({"Type": "Choice", "Choices": []}, "Choices must be a list of rules"),
        ({"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True}]}, "needs a Next"),
        ({"Type": "Fail", "Error": "E", "ErrorPath": "$.e"}, "exclude each other"),
        ({"Type": "Fail", "CausePath": "States.Array()"}, "needs a function that gives a text"),
        ({"Type": "Succeed", "Next": "A"}, "Next is not a field of a Succeed state"),
        ({"Type": "Parallel", "Branches": [], "End": True}, "Branches must be a list"),
        ({"Type": "Map", "End": True}, "needs an ItemProcessor"),
        (
            {
                "Type": "Map",
                "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "B", "States": {"B": END}},
                "End": True,
            },
            "the distributed Map is not run here",
        ),
        (
            {"Type": "Map", "ItemReader": {}, "ItemProcessor": {"StartAt": "B", "States": {"B": END}}, "End": True},
            "ItemReader belongs to the distributed Map",
        ),
        ({**END, "Assign": {"a-b": 1}}, "cannot be the name of a variable"),
    ],
)
def test_a_state_that_breaks_the_language_is_refused(state: dict[str, Any], reason: str) -> None:
    found = problems({"StartAt": "A", "States": {"A": state}})

    assert any(where == "A" and reason in why for where, why in found), found


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is not JSON"),
        (b"[]", "must be a JSON object"),
        (b"\xff", "it is not JSON"),
        (b'{"StartAt": "A", "StartAt": "A"}', "'StartAt' stands there twice"),
        (b'{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": NaN, "End": true}}}', "NaN is no JSON number"),
        (b'{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "\\ud800", "End": true}}}', "it is not JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"StartAt": "A", "States": {}}', "States must be an object, and not empty"),
        (b'{"StartAt": "B", "States": {"A": {"Type": "Succeed"}}}', "StartAt names no state"),
        (
            b'{"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
            "JSONata is not spoken here",
        ),
        (b'{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}, "TimeoutSeconds": -1}', "TimeoutSeconds must be"),
    ],
)
def test_a_file_that_is_no_machine_is_refused(content: bytes, reason: str) -> None:
    found = problems(content)

    assert any(reason in why for _, why in found), found


def test_names_are_unique_in_the_whole_machine() -> None:
    branch = {"StartAt": "A", "States": {"A": END}}

    assert problems({"StartAt": "A", "States": {"A": {"Type": "Parallel", "Branches": [branch], "End": True}}}) == [
        ("A", "another state of this machine has the same name")
    ]


def test_names_of_functions_are_bound_for_each_deployment() -> None:
    states = {
        "A": {"Type": "Task", "Resource": "${work}", "Next": "B"},
        "B": {"Type": "Task", "Resource": "${other}.waitForTaskToken", "Next": "C"},
        "C": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "${work}"},
            "Next": "D",
        },
        "D": {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:1:function:named:live", "End": True},
    }

    loaded = load(
        json.dumps({"StartAt": "A", "States": states}).encode(), file="m", functions=None, bindings={"work": "real"}
    )

    assert loaded.functions == {"real", "other", "named"}


NAMES = st.sampled_from(["A", "B", "C"])
PATHS = st.sampled_from(["$", "$", "$.a", "$.a", "$.a.b", "$.l[0]", "$.l[*]", "$..a", "$$", "$v"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "l", "x.$"]), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "Type": st.sampled_from(["Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"]),
    "Next": NAMES,
    "End": st.booleans(),
    "Resource": st.sampled_from(["f", "g", "f.waitForTaskToken"]),
    "InputPath": PATHS | st.none(),
    "OutputPath": PATHS | st.none(),
    "ResultPath": st.sampled_from(["$", "$.a", "$.r.s", "$.l[0]", None]),
    "ItemsPath": PATHS,
    "Parameters": st.dictionaries(
        st.sampled_from(["p", "p.$", "FunctionName", "FunctionName.$", "Payload.$"]), PATHS, max_size=2
    ),
    "ResultSelector": st.dictionaries(st.sampled_from(["p", "p.$"]), PATHS, max_size=2),
    "Assign": st.dictionaries(st.sampled_from(["v", "v.$"]), PATHS, max_size=1),
    "Result": JSON,
    "Seconds": st.integers(-1, 3) | JSON,
    "SecondsPath": PATHS,
    "TimestampPath": PATHS,
    "TimeoutSeconds": st.integers(1, 3),
    "HeartbeatSecondsPath": PATHS,
    "Error": st.text(max_size=3),
    "CausePath": PATHS,
    "Default": NAMES,
    "Choices": st.lists(
        st.fixed_dictionaries({"Variable": PATHS, "NumericEquals": st.integers(), "Next": NAMES}), max_size=2
    ),
    "Retry": st.lists(
        st.fixed_dictionaries({"ErrorEquals": st.just(["States.ALL"]), "MaxAttempts": st.integers(0, 2)}), max_size=1
    ),
    "Catch": st.lists(st.fixed_dictionaries({"ErrorEquals": st.just(["States.ALL"]), "Next": NAMES}), max_size=1),
}
NEEDED: dict[str, list[str]] = {"Task": ["Resource"], "Choice": ["Choices"]}
WORK = ["Parameters", "ResultSelector", "ResultPath", "Retry", "Catch"]
TAKEN: dict[str, list[str]] = {
    "Pass": ["Result", "Parameters", "ResultPath"],
    "Task": [*WORK, "TimeoutSeconds", "HeartbeatSecondsPath"],
    "Choice": ["Default"],
    "Wait": [],
    "Succeed": [],
    "Fail": ["Error", "CausePath"],
    "Parallel": WORK,
    "Map": [*WORK, "ItemsPath"],
}


@st.composite
def states(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    """A state that is nearly right."""
    kind = draw(FIELDS["Type"])
    state: dict[str, Any] = {"Type": kind}
    if kind not in {"Choice", "Succeed", "Fail"}:
        state |= draw(st.sampled_from([{"End": True}, {"Next": "A"}, {"Next": "B"}, {"Next": "C"}]))
    for name in NEEDED.get(kind, []):
        state[name] = draw(FIELDS[name])
    if kind == "Wait":
        state |= draw(st.sampled_from([{"Seconds": 1}, {"SecondsPath": "$.a"}, {"TimestampPath": "$.a"}]))
    if kind in {"Parallel", "Map"}:
        inner = draw(states(depth + 1)) if depth < 2 else END
        name = f"inner {depth} {draw(st.integers(0, 10**6))}"
        if "Next" in inner:
            inner = {**{key: held for key, held in inner.items() if key != "Next"}, "End": True}
        flow = {"StartAt": name, "States": {name: inner}}
        state |= {"Branches": [flow]} if kind == "Parallel" else {"ItemProcessor": flow}
    taken = [*TAKEN[kind], *(["InputPath", "OutputPath", "Assign"] if kind != "Fail" else [])]
    for name in draw(st.lists(st.sampled_from(taken), max_size=3, unique=True)):
        state[name] = draw(FIELDS[name])
    if draw(st.integers(0, 19)) == 0:
        name = draw(st.sampled_from(sorted(FIELDS)))
        state[name] = draw(FIELDS[name])
    return state


@settings(max_examples=400, deadline=None)
@given(st.fixed_dictionaries({"A": states(), "B": states(), "C": states()}), JSON, st.lists(st.booleans(), max_size=6))
def test_nonsense_is_refused_or_runs_and_a_packed_run_goes_the_same_way(
    drawn: dict[str, Any], given_: Any, answers: list[bool]
) -> None:
    try:
        machine = load(
            json.dumps({"StartAt": "A", "States": drawn}).encode(), file="m", functions=None, may_have_unreachable=True
        )
    except MachineRefused:
        return

    assert _played(machine, given_, answers, packs=False) == _played(machine, given_, answers, packs=True)


def _played(machine: Any, given_: Any, answers: list[bool], *, packs: bool) -> Any:
    turn = stepping.begin(machine, HERE, given_, AT)
    told = list(turn.events)
    for succeeds in answers:
        run, at = turn.run, AT
        if packs:
            run = msgspec.msgpack.decode(msgspec.msgpack.encode(run), type=Run)
        if run.is_over:
            break
        calls = run.calls()
        if calls:
            outcome = Succeeded(given_) if succeeds else Failed("E", "c")
            turn = stepping.answer(machine, run, calls[0].call_id, outcome, at)
        elif run.wakes_at is not None:
            turn = stepping.wake(machine, run, run.wakes_at)
        told.extend(turn.events)
    return turn, told


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        JSON,
        lambda inner: st.dictionaries(st.sampled_from(["StartAt", "States", "Type", "A", *FIELDS]), inner, max_size=4),
        max_leaves=15,
    )
)
def test_any_json_is_a_machine_or_is_refused(drawn: Any) -> None:
    with suppress(MachineRefused):
        load(json.dumps(drawn).encode(), file="m", functions=None)
