"""Operators' rules: conditions over the same numbers that the model sees, and over lists; data, not code.

A condition is a tree: `all`, `any`, `not`, a comparison of a feature with a number, or whether somebody is on a list. A
comparison with what is not known is false, whichever way it compares.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.contexts.fraud.features import NAMES, Kind
from ecosystem.kernel.refusals import Invalid

DEPTH_MAX = 6
NODES_MAX = 60
RULES_MAX = 100
VALUES_MAX = 200
POINTS_MAX = 1_000
NAME_MAX = 80


class Operator(StrEnum):
    """How a feature is compared."""

    LESS = "<"
    AT_MOST = "<="
    EQUAL = "="
    AT_LEAST = ">="
    MORE = ">"


class Listing(StrEnum):
    """What a list may name."""

    CUSTOMER = "customer"
    PROVIDER = "provider"
    CARD = "card"
    NETWORK = "network"
    BANK = "bank"
    CURRENCY = "currency"


class Effect(StrEnum):
    """What a rule does when its condition holds."""

    POINTS = "points"
    REVIEW = "review"
    DECLINE = "decline"
    APPROVE = "approve"


class Compare(Struct, frozen=True, kw_only=True, tag="compare", tag_field="type", forbid_unknown_fields=True):
    """A feature beside a number."""

    feature: str
    op: Operator
    value: float


class Listed(Struct, frozen=True, kw_only=True, tag="listed", tag_field="type", forbid_unknown_fields=True):
    """Who, or what, is one of these."""

    what: Listing
    values: tuple[Annotated[str, Meta(max_length=200)], ...]


class All(Struct, frozen=True, kw_only=True, tag="all", tag_field="type", forbid_unknown_fields=True):
    """Every one of these holds."""

    of: tuple[Condition, ...]


class AnyOf(Struct, frozen=True, kw_only=True, tag="any", tag_field="type", forbid_unknown_fields=True):
    """At least one of these holds."""

    of: tuple[Condition, ...]


class Not(Struct, frozen=True, kw_only=True, tag="not", tag_field="type", forbid_unknown_fields=True):
    """This does not hold."""

    of: Condition


Condition = Compare | Listed | All | AnyOf | Not


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. `points` are added to the score, or taken from it, when the effect says so."""

    rule_id: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}$")]
    name: Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]
    kind: Kind
    when: Condition
    effect: Effect
    points: Annotated[int, Meta(ge=-POINTS_MAX, le=POINTS_MAX)] = 0
    enabled: bool = True


class Facts(Struct, frozen=True, kw_only=True):
    """What conditions are held against: the numbers by name, and who is who."""

    kind: Kind
    numbers: Mapping[str, float]
    names: Mapping[Listing, str]


_HOLDS: Mapping[Operator, Callable[[float, float], bool]] = {
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.EQUAL: operator.eq,
    Operator.AT_LEAST: operator.ge,
    Operator.MORE: operator.gt,
}


def holds(condition: Condition, facts: Facts) -> bool:
    """Whether the condition is true of these facts."""
    match condition:
        case Compare():
            number = facts.numbers.get(condition.feature, math.nan)
            return _HOLDS[condition.op](number, condition.value)
        case Listed():
            name = facts.names.get(condition.what, "")
            return bool(name) and name in condition.values
        case All():
            return all(holds(each, facts) for each in condition.of)
        case AnyOf():
            return any(holds(each, facts) for each in condition.of)
        case Not():
            return not holds(condition.of, facts)


def fired(rules: Sequence[Rule], facts: Facts) -> list[Rule]:
    """The rules that hold, in their order."""
    return [rule for rule in rules if rule.enabled and rule.kind is facts.kind and holds(rule.when, facts)]


def checked(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules, if they can be used. Raises `Invalid` naming the one that cannot."""
    if len(rules) > RULES_MAX:
        raise Invalid(f"There are at most {RULES_MAX} rules.", field="rules")
    known: set[str] = set()
    for rule in rules:
        if rule.rule_id in known:
            raise Invalid(f"Two rules are called {rule.rule_id}.", field="rules")
        known.add(rule.rule_id)
        if rule.effect is Effect.POINTS and rule.points == 0:
            raise Invalid(f"{rule.name}: a rule that adds points says how many.", field="points")
        if _nodes(rule.when, rule, 1) > NODES_MAX:
            raise Invalid(f"{rule.name}: a condition has at most {NODES_MAX} parts.", field="when")
    return tuple(rules)


def _nodes(condition: Condition, rule: Rule, depth: int) -> int:
    if depth > DEPTH_MAX:
        raise Invalid(f"{rule.name}: a condition is at most {DEPTH_MAX} deep.", field="when")
    match condition:
        case Compare():
            if condition.feature not in NAMES[rule.kind]:
                raise Invalid(f"{rule.name}: a {rule.kind} has no {condition.feature}.", field="when")
            if not math.isfinite(condition.value):
                raise Invalid(f"{rule.name}: that is no number to compare with.", field="when")
            return 1
        case Listed():
            if not 0 < len(condition.values) <= VALUES_MAX:
                raise Invalid(f"{rule.name}: a list names 1 to {VALUES_MAX}.", field="when")
            return 1
        case Not():
            return 1 + _nodes(condition.of, rule, depth + 1)
        case All() | AnyOf():
            if not condition.of:
                raise Invalid(f"{rule.name}: an empty condition says nothing.", field="when")
            return 1 + sum(_nodes(each, rule, depth + 1) for each in condition.of)
