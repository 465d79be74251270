"""Event patterns match as the guide of the cloud's bus says, and bad ones are refused with field and reason."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.kernel.actor import Actor, Group
from ecosystem.ports.bus import Event, enveloped
from ecosystem.workflows.patterns import ALTERNATIVES_MAX, DEPTH_MAX, SIZE_MAX, PatternRefused, of_types, parse, pattern

STATE_CHANGE: dict[str, Any] = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "111122223333",
    "time": "2017-10-02T18:43:48Z",
    "region": "us-west-1",
    "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
    "detail": {
        "instance-id": "i-1234567890abcdef0",
        "state": "terminated",
        "c-count": 5,
        "d-count": 3,
        "x-limit": 301.8,
        "source-ip": "10.0.0.33",
        "eventVersion": "",
        "responseElements": None,
        "fine": True,
    },
}


def detail(**fields: Any) -> dict[str, Any]:
    return {"detail": fields}


NEW_YORK = {"Location": "New York", "Day": "Monday"}

CASES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    # Exact values
    ("a value", {"source": ["aws.ec2"]}, STATE_CHANGE, True),
    ("one of several values", {"detail": {"state": ["initializing", "terminated"]}}, STATE_CHANGE, True),
    ("another value", {"detail": {"state": ["initializing"]}}, STATE_CHANGE, False),
    ("another case", {"detail": {"state": ["Terminated"]}}, STATE_CHANGE, False),
    ("all fields", {"source": ["aws.ec2"], "detail": {"state": ["terminated"]}}, STATE_CHANGE, True),
    ("one field of two", {"source": ["aws.s3"], "detail": {"state": ["terminated"]}}, STATE_CHANGE, False),
    ("both places", {"Location": ["New York"], "Day": ["Monday"]}, NEW_YORK, True),
    ("a field that is not there", {"detail": {"colour": ["red"]}}, STATE_CHANGE, False),
    ("true", {"detail": {"fine": [True]}}, STATE_CHANGE, True),
    ("true is not 1", {"detail": {"fine": [1]}}, STATE_CHANGE, False),
    ("1 is not true", {"detail": {"n": [True]}}, detail(n=1), False),
    ("a number", {"detail": {"c-count": [5]}}, STATE_CHANGE, True),
    ("a number as text", {"detail": {"c-count": ["5"]}}, STATE_CHANGE, False),
    ("300 is not 300.0", {"detail": {"n": [300]}}, detail(n=300.0), False),
    ("null", {"detail": {"responseElements": [None]}}, STATE_CHANGE, True),
    ("null is not empty", {"detail": {"responseElements": [""]}}, STATE_CHANGE, False),
    ("empty", {"detail": {"eventVersion": [""]}}, STATE_CHANGE, True),
    ("empty is not null", {"detail": {"eventVersion": [None]}}, STATE_CHANGE, False),
    ("null is not absent", {"detail": {"nothing": [None]}}, STATE_CHANGE, False),
    ("an object is no value", {"detail": {"a": [{"anything-but": "x"}]}}, detail(a={"b": 1}), False),
    ("a value is no object", {"detail": {"state": {"code": [1]}}}, STATE_CHANGE, False),
    ("an address in its other spelling", {"detail": {"ip": ["::1"]}}, detail(ip="0:0:0:0:0:0:0:1"), True),
    # Prefix and suffix
    ("prefix", {"time": [{"prefix": "2017-10-02"}]}, STATE_CHANGE, True),
    ("another prefix", {"time": [{"prefix": "2018"}]}, STATE_CHANGE, False),
    ("prefix of a number", {"detail": {"c-count": [{"prefix": "5"}]}}, STATE_CHANGE, False),
    ("prefix, any case", {"service": [{"prefix": {"equals-ignore-case": "EventB"}}]}, {"service": "EVENTBRIDGE"}, True),
    ("prefix, this case", {"service": [{"prefix": "EventB"}]}, {"service": "EVENTBRIDGE"}, False),
    ("suffix", {"FileName": [{"suffix": ".png"}]}, {"FileName": "a.png"}, True),
    ("another suffix", {"FileName": [{"suffix": ".png"}]}, {"FileName": "a.PNG"}, False),
    ("suffix, any case", {"FileName": [{"suffix": {"equals-ignore-case": ".png"}}]}, {"FileName": "a.PNG"}, True),
    (
        "any case",
        {"detail-type": [{"equals-ignore-case": "ec2 Instance state-change notification"}]},
        STATE_CHANGE,
        True,
    ),
    ("any case, longer", {"source": [{"equals-ignore-case": "AWS.EC"}]}, STATE_CHANGE, False),
    # Anything but
    ("anything but another", {"detail": {"state": [{"anything-but": "initializing"}]}}, STATE_CHANGE, True),
    ("anything but this", {"detail": {"state": [{"anything-but": "terminated"}]}}, STATE_CHANGE, False),
    ("anything but a number", {"detail": {"c-count": [{"anything-but": 123}]}}, STATE_CHANGE, True),
    ("anything but this number", {"detail": {"c-count": [{"anything-but": 5}]}}, STATE_CHANGE, False),
    ("anything but texts", {"detail": {"state": [{"anything-but": ["stopped", "overloaded"]}]}}, STATE_CHANGE, True),
    ("anything but these", {"detail": {"state": [{"anything-but": ["stopped", "terminated"]}]}}, STATE_CHANGE, False),
    ("anything but numbers", {"detail": {"x-limit": [{"anything-but": [100, 200, 300]}]}}, STATE_CHANGE, True),
    ("anything but these numbers", {"detail": {"x-limit": [{"anything-but": [301.8]}]}}, STATE_CHANGE, False),
    ("a number is no such text", {"detail": {"c-count": [{"anything-but": "5"}]}}, STATE_CHANGE, True),
    ("null is no such text", {"detail": {"responseElements": [{"anything-but": "x"}]}}, STATE_CHANGE, True),
    ("anything but, of nothing", {"detail": {"none": [{"anything-but": "x"}]}}, STATE_CHANGE, False),
    ("anything but a prefix", {"detail": {"state": [{"anything-but": {"prefix": "init"}}]}}, STATE_CHANGE, True),
    (
        "anything but its prefix",
        {"detail": {"state": [{"anything-but": {"prefix": ["x", "term"]}}]}},
        STATE_CHANGE,
        False,
    ),
    (
        "anything but a suffix",
        {"FileName": [{"anything-but": {"suffix": [".txt", ".rtf"]}}]},
        {"FileName": "a.png"},
        True,
    ),
    ("anything but its suffix", {"FileName": [{"anything-but": {"suffix": ".png"}}]}, {"FileName": "a.png"}, False),
    (
        "anything but in any case",
        {"detail": {"state": [{"anything-but": {"equals-ignore-case": ["initializing", "TERMINATED"]}}]}},
        STATE_CHANGE,
        False,
    ),
    (
        "anything but a wildcard",
        {"FilePath": [{"anything-but": {"wildcard": "*/lib/*"}}]},
        {"FilePath": "/usr/bin/x"},
        True,
    ),
    (
        "anything but its wildcard",
        {"FilePath": [{"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}]},
        {"FilePath": "/usr/bin/x"},
        False,
    ),
    # Numbers
    ("in a range", {"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}]}}, STATE_CHANGE, True),
    ("at its open end", {"detail": {"c-count": [{"numeric": [">", 0, "<", 5]}]}}, STATE_CHANGE, False),
    ("below", {"detail": {"d-count": [{"numeric": ["<", 10]}]}}, STATE_CHANGE, True),
    ("at most", {"detail": {"d-count": [{"numeric": ["<=", 3]}]}}, STATE_CHANGE, True),
    ("above", {"detail": {"d-count": [{"numeric": [">", 3]}]}}, STATE_CHANGE, False),
    ("at least", {"detail": {"d-count": [{"numeric": [">=", 3]}]}}, STATE_CHANGE, True),
    ("equal", {"detail": {"x-limit": [{"numeric": ["=", 3.018e2]}]}}, STATE_CHANGE, True),
    ("equal however written", {"detail": {"n": [{"numeric": ["=", 300]}]}}, detail(n=300.0), True),
    ("a text is no number", {"detail": {"n": [{"numeric": ["=", 5]}]}}, detail(n="5"), False),
    ("true is no number", {"detail": {"fine": [{"numeric": ["=", 1]}]}}, STATE_CHANGE, False),
    ("beyond what is compared", {"detail": {"n": [{"numeric": [">", 0]}]}}, detail(n=6_000_000_000), False),
    # Addresses
    ("in a network", {"detail": {"source-ip": [{"cidr": "10.0.0.0/24"}]}}, STATE_CHANGE, True),
    ("in a network named by a member", {"detail": {"source-ip": [{"cidr": "10.0.0.7/24"}]}}, STATE_CHANGE, True),
    ("in another network", {"detail": {"source-ip": [{"cidr": "10.0.1.0/24"}]}}, STATE_CHANGE, False),
    ("in a network of version 6", {"ip": [{"cidr": "2001:db8::/32"}]}, {"ip": "2001:0DB8:0::7"}, True),
    ("outside a network of version 6", {"ip": [{"cidr": "2001:db8::/32"}]}, {"ip": "2001:db9::7"}, False),
    ("of the other version", {"ip": [{"cidr": "0.0.0.0/0"}]}, {"ip": "2001:db8::7"}, False),
    ("no address", {"detail": {"state": [{"cidr": "0.0.0.0/0"}]}}, STATE_CHANGE, False),
    # Presence
    ("there", {"detail": {"state": [{"exists": True}]}}, STATE_CHANGE, True),
    ("null is there", {"detail": {"responseElements": [{"exists": True}]}}, STATE_CHANGE, True),
    ("not there", {"detail": {"colour": [{"exists": True}]}}, STATE_CHANGE, False),
    ("absent", {"detail": {"colour": [{"exists": False}]}}, STATE_CHANGE, True),
    ("not absent", {"detail": {"state": [{"exists": False}]}}, STATE_CHANGE, False),
    ("an object is no leaf", {"detail": {"c-count": [{"exists": True}]}}, detail(**{"c-count": {"c1": 100}}), False),
    (
        "an object leaves it absent",
        {"detail": {"c-count": [{"exists": False}]}},
        detail(**{"c-count": {"c1": 1}}),
        True,
    ),
    ("an empty list is no leaf", {"resources": [{"exists": True}]}, {"resources": []}, False),
    ("absent, or a value", {"detail": {"state": [{"exists": False}, "terminated"]}}, STATE_CHANGE, True),
    ("absent with all of it", {"gone": {"deep": [{"exists": False}]}}, STATE_CHANGE, True),
    # Wildcards
    ("a file in a folder", {"FileName": [{"wildcard": "dir/*.png"}]}, {"FileName": "dir/sub/a.png"}, True),
    ("a file elsewhere", {"FileName": [{"wildcard": "dir/*.png"}]}, {"FileName": "other/a.png"}, False),
    ("a wildcard for nothing", {"FileName": [{"wildcard": "a*b"}]}, {"FileName": "ab"}, True),
    ("ends do not overlap", {"FileName": [{"wildcard": "aba*ba"}]}, {"FileName": "aba"}, False),
    ("several wildcards", {"FileName": [{"wildcard": "*a*b*"}]}, {"FileName": "xxaxxbxx"}, True),
    ("several wildcards in another order", {"FileName": [{"wildcard": "*a*b*"}]}, {"FileName": "b-a"}, False),
    ("an asterisk itself", {"FileName": [{"wildcard": r"a\*b"}]}, {"FileName": "a*b"}, True),
    ("an asterisk itself, not others", {"FileName": [{"wildcard": r"a\*b"}]}, {"FileName": "axb"}, False),
    ("a backslash itself", {"FileName": [{"wildcard": "C:\\\\*"}]}, {"FileName": "C:\\x"}, True),
    ("a wildcard of numbers", {"detail": {"c-count": [{"wildcard": "*"}]}}, STATE_CHANGE, False),
    # Or
    ("or, by the first", {"$or": [{"Location": ["New York"]}, {"Day": ["Tuesday"]}]}, NEW_YORK, True),
    ("or, by the second", {"$or": [{"Location": ["Oslo"]}, {"Day": ["Monday"]}]}, NEW_YORK, True),
    ("or, by none", {"$or": [{"Location": ["Oslo"]}, {"Day": ["Tuesday"]}]}, NEW_YORK, False),
    (
        "or beside and",
        {
            "detail": {
                "$or": [
                    {"c-count": [{"numeric": [">", 9]}]},
                    {"d-count": [{"numeric": ["<", 10]}], "state": ["terminated"]},
                ]
            },
            "source": ["aws.ec2"],
        },
        STATE_CHANGE,
        True,
    ),
    (
        "or within or",
        {"$or": [{"a": [1]}, {"b": [1], "$or": [{"c": [1]}, {"d": [1]}]}]},
        {"b": 1, "d": 1},
        True,
    ),
    (
        "two ors",
        {"$or": [{"a": [1]}, {"b": [1]}], "x": {"$or": [{"c": [1]}, {"d": [1]}]}},
        {"b": 1, "x": {"c": 2}},
        False,
    ),
    # Arrays in events
    ("an element", {"resources": [{"suffix": "abcdef0"}]}, STATE_CHANGE, True),
    ("any element but", {"list": [{"anything-but": "a"}]}, {"list": ["a", "b"]}, True),
    ("lists in lists", {"list": ["c"]}, {"list": ["a", ["b", ["c"]]]}, True),
    ("one element has both", {"e": {"a": [1], "b": [2]}}, {"e": [{"a": 1, "b": 3}, {"a": 1, "b": 2}]}, True),
    ("two elements have one each", {"e": {"a": [1], "b": [2]}}, {"e": [{"a": 1, "b": 3}, {"a": 4, "b": 2}]}, False),
    ("elements of two lists", {"e": {"a": [1]}, "f": {"b": [2]}}, {"e": [{"a": 1}], "f": [{"b": 1}, {"b": 2}]}, True),
    ("absent from all elements", {"e": {"a": [{"exists": False}]}}, {"e": [{"b": 1}, {"a": 1}]}, False),
    ("absent from this element", {"e": {"a": [1], "b": [{"exists": False}]}}, {"e": [{"a": 1}, {"b": 1}]}, True),
    # Names with dots
    ("a dotted name is a path", {"detail.state": ["terminated"]}, STATE_CHANGE, True),
    ("a path is a dotted name", {"detail": {"state": ["on"]}}, {"detail.state": "on"}, True),
]


@pytest.mark.parametrize(
    ("document", "event", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_pattern_matches_as_the_guide_says(document: dict[str, Any], event: dict[str, Any], expected: bool) -> None:
    assert pattern(document).matches(event) is expected


REFUSED: list[tuple[object, str, str]] = [
    ([], "pattern", "object"),
    ({}, "pattern", "empty"),
    ({"detail": {}}, "detail", "empty"),
    ({"detail": {"state": []}}, "detail.state", "empty list"),
    ({"detail": {"state": "on"}}, "detail.state", "list"),
    ({"detail": {"state": [["on"]]}}, "detail.state", "value"),
    ({"a": [{"prefix": 1}]}, "a", "text"),
    ({"a": [{"prefix": {"suffix": "x"}}]}, "a", "equals-ignore-case"),
    ({"a": [{"prefix": "x", "suffix": "y"}]}, "a", "one operator"),
    ({"a": [{"contains": "x"}]}, "a", "no operator 'contains'"),
    ({"a": [{"exists": "yes"}]}, "a", "true or false"),
    ({"a": [{"anything-but": [1, "x"]}]}, "a", "mixture"),
    ({"a": [{"anything-but": [None]}]}, "a", "mixture"),
    ({"a": [{"anything-but": []}]}, "a", "everything"),
    ({"a": [{"anything-but": {"prefix": ""}}]}, "a", "empty prefix"),
    ({"a": [{"anything-but": {"numeric": [">", 1]}}]}, "a", "cannot be 'numeric'"),
    ({"a": [{"numeric": ">"}]}, "a", "list"),
    ({"a": [{"numeric": ["!=", 1]}]}, "a", "'!='"),
    ({"a": [{"numeric": [">", "1"]}]}, "a", "number"),
    ({"a": [{"numeric": [">", True]}]}, "a", "number"),
    ({"a": [{"numeric": [">", 5, "<", 5]}]}, "a", "above its beginning"),
    ({"a": [{"numeric": ["<", 5, ">", 1]}]}, "a", "range begins"),
    ({"a": [{"numeric": [">", 1, "<", 5, "<", 6]}]}, "a", "two that make a range"),
    ({"a": [{"numeric": [">", 5e9 + 1]}]}, "a", "between"),
    ({"a": [{"cidr": "10.0.0.0"}]}, "a", "range of addresses"),
    ({"a": [{"cidr": "10.0.0.0/33"}]}, "a", "range of addresses"),
    ({"a": [{"cidr": "10.0.0.1/32"}]}, "a", "fewer than 32"),
    ({"a": [{"cidr": "::1/128"}]}, "a", "fewer than 128"),
    ({"a": [{"wildcard": "a**b"}]}, "a", "side by side"),
    ({"a": [{"wildcard": "a\\b"}]}, "a", "backslash"),
    ({"a": [{"wildcard": "a\\"}]}, "a", "backslash"),
    ({"$or": [{"a": [1]}]}, "$or", "two objects"),
    ({"$or": {"a": [1]}}, "$or", "list"),
    ({"$or": [{"a": [1]}, 2]}, "$or", "objects"),
    ({"detail": {"$or": [{"numeric": [1]}, {"b": [1]}]}}, "detail.numeric", "within $or"),
    ({"a": [1], "$or": [{"a": [2]}, {"b": [1]}]}, "a", "twice"),
    ({f"x{n}": {"$or": [{"a": [1]}, {"b": [1]}]} for n in range(10)}, "x9", str(ALTERNATIVES_MAX)),
    ({"a": ["x" * SIZE_MAX]}, "pattern", str(SIZE_MAX)),
]


@pytest.mark.parametrize(("document", "field", "reason"), REFUSED)
def test_a_bad_pattern_is_refused_with_its_field_and_the_reason(document: object, field: str, reason: str) -> None:
    with pytest.raises(PatternRefused) as refused:
        pattern(document)

    assert refused.value.field == field
    assert reason in refused.value.message


def test_what_is_no_json_is_refused() -> None:
    for text in (
        "{",
        "nothing",
        b"\xff",
        "[" * (DEPTH_MAX * 40),
        '{"a":' * DEPTH_MAX * 2 + "[1]" + "}" * DEPTH_MAX * 2,
    ):
        with pytest.raises(PatternRefused):
            parse(text)


def test_a_pattern_knows_the_types_it_waits_for() -> None:
    named = pattern({"detail-type": ["A", "B"], "detail": {"x": [1]}})
    either = pattern({"$or": [{"detail-type": ["A"]}, {"detail-type": ["B"], "detail": {"x": [1]}}]})

    assert (of_types("A").types, of_types("A").by_type_alone) == ({"A"}, True)
    assert (named.types, named.by_type_alone) == ({"A", "B"}, False)
    assert (either.types, either.by_type_alone) == ({"A", "B"}, False)
    assert pattern({"source": ["booking"]}).types is None
    assert pattern({"detail-type": [{"prefix": "Booking"}]}).types is None
    assert pattern({"$or": [{"detail-type": ["A"]}, {"source": ["booking"]}]}).types is None


def test_an_event_is_matched_in_the_envelope_of_the_bus() -> None:
    event = Event(
        event_id="BOOKING#bkg_1:3:BookingCancelled",
        source="booking",
        type="BookingCancelled",
        at=datetime(2026, 11, 20, 9, tzinfo=UTC),
        aggregate="BOOKING#bkg_1",
        sequence=3,
        actor=Actor(actor_id="usr_a", groups=(Group.CUSTOMERS,), impersonator="usr_operator"),
        detail={"booking_id": "bkg_1", "refund": {"minor": 900, "currency": "EUR"}},
        previous={"status": "confirmed"},
        trace_id="req_1",
    )

    asked = {
        "source": ["booking"],
        "detail-type": [{"suffix": "Cancelled"}],
        "time": [{"prefix": "2026-11-20"}],
        "resources": [{"prefix": "BOOKING#"}],
        "detail": {
            "refund": {"minor": [{"numeric": [">", 0]}]},
            "metadata": {
                "sequence": [{"numeric": [">", 1]}],
                "previous": {"status": ["confirmed"]},
                "actor": {"impersonator": [{"exists": True}], "groups": ["Customers"]},
                "trace_id": [{"anything-but": ""}],
            },
        },
    }

    assert pattern(asked).matches(enveloped(event))


@given(st.text("ab*\\", max_size=8), st.text("ab", max_size=12))
def test_a_wildcard_matches_as_trying_everything_would(asked: str, value: str) -> None:
    def tries(rest: str, left: str) -> bool:
        if not rest:
            return not left
        if rest[0] == "*":
            return tries(rest[1:], left) or (bool(left) and tries(rest, left[1:]))
        letter, rest = (rest[1], rest[2:]) if rest[0] == "\\" else (rest[0], rest[1:])
        return left[:1] == letter and tries(rest, left[1:])

    try:
        read = pattern({"a": [{"wildcard": asked}]})
    except PatternRefused:
        return

    assert read.matches({"a": value}) is tries(asked, value)
