"""Drawings: what of a plain answer was selected, as a fixed list of names, made once for each selection of a document.

A root field's answer is plain and whole before anything of it is picked, so a selection without directives needs no
resolving. Where a drawing finds something amiss it says so, and the library completes the answer with the errors that
the specification wants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    InlineFragmentNode,
    SelectionSetNode,
    is_leaf_type,
)

Drawing: TypeAlias = Callable[[Any], Any]
Fragments: TypeAlias = Mapping[str, FragmentDefinitionNode]
Line: TypeAlias = tuple[str, str, Drawing | None, bool]
"""The name in the response, the name in the answer, how to draw what is there, and whether it has to be."""

TYPENAME = "__typename"
_held = attrgetter("of_type")


class Undrawable(Exception):
    """The answer is not as its type says, or the selection is not a fixed list of names."""


def drawing(kind: GraphQLObjectType, nodes: Sequence[FieldNode], fragments: Fragments) -> Drawing | None:
    """How to draw an object of that type as these fields select; None when that takes more than its answer."""
    if kind.name.startswith("__"):
        return None
    try:
        return _object(kind, [node.selection_set for node in nodes if node.selection_set], fragments)
    except Undrawable:
        return None


def selected(nodes: Sequence[FieldNode], fragments: Fragments) -> frozenset[str]:
    """Every field selected below these, as `nodes/timeline/at`; those that a directive may leave out as well."""
    found: set[str] = set()
    for node in nodes:
        if node.selection_set:
            _select(node.selection_set, "", fragments, found)
    return frozenset(found)


def unwrapped(kind: Any) -> tuple[Any, bool]:
    """The type itself, and whether it has to be there."""
    return (_held(kind), True) if isinstance(kind, GraphQLNonNull) else (kind, False)


def listed(kind: Any) -> Any | None:
    """What a list holds; None for what is no list."""
    return _held(kind) if isinstance(kind, GraphQLList) else None


def _object(kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], fragments: Fragments) -> Drawing:
    grouped: dict[str, list[FieldNode]] = {}
    for each in sets:
        _collect(each, fragments, grouped, set())
    lines = [_line(kind, key, nodes, fragments) for key, nodes in grouped.items()]

    def draw(source: Any) -> dict[str, Any]:
        drawn: dict[str, Any] = {}
        for key, name, inner, required in lines:
            value = source.get(name)
            if value is None:
                if name == TYPENAME:
                    value = kind.name
                elif required:
                    raise Undrawable
            elif inner is not None:
                value = inner(value)
            drawn[key] = value
        return drawn

    return draw


def _collect(
    selection_set: SelectionSetNode, fragments: Fragments, grouped: dict[str, list[FieldNode]], seen: set[str]
) -> None:
    for selection in selection_set.selections:
        if selection.directives:
            raise Undrawable
        if isinstance(selection, FieldNode):
            key = selection.alias.value if selection.alias else selection.name.value
            grouped.setdefault(key, []).append(selection)
        elif isinstance(selection, InlineFragmentNode):
            _collect(selection.selection_set, fragments, grouped, seen)
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in seen:
            seen.add(selection.name.value)
            _collect(fragments[selection.name.value].selection_set, fragments, grouped, seen)


def _line(kind: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], fragments: Fragments) -> Line:
    name = nodes[0].name.value
    if name == TYPENAME:
        return key, name, None, False
    field = kind.fields[name]
    if field.args:
        raise Undrawable
    inner, required = _value(field.type, nodes, fragments)
    return key, name, inner, required


def _value(kind: Any, nodes: Sequence[FieldNode], fragments: Fragments) -> tuple[Drawing | None, bool]:
    inner, required = unwrapped(kind)
    if is_leaf_type(inner):
        return None, required
    item = listed(inner)
    if item is not None:
        return _list(*_value(item, nodes, fragments)), required
    if isinstance(inner, GraphQLObjectType):
        return _object(inner, [node.selection_set for node in nodes if node.selection_set], fragments), required
    raise Undrawable


def _list(item: Drawing | None, required: bool) -> Drawing:
    def draw(values: Any) -> Any:
        if required and None in values:
            raise Undrawable
        if item is None:
            return values
        return [None if value is None else item(value) for value in values]

    return draw


def _select(selection_set: SelectionSetNode, above: str, fragments: Fragments, found: set[str]) -> None:
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            path = above + selection.name.value
            found.add(path)
            if selection.selection_set:
                _select(selection.selection_set, f"{path}/", fragments, found)
        elif isinstance(selection, InlineFragmentNode):
            _select(selection.selection_set, above, fragments, found)
        elif isinstance(selection, FragmentSpreadNode):
            _select(fragments[selection.name.value].selection_set, above, fragments, found)
