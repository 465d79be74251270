"""Carries documents out with the GraphQL library; what a root field answered is drawn, where a drawing can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from graphql import ExecutionResult, FieldNode, GraphQLSchema
from graphql import execute as _execute  # pyright: ignore[reportUnknownVariableType] - the library leaves its generics open
from graphql.execution import Executor

from ecosystem.api.documents import Document
from ecosystem.api.drawings import Undrawable
from ecosystem.api.roots import Ask
from ecosystem.app import App
from ecosystem.contexts.identity import Identified, Origin

execute = cast("Any", _execute)


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the API: its document, and who sent it from where."""

    market: App
    identified: Identified
    origin: Origin
    document: Document

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
    result = execute(
        schema,
        request.document.node,
        context_value=request,
        variable_values=variables,
        operation_name=operation_name or None,
        executor_class=Drawn,
    )
    return cast("ExecutionResult", result if isinstance(result, ExecutionResult) else await result)
