"""Subscriptions: a price paid again each period, until it is ended or cannot be paid.

| status | what is so |
| --- | --- |
| `trialing` | nothing is paid yet |
| `active` | paid for the current period |
| `incomplete` | the first payment failed |
| `past_due` | a later one failed; it is tried again after some days |
| `canceled` | ended, by request, at the end of a period, or after the last try |
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from typing import Any

from ecosystem.sandbox import invoices, lists
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import (
    LISTED,
    Boolean,
    Choice,
    Endpoint,
    Hash,
    Ignored,
    Integer,
    Kind,
    Later,
    Many,
    Metadata,
    Text,
)  # fmt: skip
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import OF, Body

DAY_S = 86400
RETRIED_AFTER_S = (3 * DAY_S, 5 * DAY_S, 7 * DAY_S)
TRIAL_TOLD_S = 3 * DAY_S
_ITEM = Hash(
    {
        **dict.fromkeys("billing_thresholds discounts plan price_data tax_rates".split(), Later()),
        "id": Text(120),
        "metadata": Metadata(),
        "price": Text(120),
        "quantity": Integer(0, 999_999),
    }
)
_SHARED: dict[str, Kind] = {
    **dict.fromkeys(
        (
            "add_invoice_items application_fee_percent automatic_tax billing_thresholds cancel_at days_until_due"
            " default_source default_tax_rates discounts invoice_settings on_behalf_of payment_settings"
            " pending_invoice_item_interval transfer_data trial_settings"
        ).split(),
        Later(),
    ),
    "cancel_at_period_end": Boolean(),
    "collection_method": Choice("charge_automatically"),
    "default_payment_method": Text(120, unsettable=True),
    "description": Text(500),
    "items": Many(_ITEM, most=20),
    "metadata": Metadata(),
    "off_session": Boolean(),
    "payment_behavior": Choice("allow_incomplete", "error_if_incomplete"),
    "proration_behavior": Choice("none"),
}
CREATE = Endpoint(
    {
        **_SHARED,
        **dict.fromkeys(
            (
                "backdate_start_date billing_cycle_anchor billing_cycle_anchor_config billing_mode billing_schedules"
                " customer_account trial_end"
            ).split(),
            Later(),
        ),
        "currency": Ignored(),
        "customer": Text(120),
        "trial_from_plan": Ignored(),
        "trial_period_days": Integer(1, 730),
    },
    required=("customer", "items"),
)
UPDATE = Endpoint({**_SHARED, "pause_collection": Later(), "trial_end": Later(), "cancellation_details": Ignored()})
CANCEL = Endpoint({"cancellation_details": Ignored(), "invoice_now": Later(), "prorate": Later()})
RETRIEVE = Endpoint()
LIST = Endpoint(
    {
        **LISTED,
        "collection_method": Ignored(),
        "customer": Text(120),
        "price": Text(120),
        "status": Choice("active", "all", "canceled", "incomplete", "past_due", "trialing"),
    }
)


def create(act: Act, given: dict[str, Any]) -> Body:
    """Begin, with a payment at once or after a trial."""
    customer = act.need("customer", given["customer"], param="customer")
    subscription_id = act.mint("sub")
    items = [_item(act, subscription_id, one) for one in given["items"]]
    trial = given.get("trial_period_days", 0) * DAY_S
    end = act.at + trial if trial else after(act.at, items[0]["price"]["recurring"])
    body: Body = {
        **OF["subscription"],
        "id": subscription_id,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": end if trial else act.at,
        "billing_mode": {"flexible": None, "type": "classic"},
        "cancel_at_period_end": given.get("cancel_at_period_end", False),
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": act.at,
        "currency": items[0]["price"]["currency"],
        "customer": customer.id,
        "default_payment_method": given.get("default_payment_method"),
        "description": given.get("description"),
        "invoice_settings": {
            "account_tax_ids": None, "custom_fields": None, "description": None, "footer": None, "issuer": {"type": "self"},
        },
        "items": {
            "object": "list", "data": [_of_period(item, act.at, end) for item in items], "has_more": False,
            "url": f"/v1/subscription_items?subscription={subscription_id}",
        },
        "metadata": merged({}, given.get("metadata", {})),
        "start_date": act.at,
        "status": "trialing" if trial else "incomplete",
        "trial_end": end if trial else None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": act.at if trial else None,
    }  # fmt: skip
    subscription = act.add("subscription", body, links=[("subscription.customer", customer.id)])
    if named := given.get("default_payment_method"):
        act.need("payment_method", named, param="default_payment_method")
    invoice = invoices.made(act, subscription, "subscription_create", act.at, end, free=bool(trial))
    act.change(subscription, latest_invoice=invoice.id)
    paid = invoices.collect(act, invoice, invoices.method_of(act, subscription))
    if not paid and given.get("payment_behavior") == "error_if_incomplete":
        raise Refused("Your card was declined.", status=402, type="card_error", code="card_declined")
    if paid and not trial:
        act.change(subscription, status="active")
    act.tell("customer.subscription.created", subscription)
    act.later("renew", subscription, end - act.at)
    if trial > TRIAL_TOLD_S:
        act.later("trial_ends", subscription, trial - TRIAL_TOLD_S)
    return subscription.body


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("subscription", given["id"]).body


def listed(act: Act, given: dict[str, Any]) -> Body:
    wanted = given.get("status")
    link = ("subscription.customer", given["customer"]) if "customer" in given else None

    def fits(body: Body) -> bool:
        stands = wanted == "all" or (body["status"] == wanted if wanted else body["status"] != "canceled")
        prices = [item["price"]["id"] for item in body["items"]["data"]]
        return stands and given.get("price", prices[0]) in prices

    return lists.filtered(act, "subscription", "/v1/subscriptions", given, fits, link)


def update(act: Act, given: dict[str, Any]) -> Body:
    subscription = act.need("subscription", given["id"])
    _must_run(subscription)
    names = ("cancel_at_period_end", "default_payment_method", "description")
    changes: Body = {name: given[name] for name in names if name in given}
    if "metadata" in given:
        changes["metadata"] = merged(subscription["metadata"], given["metadata"])
    if "items" in given:
        changes["items"] = {**subscription["items"], "data": _changed(act, subscription, given["items"])}
    if changes.get("cancel_at_period_end"):
        changes["cancel_at"] = subscription["items"]["data"][0]["current_period_end"]
    act.change(subscription, **changes)
    act.tell("customer.subscription.updated", subscription)
    return subscription.body


def cancel(act: Act, given: dict[str, Any]) -> Body:
    subscription = act.need("subscription", given["id"])
    _must_run(subscription)
    _end(act, subscription, "cancellation_requested")
    return subscription.body


def renew(act: Act, subscription: Record) -> None:
    """A period is over: a timer's act."""
    [first, *_] = subscription["items"]["data"]
    if subscription["status"] not in {"active", "trialing"} or first["current_period_end"] > act.at:
        return
    if subscription["cancel_at_period_end"]:
        _end(act, subscription, "cancellation_requested")
        return
    start = first["current_period_end"]
    end = after(start, first["price"]["recurring"])
    items = [_of_period(item, start, end) for item in subscription["items"]["data"]]
    act.change(subscription, items={**subscription["items"], "data": items})
    invoice = invoices.made(act, subscription, "subscription_cycle", start, end)
    paid = invoices.collect(act, invoice, invoices.method_of(act, subscription))
    act.change(subscription, latest_invoice=invoice.id, status="active" if paid else "past_due")
    act.tell("customer.subscription.updated", subscription)
    act.later("renew", subscription, end - act.at)
    if not paid:
        act.later("retry", subscription, RETRIED_AFTER_S[0])


def retry(act: Act, subscription: Record) -> None:
    """A payment that failed is tried again: a timer's act."""
    if subscription["status"] != "past_due":
        return
    invoice = act.need("invoice", subscription["latest_invoice"])
    if invoice["status"] == "paid" or invoices.collect(act, invoice, invoices.method_of(act, subscription)):
        act.change(subscription, status="active")
        act.tell("customer.subscription.updated", subscription)
        return
    tried: int = invoice["attempt_count"]
    if tried <= len(RETRIED_AFTER_S):
        act.later("retry", subscription, RETRIED_AFTER_S[tried - 1])
    else:
        _end(act, subscription, "payment_failed")


def trial_ends(act: Act, subscription: Record) -> None:
    """The trial will be over in three days: a timer's act."""
    if subscription["status"] == "trialing":
        act.tell("customer.subscription.trial_will_end", subscription)


def after(at: int, recurring: Body) -> int:
    """The end of a period that begins then: the same day of a later month, or its last."""
    start, count = datetime.fromtimestamp(at, UTC), recurring["interval_count"]
    if recurring["interval"] in {"day", "week"}:
        return at + count * (7 * DAY_S if recurring["interval"] == "week" else DAY_S)
    months = start.month - 1 + count * (12 if recurring["interval"] == "year" else 1)
    year, month = start.year + months // 12, months % 12 + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return int((start.replace(year=year, month=month, day=1) + timedelta(days=day - 1)).timestamp())


def _item(act: Act, subscription_id: str, given: Body) -> Body:
    if not given.get("price"):
        raise Refused("Missing required param: items[0][price].", code="parameter_missing", param="items[0][price]")
    price = act.need("price", given["price"], param="items[0][price]")
    if price["type"] != "recurring":
        raise Refused(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param="items[0][price]",
        )
    return {
        **OF["subscription_item"],
        "id": act.mint("si"),
        "created": act.at,
        "metadata": merged({}, given.get("metadata", {})),
        "price": price.body,
        "quantity": given.get("quantity", 1),
        "subscription": subscription_id,
    }


def _changed(act: Act, subscription: Record, given: list[Body]) -> list[Body]:
    """The items after an update: another price or quantity from the next period on."""
    known: list[Body] = subscription["items"]["data"]
    made: list[Body] = []
    for one in given:
        held = next((item for item in known if item["id"] == one.get("id")), None)
        fresh = _item(act, subscription.id, {"price": (held or {}).get("price", {}).get("id"), **one})
        base = held or _of_period(fresh, known[0]["current_period_start"], known[0]["current_period_end"])
        made.append({**base, "price": fresh["price"], "quantity": one.get("quantity", base["quantity"])})
    kept = [item for item in known if item["id"] not in {one.get("id") for one in given}]
    return [*made, *kept]


def _of_period(item: Body, start: int, end: int) -> Body:
    return {**item, "current_period_end": end, "current_period_start": start}


def _end(act: Act, subscription: Record, reason: str) -> None:
    details = {**subscription["cancellation_details"], "reason": reason}
    act.change(subscription, status="canceled", canceled_at=act.at, ended_at=act.at, cancellation_details=details)
    act.tell("customer.subscription.deleted", subscription)


def _must_run(subscription: Record) -> None:
    if subscription["status"] == "canceled":
        raise Refused(f"A canceled subscription can only be looked at: {subscription.id}.", code="resource_missing")
