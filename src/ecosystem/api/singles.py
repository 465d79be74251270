"""Singles: operations that ask one root field, with variables for its arguments, as most programs do.

Between the variables and the resolver of such an operation there is nothing to plan, so it is answered without the
library's machinery, which costs as much as most acts. Its shape is looked at once for each document. Variables that
are not as their types say are left to the library before anything is asked: its errors are the API's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from graphql import (
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    OperationType,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    located_error,
    utilities,
)
from graphql.utilities.coerce_input_value import coerce_default_value
from msgspec import Struct

from ecosystem.api.drawings import Drawing, drawing, listed, unwrapped

Reading: TypeAlias = Callable[[Any], Any]
"""A variable's value as its type takes it. Raises `Unread`, and whatever a scalar raises, for what it does not take."""

NESTED_MAX = 8


class Unread(Exception):
    """The value, or the type, is left to the library."""


class Single(Struct, frozen=True):
    """An operation of one field: its name in the answer, and how its arguments are read and its answer is drawn."""

    key: str
    kind: str
    node: FieldNode
    arguments: Sequence[tuple[str, str, Reading, bool]]
    """The argument, its variable, how to read it, and whether it has to be there."""
    draw: Drawing
    resolve: Callable[..., Any]

    def read(self, variables: Mapping[str, Any]) -> dict[str, Any] | None:
        """The field's arguments; None when the library has to look at the variables."""
        found: dict[str, Any] = {}
        try:
            for name, variable, reading, required in self.arguments:
                value = variables.get(variable, Undefined)
                if value is not Undefined:
                    found[name] = reading(value)
                elif required:
                    return None
        except Exception:  # noqa: BLE001 - the library asks the same scalar again, and tells what it said
            return None
        return found

    def refused(self, failed: Exception) -> ExecutionResult:
        """The answer when the field was refused."""
        return ExecutionResult({self.key: None}, [self.located(failed)])

    def located(self, failed: Exception) -> GraphQLError:
        return located_error(failed, [self.node], [self.key])


def single(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Single | None:
    """The operation as a single; None when it takes more than that."""
    selections = operation.selection_set.selections
    root = schema.mutation_type if operation.operation is OperationType.MUTATION else schema.query_type
    if operation.operation is OperationType.SUBSCRIPTION or len(selections) != 1 or root is None:
        return None
    node = selections[0]
    if not isinstance(node, FieldNode) or node.directives or operation.directives or node.name.value not in root.fields:
        return None
    field = root.fields[node.name.value]
    drawn = drawing(field.type, [node], fragments) if isinstance(field.type, GraphQLObjectType) else None
    if drawn is None or field.resolve is None:
        return None
    try:
        arguments = _arguments(schema, operation, node, field.args)
    except Unread:
        return None
    key = node.alias.value if node.alias else node.name.value
    return Single(key, root.name, node, arguments, drawn, field.resolve)


def _arguments(
    schema: GraphQLSchema, operation: OperationDefinitionNode, node: FieldNode, taken: Mapping[str, Any]
) -> list[tuple[str, str, Reading, bool]]:
    """How each argument is read. Raises `Unread` for literals and defaults."""
    defined = operation.variable_definitions or ()
    variables: dict[str, VariableDefinitionNode] = {each.variable.name.value: each for each in defined}
    found: list[tuple[str, str, Reading, bool]] = []
    named = {argument.name.value: argument.value for argument in node.arguments or ()}
    used: set[str] = set()
    for name, argument in taken.items():
        if name not in named:
            if coerce_default_value(argument) is not Undefined:
                raise Unread
            continue
        value = named[name]
        if not isinstance(value, VariableNode):
            raise Unread
        variable = variables[value.name.value]
        kind: Any = cast("Any", utilities).type_from_ast(schema, variable.type)
        if variable.default_value or coerce_default_value(argument) is not Undefined or kind is None:
            raise Unread
        used.add(value.name.value)
        _, required = unwrapped(kind)
        found.append((argument.out_name or name, value.name.value, reading(kind), required))
    if variables.keys() != used:
        raise Unread
    return found


def reading(kind: Any, depth: int = 0) -> Reading:
    """How values of an input type are read. Raises `Unread` for a type that holds itself."""
    if depth > NESTED_MAX:
        raise Unread
    inner, required = unwrapped(kind)
    read = _inner(inner, depth)

    def read_required(value: Any) -> Any:
        if value is None:
            raise Unread
        return read(value)

    def read_optional(value: Any) -> Any:
        return None if value is None else read(value)

    return read_required if required else read_optional


def _inner(kind: Any, depth: int) -> Reading:
    item = listed(kind)
    if item is not None:
        return _list(reading(item, depth + 1))
    if isinstance(kind, GraphQLInputObjectType):
        return _object(kind, depth)
    if kind is GraphQLString or kind is GraphQLID:
        return _text
    if isinstance(kind, GraphQLScalarType | GraphQLEnumType):
        return kind.coerce_input_value
    raise Unread


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Unread
    return value


def _list(item: Reading) -> Reading:
    def read(values: Any) -> list[Any]:
        if type(values) is not list:
            raise Unread
        return [item(value) for value in cast("list[Any]", values)]

    return read


def _object(kind: GraphQLInputObjectType, depth: int) -> Reading:
    if kind.is_one_of or kind.out_type is not GraphQLInputObjectType.out_type:
        raise Unread
    fields = {name: (each.out_name or name, reading(each.type, depth + 1)) for name, each in kind.fields.items()}
    defaults = {name: coerce_default_value(each) for name, each in kind.fields.items()}
    defaults = {name: value for name, value in defaults.items() if value is not Undefined}
    needed = [name for name, each in kind.fields.items() if unwrapped(each.type)[1] and name not in defaults]

    def read(given: Any) -> dict[str, Any]:
        if type(given) is not dict:
            raise Unread
        found: dict[str, Any] = {}
        for name, value in cast("dict[str, Any]", given).items():
            out, inner = fields[name]
            found[out] = inner(value)
        for name in needed:
            if name not in given:
                raise Unread
        for name, value in defaults.items():
            if name not in given:
                found[fields[name][0]] = value
        return found

    return read
