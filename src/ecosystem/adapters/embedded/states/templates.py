"""Payload templates: JSON in which a field whose name ends in `.$` takes its value from a path or a function.

Also the single expressions that other fields hold: a path alone, or a path or a function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecosystem.adapters.embedded.states.failures import StateFailed, runtime
from ecosystem.adapters.embedded.states.intrinsics import BadIntrinsic, call, found_in, is_call
from ecosystem.adapters.embedded.states.paths import BadPath, Path, parse
from ecosystem.adapters.embedded.states.scope import Expression, Scope
from ecosystem.adapters.embedded.states.values import MISSING, is_list, is_object, text


class BadTemplate(ValueError):
    """A part of the template cannot be read."""


def template(given: Any) -> Expression:
    """The template, ready to be filled. Raises `BadTemplate` with what is wrong."""
    filled = _part(given)
    return filled if filled is not None else lambda _: given


def _part(given: Any) -> Expression | None:
    """The part, ready to be filled; None when nothing in it is to be."""
    if is_object(given):
        return _object(given)
    if is_list(given):
        parts = [_part(held) for held in given]
        if not any(parts):
            return None
        pairs = list(zip(parts, given, strict=True))
        return lambda scope: [held if part is None else part(scope) for part, held in pairs]
    return None


def _object(given: dict[str, Any]) -> Expression | None:
    fields: list[tuple[str, Expression | None, Any]] = []
    for name, held in given.items():
        if not name.endswith(".$"):
            fields.append((name, _part(held), held))
            continue
        if name[:-2] in given:
            raise BadTemplate(f"{name!r} and {name[:-2]!r} name the same field")
        if not isinstance(held, str):
            raise BadTemplate(f"the value of {name!r} must be a path or an intrinsic function")
        fields.append((name[:-2], field(held, name), None))
    if not any(part for _, part, _ in fields):
        return None
    return lambda scope: {name: held if part is None else part(scope) for name, part, held in fields}


def field(source: str, name: str) -> Expression:
    """A path or an intrinsic function, as the value of the field of that name. Raises `BadTemplate`."""
    try:
        return call(source) if is_call(source) else _value(parse(source), name)
    except (BadPath, BadIntrinsic) as reason:
        raise BadTemplate(f"the value of {name!r} must be a path or an intrinsic function: {reason}") from reason


def _value(path: Path, name: str) -> Expression:
    if path.origin == "$" and path.is_whole:
        return lambda scope: scope.input

    def evaluated(scope: Scope) -> Any:
        found = found_in(path, scope)
        if found is MISSING:
            document = scope.context() if path.origin == "$$" else scope.input
            # The cloud was seen to answer so, here and nowhere else: an index past the end of an array is null.
            if path.origin in {"$", "$$"} and path.is_past_the_end(document):
                return None
            raise runtime(
                f"The JSONPath '{path.source}' specified for the field '{name}' could not be found in the input "
                f"'{text(document)}'"
            )
        return found

    return evaluated


def selection(source: str) -> Expression | None:
    """A path as InputPath and OutputPath have it; None when it selects everything. Raises `BadPath`."""
    return reached(source, lambda path, document: runtime(f"Invalid path '{path.source}' : {path.lack(document)}"))


def reached(source: str, otherwise: Callable[[Path, Any], StateFailed]) -> Expression | None:
    """A path whose finding nothing is what `otherwise` says; None when it selects everything. Raises `BadPath`."""
    path = parse(source)
    if path.origin == "$" and path.is_whole:
        return None

    def evaluated(scope: Scope) -> Any:
        found = found_in(path, scope)
        if found is MISSING:
            raise otherwise(path, scope.context() if path.origin == "$$" else scope.input)
        return found

    return evaluated
