"""Subscriptions live: paid at once or after a trial, renewed, failed, tried again, ended."""

from __future__ import annotations

from typing import Any

from sandbox.sdk import World
from sandbox.test_kept_methods import kept


async def subscribed(at: World, method: str = "pm_card_visa", **more: Any) -> Any:
    product = await at.v1.products.create_async({"name": "Plan"})
    price = await at.v1.prices.create_async(
        {"product": product.id, "currency": "usd", "unit_amount": 2_000, "recurring": {"interval": "month"}}
    )
    intent = await kept(at, method)
    return await at.v1.subscriptions.create_async(
        {
            "customer": intent.customer,
            "items": [{"price": price.id, "quantity": 2}],
            "default_payment_method": intent.payment_method,
            **more,
        }
    )


def told(at: World) -> list[str]:
    return [event["type"] for event in at.listener.heard if event["type"].startswith(("invoice.", "customer.sub"))]


async def test_it_is_paid_at_once_and_again_each_month(at: World) -> None:
    subscription = await subscribed(at)
    await at.move(31)
    invoices = (await at.v1.invoices.list_async({"subscription": subscription.id})).data

    assert subscription.status == "active"
    assert [(one.total, one.status, one.billing_reason) for one in invoices] == [
        (4_000, "paid", "subscription_cycle"),
        (4_000, "paid", "subscription_create"),
    ]
    assert told(at) == [
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.updated",
    ]
    payments = await at.v1.invoice_payments.list_async({"invoice": invoices[0].id})
    assert payments.data[0].payment.type == "payment_intent"


async def test_a_trial_is_free_and_its_end_is_told(at: World) -> None:
    subscription = await subscribed(at, trial_period_days=10)
    await at.move(8)
    assert (subscription.status, "customer.subscription.trial_will_end" in told(at)) == ("trialing", True)
    await at.move(3)

    assert (await at.v1.subscriptions.retrieve_async(subscription.id)).status == "active"


async def test_a_payment_that_fails_is_tried_again_and_ends_it_at_last(at: World) -> None:
    subscription = await subscribed(at, "pm_card_chargeCustomerFail")
    assert subscription.status == "incomplete"

    later = await subscribed(at, "pm_card_chargeCustomerFail", trial_period_days=1)
    await at.move(2)
    due = await at.v1.subscriptions.retrieve_async(later.id)
    await at.move(20)

    assert due.status == "past_due"
    ended = await at.v1.subscriptions.retrieve_async(later.id)
    assert (ended.status, ended.cancellation_details.reason) == ("canceled", "payment_failed")
    assert told(at).count("invoice.payment_failed") == 5
    assert told(at)[-1] == "customer.subscription.deleted"


async def test_it_ends_with_its_period_or_at_once(at: World) -> None:
    first, second = await subscribed(at), await subscribed(at)
    await at.v1.subscriptions.update_async(first.id, {"cancel_at_period_end": True})
    await at.v1.subscriptions.cancel_async(second.id)
    now = await at.v1.subscriptions.retrieve_async(first.id)
    await at.move(32)

    assert now.status == "active"
    assert (await at.v1.subscriptions.retrieve_async(first.id)).status == "canceled"
    assert len((await at.v1.invoices.list_async({"subscription": first.id})).data) == 1
    assert (await at.v1.subscriptions.list_async()).data == []
