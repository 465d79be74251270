"""The rules are data with versions; an operator changes them, knowing what they were."""

from __future__ import annotations

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.disputes import RuleBook, RulesChanged, SetRules
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.ports.table import Table

OSCAR = Actor(actor_id="usr_oscar", groups=(Group.ADMINS,))


async def test_an_operator_changes_the_limits_and_nobody_else(table: Table, clock: VirtualClock) -> None:
    rules = RuleBook(table, clock)
    before = await rules.current()
    wanted = SetRules(limits=(Money(4_000, "JPY"), Money(5_000, "EUR")), version=before.version)

    with pytest.raises(Denied):
        await rules.set(wanted, Actor(actor_id="usr_ada"))
    after = await rules.set(wanted, OSCAR)

    assert after == await rules.current()
    assert (after.limit("EUR"), after.limit("USD")) == (Money(5_000, "EUR"), None)
    with pytest.raises(RulesChanged):
        await rules.set(wanted, OSCAR)


async def test_a_currency_has_one_limit(table: Table, clock: VirtualClock) -> None:
    rules = RuleBook(table, clock)

    with pytest.raises(Invalid):
        await rules.set(SetRules(limits=(Money(1, "EUR"), Money(2, "EUR")), version=1), OSCAR)
