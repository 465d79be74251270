"""What the API says of what went wrong: refusals by name, with the argument at fault; of a fault nothing but its number.

`errorType` and `errorInfo` stand where the cloud's GraphQL service has them, and once more in `extensions`, where the
specification wants whatever is not its own.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    Node,
    ObjectFieldNode,
    Visitor,
    VisitorAction,
    visit,
)
from graphql.language.visitor import BREAK

from ecosystem.api.arguments import camel
from ecosystem.contexts.catalogue import FieldsRefused
from ecosystem.contexts.identity import TooManyAttempts
from ecosystem.kernel.refusals import Conflict, Denied, Invalid, NotFound, Refusal, Unavailable
from ecosystem.kernel.trace import trace_id

log = logging.getLogger("ecosystem.api")

KINDS: tuple[type[Refusal], ...] = (Invalid, Denied, NotFound, Conflict, Unavailable)
FAULT = "Something broke on our side. It has been noted."
MESSAGE_LENGTH_MAX = 500

_VARIABLE = re.compile(r"^Variable '\$(\w+)' has invalid value(?: at \.?([\w.\[\]]+))?:")
_NAMED = re.compile(
    r"required field '(\w+)'|unknown field '(\w+)'|^Argument '[\w.]+\((\w+):\)'|^Unknown argument '(\w+)'"
    r"|^Cannot query field '(\w+)'|^Field '(\w+)'|^Variable '\$(\w+)'"
)


class QueryRefused(Invalid):
    """That is not a query of this API."""


class Unfit(Invalid):
    """That is not what this argument takes."""


def of_refusal(refusal: Refusal) -> dict[str, Any]:
    """A refusal, as an error of the answer."""
    kind = next((each.__name__ for each in KINDS if isinstance(refusal, each)), Refusal.__name__)
    info: dict[str, Any] = {"kind": kind}
    if refusal.field:
        info["field"] = camel(refusal.field)
    if isinstance(refusal, FieldsRefused):
        info["problems"] = [{"field": camel(each.field), "reason": each.reason} for each in refusal.problems]
    if isinstance(refusal, TooManyAttempts):
        info["retryAfterS"] = refusal.retry_after_s
    return {
        "message": refusal.message,
        "errorType": refusal.name,
        "errorInfo": info,
        "extensions": {"errorType": refusal.name, **info},
    }


def of_errors(errors: Sequence[GraphQLError], document: DocumentNode | None = None) -> list[dict[str, Any]]:
    """What the library found, as errors of the answer, each where it belongs."""
    return [_located(_told(error, document), error) for error in errors]


def _told(error: GraphQLError, document: DocumentNode | None) -> dict[str, Any]:
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, Refusal):
        return of_refusal(cause)
    if cause is None and not error.path:
        kind = Unfit if _VARIABLE.match(error.message) else QueryRefused
        return of_refusal(kind(error.message[:MESSAGE_LENGTH_MAX], field=_field(error, document)))
    if cause is None:
        # The library refuses an argument of a field that is being answered.
        return of_refusal(Unfit(error.message[:MESSAGE_LENGTH_MAX], field=_field(error, document)))
    log.error("fault", exc_info=cause, extra={"path": ".".join(map(str, error.path or ()))})
    return of_fault()


def of_fault() -> dict[str, Any]:
    """A fault of ours: its request's id, by which the log tells the rest."""
    info = {"kind": "Fault", "requestId": trace_id.get()}
    return {"message": FAULT, "errorType": "Fault", "errorInfo": info, "extensions": {"errorType": "Fault", **info}}


def _located(said: dict[str, Any], error: GraphQLError) -> dict[str, Any]:
    if error.locations:
        said["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        said["path"] = error.path
    return said


def _field(error: GraphQLError, document: DocumentNode | None) -> str | None:
    """The argument that an error of the library is about, as its message or its place tells."""
    variable = _VARIABLE.match(error.message)
    place = ""
    if variable:
        place = variable[2] or ("" if variable[1] == "input" else variable[1])
    elif document is not None and error.nodes:
        place = _place(error.nodes[0], document)
    rest = error.message[variable.end() :].lstrip() if variable else error.message
    named = _NAMED.search(rest)
    name = next((each for each in named.groups() if each), "") if named else ""
    if place.rpartition(".")[2] == name:
        name = ""
    return ".".join(each for each in (place, name) if each) or None


def _place(target: Node, document: DocumentNode) -> str:
    """The argument, and the fields in it, that a node of the document stands in."""
    found: list[str] = []

    class Finder(Visitor):
        def enter(self, node: Node, _key: Any, parent: Any, _path: Any, ancestors: list[Any]) -> VisitorAction:
            if node is not target:
                return None
            around = (*ancestors, parent, node)
            found.extend(each.name.value for each in around if isinstance(each, ArgumentNode | ObjectFieldNode))
            return BREAK

    visit(document, Finder())
    return ".".join(found[1:] if found[:1] == ["input"] else found)
