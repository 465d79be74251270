"""What follows when somebody becomes a provider: the account, the profile, the welcome, and what to do without one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.catalogue import ProviderFields, RegisterProvider
from ecosystem.contexts.payments import PayoutState
from ecosystem.kernel.actor import Group
from ecosystem.ports.workflows import StartExecution
from ecosystem.sandbox import Fault, What
from market import OPERATOR, SYSTEM, Market, market
from workflows.lives import MINUTE, ONBOARDING, SECOND, admitted, begun, path, told

FIELDS = ProviderFields(name="Paula Sousa", headline="Portraits in daylight", biography="Ten years of portraits.")
WELCOMED = ["Profile", "Welcome", "HowItEnded", "Onboarded", "SUCCEEDED"]
WITHOUT = ["RequestAccount", "TellOperators", "Profile", "Welcome", "HowItEnded", "WithoutAccount", "SUCCEEDED"]


@pytest.fixture
async def shop(quick_path: Path, clock: VirtualClock) -> AsyncIterator[Market]:
    async with market(quick_path, clock) as opened:
        yield opened


def silent(times: int) -> Fault:
    return Fault(what=What.REFUSE, path="/v1/accounts", times=times, status=500)


async def test_a_new_provider_gets_an_account_and_a_welcome(shop: Market) -> None:
    paula = await admitted(shop, "Paula Sousa", Group.PROVIDERS)
    provider_id = await shop.provider(paula)

    await shop.passes()

    account = await shop.app.payout_accounts.request(provider_id, paula)
    assert await path(shop, ONBOARDING, provider_id) == ["RequestAccount", *WELCOMED]
    assert account.state is PayoutState.PENDING
    assert await told(shop, paula) == ["welcome"]


async def test_an_account_that_was_not_opened_is_asked_for_once_more_after_five_minutes(shop: Market) -> None:
    paula = await admitted(shop, "Paula Sousa", Group.PROVIDERS)
    shop.sandbox.fail_next(silent(3))
    provider_id = await shop.provider(paula)

    await shop.passes(5 * MINUTE - SECOND)
    waits = await path(shop, ONBOARDING, provider_id)
    await shop.passes(SECOND)

    assert waits == ["RequestAccount", "RUNNING"]
    assert await path(shop, ONBOARDING, provider_id) == ["RequestAccount", *WELCOMED]


async def test_without_an_account_operators_are_told_and_the_provider_goes_on(shop: Market) -> None:
    oscar = await admitted(shop, "Oscar Wilde", Group.ADMINS)
    paula = await admitted(shop, "Paula Sousa", Group.PROVIDERS)
    shop.sandbox.fail_next(silent(100))
    provider_id = await shop.provider(paula)

    await shop.passes(6 * MINUTE)

    execution = await shop.app.ports.workflows.describe(f"{ONBOARDING}:{provider_id}")
    assert await path(shop, ONBOARDING, provider_id) == WITHOUT
    assert execution.output["account_error"]["Error"] == "ProcessorSilent"
    assert await told(shop, oscar) == ["account-not-opened"]
    assert "welcome" in await told(shop, paula)


async def test_what_failed_goes_on_from_where_it_was_when_an_operator_has_it_redriven(shop: Market) -> None:
    paula = await admitted(shop, "Paula Sousa", Group.PROVIDERS)
    provider_id = shop.id("prv")
    await shop.passes()
    workflows = shop.app.ports.workflows
    request = StartExecution(machine=ONBOARDING, name=provider_id, input={"provider_id": provider_id})
    await workflows.start(request, SYSTEM)
    await shop.passes(10 * MINUTE)
    failed = await path(shop, ONBOARDING, provider_id)
    late = RegisterProvider(provider_id=provider_id, fields=FIELDS, owner_id=paula.actor_id)
    await shop.app.providers.register(late, paula)

    await shop.app.executions.redrive(f"{ONBOARDING}:{provider_id}", OPERATOR)
    await shop.passes(MINUTE)

    assert failed == ["RequestAccount", "TellOperators", "Profile", "FAILED"]
    again = await path(shop, ONBOARDING, provider_id)
    assert again[-5:] == ["Profile", "Welcome", "HowItEnded", "WithoutAccount", "SUCCEEDED"]
    assert again.count("RequestAccount") == 1


async def test_what_nobody_has_claimed_waits_for_its_owner(shop: Market) -> None:
    unclaimed = RegisterProvider(provider_id=shop.id("prv"), fields=FIELDS, owner_id=None)
    await shop.app.providers.register(unclaimed, OPERATOR)

    await shop.passes()

    assert await begun(shop, ONBOARDING) == 0
