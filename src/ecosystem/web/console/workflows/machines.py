"""A machine's document, read for drawing: its states, and the ways between them.

Nothing is decided here: a machine that runs was held to the whole language when it was loaded, so what a drawing has no
use for is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast

import msgspec
from msgspec import Struct

START = "\0start"
END = "\0end"
"""Where a machine begins and where it ends: no state can have these names."""

WAITING = ".waitForTaskToken"
ANY_ERROR = frozenset({"States.ALL", "States.TaskFailed"})
DEPTH_MAX = 12
LABEL_MAX = 22

_COMPARED = (
    ("LessThanEquals", "≤"), ("GreaterThanEquals", "≥"), ("LessThan", "<"), ("GreaterThan", ">"), ("Equals", "="),
    ("Matches", "~"),
)  # fmt: skip
_IS = {
    "IsPresent": "there", "IsNull": "null", "IsString": "a text", "IsNumeric": "a number", "IsBoolean": "true or false",
    "IsTimestamp": "a time",
}  # fmt: skip


class WayKind(StrEnum):
    NEXT = "next"
    CHOICE = "choice"
    CATCH = "catch"


class Way(Struct, frozen=True, kw_only=True):
    """From one state to the next. `label` is short, `said` the whole condition or the errors that are caught."""

    source: str
    target: str
    kind: WayKind
    label: str = ""
    said: str = ""


class State(Struct, frozen=True, kw_only=True):
    """One state. `flows` are the branches of a Parallel, or what a Map does with each item.

    `task` is what a Task calls; `by_token` says that it waits until somebody answers.
    """

    name: str
    kind: str
    comment: str = ""
    task: str = ""
    by_token: bool = False
    flows: tuple[Flow, ...] = ()


class Flow(Struct, frozen=True, kw_only=True):
    """States that lead to each other. The way from `START` leads to the first; those that end lead to `END`."""

    states: tuple[State, ...]
    ways: tuple[Way, ...]


class Drawn(Struct, frozen=True, kw_only=True):
    """A whole machine."""

    comment: str
    flow: Flow

    def states(self) -> Iterator[State]:
        """Every state, the outer before the inner, as the document has them."""
        return _within(self.flow)


def _within(flow: Flow) -> Iterator[State]:
    for state in flow.states:
        yield state
        for inner in state.flows:
            yield from _within(inner)


@lru_cache(maxsize=128)
def read(document: str) -> Drawn:
    """The machine of this document (Amazon States Language)."""
    found: Any = msgspec.json.decode(document)
    return Drawn(comment=_text(found, "Comment"), flow=_flow(found, DEPTH_MAX))


def _flow(machine: Mapping[str, Any], depth: int) -> Flow:
    states: Mapping[str, Any] = machine.get("States", {})
    first = Way(source=START, target=_text(machine, "StartAt"), kind=WayKind.NEXT)
    ways = [first, *(way for name, body in states.items() for way in _ways(name, body))]
    return Flow(
        states=tuple(_state(name, body, depth) for name, body in states.items()),
        ways=tuple(_merged(way for way in ways if way.target == END or way.target in states)),
    )


def _state(name: str, body: Mapping[str, Any], depth: int) -> State:
    inner: list[Mapping[str, Any]] = []
    if depth:
        item = body.get("ItemProcessor") or body.get("Iterator")
        inner = [*body.get("Branches", ()), *([item] if item else [])]
    resource = _text(body, "Resource")
    return State(
        name=name,
        kind=_text(body, "Type"),
        comment=_text(body, "Comment"),
        task=_task(resource, body),
        by_token=resource.endswith(WAITING),
        flows=tuple(_flow(each, depth - 1) for each in inner),
    )


def _task(resource: str, body: Mapping[str, Any]) -> str:
    """The name of the function that a Task calls."""
    parameters: Mapping[str, Any] = body.get("Parameters") or {}
    named = _text(parameters, "FunctionName") if ":lambda:invoke" in resource else ""
    return (named or resource.removesuffix(WAITING).rpartition(":")[2]).strip("${}")


def _ways(name: str, body: Mapping[str, Any]) -> Iterator[Way]:
    if following := _text(body, "Next"):
        yield Way(source=name, target=following, kind=WayKind.NEXT)
    if body.get("End") or body.get("Type") in {"Succeed", "Fail"}:
        yield Way(source=name, target=END, kind=WayKind.NEXT)
    for rule in body.get("Choices", ()):
        comment = _text(rule, "Comment")
        yield Way(
            source=name,
            target=_text(rule, "Next"),
            kind=WayKind.CHOICE,
            label=_short(comment or condition(rule, _last)),
            said=comment or condition(rule),
        )
    if default := _text(body, "Default"):
        yield Way(source=name, target=default, kind=WayKind.CHOICE, label="otherwise", said="otherwise")
    for catcher in body.get("Catch", ()):
        errors: Sequence[str] = catcher.get("ErrorEquals", ())
        said = "any error" if ANY_ERROR & set(errors) else " or ".join(errors)
        yield Way(source=name, target=_text(catcher, "Next"), kind=WayKind.CATCH, said=said)


def _merged(ways: Iterator[Way]) -> Iterator[Way]:
    """Ways of one kind between the same two states as one."""
    together: dict[tuple[str, str, WayKind], list[Way]] = {}
    for way in ways:
        together.setdefault((way.source, way.target, way.kind), []).append(way)
    for (source, target, kind), same in together.items():
        said = " or ".join(way.said for way in same if way.said)
        label = _short(" or ".join(way.label for way in same))
        yield Way(source=source, target=target, kind=kind, label=label if kind is WayKind.CHOICE else "", said=said)


def condition(rule: Mapping[str, Any], named: Callable[[str], str] | None = None, depth: int = DEPTH_MAX) -> str:
    """A rule of a Choice in few signs: `status = "paid" and tries < 3`. `named` says how paths are written."""
    named = named or _path
    if not depth:
        return "…"
    for word, joint in (("And", " and "), ("Or", " or ")):
        if word in rule:
            return joint.join(
                condition(each, named, depth - 1) for each in cast("Sequence[Mapping[str, Any]]", rule[word])
            )
    if "Not" in rule:
        return f"not ({condition(rule['Not'], named, depth - 1)})"
    variable = named(_text(rule, "Variable"))
    for operator, value in rule.items():
        if operator in _IS:
            return f"{variable} is {'' if value else 'not '}{_IS[operator]}"
        sign = next((sign for word, sign in _COMPARED if word in operator), "")
        if sign:
            given = named(str(value)) if operator.endswith("Path") else msgspec.json.encode(value).decode()
            return f"{variable} {sign} {given}"
    return variable


def _path(path: str) -> str:
    return path.removeprefix("$.") or path


def _last(path: str) -> str:
    """The last name of a path, which tells most."""
    return path.rpartition(".")[2] or path


def _short(text: str) -> str:
    return text if len(text) <= LABEL_MAX else f"{text[: LABEL_MAX - 1].rstrip()}…"


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""
