"""Every object has the complete shape of the public API's sample of it."""

from __future__ import annotations

from typing import Any

import pytest

from ecosystem.sandbox import Sandbox
from sandbox.calling import Caller
from sandbox.shape_keys import KEYS

# Keys the API adds to an object only at times; its samples were taken at another.
AT_TIMES = {
    "event": {"account"},
    "charge.payment_method_details.card": {"capture_before"},
    "charge.outcome": {"risk_level", "risk_score"},
    "refund": {"failure_reason", "failure_balance_transaction"},
}


def must_be_complete(name: str, value: dict[str, Any]) -> None:
    assert set(KEYS[name]) - value.keys() == set(), f"{name} lacks keys"
    assert value.keys() - set(KEYS[name]) <= AT_TIMES.get(name, set()), f"{name} has keys of its own"
    for inner in KEYS:
        head, _, rest = inner.partition(".")
        if head == name and rest:
            found = value
            for step in rest.split("."):
                found = found[step]
            must_be_complete(inner, found)


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_authenticationRequired", "pm_card_chargeDeclined"])
@pytest.mark.parametrize("capture", ["automatic", "manual"])
async def test_payments_and_charges_are_complete_in_every_state(api: Caller, card: str, capture: str) -> None:
    paid = await api.pay(card, capture_method=capture)
    intent = paid.body if paid.status == 200 else paid.error["payment_intent"]

    must_be_complete("payment_intent", intent)
    if intent["latest_charge"]:
        must_be_complete("charge", (await api("GET", f"/v1/charges/{intent['latest_charge']}")).body)


async def test_what_follows_a_payment_is_complete(api: Caller, sandbox: Sandbox) -> None:
    paid = await api.pay("pm_card_createDisputeInquiry", **{"expand[]": "latest_charge.balance_transaction"})
    await sandbox.settled()
    refunded = await api("POST", "/v1/refunds", {"payment_intent": paid["id"], "amount": "100"})
    failing = await api.pay("pm_card_refundFail")
    failed = await api("POST", "/v1/refunds", {"payment_intent": failing["id"]})
    await sandbox.settled()
    disputes = await api("GET", "/v1/disputes", {"payment_intent": paid["id"]})
    events = await api("GET", "/v1/events", {"limit": "100"})

    must_be_complete("balance_transaction", paid["latest_charge"]["balance_transaction"])
    must_be_complete("refund", refunded.body)
    must_be_complete("refund", (await api("GET", f"/v1/refunds/{failed['id']}")).body)
    must_be_complete("dispute", disputes["data"][0])
    must_be_complete("payment_method", (await api("GET", f"/v1/payment_methods/{paid['payment_method']}")).body)
    must_be_complete("customer", (await api("POST", "/v1/customers", {"email": "ana@example.org"})).body)
    for event in events["data"]:
        must_be_complete("event", event)
        must_be_complete(event["data"]["object"]["object"], event["data"]["object"])
