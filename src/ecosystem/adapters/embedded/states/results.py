"""ResultPath: where a state's result goes within its input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ecosystem.adapters.embedded.states.failures import RESULT_PATH, StateFailed
from ecosystem.adapters.embedded.states.paths import BadPath, Key, parse
from ecosystem.adapters.embedded.states.values import MISSING, is_list, is_object, text

Placing = Callable[[Any, Any], Any]
"""From the raw input and the result to both together."""


class _NoPlace(Exception):
    """The input has something else where an object or an array is needed."""


def placing(source: str | None) -> Placing | None:
    """How that ResultPath puts a result into the raw input; None when the result takes its place.

    Raises `BadPath` unless it is null or a path that can name one place of the input only.
    """
    if source is None:
        return lambda raw, _: raw
    path = parse(source)
    if path.origin != "$":
        raise BadPath(f"{source!r} is not a place in the input")
    keys = path.keys
    if keys is None or not path.is_reference:
        raise BadPath(f"{source!r} may name more than one place")
    if not keys:
        return None

    def placed(raw: Any, result: Any) -> Any:
        try:
            return _placed(raw, keys, result)
        except _NoPlace:
            raise StateFailed(RESULT_PATH, f"Unable to apply ReferencePath {source} to input {text(raw)}") from None

    return placed


def _placed(node: Any, keys: Sequence[Key], result: Any) -> Any:
    """The node with the result at the end of the way: what is changed is copied, the rest is shared."""
    if not keys:
        return result
    key, rest = keys[0], keys[1:]
    if isinstance(key, str):
        if node is MISSING:
            node = {}
        if not is_object(node):
            raise _NoPlace
        return {**node, key: _placed(node.get(key, MISSING), rest, result)}
    if not is_list(node) or not -len(node) <= key < len(node):
        raise _NoPlace
    changed = list(node)
    changed[key] = _placed(node[key], rest, result)
    return changed
