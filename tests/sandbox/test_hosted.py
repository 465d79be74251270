"""Pages that customers and owners are sent to: a session is paid, micro-deposits are told, an owner sees its payouts."""

from __future__ import annotations

import aiohttp

from sandbox.sdk import World
from sandbox.test_events import session, transferred
from sandbox.test_kept_methods import debited


async def posted(url: str, **form: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(url, data=form, allow_redirects=False) as answer,
    ):
        return answer.status, await answer.text()


async def shown(url: str) -> str:
    async with aiohttp.ClientSession() as browser, browser.get(url) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_a_session_is_paid_on_its_page_and_a_declined_card_leaves_it_open(at: World) -> None:
    made = await session(at)
    declined = await posted(made.url, method="pm_card_chargeDeclined")
    still = await at.v1.checkout.sessions.retrieve_async(made.id)
    paid = await posted(made.url, method="pm_card_visa")
    after = await at.v1.checkout.sessions.retrieve_async(made.id, {"expand": ["payment_intent"]})

    assert "100.00 USD" in await shown(made.url)
    assert (declined[0], still.status) == (200, "open")
    assert "Try another way." in declined[1]
    assert (paid[0], after.status, after.payment_status, after.payment_intent.amount) == (
        303,
        "complete",
        "paid",
        10_000,
    )


async def test_micro_deposits_are_told_on_a_page(at: World) -> None:
    options = {"us_bank_account": {"verification_method": "microdeposits"}}
    intent = await debited(at, payment_method_options=options)
    url = intent.next_action.verify_with_microdeposits.hosted_verification_url

    wrong = await posted(url, first="1", second="2")
    right = await posted(url, first="32", second="45")

    assert (wrong[0], right[0]) == (422, 200)
    assert (await at.v1.payment_intents.retrieve_async(intent.id)).status == "processing"


async def test_an_owner_sees_its_balance_and_payouts(at: World) -> None:
    transfer = await transferred(at)
    account = await at.v1.accounts.create_async({"type": "express", "country": "US"})
    await at.happen("account.verified", account.id)
    await at.v1.accounts.update_async(account.id, {"capabilities": {"transfers": {"requested": True}}})
    await at.v1.transfers.create_async({"amount": 5_000, "currency": "usd", "destination": account.id})
    link = await at.v1.accounts.login_links.create_async(account.id)

    assert "50.00 USD" in await shown(link.url)
    assert transfer.amount == 10_000
