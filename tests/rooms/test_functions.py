"""The function table is true: its names are known, its entries and triggers are there, and nothing lies beside it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import msgspec
import pytest

import ecosystem
from ecosystem.api import resolvers
from ecosystem.api.webhooks import receive
from ecosystem.ports.bus import Fact
from ecosystem.ports.table import Stored
from ecosystem.workflows import entries, functions
from ecosystem.workflows.definitions import definitions
from ecosystem.workflows.functions import KNOWN, TABLE, Function
from ecosystem.workflows.functions_page import page
from ecosystem.workflows.patterns import pattern
from ecosystem.workflows.triggers import (
    Entry,
    OnChanges,
    OnEvent,
    OnFields,
    OnHook,
    OnRoute,
    OnSchedule,
    OnTask,
)
from house import ROOT

ROUTES = {("POST", path) for path in receive.paths}
"""Addresses of the REST face behind which a function stands."""

every_function = pytest.mark.parametrize("function", TABLE, ids=lambda function: function.name)


def kinds(base: type) -> dict[str, type]:
    """Every class below that one, in all modules of the house, by name."""
    return {kind.__name__: kind for kind in below(base)}


def below(base: type) -> list[type]:
    """Every class below that one, in all modules of the house."""
    for module in pkgutil.walk_packages(ecosystem.__path__, "ecosystem."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: list[type] = []
    waiting = [base]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("ecosystem."):
            found.append(kind)
    return found


def test_each_name_is_one_of_the_system_and_there_once_in_order() -> None:
    names = [function.name for function in TABLE]

    assert set(names) <= KNOWN
    assert names == sorted(set(names))


def test_each_entry_has_a_row_and_each_row_its_own_entry() -> None:
    modules = {module.name for module in pkgutil.iter_modules(entries.__path__)}
    by_name = {name: importlib.import_module(f"ecosystem.workflows.entries.{name}").ENTRY for name in modules}

    assert {function.name.replace("-", "_") for function in TABLE} == modules
    assert all(function.entry is by_name[function.name.replace("-", "_")] for function in TABLE)


@every_function
def test_an_entry_says_whose_it_is_and_has_an_act_for_each_kind_of_trigger_and_no_other(function: Function) -> None:
    module = importlib.import_module(f"ecosystem.workflows.entries.{function.name.replace('-', '_')}")
    wanted = {
        "event": function.of(OnEvent) or function.of(OnHook),
        "schedule": function.of(OnSchedule),
        "changes": function.of(OnChanges),
        "request": function.of(OnRoute),
        "tasks": function.of(OnTask),
    }

    assert (inspect.getdoc(module) or "").startswith(f"`{function.name}`: ")
    for act, triggers in wanted.items():
        assert (getattr(function.entry, act) is not None) == bool(triggers), act
    assert set(Entry.__dataclass_fields__) == set(wanted)
    assert function.triggers
    acts = [act for trigger in function.of(OnTask) for act in trigger.acts]
    assert sorted(acts) == sorted(function.entry.tasks or {})


@every_function
def test_limits_are_within_those_of_the_cloud(function: Function) -> None:
    assert 1 <= function.timeout_s <= 900
    assert 128 <= function.memory_mb <= 10_240
    assert 0 <= function.retries <= 185
    assert function.permissions == tuple(sorted(set(function.permissions), key=list(functions.Permission).index))


def test_patterns_name_types_that_some_fact_has() -> None:
    facts = {name for name, kind in kinds(Fact).items() if not kind.__subclasses__()}
    named = {
        kind
        for function in TABLE
        for trigger in function.of(OnEvent)
        for kind in pattern(trigger.pattern).types or {"a pattern without types"}
    }

    assert named - facts == set()


def test_changes_are_of_items_that_are_kept() -> None:
    entities = {getattr(kind, "entity", "") for kind in below(Stored)}
    followed = {entity for function in TABLE for trigger in function.of(OnChanges) for entity in trigger.entities}

    assert followed <= entities


def test_routes_are_served_and_no_served_one_is_left_out() -> None:
    routes = [(trigger.method, trigger.path) for function in TABLE for trigger in function.of(OnRoute)]

    assert sorted(routes) == sorted(ROUTES)


def test_fields_are_those_of_the_api_each_of_one_function() -> None:
    answered = {f"{root.kind}.{root.name}" for root in resolvers.ROOTS}
    named = Counter(field for function in TABLE for trigger in function.of(OnFields) for field in trigger.fields)

    assert set(named) <= answered
    assert set(named.values()) == {1}


def test_schedules_have_one_name_each() -> None:
    names = Counter(trigger.name for function in TABLE for trigger in function.of(OnSchedule))

    assert set(names.values()) == {1}


def test_machines_ask_functions_for_what_they_do() -> None:
    acts = {function.name: set(function.entry.tasks or {}) for function in TABLE}

    wrong = [
        f"{definition.file}: {name} is asked for {act!r}"
        for definition in definitions()
        for name, act in asked(msgspec.json.decode(definition.content))
        if act not in acts.get(name, set())
    ]

    assert wrong == []


def asked(node: Any) -> Iterator[tuple[str, str]]:
    """The functions that a machine's steps name, and what their parameters ask for."""
    if isinstance(node, dict):
        step = cast("dict[str, Any]", node)
        parameters: dict[str, Any] = step.get("Parameters") or {}
        within: dict[str, Any] = parameters.get("Payload", parameters)
        for resource in (step.get("Resource"), parameters.get("FunctionName")):
            if isinstance(resource, str) and (named := re.search(r"\$\{([a-z-]+)\}", resource)):
                yield named[1], within.get("act", "")
        for inner in step.values():
            yield from asked(inner)
    elif isinstance(node, list):
        for inner in cast("list[Any]", node):
            yield from asked(inner)


def test_the_page_of_functions_is_that_of_the_table() -> None:
    written = (ROOT / "docs" / "functions.md").read_text()

    assert written == page(), "run python -m ecosystem.workflows.functions_page > docs/functions.md"
