"""Rules in data: what holds, what outweighs what, and which are refused."""

from __future__ import annotations

import math

import msgspec
import pytest

from ecosystem.contexts.fraud import (
    FIRST,
    NAMES,
    All,
    AnyOf,
    Compare,
    Condition,
    Effect,
    Facts,
    Kind,
    Listed,
    Listing,
    Not,
    Operator,
    Rule,
    Verdict,
    checked,
    decide,
    fired,
    holds,
)
from ecosystem.kernel.refusals import Invalid

FACTS = Facts(
    kind=Kind.CHECKOUT,
    numbers={"amount": 5_000.0, "customer_paid": 2.0, "card_customers": math.nan},
    names={Listing.CUSTOMER: "usr_1", Listing.CURRENCY: "EUR"},
)


def compare(feature: str, op: str, value: float) -> Compare:
    return Compare(feature=feature, op=Operator(op), value=value)


def rule(effect: Effect, points: int = 0, when: Condition | None = None, **fields: object) -> Rule:
    told = {"rule_id": "one", "name": "One", "kind": Kind.CHECKOUT, "when": when or compare("amount", ">", 0)}
    return Rule(**(told | fields), effect=effect, points=points)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (compare("amount", ">=", 5_000), True),
        (compare("amount", ">", 5_000), False),
        (compare("amount", "=", 5_000), True),
        (compare("amount", "<=", 4_999), False),
        (compare("amount", "<", 5_001), True),
        (compare("card_customers", "<", 99), False),
        (compare("card_customers", ">=", 0), False),
        (Listed(what=Listing.CUSTOMER, values=("usr_1",)), True),
        (Listed(what=Listing.CARD, values=("",)), False),
        (All(of=(compare("amount", ">", 1), compare("customer_paid", ">", 5))), False),
        (AnyOf(of=(compare("amount", ">", 1), compare("customer_paid", ">", 5))), True),
        (Not(of=compare("customer_paid", ">", 5)), True),
    ],
)
def test_a_condition_holds_or_not(condition: Condition, expected: bool) -> None:
    assert holds(condition, FACTS) is expected


def test_a_condition_comes_back_from_json_as_it_was() -> None:
    condition = All(of=(Not(of=compare("amount", ">", 1)), Listed(what=Listing.BANK, values=("a",))))

    assert msgspec.json.decode(msgspec.json.encode(condition), type=Condition) == condition


def test_rules_that_are_off_or_of_another_kind_do_not_fire() -> None:
    off, payout = rule(Effect.REVIEW, enabled=False), rule(Effect.REVIEW, kind=Kind.PAYOUT)

    assert fired((off, payout, rule(Effect.DECLINE)), FACTS) == [rule(Effect.DECLINE)]


@pytest.mark.parametrize(
    ("chance", "effects", "verdict"),
    [
        (0.1, (), Verdict.APPROVE),
        (0.3, (), Verdict.REVIEW),
        (0.85, (), Verdict.DECLINE),
        (0.1, (Effect.REVIEW,), Verdict.REVIEW),
        (0.99, (Effect.APPROVE,), Verdict.APPROVE),
        (0.0, (Effect.DECLINE, Effect.APPROVE), Verdict.DECLINE),
        (0.99, (Effect.REVIEW,), Verdict.DECLINE),
        (0.1, (Effect.APPROVE, Effect.REVIEW), Verdict.APPROVE),
    ],
)
def test_what_outweighs_what(chance: float, effects: tuple[Effect, ...], verdict: Verdict) -> None:
    assert decide(chance, [rule(effect) for effect in effects], FIRST).verdict is verdict


def test_points_add_up_and_stay_within_the_scale() -> None:
    assert decide(0.25, [rule(Effect.POINTS, 100)], FIRST).score == 350
    assert decide(0.25, [rule(Effect.POINTS, -900)], FIRST).score == 0
    assert decide(0.95, [rule(Effect.POINTS, 900)], FIRST).score == 1_000


@pytest.mark.parametrize(
    "wrong",
    [
        rule(Effect.POINTS),
        rule(Effect.REVIEW, when=compare("provider_mean_amount", ">", 1)),
        rule(Effect.REVIEW, when=compare("amount", ">", math.nan)),
        rule(Effect.REVIEW, when=All(of=())),
        rule(Effect.REVIEW, when=Listed(what=Listing.CARD, values=())),
        rule(Effect.REVIEW, when=AnyOf(of=tuple(compare("amount", ">", step) for step in range(70)))),
        rule(Effect.REVIEW, when=Not(of=Not(of=Not(of=Not(of=Not(of=Not(of=compare("amount", ">", 1)))))))),
    ],
)
def test_rules_that_cannot_be_are_refused(wrong: Rule) -> None:
    with pytest.raises(Invalid):
        checked([wrong])


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(Invalid):
        checked([rule(Effect.REVIEW), rule(Effect.DECLINE)])


def test_the_shipped_rules_can_be_used() -> None:
    assert checked(FIRST.rules) == FIRST.rules
    assert {each.kind for each in FIRST.rules} == set(NAMES)
