"""No port, no effect: time, chance, the environment and vendors are named where they may be, and nowhere else."""

from __future__ import annotations

import ast
import sys

import pytest

from house import HOUSE, imports, modules, shown, tree

# Whoever starts a program reads its environment; the sandbox processor and the bank are programs of their own.
ENTRIES = ("__main__.py", "commands", "lambdas", "sandbank", "sandbox", "adapters")
EFFECTS = {
    "os.environ": "an entry reads the environment",
    "os.getenv": "an entry reads the environment",
    "os.urandom": "ask the Entropy port",
    "time.time": "ask the Clock port",
    "time.time_ns": "ask the Clock port",
    "datetime.now": "ask the Clock port",
    "datetime.utcnow": "ask the Clock port",
    "datetime.today": "ask the Clock port",
    "date.today": "ask the Clock port",
}
CHANCE = {"random", "uuid", "secrets"}

# What each room may name of what others made. Codecs and formats may be named wherever they are spoken.
FORMATS = {"msgspec", "icalendar"}
WEB = {"litestar", "minijinja"}
VENDORS = {
    "kernel": FORMATS,
    "ports": FORMATS,
    "contexts": FORMATS,
    "journeys": FORMATS,
    "app.py": FORMATS,
    "workflows": FORMATS,
    "web": FORMATS | WEB,
    "api": FORMATS | {"litestar", "ariadne", "graphql"},
    "operations.py": FORMATS | {"litestar", "prometheus_client"},
    "site.py": FORMATS | WEB | {"prometheus_client"},
    "sandbank": FORMATS | {"asyncssh"},
    "sandbox": FORMATS | {"aiohttp", "apsw", "uvloop"},
}


def test_time_chance_and_environment_come_from_ports_and_entries() -> None:
    at_hand = [
        f"{shown(path, node)}: {ast.unparse(node)}: {EFFECTS[ast.unparse(node)]}"
        for path in modules()
        if path.relative_to(HOUSE).parts[0] not in ENTRIES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in EFFECTS
    ]
    by_chance = [
        f"{shown(path, node)}: {name}: ask the Entropy port"
        for path in modules()
        if path.relative_to(HOUSE).parts[0] not in ENTRIES
        for name, node in imports(path)
        if name.split(".")[0] in CHANCE
    ]

    assert at_hand + by_chance == []


def test_files_are_opened_by_adapters_and_entries() -> None:
    opened = [
        shown(path, node)
        for path in modules("kernel", "ports", "contexts", "journeys", "workflows")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "open"
    ]

    assert opened == []


def test_vendors_are_named_where_they_may_be() -> None:
    known = sys.stdlib_module_names | {"ecosystem"}
    named = [
        f"{shown(path, node)} names {name}"
        for room, allowed in VENDORS.items()
        if (HOUSE / room).exists()
        for path in modules(room)
        for name, node in imports(path)
        if (top := name.split(".")[0]) not in known and top not in allowed
    ]

    assert named == []


@pytest.mark.parametrize("company", ["sandbank", "sandbox"])
def test_other_companies_know_nothing_of_the_house_but_its_kernel(company: str) -> None:
    known = [
        f"{shown(path, node)} imports {name}"
        for path in modules(company)
        for name, node in imports(path)
        if name.startswith("ecosystem.") and name.split(".")[1] not in {"kernel", company}
    ]

    assert known == []


def test_only_entries_start_other_companies() -> None:
    starting = [
        f"{shown(path, node)} imports {name}"
        for path in modules()
        if path.relative_to(HOUSE).parts[0] not in {"__main__.py", "commands", "sandbank", "sandbox"}
        for name, node in imports(path)
        if name.startswith(("ecosystem.sandbank", "ecosystem.sandbox"))
    ]

    assert starting == []


def test_nobody_below_the_entries_catches_everything() -> None:
    caught = [
        shown(path, node)
        for path in modules("kernel", "ports", "contexts", "journeys")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    ]

    assert caught == []
