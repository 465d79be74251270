"""Charges: one attempt to take money from a card, and what came of it."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import amounts, application_fees, lists
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.cards import Card, Declined, Refunding
from ecosystem.sandbox.entries import booked, fee_of
from ecosystem.sandbox.parameters import LISTED, Endpoint, Later, Metadata, Text
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused
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
        "transfer_group": Text(500),
    }
)
LIST = Endpoint({**LISTED, "payment_intent": Text(120), "customer": Text(120), "transfer_group": Text(500)})

CLEARING_S = 2 * 86400
"""How long money that was taken is pending before it is available."""


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("charge", given["id"]).body


def update(act: Act, given: dict[str, Any]) -> Body:
    charge = act.need("charge", given["id"])
    changes = {name: given[name] for name in ("description", "receipt_email") if name in given}
    if given.get("transfer_group"):
        if charge["transfer_group"]:
            raise Refused(f"The transfer_group of {charge.id} is set already.", param="transfer_group")
        changes["transfer_group"] = given["transfer_group"]
    if "metadata" in given:
        changes["metadata"] = merged(charge["metadata"], given["metadata"])
    act.change(charge, **changes)
    act.tell("charge.updated", charge)
    return charge.body


def listed(act: Act, given: dict[str, Any]) -> Body:
    names = ("payment_intent", "customer", "transfer_group")
    wanted = {name: given[name] for name in names if name in given}
    link = next(((f"charge.{name}", wanted[name]) for name in names[:2] if name in wanted), None)
    if len(wanted) > 1 or "transfer_group" in wanted:

        def fits(body: Body) -> bool:
            return all(body[name] == value for name, value in wanted.items())

        return lists.filtered(act, "charge", "/v1/charges", given, fits, link)
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
    """A new charge to a card, paid or failed; what is captured of it is decided next."""
    told: Body = {
        "failure_code": declined.code if declined else None,
        "failure_message": declined.message if declined else None,
        "outcome": _outcome(card, declined),
        "paid": declined is None,
        "payment_method_details": charged_card(method.body, intent["amount"], authenticated, capture_before),
        "status": "succeeded" if declined is None else "failed",
    }
    inside: Body = {"card": card.name, "clears_s": 0 if card.available_at_once else CLEARING_S}
    if card.disputed:
        inside |= {"disputed": card.disputed.reason, "inquiry": card.disputed.inquiry}
    if card.refunding is not Refunding.AT_ONCE:
        inside["refunding"] = card.refunding
    return opened(act, intent, method, told, inside=inside)


def opened(act: Act, intent: Record, method: Record, told: Body, *, inside: Body) -> Record:
    """A new charge for the intent. `inside` says what becomes of it: its disputes, its refunds, its money."""
    charge_id = act.mint("ch")
    body: Body = {
        **CHARGE,
        "id": charge_id,
        "amount": intent["amount"],
        "application": intent["application"],
        "application_fee_amount": intent["application_fee_amount"],
        "billing_details": method["billing_details"],
        "created": act.at,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "metadata": intent["metadata"],
        "on_behalf_of": intent["on_behalf_of"],
        "payment_intent": intent.id,
        "payment_method": method.id,
        "receipt_email": intent["receipt_email"],
        "receipt_url": f"{act.origin}/receipts/{charge_id}" if told["status"] != "failed" else None,
        "refunds": {"object": "list", "data": [], "has_more": False, "url": f"/v1/charges/{charge_id}/refunds"},
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "transfer_group": intent["transfer_group"],
        **told,
    }
    links = [("charge.payment_intent", intent.id)]
    if intent["customer"]:
        links.append(("charge.customer", intent["customer"]))
    return act.add("charge", body, inside=inside, links=links)


def capture(act: Act, charge: Record, amount: int) -> None:
    """Take that much of what is held on a card."""
    take(act, charge, amount, fee=amounts.fee(amount, charge["currency"]))
    details = charge["payment_method_details"]
    shown = {name: value for name, value in details["card"].items() if name != "capture_before"}
    act.change(charge, payment_method_details={**details, "card": shown})


def take(act: Act, charge: Record, amount: int, *, fee: int) -> None:
    """The money is ours: enter it in the balance, less what the processor and the platform keep of it."""
    currency = charge["currency"]
    fees = [fee_of(fee, currency, "Processing fees")] if fee else []
    ours = min(charge["application_fee_amount"] or 0, amount - fee) if charge.account else 0
    if ours:
        application = charge["application"]
        fees.append(fee_of(ours, currency, "Ecosystem application fee", "application_fee", application))
    entry = booked(
        act,
        charge,
        amount=amount,
        fee=fee + ours,
        fees=fees,
        available_on=act.at + charge.inside["clears_s"],
        kind="charge",
        category="charge",
        description=charge["description"],
    )
    act.change(charge, amount_captured=amount, balance_transaction=entry.id, captured=True)
    if ours:
        act.change(charge, application_fee=application_fees.collected(act, charge, ours).id)
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
