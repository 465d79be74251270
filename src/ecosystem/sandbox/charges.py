"""Charges: one attempt to take money from a card, and what came of it."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import amounts, lists
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.cards import Card, Declined
from ecosystem.sandbox.entries import booked
from ecosystem.sandbox.parameters import LISTED, Endpoint, Ignored, Later, Metadata, Text
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.shapes import CHARGE, Body, charged_card

RETRIEVE = Endpoint()
UPDATE = Endpoint(
    {
        "description": Text(unsettable=True),
        "metadata": Metadata(),
        "receipt_email": Text(800, unsettable=True),
        "customer": Later(),
        "fraud_details": Later(),
        "shipping": Later(),
        "transfer_group": Later(),
    }
)
LIST = Endpoint({**LISTED, "payment_intent": Text(120), "customer": Text(120), "transfer_group": Ignored()})

CLEARING_S = 2 * 86400
"""How long money that was taken is pending before it is available."""


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("charge", given["id"]).body


def update(act: Act, given: dict[str, Any]) -> Body:
    charge = act.need("charge", given["id"])
    changes = {name: given[name] for name in ("description", "receipt_email") if name in given}
    if "metadata" in given:
        changes["metadata"] = merged(charge["metadata"], given["metadata"])
    act.change(charge, **changes)
    act.tell("charge.updated", charge)
    return charge.body


def listed(act: Act, given: dict[str, Any]) -> Body:
    link = None
    for name in ("payment_intent", "customer"):
        if name in given:
            link = (f"charge.{name}", given[name])
    return lists.page(act, "charge", "/v1/charges", given, link)


def added(
    act: Act,
    intent: Record,
    method: Record,
    card: Card,
    *,
    authenticated: bool,
    declined: Declined | None,
    capture_before: int | None,
) -> Record:
    """A new charge for the intent, paid or failed; what is captured of it is decided next."""
    charge_id = act.mint("ch")
    amount = intent["amount"]
    body: Body = {
        **CHARGE,
        "id": charge_id,
        "amount": amount,
        "billing_details": method["billing_details"],
        "created": act.at,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "failure_code": declined.code if declined else None,
        "failure_message": declined.message if declined else None,
        "metadata": intent["metadata"],
        "outcome": _outcome(card, declined),
        "paid": declined is None,
        "payment_intent": intent.id,
        "payment_method": method.id,
        "payment_method_details": charged_card(method.body, amount, authenticated, capture_before),
        "receipt_email": intent["receipt_email"],
        "receipt_url": f"{act.origin}/receipts/{charge_id}" if declined is None else None,
        "refunds": {"object": "list", "data": [], "has_more": False, "url": f"/v1/charges/{charge_id}/refunds"},
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded" if declined is None else "failed",
        "transfer_group": intent["transfer_group"],
    }
    links = [("charge.payment_intent", intent.id)]
    if intent["customer"]:
        links.append(("charge.customer", intent["customer"]))
    return act.add("charge", body, inside={"card": card.name}, links=links)


def capture(act: Act, charge: Record, amount: int, card: Card) -> None:
    """Take that much of what is held, and enter it in the balance."""
    kept = amounts.fee(amount, charge["currency"])
    available = act.at if card.available_at_once else act.at + CLEARING_S
    entry = booked(
        act,
        charge,
        amount=amount,
        fee=kept,
        available_on=available,
        kind="charge",
        category="charge",
        description=charge["description"],
    )
    details = charge["payment_method_details"]
    shown = {name: value for name, value in details["card"].items() if name != "capture_before"}
    act.change(
        charge,
        amount_captured=amount,
        balance_transaction=entry.id,
        captured=True,
        payment_method_details={**details, "card": shown},
    )
    act.log("captured", charge, amount)


def _outcome(card: Card, declined: Declined | None) -> Body:
    outcome: Body = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": "elevated_risk_level" if card.risk == "elevated" else None,
        "risk_level": card.risk,
        "risk_score": {"normal": 12, "elevated": 68}.get(card.risk, 92),
        "seller_message": "Payment complete.",
        "type": "manual_review" if card.risk == "elevated" else "authorized",
    }
    if declined is None:
        return outcome
    if declined.blocked:
        return outcome | {
            "network_status": "not_sent_to_network",
            "reason": "highest_risk_level",
            "seller_message": "The processor blocked this payment as too risky.",
            "type": "blocked",
        }
    return outcome | {
        "advice_code": "try_again_later" if declined.code == "processing_error" else None,
        "network_status": "declined_by_network",
        "reason": declined.decline_code or declined.code,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }
