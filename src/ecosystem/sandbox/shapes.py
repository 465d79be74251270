"""The shapes of the API's objects, complete: every key is there, also where it has nothing to say.

A shape is copied by spreading it into a new dict. Its inner objects are shared and never changed in place.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, cast

import msgspec

from ecosystem.sandbox.cards import Card

Body = dict[str, Any]

OF: dict[str, Body] = msgspec.json.decode((files("ecosystem.sandbox") / "shapes.json").read_bytes())
"""The shape of each kind of object, with nothing to say: made by `scripts/processor_shapes.py` from the public samples."""

API_VERSION = "2026-10-28.endive"

NO_ADDRESS: Body = {
    "city": None,
    "country": None,
    "line1": None,
    "line2": None,
    "postal_code": None,
    "state": None,
}
NO_BILLING: Body = {"address": NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None}

PAYMENT_INTENT: Body = {
    **OF["payment_intent"],
    "amount_details": {"tip": {}},
    "capture_method": "automatic",
    "client_secret": "",
    "confirmation_method": "automatic",
    "managed_payments": {"enabled": False},
    "payment_method_options": {},
    "payment_method_types": ["card"],
    "status": "requires_payment_method",
}

NO_REQUIREMENTS: Body = {
    "alternatives": [],
    "current_deadline": None,
    "currently_due": [],
    "disabled_reason": None,
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}

BUSINESS_PROFILE: Body = {
    "annual_revenue": {"amount": None, "currency": None, "fiscal_year_end": None},
    "estimated_worker_count": None,
    "mcc": None,
    "minority_owned_business_designation": None,
    "name": None,
    "product_description": None,
    "support_address": NO_ADDRESS,
    "support_email": None,
    "support_phone": None,
    "support_url": None,
    "url": None,
}

ACCOUNT_SETTINGS: Body = {
    "bacs_debit_payments": {"display_name": None, "service_user_number": None},
    "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
    "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
    "card_payments": {
        "decline_on": {"avs_failure": False, "cvc_failure": False},
        "statement_descriptor_prefix": None,
        "statement_descriptor_prefix_kana": None,
        "statement_descriptor_prefix_kanji": None,
    },
    "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
    "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": None},
    "payments": {
        "statement_descriptor": None,
        "statement_descriptor_kana": None,
        "statement_descriptor_kanji": None,
        "statement_descriptor_prefix_kana": None,
        "statement_descriptor_prefix_kanji": None,
    },
    "payouts": {
        "debit_negative_balances": True,
        "schedule": {"delay_days": 2, "interval": "daily"},
        "statement_descriptor": None,
    },
    "sepa_debit_payments": {},
}

ACCOUNT: Body = {
    **OF["account"],
    "business_profile": BUSINESS_PROFILE,
    "capabilities": {},
    "charges_enabled": False,
    "controller": {"type": "application"},
    "country": "",
    "created": 0,
    "default_currency": "",
    "details_submitted": False,
    "external_accounts": {"data": [], "has_more": False, "object": "list", "url": ""},
    "future_requirements": NO_REQUIREMENTS,
    "payouts_enabled": False,
    "requirements": NO_REQUIREMENTS,
    "settings": ACCOUNT_SETTINGS,
    "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
    "type": "express",
}

BANK_ACCOUNT: Body = {
    **OF["bank_account"],
    "account_holder_type": "individual",
    "bank_name": "SANDBOX BANK",
    "fingerprint": "",
    "status": "new",
}

ACCOUNT_LINK: Body = OF["account_link"]

CARD_OPTIONS: Body = {
    "card": {"installments": None, "mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
}

CHARGE: Body = {
    **OF["charge"],
    "billing_details": NO_BILLING,
    "calculated_statement_descriptor": "ECOSYSTEM SANDBOX",
    "fraud_details": {},
    "paid": True,
    "refunds": None,
    "status": "succeeded",
}

NO_THREE_D_SECURE: Body = {
    "authentication_flow": None,
    "electronic_commerce_indicator": None,
    "exemption_indicator": None,
    "result": None,
    "result_reason": None,
    "transaction_id": None,
    "version": None,
}

CHARGED_CARD: Body = {
    "amount_authorized": 0,
    "authorization_code": None,
    "brand": "",
    "checks": None,
    "country": "",
    "exp_month": 0,
    "exp_year": 0,
    "extended_authorization": {"status": "disabled"},
    "fingerprint": "",
    "funding": "",
    "incremental_authorization": {"status": "unavailable"},
    "installments": None,
    "last4": "",
    "mandate": None,
    "multicapture": {"status": "unavailable"},
    "network": "",
    "network_token": {"used": False},
    "network_transaction_id": None,
    "overcapture": None,
    "regulated_status": "unregulated",
    "three_d_secure": None,
    "transaction_link_id": None,
    "wallet": None,
}

PAYMENT_METHOD: Body = {
    **OF["payment_method"],
    "allow_redisplay": "unspecified",
    "billing_details": NO_BILLING,
    "type": "card",
}

REFUND: Body = {
    **OF["refund"],
    "charge": "",
    "destination_details": {"card": {"type": "refund"}, "type": "card"},
    "status": "succeeded",
}

EVIDENCE_TEXTS = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
    "uncategorized_text",
)
EVIDENCE_FILES = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)
NO_EVIDENCE: Body = {**dict.fromkeys(sorted((*EVIDENCE_TEXTS, *EVIDENCE_FILES))), "enhanced_evidence": {}}

DISPUTE: Body = {
    **OF["dispute"],
    "evidence_details": None,
    "status": "needs_response",
}

CUSTOMER: Body = {
    **OF["customer"],
    "balance": 0,
    "delinquent": False,
    "invoice_prefix": "",
    "invoice_settings": {
        "custom_fields": None,
        "default_payment_method": None,
        "footer": None,
        "rendering_options": None,
    },
    "next_invoice_sequence": 1,
    "preferred_locales": [],
    "tax_exempt": "none",
}

EVENT: Body = {**OF["event"], "api_version": API_VERSION, "data": None}

BALANCE_TRANSACTION: Body = {
    **OF["balance_transaction"],
    "balance_type": "payments",
    "reporting_category": "charge",
    "status": "pending",
    "type": "charge",
}


def inner(body: Body, name: str) -> Body:
    """The object in that field, an empty one where there is none."""
    held = body.get(name)
    return cast("Body", held) if isinstance(held, dict) else {}


def checks(card: Card, *, cvc: bool, line1: bool, postal: bool) -> Body:
    """What the bank says of the data that was given with the card; it is silent about what was not given."""
    return {
        "address_line1_check": card.line1_check if line1 else None,
        "address_postal_code_check": card.postal_check if postal else None,
        "cvc_check": card.cvc_check if cvc else None,
    }


def method_card(card: Card, *, month: int, year: int, fingerprint: str, checked: Body) -> Body:
    """The `card` of a payment method."""
    return {
        "brand": card.brand,
        "checks": checked,
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": fingerprint,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": card.authentication != "not_supported"},
        "wallet": None,
    }


def charged_card(method: Body, amount: int, authenticated: bool, capture_before: int | None) -> Body:
    """The `payment_method_details` of a charge, from its payment method."""
    card = method["card"]
    details = {
        **CHARGED_CARD,
        "amount_authorized": amount,
        "authorization_code": "123456",
        "brand": card["brand"],
        "checks": card["checks"],
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "last4": card["last4"],
        "network": card["brand"],
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
    }
    if authenticated:
        details["three_d_secure"] = {
            **NO_THREE_D_SECURE,
            "authentication_flow": "challenge",
            "electronic_commerce_indicator": "05",
            "result": "authenticated",
            "version": "2.2.0",
        }
    if capture_before is not None:
        details["capture_before"] = capture_before
    return {"card": details, "type": "card"}
