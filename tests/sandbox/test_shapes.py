"""Every object has the complete shape of the public API's sample of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.calling import Caller
from sandbox.sdk import World
from sandbox.shapes import TABLE, differences
from sandbox.test_events import MAKES
from sandbox.test_subscriptions import subscribed

# Kinds that are part of others, or are told only of what is no more.
INSIDE: set[str] = set()


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_authenticationRequired", "pm_card_chargeDeclined"])
@pytest.mark.parametrize("capture", ["automatic", "manual"])
async def test_payments_and_charges_are_complete_in_every_state(api: Caller, card: str, capture: str) -> None:
    paid = await api.pay(card, capture_method=capture)
    intent = paid.body if paid.status == 200 else paid.error["payment_intent"]

    assert differences("payment_intent", intent) == []
    if intent["latest_charge"]:
        assert differences("charge", (await api("GET", f"/v1/charges/{intent['latest_charge']}")).body) == []


async def test_every_kind_of_object_is_answered_and_told_complete(at: World) -> None:
    for make in MAKES.values():
        await make(at)
    await every_request(at)
    await at.settled()

    told = [event["data"]["object"] for event in at.listener.heard]
    seen = {id(thing): thing for body in [*at.http.answers, *at.listener.heard, *told] for thing in objects(body)}
    kinds = {kind_of(thing) for thing in seen.values()}
    wrong = {one for thing in seen.values() if kind_of(thing) in TABLE for one in differences(kind_of(thing), thing)}

    assert "\n".join(sorted(wrong)) == ""
    assert set(TABLE) - kinds == INSIDE


def kind_of(thing: dict[str, Any]) -> str:
    return f"deleted_{thing['object']}" if thing.get("deleted") else str(thing["object"])


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in an answer, those in lists and expanded ones, too."""
    if isinstance(value, list):
        for one in value:
            yield from objects(one)
    elif isinstance(value, dict):
        if "object" in value and isinstance(value["object"], str):
            yield value
        for name, one in value.items():
            if name not in {"metadata", "previous_attributes"}:
                yield from objects(one)


async def every_request(at: World) -> None:
    """What no event brings along: lists, links, and what is no more."""
    v1 = at.v1
    account = await at.account()
    express = await v1.accounts.create_async({"type": "express", "country": "US"})
    await at.happen("account.verified", express.id)
    await v1.accounts.login_links.create_async(express.id)
    link = {"account": express.id, "type": "account_onboarding"}
    await v1.account_links.create_async({**link, "refresh_url": "https://x.test/", "return_url": "https://x.test/"})
    await v1.accounts.capabilities.list_async(account.id)
    await v1.balance.retrieve_async()
    await v1.balance.retrieve_async(options={"stripe_account": account.id})
    await v1.balance_settings.retrieve_async()
    await v1.balance_settings.update_async({"payments": {"payouts": {"schedule": {"interval": "manual"}}}})
    await v1.balance_transactions.list_async({"limit": 100})
    endpoint = await v1.webhook_endpoints.create_async({"url": "https://x.test/hook", "enabled_events": ["*"]})
    await v1.webhook_endpoints.retrieve_async(endpoint.id)
    await v1.webhook_endpoints.delete_async(endpoint.id)
    product = await v1.products.create_async({"name": "Walk"})
    await v1.prices.create_async({"product": product.id, "currency": "usd", "unit_amount": 500})
    customer = await v1.customers.create_async({"email": "ana@example.org"})
    await v1.customers.delete_async(customer.id)
    await v1.setup_attempts.list_async({"setup_intent": (await v1.setup_intents.list_async()).data[0].id})
    await v1.reporting.report_types.list_async()
    subscription = await subscribed(at)
    await v1.invoice_payments.list_async({"invoice": subscription.latest_invoice})
    await v1.application_fees.list_async()
    await v1.events.list_async({"limit": 100})
    await v1.transfers.list_async({"limit": 100, "expand": ["data.balance_transaction"]})
    card = {"object": "card", "number": "4000056655665556", "exp_month": 12, "exp_year": 2040}
    debit = await v1.accounts.external_accounts.create_async(account.id, {"external_account": card})
    other = await v1.accounts.external_accounts.create_async(account.id, {"external_account": "btok_us_verified"})
    for gone in (debit, other):
        await v1.accounts.external_accounts.delete_async(account.id, gone.id)
    for session in (await v1.checkout.sessions.list_async()).data[:1]:
        await v1.checkout.sessions.line_items.list_async(session.id)
    await v1.accounts.delete_async((await v1.accounts.create_async({"type": "custom", "country": "US"})).id)
