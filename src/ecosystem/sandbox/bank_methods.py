"""American bank accounts as payment methods. Numbers are looked at once, and stand for how a debit ends."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import banking, external_accounts
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import Choice, Hash, Ignored, Text
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import PAYMENT_METHOD, Body, inner

US_BANK_ACCOUNT = Hash(
    {
        "account_holder_type": Choice("individual", "company"),
        "account_number": Text(40),
        "account_type": Choice("checking", "savings"),
        "financial_connections_account": Ignored(),
        "routing_number": Text(9),
    }
)

ENDS: dict[str, Body] = {
    "000123456789": {},
    "000111111113": {"failure": "account_closed"},
    "000111111116": {"failure": "no_account"},
    "000222222227": {"failure": "insufficient_funds"},
    "000333333335": {"failure": "debit_not_authorized"},
    "000444444440": {"failure": "invalid_currency"},
    "000555555559": {"disputed": True},
    "000666666661": {"unreached": True},
    "000000000009": {"stuck": True},
}
"""The published numbers by how a debit of them ends; any other pays."""
METHODS = {
    f"pm_usBankAccount_{name}": number
    for name, number in {
        "success": "000123456789",
        "accountClosed": "000111111113",
        "noAccount": "000111111116",
        "insufficientFunds": "000222222227",
        "debitNotAuthorized": "000333333335",
        "invalidCurrency": "000444444440",
        "dispute": "000555555559",
        "processing": "000000000009",
    }.items()
}
MESSAGES = {
    "account_closed": "The customer's bank account has been closed.",
    "debit_not_authorized": "The customer has notified their bank that this payment was unauthorized.",
    "insufficient_funds": "The customer's account has insufficient funds to cover this payment.",
    "invalid_currency": "The bank was unable to process this payment because of its currency.",
    "no_account": "The bank account could not be located.",
}
MICRO_AMOUNTS = (32, 45)
DESCRIPTOR_CODE = "SM11AA"
"""The published amounts and code by which a test account is verified."""


def read(given: dict[str, Any]) -> tuple[Body, Body]:
    """The method's details, and how it behaves. Raises `Refused` naming what is wrong with the number."""
    told = inner(given, "us_bank_account")
    number = (told.get("account_number") or "").replace(" ", "").replace("-", "")
    routing = told.get("routing_number") or ""
    for name, value in (("account_number", number), ("routing_number", routing)):
        if not value:
            raise Refused(
                f"Missing required param: us_bank_account[{name}].",
                code="parameter_missing",
                param=f"us_bank_account[{name}]",
            )
    if trouble := banking.trouble_with_routing(routing):
        raise Refused(trouble, code="routing_number_invalid", param="us_bank_account[routing_number]")
    if trouble := banking.trouble_with_number(number):
        raise Refused(trouble, code="account_number_invalid", param="us_bank_account[account_number]")
    if not inner(given, "billing_details").get("name"):
        raise Refused(
            "Missing required param: billing_details[name].", code="parameter_missing", param="billing_details[name]"
        )
    details: Body = {
        "account_holder_type": told.get("account_holder_type") or "individual",
        "account_type": told.get("account_type") or "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": external_accounts.fingerprint(number + routing),
        "last4": number[-4:],
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": routing,
        "status_details": {},
    }
    return details, {"ends": ENDS.get(number, {})}


def named(name: str) -> dict[str, Any] | None:
    """What a test method's name stands for."""
    number = METHODS.get(name)
    told = {"account_number": number, "routing_number": "110000000"}
    return (
        {"type": "us_bank_account", "us_bank_account": told, "billing_details": {"name": "Jenny Rosen"}}
        if number
        else None
    )


def body_of(act: Act, details: Body, billing: Body, metadata: dict[str, str]) -> Body:
    """The payment method with those details."""
    kept = {name: value for name, value in PAYMENT_METHOD.items() if name != "card"}
    return {
        **kept,
        "id": act.mint("pm"),
        "billing_details": billing,
        "created": act.at,
        "metadata": metadata,
        "type": "us_bank_account",
        "us_bank_account": details,
    }


def charged(method: Record, mandate: str | None) -> Body:
    """The `payment_method_details` of a charge to it."""
    kept = {name: value for name, value in method["us_bank_account"].items() if name in _CHARGED}
    return {"type": "us_bank_account", "us_bank_account": {**kept, "mandate": mandate, "payment_reference": None}}


_CHARGED = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
