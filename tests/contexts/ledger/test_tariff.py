"""The tariff: rates by version, changed by operators, for later bookings only."""

from __future__ import annotations

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.ledger import NoSuchRates, Tariff
from ecosystem.kernel.actor import VISITOR, Actor, Group
from ecosystem.kernel.rates import Rates
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.table import Table

OPERATOR = Actor(actor_id="usr_1", groups=(Group.ADMINS,))


@pytest.fixture
def tariff(table: Table, clock: VirtualClock) -> Tariff:
    return Tariff(table, clock)


async def test_the_first_rates_hold_until_an_operator_changes_them(tariff: Tariff) -> None:
    assert await tariff.current() == Rates(version=1, provider_share_bps=9000, surcharge_bps=1000)

    changed = await tariff.change(Rates(provider_share_bps=8500), OPERATOR)

    assert changed == await tariff.current() == Rates(version=2, provider_share_bps=8500)
    assert await tariff.version(1) == Rates()
    assert [entry.actor for entry in await tariff.history()] == [OPERATOR]


async def test_only_an_operator_changes_rates(tariff: Tariff) -> None:
    with pytest.raises(Denied):
        await tariff.change(Rates(), VISITOR)


async def test_a_version_that_is_none_is_refused(tariff: Tariff) -> None:
    with pytest.raises(NoSuchRates):
        await tariff.version(2)
