from __future__ import annotations

from typing import Any

import pytest

from ecosystem.adapters.embedded.states import stepping
from ecosystem.adapters.embedded.states.definition import MachineRefused
from states.machines import AT, HERE, evaluated, one


@pytest.mark.parametrize(
    ("call", "given", "made"),
    [
        (
            "States.Format('{} of {}', $.a, 'b')",
            {"a": {"x": 1, "l": [None, True, "t"]}},
            "{x=1, l=[null, true, t]} of b",
        ),
        (r"States.Format('\{{}\} \'{}\' \\', 1, 2)", {}, r"{1} '2' " + "\\"),
        ("States.Format($.t, 3)", {"t": "n={}"}, "n=3"),
        ("States.StringToJson('{\"a\": [1, null]}')", {}, {"a": [1, None]}),
        ("States.StringToJson($.s)", {"s": " "}, None),
        ("States.JsonToString($.a)", {"a": {"b": [1.0, "é"]}}, '{"b":[1.0,"é"]}'),
        (
            "States.Array(1, -2.5, true, null, 'x', $.a, States.Array())",
            {"a": [1]},
            [1, -2.5, True, None, "x", [1], []],
        ),
        ("States.ArrayPartition($.l, 2)", {"l": [1, 2, 3]}, [[1, 2], [3]]),
        ("States.ArrayContains($.l, 1)", {"l": [True, "1"]}, False),
        ("States.ArrayContains($.l, 1)", {"l": [1.0]}, True),
        ("States.ArrayRange(0, 9, 4)", {}, [0, 4, 8]),
        ("States.ArrayRange(5, 1, -2)", {}, [5, 3, 1]),
        ("States.ArrayGetItem($.l, 1)", {"l": ["a", "b"]}, "b"),
        ("States.ArrayLength($.l)", {"l": []}, 0),
        (
            "States.ArrayUnique($.l)",
            {"l": [1, 1.0, True, "1", [1], [1.0], {"a": 1}, {"a": 1}, None, None]},
            [1, True, "1", [1], {"a": 1}, None],
        ),
        ("States.Base64Decode(States.Base64Encode('grüße'))", {}, "grüße"),
        ("States.Hash('hi', 'MD5')", {}, "49f68a5c8493ec2c0bf489821c21fc3b"),
        ("States.JsonMerge($.a, $.b, false)", {"a": {"x": {"y": 1}}, "b": {"x": {"z": 2}}}, {"x": {"z": 2}}),
        ("States.MathAdd(-1.5, 2.5)", {}, 2),
        ("States.StringSplit('a.b+c..d', '.+')", {}, ["a", "b", "c", "d"]),
        ("States.ArrayLength($.l[?(@.k == 'a,b)')])", {"l": [{"k": "a,b)"}, {"k": "c"}]}, 1),
        ("States.Format('{}', $$.Execution.Name)", {}, "one"),
    ],
)
def test_a_function_makes_what_the_cloud_makes(call: str, given: Any, made: Any) -> None:
    assert evaluated({"r.$": call}, given) == {"r": made}


@pytest.mark.parametrize(
    "call",
    [
        "States.ArrayGetItem($.l, 5)",
        "States.ArrayPartition($.l, 0)",
        "States.ArrayRange(0, 100000, 1)",
        "States.StringToJson('not json')",
        "States.Base64Decode('*')",
        "States.Hash('a', 'CRC')",
        "States.JsonMerge($.l, $.l, false)",
        "States.JsonMerge($.o, $.o, true)",
        "States.MathAdd('1', 2)",
        "States.ArrayLength('no')",
        "States.Format($.t, 1)",
        "States.MathRandom(5, 5)",
    ],
)
def test_a_function_that_cannot_is_an_intrinsic_failure(call: str) -> None:
    assert evaluated({"r.$": call}, {"l": [1], "o": {}, "t": "{}{}"}) == "States.IntrinsicFailure"


def test_an_argument_that_is_nowhere_ends_the_execution_with_the_clouds_words() -> None:
    parameters = {"v.$": "States.Format('{}', $.nope)"}

    run = stepping.begin(one({"Type": "Pass", "Parameters": parameters}), HERE, {"other": 1}, AT).run

    assert run.error == "States.Runtime"
    assert run.cause == (
        "An error occurred while executing the state 'S' (entered at the event id #2). The function "
        "'States.Format('{}', $.nope)' had the following error: The JsonPath argument for the field '$.nope' could "
        """not be found in the input '{"other":1}'"""
    )


@pytest.mark.parametrize(
    "call",
    [
        "States.Nothing()",
        "States.UUID(1)",
        "States.ArrayLength()",
        "States.Format('{}')",
        "States.Format('{}', 1",
        "States.Format('{}', 1,)",
        "States.Format('a",
        "States.Format('\\\"')",
        "States.Array(1 2)",
        "States.Array($.)",
        "States.Array(1) x",
    ],
)
def test_a_call_that_cannot_be_read_is_refused(call: str) -> None:
    with pytest.raises(MachineRefused):
        one({"Type": "Pass", "Parameters": {"r.$": call}})


def test_chance_is_the_runs_own_and_comes_again() -> None:
    parameters = {
        "u.$": "States.UUID()",
        "v.$": "States.UUID()",
        "n.$": "States.MathRandom(1, 7)",
        "s.$": "States.MathRandom(1, 1000, 9)",
    }

    first, again = evaluated(parameters, {}), evaluated(parameters, {})

    assert first == again
    assert first["u"] != first["v"]
    assert 1 <= first["n"] < 7
