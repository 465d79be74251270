"""What is wired, for operators to look at: the functions, the rules, and how each of them fares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecosystem.app import App
from ecosystem.kernel.actor import Actor
from ecosystem.workflows.bindings import rules
from ecosystem.workflows.deliveries import Deliveries, DeliveryStatus
from ecosystem.workflows.functions import TABLE, Function
from ecosystem.workflows.rules import Rule


@dataclass(frozen=True, slots=True)
class Troubles:
    """Deliveries that failed, counted by rule: those tried again, and dead letters."""

    retrying: Mapping[str, int]
    dead: Mapping[str, int]

    def of_function(self, name: str) -> Troubles:
        """Those of all rules of that function, under its name."""
        return Troubles({name: _sum(self.retrying, name)}, {name: _sum(self.dead, name)})


@dataclass(frozen=True, slots=True)
class Overview:
    """For operators. Each act raises `Denied`."""

    market: App

    def functions(self, actor: Actor) -> Sequence[Function]:
        actor.must_operate()
        return sorted(TABLE, key=lambda each: each.name)

    def rules(self, actor: Actor) -> Sequence[Rule]:
        actor.must_operate()
        return rules(self.market)

    async def troubles(self, actor: Actor) -> Troubles:
        deliveries = Deliveries(self.market.ports.table, self.market.ports.clock)
        retrying = await deliveries.gathered(DeliveryStatus.RETRYING, actor)
        dead = await deliveries.gathered(DeliveryStatus.DEAD, actor)
        return Troubles(Counter(each.rule for each in retrying), Counter(each.rule for each in dead))


def function_of(rule: str) -> str:
    """The function that a rule of this name belongs to."""
    return rule.partition(".")[0]


def _sum(counts: Mapping[str, int], name: str) -> int:
    return sum(count for rule, count in counts.items() if function_of(rule) == name)
