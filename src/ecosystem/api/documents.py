"""Documents: queries read, measured and validated once, and kept by their text for whoever sends the same again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    validate,
)

from ecosystem.api.costs import TOKENS_MAX, check_cost, check_shape, check_text, fragments_of, operations_of
from ecosystem.api.drawings import Drawing, drawing, selected
from ecosystem.api.singles import Single, single
from ecosystem.kernel.refusals import Invalid

KEPT_MAX = 500
KEPT_LENGTH_MAX = 300_000
"""Characters of all kept documents together: a parsed document takes some 140 bytes for each."""

ERRORS_MAX = 10


class NoSuchOperation(Invalid):
    """The query has no operation of that name."""


class DocumentRefused(Exception):
    """The document is not one of this schema, for these reasons."""

    def __init__(self, errors: Sequence[GraphQLError], document: DocumentNode | None = None) -> None:
        super().__init__(errors)
        self.errors = errors
        self.document = document


@dataclass(slots=True)
class Document:
    """A valid document, and what was found of its selections so far. Nodes live as long as it does, so their ids hold."""

    node: DocumentNode
    operations: Sequence[OperationDefinitionNode]
    fragments: dict[str, FragmentDefinitionNode]
    single: Single | None = None
    _drawings: dict[int, Drawing | None] = field(default_factory=dict[int, Drawing | None])
    _selected: dict[int, frozenset[str]] = field(default_factory=dict[int, frozenset[str]])

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to be carried out. Raises `NoSuchOperation`."""
        if name:
            for each in self.operations:
                if each.name and each.name.value == name:
                    return each
            raise NoSuchOperation(field="operationName")
        if len(self.operations) != 1:
            raise NoSuchOperation("The query has several operations: name one.", field="operationName")
        return self.operations[0]

    def drawing(self, kind: GraphQLObjectType, node: FieldNode) -> Drawing | None:
        """How to draw what that field answers; None when it takes more than that."""
        known = id(node)
        if known not in self._drawings:
            self._drawings[known] = drawing(kind, [node], self.fragments)
        return self._drawings[known]

    def selected(self, nodes: Sequence[FieldNode]) -> frozenset[str]:
        """What is selected below a field; `nodes` are more than one where the query names it repeatedly."""
        if len(nodes) > 1:
            return selected(nodes, self.fragments)
        known = id(nodes[0])
        if known not in self._selected:
            self._selected[known] = selected(nodes, self.fragments)
        return self._selected[known]


@dataclass(slots=True)
class Library:
    """Reads documents of one schema, and keeps those used last."""

    schema: GraphQLSchema
    _kept: OrderedDict[str, Document] = field(default_factory=OrderedDict[str, Document])
    _length: int = 0

    def read(self, text: str) -> Document:
        """The document. Raises `DocumentRefused`, `QueryTooLarge`."""
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
            return found
        check_text(text)
        document = self._read(text)
        self._keep(text, document)
        return document

    def _read(self, text: str) -> Document:
        try:
            node = parse(text, max_tokens=TOKENS_MAX)
        except GraphQLError as unread:
            raise DocumentRefused([unread]) from unread
        check_shape(node)
        if errors := validate(self.schema, node, max_errors=ERRORS_MAX):
            raise DocumentRefused(errors, node)
        check_cost(node, self.schema)
        operations, fragments = operations_of(node), fragments_of(node)
        return Document(
            node=node,
            operations=operations,
            fragments=fragments,
            single=single(self.schema, operations[0], fragments) if len(operations) == 1 else None,
        )

    def _keep(self, text: str, document: Document) -> None:
        self._kept[text] = document
        self._length += len(text)
        while len(self._kept) > KEPT_MAX or self._length > KEPT_LENGTH_MAX:
            dropped, _ = self._kept.popitem(last=False)
            self._length -= len(dropped)
