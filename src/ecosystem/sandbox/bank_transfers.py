"""Bank transfers: the customer sends money by itself, at times in parts, and an intent is paid once there is enough."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import charges
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import Currency, Endpoint, Integer, Text
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import Body

FUND = Endpoint({"amount": Integer(1), "currency": Currency(), "reference": Text(60)}, required=("amount", "currency"))


def awaited(act: Act, intent: Record) -> Body:
    """Tell the customer where to send the money."""
    if not intent["customer"]:
        raise Refused("A customer is required for payments of type customer_balance.", param="customer")
    act.link(intent, "payment_intent.awaited", intent["customer"])
    act.change(intent, status="requires_action", next_action=_instructions(intent, intent["amount"]))
    act.tell("payment_intent.requires_action", intent)
    return intent.body


def fund(act: Act, given: dict[str, Any]) -> Body:
    """Money of the customer arrives: it goes to the intents that wait for it, the oldest first."""
    customer = act.need("customer", given["id"])
    left = given["amount"]
    for intent in reversed(act.linked("payment_intent.awaited", customer.id)):
        if intent["status"] == "requires_action" and intent["currency"] == given["currency"] and left:
            left -= _funded(act, intent, left)
    kept = customer.inside.get("cash", {}).get(given["currency"], 0) + left
    act.note(customer, cash={**customer.inside.get("cash", {}), given["currency"]: kept})
    return {
        "id": act.mint("ccsbtxn"),
        "object": "customer_cash_balance_transaction",
        "created": act.at,
        "currency": given["currency"],
        "customer": customer.id,
        "customer_account": None,
        "ending_balance": kept,
        "funded": {"bank_transfer": {"reference": given.get("reference"), "type": "us_bank_transfer"}},
        "livemode": False,
        "net_amount": given["amount"],
        "type": "funded",
    }


def _funded(act: Act, intent: Record, amount: int) -> int:
    """How much of the money the intent took."""
    before = intent.inside.get("funded", 0)
    taken = min(amount, intent["amount"] - before)
    act.note(intent, funded=before + taken)
    if before + taken < intent["amount"]:
        act.change(intent, next_action=_instructions(intent, intent["amount"] - before - taken))
        act.tell("payment_intent.partially_funded", intent)
        return taken
    method = act.need("payment_method", intent["payment_method"])
    told: Body = {
        "paid": True,
        "payment_method_details": {"customer_balance": {}, "type": "customer_balance"},
        "status": "succeeded",
    }
    charge = charges.opened(act, intent, method, told, inside={"clears_s": 0})
    charges.take(act, charge, intent["amount"], fee=0)
    act.change(intent, status="succeeded", amount_received=intent["amount"], latest_charge=charge.id, next_action=None)
    act.tell("charge.succeeded", charge)
    act.tell("payment_intent.succeeded", intent)
    return taken


def _instructions(intent: Record, remaining: int) -> Body:
    return {
        "type": "display_bank_transfer_instructions",
        "display_bank_transfer_instructions": {
            "amount_remaining": remaining,
            "currency": intent["currency"],
            "financial_addresses": [],
            "hosted_instructions_url": None,
            "reference": intent.id[-12:].upper(),
            "type": "us_bank_transfer",
        },
    }
