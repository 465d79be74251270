"""What rules would have done: held to what was assessed before, with what became known of it since.

Each past assessment keeps the numbers it was decided on, so a rehearsal sees what was known then and nothing later.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ecosystem.contexts.fraud.assessments import Assessment, Decision, Label, Verdict, decide
from ecosystem.contexts.fraud.features import NAMES, Kind
from ecosystem.contexts.fraud.policies import Policy
from ecosystem.contexts.fraud.rules import Facts, Rule, fired, holds

REHEARSED_MAX = 5_000
EXAMPLES = 8


class Counts(Struct, frozen=True, kw_only=True):
    """How many, how many of them are known as fraud, how many as genuine."""

    cases: int = 0
    frauds: int = 0
    genuine: int = 0


class Rehearsal(Struct, frozen=True, kw_only=True):
    """What a rule, and with it all of a policy, would have done to past cases of a kind.

    `hit` are those that the rule holds for. `before` and `after` are how many had which verdict, as it was decided then
    by what was in force, and as it would be now. `changed` are some whose verdict would differ.
    """

    of: Counts
    hit: Counts
    before: dict[str, Counts]
    after: dict[str, Counts]
    changed: tuple[Assessment, ...]


def facts_of(assessment: Assessment) -> Facts:
    """What it was decided on."""
    numbers = dict(zip(NAMES[assessment.kind], assessment.numbers, strict=False))
    return Facts(kind=assessment.kind, numbers=numbers, names=assessment.names)


def redecided(assessment: Assessment, policy: Policy) -> Decision:
    """What the policy makes of it, by the probability that was thought then."""
    return decide(assessment.chance, fired(policy.rules, facts_of(assessment)), policy)


def rehearse(past: Sequence[Assessment], kind: Kind, rule: Rule | None, policy: Policy) -> Rehearsal:
    """What `rule` and the policy (which holds the rule already) would have done to these."""
    mine = [each for each in past if each.kind is kind]
    decisions = [redecided(each, policy).verdict for each in mine]
    pairs = list(zip(mine, decisions, strict=True))
    return Rehearsal(
        of=counted(mine),
        hit=counted([each for each in mine if rule is not None and holds(rule.when, facts_of(each))]),
        before={verdict.value: counted([each for each in mine if each.verdict is verdict]) for verdict in Verdict},
        after={verdict.value: counted([each for each, made in pairs if made is verdict]) for verdict in Verdict},
        changed=tuple(each for each, made in pairs if made is not each.verdict)[:EXAMPLES],
    )


def counted(some: Sequence[Assessment]) -> Counts:
    return Counts(
        cases=len(some),
        frauds=sum(each.label is Label.FRAUD for each in some),
        genuine=sum(each.label is Label.GENUINE for each in some),
    )
