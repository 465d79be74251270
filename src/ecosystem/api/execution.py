"""Carries documents out with the GraphQL library; what a root field answered is drawn, where a drawing can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from graphql import ExecutionResult, FieldNode, GraphQLSchema
from graphql import execute as _execute  # pyright: ignore[reportUnknownVariableType] - the library leaves its generics open
from graphql.execution import Executor

from ecosystem.api.documents import Document
from ecosystem.api.drawings import Undrawable
from ecosystem.api.roots import UNANSWERED, Ask
from ecosystem.app import App
from ecosystem.contexts.identity import Identified, Origin

execute = cast("Any", _execute)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a resolver looks at: the request, and the field it stands for."""

    context: Request
    field_nodes: Sequence[FieldNode]


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the API: its document, and who sent it from where.

    `answered` is what its field said already, when only the rest is left to the library.
    """

    market: App
    identified: Identified
    origin: Origin
    document: Document
    answered: Any = UNANSWERED

    def ask(self, nodes: Sequence[FieldNode]) -> Ask:
        """What its resolver is told of a root field."""
        return Ask(self.market, self.identified, self.origin, self.document.selected(nodes))


class Drawn(Executor[Any]):
    """Completes what a resolver answered by drawing it, and as the library does where that is not enough."""

    def collect_and_execute_subfields(
        self, return_type: Any, field_details_list: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        if len(field_details_list) == 1:
            request = cast("Request", self.context_value)
            drawing = request.document.drawing(return_type, field_details_list[0].node)
            if drawing is not None:
                try:
                    return drawing(result)
                except Undrawable:
                    # Whatever is amiss, the library says where.
                    pass
        return super().collect_and_execute_subfields(return_type, field_details_list, path, result, position_context)


async def carried_out(
    schema: GraphQLSchema, request: Request, operation_name: str | None, variables: dict[str, Any]
) -> ExecutionResult:
    """The result of an operation: data, and what was refused of it."""
    single = request.document.single
    arguments = single.read(variables) if single else None
    if single is None or arguments is None:
        return await _by_the_library(schema, request, operation_name, variables)
    try:
        answer = await single.resolve(None, Asked(request, [single.node]), **arguments)
    except Exception as failed:  # noqa: BLE001 - as the library has it: a field that fails is told, beside the others
        return single.refused(failed)
    try:
        return ExecutionResult({single.key: None if answer is None else single.draw(answer)}, None)
    except Undrawable:
        # Whatever is amiss, the library says where.
        return await _by_the_library(schema, replace(request, answered=answer), operation_name, variables)


async def _by_the_library(
    schema: GraphQLSchema, request: Request, operation_name: str | None, variables: dict[str, Any]
) -> ExecutionResult:
    result = execute(
        schema,
        request.document.node,
        context_value=request,
        variable_values=variables,
        operation_name=operation_name or None,
        executor_class=Drawn,
    )
    return result if isinstance(result, ExecutionResult) else await result
