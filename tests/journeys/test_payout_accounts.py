"""Where providers are paid: asked for once, filled in at the processor, heard of in any order, and told."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import aiohttp
import pytest

from contracts.accounts.benches import TOLD
from ecosystem.contexts.identity import Admission
from ecosystem.contexts.notifications import Notice
from ecosystem.contexts.payments import NoPayoutAccount, PayoutState
from ecosystem.journeys.payout_accounts import NotYourPayouts
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.accounts import AccountClosed
from ecosystem.ports.cards import ProcessorSilent
from ecosystem.sandbox import Fault, What
from ecosystem.workflows.wiring import Wiring
from market import ADA, OPERATOR, SYSTEM, Market
from sandbox.calling import Listener, listening

BACK, AGAIN = "http://127.0.0.1:8000/provider/payouts?back=1", "http://127.0.0.1:8000/provider/payouts/continue"


@pytest.fixture
async def paula(shop: Market) -> Actor:
    """A provider with an account of her own here."""
    user_id = shop.id("usr")
    groups = (Group.CUSTOMERS, Group.PROVIDERS)
    admission = Admission(
        user_id=user_id, email="paula@example.org", password="no hash", name="Paula Sousa", groups=groups
    )
    await shop.app.ports.table.transact(*shop.app.identity.people.admitting(admission, SYSTEM))
    actor = Actor(actor_id=user_id, groups=groups)
    await shop.provider(actor)
    return actor


@pytest.fixture
async def listener(shop: Market) -> AsyncIterator[Listener]:
    async with listening() as listener:
        shop.sandbox.deliver_to(listener.url)
        yield listener


async def fill_in(shop: Market, actor: Actor, **told: str) -> None:
    link = await shop.app.payout_accounts.link(shop.provider_id, actor, back=BACK, again=AGAIN)
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(link.url, data={**TOLD, **told}, allow_redirects=False) as answer,
    ):
        assert answer.status == 303, await answer.text()
    await shop.sandbox.settled()


async def hear(shop: Market, listener: Listener, chance: random.Random | None = None) -> list[str]:
    await shop.sandbox.settled()
    arrived = list(zip(listener.raw, listener.types, strict=True))
    listener.raw.clear()
    listener.heard.clear()
    if chance:
        arrived += arrived
        chance.shuffle(arrived)
    for (body, signature), _ in arrived:
        receipt = await shop.app.webhooks.receive(body, signature)
        await shop.app.hearing.act(receipt.hint.event_id)
        kept = await shop.app.webhooks.webhook(receipt.hint.event_id)
        assert kept.value.is_closed
    await Wiring.of(shop.app).settled()
    return [kind for _, kind in arrived]


async def state(shop: Market) -> tuple[PayoutState, str]:
    """The payout account's state, and what the provider itself says."""
    payouts = await shop.app.payout_accounts.of(shop.provider_id, OPERATOR)
    return payouts.state, payouts.provider.payout


async def notices(shop: Market, actor: Actor) -> list[Notice]:
    """What the provider finds, the welcome aside: whether a machine has sent it by now is its own matter."""
    found = (await shop.app.notifications.board.latest(actor.actor_id, actor)).notices
    return [notice for notice in found if notice.kind != "welcome"]


async def test_an_account_is_asked_for_once_however_often(shop: Market, paula: Actor) -> None:
    assert await state(shop) == (PayoutState.NONE, "none")

    first = await shop.app.payout_accounts.request(shop.provider_id, SYSTEM)
    again = await shop.app.payout_accounts.request(shop.provider_id, paula)

    assert first == again
    assert first.account_id.startswith("acct_")
    assert await state(shop) == (PayoutState.PENDING, "pending")
    assert "Say to which bank account you are paid." in first.reasons
    assert (first.order.email, first.country) == ("paula@example.org", "PT")


async def test_a_silence_leaves_the_request_and_the_next_try_opens_one_account(shop: Market, paula: Actor) -> None:
    shop.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/accounts", times=3))
    with pytest.raises(ProcessorSilent):
        await shop.app.payout_accounts.request(shop.provider_id, SYSTEM)
    assert await state(shop) == (PayoutState.REQUESTED, "requested")

    opened = await shop.app.payout_accounts.request(shop.provider_id, SYSTEM)

    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {shop.sandbox.keys.secret_key}"}) as desk,
        desk.get(f"{shop.sandbox.origin}/v1/accounts") as answer,
    ):
        listed = (await answer.json())["data"]
    assert [account["id"] for account in listed] == [opened.account_id]
    assert paula


@pytest.mark.parametrize("seed", range(4))
async def test_events_alone_make_it_active_in_any_order_and_the_provider_is_told_once(
    shop: Market, paula: Actor, listener: Listener, seed: int
) -> None:
    await fill_in(shop, paula)

    told = await hear(shop, listener, random.Random(seed))

    assert "account.updated" in told
    assert await state(shop) == (PayoutState.ACTIVE, "active")
    assert [notice.kind for notice in await notices(shop, paula)] == ["payouts-ready"]
    letters = await shop.app.notifications.outbox.to("paula@example.org", OPERATOR)
    assert [letter.kind for letter in letters if letter.kind != "welcome"] == ["payouts-ready"]


async def test_what_stands_in_the_way_is_said_and_can_be_mended(shop: Market, paula: Actor, listener: Listener) -> None:
    await fill_in(shop, paula, identity="111111111")
    await hear(shop, listener)
    restricted = await shop.app.payout_accounts.of(shop.provider_id, paula)

    await fill_in(shop, paula)
    await hear(shop, listener)

    assert restricted.state is PayoutState.RESTRICTED
    assert restricted.may_be_filled_in
    assert list(restricted.reasons) == [
        "What you said could not be verified.",
        "Show a document that proves who you are.",
    ]
    assert await state(shop) == (PayoutState.ACTIVE, "active")
    assert {notice.kind for notice in await notices(shop, paula)} == {"payouts-ready", "payouts-restricted"}


async def test_a_rejected_account_is_final(shop: Market, paula: Actor, listener: Listener) -> None:
    await fill_in(shop, paula, born="1900-01-01")
    await hear(shop, listener)

    rejected = await shop.app.payout_accounts.of(shop.provider_id, paula)

    assert (rejected.state, rejected.may_be_filled_in) == (PayoutState.REJECTED, False)
    with pytest.raises(AccountClosed):
        await shop.app.payout_accounts.link(shop.provider_id, paula, back=BACK, again=AGAIN)


async def test_asking_tells_what_no_event_did(shop: Market, paula: Actor) -> None:
    with pytest.raises(NoPayoutAccount):
        await shop.app.payout_accounts.ask(shop.provider_id, paula)
    await fill_in(shop, paula)

    asked = await shop.app.payout_accounts.ask(shop.provider_id, paula)

    assert (asked.state, asked.bank_last4) == (PayoutState.ACTIVE, "0154")


async def test_it_is_the_owners_and_operators_alone(shop: Market, paula: Actor) -> None:
    accounts = shop.app.payout_accounts

    for act in (accounts.request, accounts.of, accounts.ask):
        with pytest.raises(Denied):
            await act(shop.provider_id, ADA)
    with pytest.raises(Denied):
        await accounts.link(shop.provider_id, ADA, back=BACK, again=AGAIN)
    assert paula
    assert (await accounts.of(shop.provider_id, OPERATOR)).state is PayoutState.NONE


async def test_an_account_of_another_platform_is_let_be(shop: Market, listener: Listener) -> None:
    headers = {"Authorization": f"Bearer {shop.sandbox.keys.secret_key}"}
    async with aiohttp.ClientSession(f"{shop.sandbox.origin}/v1/", headers=headers) as desk:
        async with desk.post("accounts", data={"type": "express"}) as answer:
            account_id = (await answer.json())["id"]
        async with desk.post(f"accounts/{account_id}/reject", data={"reason": "other"}) as answer:
            assert answer.status == 200

    assert await hear(shop, listener) == ["account.updated"]


async def test_a_new_provider_is_welcomed_once_and_told_what_is_left(shop: Market, paula: Actor) -> None:
    profile = await shop.app.welcoming.profile(shop.provider_id, SYSTEM)
    first = await shop.app.welcoming.welcome(shop.provider_id, SYSTEM)
    again = await shop.app.welcoming.welcome(shop.provider_id, SYSTEM)

    assert (first, again) == (True, False)
    assert not profile.complete
    assert [lack.reason for lack in profile.missing] == ["Describe the first thing you offer."]
    letters = await shop.app.notifications.outbox.to("paula@example.org", OPERATOR)
    _, mail = await shop.app.notifications.outbox.read(letters[0].mail_id, OPERATOR)
    assert "Left to do: Describe the first thing you offer." in mail.text
    found = (await shop.app.notifications.board.latest(paula.actor_id, paula)).notices
    assert [notice.kind for notice in found] == ["welcome"]


async def test_nobody_is_asked_for_a_provider_that_nobody_has_claimed(shop: Market) -> None:
    provider_id = await shop.provider()  # of somebody who has no account here
    unclaimed = await shop.app.welcoming.welcome(provider_id, SYSTEM)

    assert not unclaimed
    assert NotYourPayouts().message
