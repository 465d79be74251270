"""Top-ups: the platform's own money, brought from its bank to its balance."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import amounts, lists
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.entries import booked
from ecosystem.sandbox.parameters import LISTED, Choice, Created, Currency, Endpoint, Integer, Metadata, Text
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import OF, Body

SOURCES = {"btok_us_verified": "", "btok_us_verified_noAccount": "no_account", "": ""}
"""What the bank account named does: none, the platform's own, pays."""
CREATE = Endpoint(
    {
        "amount": Integer(least=1),
        "currency": Currency(),
        "description": Text(1000, unsettable=True),
        "metadata": Metadata(),
        "source": Choice(*(name for name in SOURCES if name)),
        "statement_descriptor": Text(15),
        "transfer_group": Text(500),
    },
    required=("amount", "currency"),
)
RETRIEVE = CANCEL = Endpoint()
UPDATE = Endpoint({"description": Text(1000, unsettable=True), "metadata": Metadata()})
LIST = Endpoint(
    {
        **LISTED,
        "amount": Created(),
        "status": Choice("canceled", "failed", "pending", "succeeded"),
    }
)
ARRIVES_S = 86400


def create(act: Act, given: dict[str, Any]) -> Body:
    amounts.must_be_whole(given["amount"], given["currency"])
    body: Body = {
        **OF["topup"],
        "id": act.mint("tu"),
        "amount": given["amount"],
        "created": act.at,
        "currency": given["currency"],
        "description": given.get("description"),
        "expected_availability_date": act.at + ARRIVES_S,
        "metadata": merged({}, given.get("metadata", {})),
        "source": _source(act, given["currency"]),
        "statement_descriptor": given.get("statement_descriptor"),
        "status": "pending",
        "transfer_group": given.get("transfer_group"),
    }
    topup = act.add("topup", body, inside={"failure": SOURCES[given.get("source", "")]})
    act.later("topup", topup, ARRIVES_S)
    act.tell("topup.created", topup)
    return topup.body


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("topup", given["id"]).body


def update(act: Act, given: dict[str, Any]) -> Body:
    topup = act.need("topup", given["id"])
    if "description" in given:
        act.change(topup, description=given["description"])
    if "metadata" in given:
        act.change(topup, metadata=merged(topup["metadata"], given["metadata"]))
    return topup.body


def cancel(act: Act, given: dict[str, Any]) -> Body:
    topup = act.need("topup", given["id"])
    if topup["status"] != "pending":
        raise Refused(f"Only a pending top-up can be canceled; {topup.id} is {topup['status']}.")
    act.change(topup, status="canceled")
    act.tell("topup.canceled", topup)
    return topup.body


def listed(act: Act, given: dict[str, Any]) -> Body:
    least, most = lists.bounds(given.get("amount", {}))
    return lists.filtered(
        act,
        "topup",
        "/v1/topups",
        given,
        lambda body: body["status"] == given.get("status", body["status"]) and least <= body["amount"] <= most,
    )


def arrive(act: Act, topup: Record) -> None:
    """The bank sends the money, or says why not: a timer's act."""
    if topup["status"] != "pending":
        return
    if code := topup.inside["failure"]:
        act.change(topup, status="failed", failure_code=code, failure_message="The bank account could not be located.")
        act.tell("topup.failed", topup)
        return
    entry = booked(act, topup, amount=topup["amount"], kind="topup", category="topup")
    act.change(topup, status="succeeded", balance_transaction=entry.id)
    act.log("topped_up", topup, topup["amount"])
    act.tell("topup.succeeded", topup)


def reverse(act: Act, topup: Record) -> None:
    """The bank takes back what it had sent."""
    if topup["status"] != "succeeded":
        raise Refused(f"Only a top-up that succeeded can be reversed; {topup.id} is {topup['status']}.")
    booked(act, topup, amount=-topup["amount"], kind="topup_reversal", category="topup_reversal")
    act.change(topup, status="reversed")
    act.log("topup_reversed", topup, topup["amount"])
    act.tell("topup.reversed", topup)


def _source(act: Act, currency: str) -> Body:
    return {
        **OF["source"],
        "id": act.mint("src"),
        "ach_debit": {
            "bank_name": "STRIPE TEST BANK",
            "country": "US",
            "fingerprint": "5Wh4KBcfDrz5IOnx",
            "last4": "6789",
            "routing_number": "110000000",
            "type": "individual",
        },
        "client_secret": f"src_client_secret_{act.secret(24)}",
        "created": act.at,
        "currency": currency,
        "flow": "code_verification",
        "status": "chargeable",
        "type": "ach_debit",
        "usage": "reusable",
    }
