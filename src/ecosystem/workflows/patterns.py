"""Event patterns: which events a rule is for, in the language of the cloud's bus (Amazon EventBridge).

A pattern has the shape of the events it matches; its leaves are lists of what may stand there. It is read once, into
conditions on the leaves of an event, and refused with the field and the reason when the cloud would refuse it. Sources:
the user guide's "Event pattern syntax" and "Comparison operators", and for what they leave open the published engine of
that bus (`aws/event-ruler`): fields are compared by their dotted path, fields in one array must match within one
element of it, `exists` sees leaves only, and an object that stands where a value is asked for is no value.

Where guide and engine differ, the guide is followed: numbers equal each other as they are written (300 is not 300.0),
and `numeric` compares numbers between -5,000,000,000 and 5,000,000,000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, cast

import msgspec

from ecosystem.kernel.refusals import Invalid

SIZE_MAX = 4_096
DEPTH_MAX = 50
ALTERNATIVES_MAX = 1_000
NUMBER_MAX = 5_000_000_000
RESERVED = frozenset(
    "exactly equals-ignore-case prefix suffix anything-but exists wildcard numeric cidr = < <= > >= regex".split()
)
"""What cannot be a field's name within `$or`: there it would be taken for an operator."""

Scalar = str | int | float | bool | None
Test = Callable[[Scalar], bool]
Membership = Mapping[tuple[str | int, ...], int]
"""For each array on the way to a leaf, by its path, the element it lies in."""


class PatternRefused(Invalid):
    """The event pattern cannot be taken."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What one field must be: one of `exact`, or what passes a test; with `absent`, no leaf at all is good too."""

    path: str
    steps: tuple[tuple[tuple[str, int], ...], ...]
    exact: frozenset[tuple[type, Scalar]]
    tests: tuple[Test, ...]
    absent: bool

    def takes(self, value: Scalar) -> bool:
        return (type(value), value) in self.exact or any(test(value) for test in self.tests)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, read. `alternatives` are its conditions with each `$or` multiplied out: one must hold whole.

    `types` are the values of `detail-type` it names, None when it can match others too; `by_type_alone` tells that it
    says nothing else, so that who knows the type needs not look into the event.
    """

    document: Mapping[str, Any]
    alternatives: tuple[tuple[Condition, ...], ...]
    types: frozenset[str] | None
    by_type_alone: bool

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether the event, in the envelope of the bus, is one of those."""
        return any(_holds(conditions, event) for conditions in self.alternatives)


def parse(text: str | bytes) -> Pattern:
    """The pattern in a JSON text. Raises `PatternRefused`."""
    if len(text) > SIZE_MAX:
        raise PatternRefused(f"A pattern has at most {SIZE_MAX} characters.", field="pattern")
    try:
        document: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refused:
        raise PatternRefused(f"A pattern is JSON: {refused}.", field="pattern") from refused
    return pattern(document)


def pattern(document: object) -> Pattern:
    """The pattern in plain values. Raises `PatternRefused`, which names the field at fault and the reason."""
    if not isinstance(document, Mapping):
        raise PatternRefused("A pattern is an object.", field="pattern")
    fields = cast("Mapping[str, Any]", document)
    if len(msgspec.json.encode(fields)) > SIZE_MAX:
        raise PatternRefused(f"A pattern has at most {SIZE_MAX} characters.", field="pattern")
    found = _object(fields, (), inside_or=False)
    alternatives = tuple(tuple(sorted(each.values(), key=lambda condition: condition.path)) for each in found)
    types = _types(alternatives)
    alone = types is not None and all(len(conditions) == 1 for conditions in alternatives)
    return Pattern(document=fields, alternatives=alternatives, types=types, by_type_alone=alone)


def of_types(*types: str) -> Pattern:
    """The pattern that matches events of these types, whatever else they say."""
    return pattern({"detail-type": list(types)})


# Reading


def _object(fields: Mapping[str, Any], path: tuple[str, ...], *, inside_or: bool) -> list[dict[str, Condition]]:
    """The alternatives under an object of the pattern, each by the paths of its conditions."""
    if not fields:
        raise _refused(path, "An empty object matches nothing.")
    if len(path) > DEPTH_MAX:
        raise _refused(path, f"A pattern is at most {DEPTH_MAX} levels deep.")
    found: list[dict[str, Condition]] = [{}]
    for name, under in fields.items():
        here = (*path, name)
        if name == "$or":
            found = _joined(found, _either(under, path), here)
        elif inside_or and name in RESERVED:
            raise _refused(here, f"{name!r} cannot be a field within $or.")
        elif isinstance(under, Mapping):
            found = _joined(found, _object(cast("Mapping[str, Any]", under), here, inside_or=inside_or), here)
        elif isinstance(under, Sequence) and not isinstance(under, str | bytes):
            condition = _condition(cast("Sequence[Any]", under), here)
            found = _joined(found, [{condition.path: condition}], here)
        else:
            raise _refused(here, 'What may stand in a field is a list, such as ["confirmed"].')
    return found


def _either(under: object, path: tuple[str, ...]) -> list[dict[str, Condition]]:
    here = (*path, "$or")
    if not isinstance(under, Sequence) or isinstance(under, str | bytes):
        raise _refused(here, "$or is a list of objects.")
    ways = cast("Sequence[Any]", under)
    if len(ways) < 2:
        raise _refused(here, "$or is between two objects or more.")
    found: list[dict[str, Condition]] = []
    for way in ways:
        if not isinstance(way, Mapping):
            raise _refused(here, "$or is a list of objects.")
        found += _object(cast("Mapping[str, Any]", way), path, inside_or=True)
    return found


def _joined(
    these: list[dict[str, Condition]], those: list[dict[str, Condition]], path: tuple[str, ...]
) -> list[dict[str, Condition]]:
    """Both to hold: each alternative of the one with each of the other."""
    if len(these) * len(those) > ALTERNATIVES_MAX:
        raise _refused(path, f"Multiplied out, $or makes more than {ALTERNATIVES_MAX} alternatives.")
    for that in those:
        for twice in that.keys() & these[0].keys():
            raise _refused(tuple(twice.split(".")), "This field is asked for twice.")
    return [this | that for this in these for that in those]


def _condition(values: Sequence[Any], path: tuple[str, ...]) -> Condition:
    if not values:
        raise _refused(path, "An empty list matches nothing.")
    exact: set[tuple[type, Scalar]] = set()
    tests: list[Test] = []
    absent = False
    for value in values:
        if isinstance(value, Mapping):
            operator, operand = _operation(cast("Mapping[str, Any]", value), path)
            if operator == "exists" and operand is False:
                absent = True
            else:
                tests.append(_test(operator, operand, path))
        elif value is None or isinstance(value, str | int | float):
            exact.add((type(value), value))
            if isinstance(value, str) and (address := _address(value)) is not None:
                tests.append(lambda text, address=address: _address(text) == address)
        else:
            raise _refused(path, "A value is a text, a number, true, false or null.")
    dotted = ".".join(path)
    parts = dotted.split(".")
    # A name in an event may itself hold a dot: `a.b` is found under `a` and `b`, and under `a.b`.
    steps = tuple(
        tuple((".".join(parts[start:end]), end) for end in range(start + 1, len(parts) + 1))
        for start in range(len(parts))
    )
    return Condition(path=dotted, steps=steps, exact=frozenset(exact), tests=tuple(tests), absent=absent)


def _operation(value: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, Any]:
    if len(value) != 1:
        raise _refused(path, 'A comparison has one operator, such as {"prefix": "bkg_"}.')
    return next(iter(value.items()))


def _test(operator: str, operand: Any, path: tuple[str, ...]) -> Test:
    match operator:
        case "prefix" | "suffix" | "equals-ignore-case" | "wildcard":
            return _text_test(operator, operand, path)
        case "anything-but":
            return _anything_but(operand, path)
        case "numeric":
            return _numeric(operand, path)
        case "cidr":
            return _cidr(operand, path)
        case "exists":
            if operand is not True:
                raise _refused(path, "exists is true or false.")
            return lambda _: True
        case _:
            raise _refused(path, f"There is no operator {operator!r}.")


def _text_test(operator: str, operand: Any, path: tuple[str, ...]) -> Test:
    """The test of a text; whatever is no text fails it."""
    folded = False
    if operator in ("prefix", "suffix") and isinstance(operand, Mapping):
        within, operand = _operation(cast("Mapping[str, Any]", operand), path)
        if within != "equals-ignore-case":
            raise _refused(path, f"Within {operator} there can only be equals-ignore-case, not {within!r}.")
        folded = True
    if not isinstance(operand, str):
        raise _refused(path, f"{operator} compares with a text.")
    asked: str = operand.lower() if folded or operator == "equals-ignore-case" else operand
    match operator:
        case "prefix" if folded:
            return lambda value: isinstance(value, str) and value.lower().startswith(asked)
        case "prefix":
            return lambda value: isinstance(value, str) and value.startswith(asked)
        case "suffix" if folded:
            return lambda value: isinstance(value, str) and value.lower().endswith(asked)
        case "suffix":
            return lambda value: isinstance(value, str) and value.endswith(asked)
        case "equals-ignore-case":
            return lambda value: isinstance(value, str) and value.lower() == asked
        case _:
            pieces = _pieces(asked, path)
            return lambda value: isinstance(value, str) and _fits(pieces, value)


def _anything_but(operand: Any, path: tuple[str, ...]) -> Test:
    """True of each leaf but those: a number is anything but a text, too."""
    if isinstance(operand, Mapping):
        operator, inner = _operation(cast("Mapping[str, Any]", operand), path)
        if operator not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
            raise _refused(path, f"Within anything-but there cannot be {operator!r}.")
        texts = _listed(inner, path)
        if not all(isinstance(text, str) for text in texts):
            raise _refused(path, f"anything-but with {operator} compares with texts.")
        if operator in ("prefix", "suffix") and "" in texts:
            raise _refused(path, f"anything-but with an empty {operator} matches nothing.")
        tests = [_text_test(operator, text, path) for text in texts]
        return lambda value: not any(test(value) for test in tests)
    values = _listed(operand, path)
    texts_only = all(isinstance(value, str) for value in values)
    if not texts_only and not all(_is_number(value) for value in values):
        raise _refused(path, "anything-but compares with texts, or with numbers, not with a mixture or with others.")
    if texts_only:
        return lambda value: value not in values
    numbers = [_number(value, path) for value in values]
    return lambda value: not (_is_number(value) and value in numbers)


def _listed(operand: Any, path: tuple[str, ...]) -> Sequence[Any]:
    if isinstance(operand, Sequence) and not isinstance(operand, str | bytes):
        if not operand:
            raise _refused(path, "anything-but an empty list is everything.")
        return cast("Sequence[Any]", operand)
    return [operand]


_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def _numeric(operand: Any, path: tuple[str, ...]) -> Test:
    """One comparison, or a range: from below first, `[">", 0, "<=", 5]`."""
    if not isinstance(operand, Sequence) or isinstance(operand, str | bytes):
        raise _refused(path, 'numeric has a list, such as [">", 0, "<=", 5].')
    terms = cast("Sequence[Any]", operand)
    if len(terms) not in (2, 4):
        raise _refused(path, "numeric has one comparison, or two that make a range.")
    for term in terms[::2]:
        if term not in _COMPARISONS:
            raise _refused(path, f"numeric compares by =, <, <=, > and >=, not by {term!r}.")
    bounds = [_number(bound, path) for bound in terms[1::2]]
    if len(terms) == 4:
        if terms[0] not in (">", ">=") or terms[2] not in ("<", "<="):
            raise _refused(path, "A range begins with > or >= and ends with < or <=.")
        if bounds[0] >= bounds[1]:
            raise _refused(path, "A range ends above its beginning.")
    comparisons = [(_COMPARISONS[term], bound) for term, bound in zip(terms[::2], bounds, strict=True)]

    def test(value: Scalar) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > NUMBER_MAX:
            return False
        return all(holds(value, bound) for holds, bound in comparisons)

    return test


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any, path: tuple[str, ...]) -> int | float:
    if not _is_number(value):
        raise _refused(path, "That has to be a number.")
    if abs(value) > NUMBER_MAX:
        raise _refused(path, f"Numbers are compared between {-NUMBER_MAX} and {NUMBER_MAX}.")
    return value


def _cidr(operand: Any, path: tuple[str, ...]) -> Test:
    network: IPv4Network | IPv6Network | None = None
    if isinstance(operand, str) and operand.count("/") == 1:
        try:
            network = ip_network(operand, strict=False)
        except ValueError:
            network = None
    if network is None:
        raise _refused(path, "cidr has a range of addresses, such as 10.0.0.0/24 or 2001:db8::/32.")
    if network.prefixlen == network.max_prefixlen:
        raise _refused(path, f"A range has fewer than {network.max_prefixlen} bits; name a single address itself.")
    # Of the other version, an address is in no such range.
    return lambda value: (address := _address(value)) is not None and address in network


def _address(value: Scalar) -> object:
    """The address that a text spells, if it does."""
    if not isinstance(value, str) or not (":" in value or value.count(".") == 3) or "%" in value:
        return None
    try:
        return ip_address(value)
    except ValueError:
        return None


def _pieces(text: str, path: tuple[str, ...]) -> tuple[str, ...]:
    r"""What lies between the wildcards. `\*` and `\\` stand for themselves; two wildcards side by side are refused."""
    pieces, piece, place = [""], "", 0
    while place < len(text):
        letter = text[place]
        if letter == "*":
            if text[place + 1 : place + 2] == "*":
                raise _refused(path, "Two wildcards cannot stand side by side.")
            pieces.append("")
        else:
            piece = letter
            if letter == "\\":
                place += 1
                piece = text[place : place + 1]
                if piece not in ("*", "\\"):
                    raise _refused(path, "A backslash stands before * or another backslash only.")
            pieces[-1] += piece
        place += 1
    return tuple(pieces)


def _fits(pieces: tuple[str, ...], value: str) -> bool:
    """Whether the value has the pieces in order, the first at its beginning and the last at its end."""
    if len(pieces) == 1:
        return value == pieces[0]
    first, *middle, last = pieces
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    # The earliest place for each piece leaves most room for the next: no other place need be tried.
    place, end = len(first), len(value) - len(last)
    for piece in middle:
        found = value.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def _types(alternatives: tuple[tuple[Condition, ...], ...]) -> frozenset[str] | None:
    types: set[str] = set()
    for conditions in alternatives:
        named = next((condition for condition in conditions if condition.path == "detail-type"), None)
        if named is None or named.tests or named.absent:
            return None
        types |= {value for _, value in named.exact if isinstance(value, str)}
    return frozenset(types)


def _refused(path: tuple[str, ...], reason: str) -> PatternRefused:
    return PatternRefused(reason, field=".".join(path) or "pattern")


# Matching


def _holds(conditions: tuple[Condition, ...], event: Mapping[str, Any]) -> bool:
    leaves = [list(_leaves(event, condition, 0, {}, ())) for condition in conditions]
    if not any(membership for found in leaves for _, membership in found):
        return all(
            any(condition.takes(value) for value, _ in found) or (condition.absent and not found)
            for condition, found in zip(conditions, leaves, strict=True)
        )
    return _agree(conditions, leaves, 0, {})


def _agree(
    conditions: tuple[Condition, ...],
    leaves: list[list[tuple[Scalar, Membership]]],
    place: int,
    so_far: Membership,
) -> bool:
    """Whether the conditions from `place` on hold by leaves that lie in the same elements of the same arrays."""
    if place == len(conditions):
        return True
    condition = conditions[place]
    near = [
        (value, membership)
        for value, membership in leaves[place]
        if all(so_far.get(array, element) == element for array, element in membership.items())
    ]
    if not near:
        return condition.absent and _agree(conditions, leaves, place + 1, so_far)
    tried: list[Membership] = []
    for value, membership in near:
        if membership not in tried and condition.takes(value):
            if _agree(conditions, leaves, place + 1, {**so_far, **membership}):
                return True
            tried.append(membership)
    return False


def _leaves(
    node: Any, condition: Condition, place: int, membership: Membership, here: tuple[str | int, ...]
) -> Iterator[tuple[Scalar, Membership]]:
    """The values at the condition's path, and for each the elements of arrays in which it lies."""
    if isinstance(node, Mapping):
        if place < len(condition.steps):
            fields = cast("Mapping[str, Any]", node)
            for name, after in condition.steps[place]:
                if name in fields:
                    yield from _leaves(fields[name], condition, after, membership, (*here, name))
    elif isinstance(node, list | tuple):
        for number, element in enumerate(cast("Sequence[Any]", node)):
            if isinstance(element, Mapping | list | tuple):
                within = {**membership, here: number}
                yield from _leaves(element, condition, place, within, (*here, number))
            elif place == len(condition.steps):
                yield element, membership
    elif place == len(condition.steps):
        yield node, membership
