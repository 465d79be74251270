"""States of each kind, built from their fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypedDict

from ecosystem.adapters.embedded.states import reading
from ecosystem.adapters.embedded.states.kinds import (
    Alternative,
    ChoiceState,
    FailState,
    MapState,
    ParallelState,
    PassState,
    State,
    SucceedState,
    TaskState,
    WaitState,
)
from ecosystem.adapters.embedded.states.reading import Fields
from ecosystem.adapters.embedded.states.rules import rule
from ecosystem.adapters.embedded.states.scope import Expression
from ecosystem.adapters.embedded.states.values import is_list, is_number, is_object

Enter = Callable[[str, Any], str | None]
"""Reads a flow within a state, given where it stands; its first state."""

INVOKE: Final = "arn:aws:states:::lambda:invoke"
CALLBACK: Final = ".waitForTaskToken"
_FUNCTION = re.compile(r"[A-Za-z0-9_-]{1,140}")
_ARN = re.compile(r"arn:[a-z-]+:lambda:[a-z0-9-]*:[0-9]*:function:([A-Za-z0-9_-]{1,140})(?::[A-Za-z0-9_$-]+)?")
_BOUND = re.compile(r"\$\{([A-Za-z0-9_.-]+)\}")
_INVOKED: Final = frozenset({"FunctionName", "Payload", "InvocationType", "Qualifier", "ClientContext", "LogType"})


class _Common(TypedDict):
    name: str
    kind: str
    next: str | None
    input: Expression | None
    output: Expression | None
    assign: Expression | None


def build(fields: Fields, enter: Enter) -> State | None:
    """The state; None when it cannot be made, with the reasons noted."""
    kind = fields.take("Type")
    builder = _BUILDERS.get(kind) if isinstance(kind, str) else None
    fields.take("Comment")
    language = fields.take("QueryLanguage")
    if language not in {None, "JSONPath"}:
        fields.note("JSONata is not spoken here" if language == "JSONata" else "QueryLanguage must be JSONPath")
        return None
    if builder is None:
        fields.note(f"Type {kind!r} is not one of {', '.join(_BUILDERS)}")
        return None
    built = builder(fields, enter)
    fields.finish(str(kind))
    return built


def function_of(given: str) -> str | None:
    """The function a name or the address of one names; None for another kind of address."""
    if found := _ARN.fullmatch(given):
        return found[1]
    bare = given.partition(":")[0]
    return bare if _FUNCTION.fullmatch(bare) else None


def _common(fields: Fields, *, goes_on: bool = True) -> _Common:
    following = None
    if goes_on:
        following = fields.written("Next")
        end = fields.take("End")
        if fields.has("End") and end is not True and not (end is False and following):
            fields.note("End must be true")
        if (following is None) is not (end is True):
            fields.note("a state has either Next or End")
    return _Common(
        name=fields.name,
        kind=str(fields.given["Type"]),
        next=following,
        input=fields.selection("InputPath"),
        output=fields.selection("OutputPath"),
        assign=fields.assignment(),
    )


def _pass(fields: Fields, _: Enter) -> State:
    result: Expression | None = None
    if fields.has("Result"):
        fixed = fields.take("Result")
        result = lambda _: fixed  # noqa: E731 - an expression like any other
    return PassState(**_common(fields), result=result, parameters=fields.template("Parameters"), place=fields.place())


def _succeed(fields: Fields, _: Enter) -> State:
    return SucceedState(**_common(fields, goes_on=False))


def _fail(fields: Fields, _: Enter) -> State:
    return FailState(
        name=fields.name, kind="Fail", error=reading.words(fields, "Error"), cause=reading.words(fields, "Cause")
    )


def _wait(fields: Fields, _: Enter) -> State | None:
    common, until = _common(fields), reading.wait(fields)
    if until is None:
        return None
    field, source, wanted = until
    return WaitState(**common, field=field, source=source, wanted=wanted)


def _choice(fields: Fields, _: Enter) -> State:
    common, given = _common(fields, goes_on=False), fields.take("Choices")
    alternatives: list[Alternative] = []
    if not is_list(given) or not given:
        fields.note("Choices must be a list of rules, and not empty")
        given = []
    for part in given:
        if not is_object(part) or not isinstance(part.get("Next"), str):
            fields.note("each rule of Choices needs a Next")
            continue
        held = Fields(fields.name, part, fields.around)
        asked = fields.attempt(lambda part=part: rule(part))
        if asked is not None:
            alternatives.append(Alternative(rule=asked, next=part["Next"], assign=held.assignment()))
    return ChoiceState(**common, alternatives=tuple(alternatives), default=fields.written("Default"))


def _task(fields: Fields, _: Enter) -> State | None:
    common, resource = _common(fields), fields.written("Resource")
    timeout, timeout_source = fields.either("TimeoutSeconds", lambda: fields.seconds("TimeoutSeconds"))
    heartbeat, heartbeat_source = fields.either("HeartbeatSeconds", lambda: fields.seconds("HeartbeatSeconds"))
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        fields.note("HeartbeatSeconds must be less than TimeoutSeconds")
    parameters = fields.template("Parameters")
    retriers, catchers = fields.retriers(), fields.catchers()
    selector, place = fields.template("ResultSelector"), fields.place()
    fields.take("Credentials")
    if resource is None:
        fields.note("a Task state needs a Resource")
        return None
    resource = _bound(resource, fields)
    waits = resource.endswith(CALLBACK)
    target = resource.removesuffix(CALLBACK)
    is_invoked = target == INVOKE
    function = _invoked(fields) if is_invoked else _known(target, fields)
    if function is None and not is_invoked:
        return None
    return TaskState(
        **common,
        resource=resource,
        function=function,
        is_invoked=is_invoked,
        waits_for_token=waits,
        timeout=timeout,
        timeout_source=timeout_source,
        heartbeat=heartbeat,
        heartbeat_source=heartbeat_source,
        parameters=parameters,
        selector=selector,
        place=place,
        retriers=retriers,
        catchers=catchers,
    )


def _invoked(fields: Fields) -> str | None:
    """The function that the parameters of `lambda:invoke` name; None when they name it at run time, or badly."""
    given = fields.given.get("Parameters")
    if not is_object(given):
        fields.note(f"{INVOKE} needs Parameters with a FunctionName")
        return None
    for name in sorted(given):
        if name.removesuffix(".$") not in _INVOKED:
            fields.note(f"{name} is not a parameter of {INVOKE}")
    if given.get("InvocationType", "RequestResponse") != "RequestResponse":
        fields.note("InvocationType can only be RequestResponse here")
    if "FunctionName.$" in given:
        return None
    named = given.get("FunctionName")
    if not isinstance(named, str):
        fields.note(f"{INVOKE} needs a FunctionName")
        return None
    return _known(_bound(named, fields), fields)


def _known(target: str, fields: Fields) -> str | None:
    """The function of that name or address, noted as named; None, with a note, when there is none."""
    function = function_of(target)
    if function is None or (":" in target and not _ARN.fullmatch(target)):
        fields.note(f"Resource {target!r} is nothing that can be called here")
        return None
    fields.around.named.add(function)
    if fields.around.functions is not None and function not in fields.around.functions:
        fields.note(f"there is no function {function!r}")
    return function


def _bound(given: str, fields: Fields) -> str:
    return _BOUND.sub(lambda found: fields.around.bindings.get(found[1], found[1]), given)


def _parallel(fields: Fields, enter: Enter) -> State:
    given = fields.take("Branches")
    branches: list[str] = []
    if not is_list(given) or not given:
        fields.note("Branches must be a list, and not empty")
        given = []
    for place, branch in enumerate(given):
        start = enter(f"{fields.name}, branch {place}", branch)
        if start is not None:
            branches.append(start)
    return ParallelState(
        **_common(fields),
        branches=tuple(branches),
        parameters=fields.template("Parameters"),
        selector=fields.template("ResultSelector"),
        place=fields.place(),
        retriers=fields.retriers(),
        catchers=fields.catchers(),
    )


def _map(fields: Fields, enter: Enter) -> State | None:
    names = [name for name in ("ItemProcessor", "Iterator") if fields.has(name)]
    given = [fields.take(name) for name in names]
    if len(names) != 1 or not is_object(given[0]):
        fields.note("a Map state needs an ItemProcessor")
        return None
    config = given[0].get("ProcessorConfig", {})
    mode = config.get("Mode", "INLINE") if is_object(config) else None
    if mode != "INLINE":
        fields.note("the distributed Map is not run here" if mode == "DISTRIBUTED" else "Mode must be INLINE")
    start = enter(fields.name, {name: held for name, held in given[0].items() if name != "ProcessorConfig"})
    if fields.has("ItemSelector") and fields.has("Parameters"):
        fields.note("ItemSelector and Parameters exclude each other")
    selector = "ItemSelector" if fields.has("ItemSelector") else "Parameters"
    concurrency, concurrency_source = fields.either("MaxConcurrency", lambda: fields.seconds("MaxConcurrency", least=0))
    tolerated, tolerated_source = fields.either(
        "ToleratedFailureCount", lambda: fields.seconds("ToleratedFailureCount", least=0)
    )
    part, part_source = fields.either("ToleratedFailurePercentage", lambda: _percentage(fields))
    built = MapState(
        **_common(fields),
        start=start or "",
        items=fields.path("ItemsPath"),
        items_source=str(fields.given.get("ItemsPath", "$")),
        concurrency=concurrency or 0,
        concurrency_source=concurrency_source,
        tolerated=tolerated,
        tolerated_source=tolerated_source,
        tolerated_part=part,
        tolerated_part_source=part_source,
        parameters=fields.template(selector),
        selector=fields.template("ResultSelector"),
        place=fields.place(),
        retriers=fields.retriers(),
        catchers=fields.catchers(),
    )
    return built if start else None


def _percentage(fields: Fields) -> float | None:
    given = fields.take("ToleratedFailurePercentage")
    if given is not None and not (is_number(given) and 0 <= given <= 100):
        fields.note("ToleratedFailurePercentage must be a number from 0 to 100")
        return None
    return given


_BUILDERS: Final[dict[str, Callable[[Fields, Enter], State | None]]] = {
    "Task": _task,
    "Pass": _pass,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
    "Parallel": _parallel,
    "Map": _map,
}
