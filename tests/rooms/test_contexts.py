"""Contexts keep to themselves: entered by their face, with keys in one place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from house import HOUSE, imports, modules, shown, tree

CONTEXTS = sorted(path.parent.name for path in (HOUSE / "contexts").glob("*/__init__.py"))
_KEY_PART = re.compile(r"[A-Z]{3,}#")


def test_there_are_contexts() -> None:
    assert {"booking", "ledger"} <= set(CONTEXTS)


def test_a_context_is_entered_by_its_face() -> None:
    through_the_window = [
        f"{shown(path, node)} imports {name}"
        for path in modules()
        for name, node in imports(path)
        if name.startswith("ecosystem.contexts.")
        and name.count(".") > 2
        and not path.is_relative_to(HOUSE / "contexts" / name.split(".")[2])
    ]

    assert through_the_window == []


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_face_re_exports_and_does_nothing_else(context: str) -> None:
    face = HOUSE / "contexts" / context / "__init__.py"
    body = tree(face).body
    assert ast.get_docstring(tree(face)), f"{context} says in its face what it is"

    others = [shown(face, node) for node in body[1:] if not _is_export(node)]

    assert others == []


@pytest.mark.parametrize("context", CONTEXTS)
def test_keys_are_spelled_in_one_place(context: str) -> None:
    spelled = [
        shown(path, node)
        for path in modules(f"contexts/{context}")
        if path.name != "keys.py"
        for node in _key_parts(path)
    ]

    assert spelled == [], f"spell it in contexts/{context}/keys.py"


@pytest.mark.parametrize("context", CONTEXTS)
def test_each_key_tells_the_access_it_serves(context: str) -> None:
    keys = HOUSE / "contexts" / context / "keys.py"
    if not keys.exists():
        return

    silent = [
        shown(keys, node)
        for node in tree(keys).body
        if isinstance(node, ast.FunctionDef)
        and node.returns is not None
        and ast.unparse(node.returns) == "Key"
        and not ast.get_docstring(node)
    ]

    assert silent == []


def _is_export(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return [ast.unparse(target) for target in node.targets] == ["__all__"]
    return isinstance(node, ast.ImportFrom | ast.Import)


def _key_parts(path: Path) -> list[ast.Constant]:
    """Literals such as `BOOKING#`. A query's `prefix` may be one: it names a kind of item, not an item."""
    documents = {id(node.value) for node in ast.walk(tree(path)) if isinstance(node, ast.Expr)}
    prefixes = {
        id(keyword.value)
        for keyword in ast.walk(tree(path))
        if isinstance(keyword, ast.keyword) and keyword.arg == "prefix"
    }
    return [
        node
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _KEY_PART.search(node.value)
        and id(node) not in documents | prefixes
    ]
