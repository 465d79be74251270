"""The rules of a Choice state, parsed once."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from ecosystem.adapters.embedded.states.failures import runtime
from ecosystem.adapters.embedded.states.instants import instant
from ecosystem.adapters.embedded.states.intrinsics import found_in
from ecosystem.adapters.embedded.states.paths import BadPath, Path, parse
from ecosystem.adapters.embedded.states.scope import Scope
from ecosystem.adapters.embedded.states.values import MISSING, is_list, is_number, is_object

Rule = Callable[[Scope], bool]
Compare = Callable[[Any, Any], bool]

_NESTING_MAX: Final = 50
_BESIDE: Final = frozenset({"Next", "Comment", "Assign"})


class BadRule(ValueError):
    """The rule cannot be read."""


def rule(given: Any, *, is_top: bool = True, nesting: int = 0) -> Rule:
    """The rule, ready to be asked. Raises `BadRule` with what is wrong."""
    if not is_object(given):
        raise BadRule("a rule must be an object")
    if nesting > _NESTING_MAX:
        raise BadRule("the rule is nested too deep")
    names = [name for name in given if name not in _BESIDE]
    if not is_top and ("Next" in given or "Assign" in given):
        raise BadRule("only the outermost rule has Next and Assign")
    if len(names) == 1 and names[0] in {"And", "Or", "Not"}:
        return _joined(names[0], given[names[0]], nesting)
    if "Condition" in given:
        raise BadRule("Condition is JSONata, which is not spoken here")
    operators = [name for name in names if name != "Variable"]
    if "Variable" not in given or len(operators) != 1:
        raise BadRule("a rule has And, Or, Not, or Variable and one comparison")
    return _compared(given["Variable"], operators[0], given[operators[0]])


def _joined(word: str, held: Any, nesting: int) -> Rule:
    if word == "Not":
        denied = rule(held, is_top=False, nesting=nesting + 1)
        return lambda scope: not denied(scope)
    if not is_list(held) or not held:
        raise BadRule(f"{word} must be a list of rules, and not empty")
    rules = [rule(part, is_top=False, nesting=nesting + 1) for part in held]
    joined = all if word == "And" else any
    return lambda scope: joined(part(scope) for part in rules)


def _compared(variable: Any, name: str, against: Any) -> Rule:
    left = _path(variable, "Variable")
    if name == "IsPresent":
        wanted = _boolean(against, name)
        return lambda scope: (found_in(left, scope) is not MISSING) is wanted
    if test := _TESTS.get(name):
        wanted = _boolean(against, name)
        return lambda scope: test(_found(left, scope)) is wanted
    if name == "StringMatches":
        pattern = _pattern(against)
        return lambda scope: isinstance(found := _found(left, scope), str) and pattern(found)
    family = next((family for family in _FAMILIES if name.startswith(family)), "")
    order = name.removeprefix(family)
    compare, takes = _FAMILIES.get(family, (None, None))
    by = _ORDERS.get(order.removesuffix("Path"))
    if compare is None or takes is None or by is None or (family == "Boolean" and not order.startswith("Equals")):
        raise BadRule(f"{name} is no comparison")
    if order.endswith("Path"):
        right = _path(against, name)
        return lambda scope: compare(by, _found(left, scope), _found(right, scope))
    if not takes(against):
        raise BadRule(f"{name} cannot compare with {against!r}")
    return lambda scope: compare(by, _found(left, scope), against)


def _found(path: Path, scope: Scope) -> Any:
    found = found_in(path, scope)
    if found is MISSING:
        raise runtime(f"Invalid path '{path.source}': The choice state's condition path references an invalid value.")
    return found


def _path(given: Any, name: str) -> Path:
    if not isinstance(given, str):
        raise BadRule(f"{name} must be a path")
    try:
        return parse(given)
    except BadPath as reason:
        raise BadRule(f"{name}: {reason}") from reason


def _boolean(given: Any, name: str) -> bool:
    if not isinstance(given, bool):
        raise BadRule(f"{name} must be true or false")
    return given


def _pattern(given: Any) -> Callable[[str], bool]:
    r"""Texts with * for anything; \* is the sign itself, and \\ a backslash."""
    if not isinstance(given, str):
        raise BadRule("StringMatches must be a text")
    pieces, at = [""], 0
    while at < len(given):
        if given[at] == "\\" and given[at + 1 : at + 2] in {"*", "\\"}:
            at += 1
            pieces[-1] += given[at]
        elif given[at] == "*":
            pieces.append("")
        else:
            pieces[-1] += given[at]
        at += 1
    first, *between = pieces
    if not between:
        return lambda found: found == first
    last = between.pop()

    def matches(found: str) -> bool:
        """The pieces between are sought from the left, each behind the one before: no going back is needed."""
        if len(found) < len(first) + len(last) or not found.startswith(first) or not found.endswith(last):
            return False
        reached, end = len(first), len(found) - len(last)
        for piece in between:
            place = found.find(piece, reached, end)
            if place < 0:
                return False
            reached = place + len(piece)
        return True

    return matches


def _utf16(written: str) -> bytes:
    """The text as the cloud's Java orders it, by UTF-16 code units."""
    return written.encode("utf-16-be", "surrogatepass")


def _texts(by: Compare, left: Any, right: Any) -> bool:
    if not isinstance(left, str) or not isinstance(right, str):
        return False
    return by(left, right) if left.isascii() and right.isascii() else by(_utf16(left), _utf16(right))


def _numbers(by: Compare, left: Any, right: Any) -> bool:
    return is_number(left) and is_number(right) and by(left, right)


def _booleans(by: Compare, left: Any, right: Any) -> bool:
    return isinstance(left, bool) and isinstance(right, bool) and by(left, right)


def _instants(by: Compare, left: Any, right: Any) -> bool:
    one, other = instant(left), instant(right)
    return one is not None and other is not None and by(one, other)


_TESTS: Final[dict[str, Callable[[Any], bool]]] = {
    "IsNull": lambda found: found is None,
    "IsBoolean": lambda found: isinstance(found, bool),
    "IsNumeric": is_number,
    "IsString": lambda found: isinstance(found, str),
    "IsTimestamp": lambda found: instant(found) is not None,
}
_ORDERS: Final[dict[str, Compare]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_FAMILIES: Final[dict[str, tuple[Callable[[Compare, Any, Any], bool], Callable[[Any], bool]]]] = {
    "String": (_texts, lambda given: isinstance(given, str)),
    "Numeric": (_numbers, is_number),
    "Boolean": (_booleans, lambda given: isinstance(given, bool)),
    "Timestamp": (_instants, lambda given: instant(given) is not None),
}
