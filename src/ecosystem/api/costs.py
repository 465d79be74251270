"""What a document may cost: its length, how deep and how wide it selects, and what answering it takes at most.

All is told from the document alone, before a variable is known, so that a document is measured once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from ecosystem.api.drawings import Fragments, listed, unwrapped
from ecosystem.kernel.refusals import Invalid

TEXT_LENGTH_MAX = 10_000
TOKENS_MAX = 2_500
SELECTIONS_MAX = 500
REPEATS_MAX = 60
"""Fields of one name in a document: validation compares each with each."""

DEPTH_MAX = 12
INTROSPECTION_DEPTH_MAX = 20
ROOTS_MAX = 12
"""Root fields of one operation: each is an act of its own."""

COST_MAX = 20_000
ROOT_COST = 10
LIST_COST = 10
"""A list counts as that many of what it lists."""


class QueryTooLarge(Invalid):
    """This query asks for more than is answered at once."""


def check_text(text: str) -> None:
    """Raises `QueryTooLarge`."""
    if len(text) > TEXT_LENGTH_MAX:
        raise QueryTooLarge(f"A query has at most {TEXT_LENGTH_MAX} characters, not {len(text)}.", field="query")


def check_shape(node: DocumentNode) -> None:
    """Pass if the document is neither too wide nor too deep to be validated. Raises `QueryTooLarge`."""
    names: Counter[str] = Counter()
    count = 0
    fragments = fragments_of(node)
    for selection_set in _sets(node):
        count += len(selection_set.selections)
        names.update(
            selection.alias.value if selection.alias else selection.name.value
            for selection in selection_set.selections
            if isinstance(selection, FieldNode)
        )
    if count > SELECTIONS_MAX:
        raise QueryTooLarge(f"A query selects at most {SELECTIONS_MAX} fields, not {count}.", field="query")
    if names and names.most_common(1)[0][1] > REPEATS_MAX:
        raise QueryTooLarge(f"A query names one field at most {REPEATS_MAX} times.", field="query")
    depths: dict[str, int] = {}
    for operation in operations_of(node):
        depth = _depth(operation.selection_set, fragments, depths)
        asks_for_schema = any(
            isinstance(each, FieldNode) and each.name.value.startswith("__")
            for each in operation.selection_set.selections
        )
        most = INTROSPECTION_DEPTH_MAX if asks_for_schema else DEPTH_MAX
        if depth > most:
            raise QueryTooLarge(f"A query is at most {most} fields deep, not {depth}.", field="query")


def check_cost(node: DocumentNode, schema: GraphQLSchema) -> None:
    """Pass if a valid document costs no more than is answered at once. Raises `QueryTooLarge`."""
    fragments = fragments_of(node)
    known: dict[str, int] = {}
    for operation in operations_of(node):
        kind = schema.get_root_type(operation.operation)
        assert kind is not None
        cost = _cost(kind, operation.selection_set, fragments, known)
        # Fragments unfold to no more fields than they cost, so from here on what is walked is bounded.
        roots = len(list(_fields(operation.selection_set, fragments))) if cost <= COST_MAX else 0
        if roots > ROOTS_MAX:
            raise QueryTooLarge(f"An operation has at most {ROOTS_MAX} fields of its own, not {roots}.", field="query")
        if cost + ROOT_COST * roots > COST_MAX:
            raise QueryTooLarge(f"This query costs more than the {COST_MAX} that are answered at once.", field="query")


def fragments_of(node: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {each.name.value: each for each in node.definitions if isinstance(each, FragmentDefinitionNode)}


def operations_of(node: DocumentNode) -> list[OperationDefinitionNode]:
    return [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]


def _sets(node: DocumentNode) -> Iterator[SelectionSetNode]:
    """Every selection set as it is written, each once."""
    waiting = [each.selection_set for each in (*operations_of(node), *fragments_of(node).values())]
    while waiting:
        selection_set = waiting.pop()
        yield selection_set
        waiting.extend(
            selection.selection_set
            for selection in selection_set.selections
            if isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set
        )


def _depth(selection_set: SelectionSetNode, fragments: Fragments, depths: dict[str, int]) -> int:
    """How many fields lie one in another, at most. Fragments that lead back to themselves are for validation to refuse."""
    deepest = 0
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            below = _depth(selection.selection_set, fragments, depths) if selection.selection_set else 0
            deepest = max(deepest, 1 + below)
        elif isinstance(selection, InlineFragmentNode):
            deepest = max(deepest, _depth(selection.selection_set, fragments, depths))
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value in fragments:
            name = selection.name.value
            if name not in depths:
                depths[name] = 0
                depths[name] = _depth(fragments[name].selection_set, fragments, depths)
            deepest = max(deepest, depths[name])
    return deepest


def _fields(selection_set: SelectionSetNode, fragments: Fragments) -> Iterator[FieldNode]:
    """The fields of a selection, those of its fragments too."""
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            yield from _fields(selection.selection_set, fragments)
        elif isinstance(selection, FragmentSpreadNode):
            yield from _fields(fragments[selection.name.value].selection_set, fragments)


def _cost(kind: GraphQLObjectType, selection_set: SelectionSetNode, fragments: Fragments, known: dict[str, int]) -> int:
    """One for each field, and for each of a list's as often as a list counts. Asking for the schema costs nothing more."""
    total = 0
    for selection in selection_set.selections:
        if isinstance(selection, InlineFragmentNode):
            total += _cost(kind, selection.selection_set, fragments, known)
        elif isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in known:
                known[name] = _cost(kind, fragments[name].selection_set, fragments, known)
            total += known[name]
        elif isinstance(selection, FieldNode):
            total += 1 + _below(kind, selection, fragments, known)
        if total > COST_MAX:
            break
    return total


def _below(kind: GraphQLObjectType, node: FieldNode, fragments: Fragments, known: dict[str, int]) -> int:
    field = kind.fields.get(node.name.value)
    if field is None or node.selection_set is None:
        return 0
    kind, _ = unwrapped(field.type)
    item = listed(kind)
    inner = kind if item is None else unwrapped(item)[0]
    if not isinstance(inner, GraphQLObjectType):
        return 0
    each = _cost(inner, node.selection_set, fragments, known)
    return each if item is None else each * LIST_COST
