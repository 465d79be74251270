"""Invoices of subscriptions: made each period, and paid with the method that is kept for it."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import lists, payment_intents
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import LISTED, Boolean, Choice, Endpoint, Ignored, Later, Text
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import OF, Body

RETRIEVE = VOID = Endpoint()
PAY = Endpoint(
    {
        **dict.fromkeys("forgive mandate paid_out_of_band source".split(), Later()),
        "off_session": Boolean(),
        "payment_method": Text(120),
    }
)
LIST = Endpoint(
    {
        **LISTED,
        "collection_method": Ignored(),
        "customer": Text(120),
        "customer_account": Later(),
        "due_date": Later(),
        "status": Choice("draft", "open", "paid", "uncollectible", "void"),
        "subscription": Text(120),
    }
)
PAYMENTS = Endpoint({**LISTED, "invoice": Text(120), "payment": Later(), "status": Later()}, required=("invoice",))


def made(act: Act, subscription: Record, reason: str, start: int, end: int, *, free: bool = False) -> Record:
    """The invoice of a period of the subscription, finalized, and not paid yet."""
    invoice_id = act.mint("in")
    customer = act.need("customer", subscription["customer"])
    lines = [
        _line(act, invoice_id, subscription, item, start, end, free=free) for item in subscription["items"]["data"]
    ]
    total = sum(line["amount"] for line in lines)
    body: Body = {
        **OF["invoice"],
        "id": invoice_id,
        "account_country": "US",
        "amount_due": total,
        "amount_remaining": total,
        "auto_advance": True,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None},
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": act.at,
        "currency": subscription["currency"],
        "customer": customer.id,
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_tax_exempt": "none",
        "effective_at": act.at,
        "issuer": {"type": "self"},
        "lines": {"object": "list", "data": lines, "has_more": False, "url": f"/v1/invoices/{invoice_id}/lines"},
        "number": f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04}",
        "parent": {
            "quote_details": None,
            "subscription_details": {"metadata": subscription["metadata"], "subscription": subscription.id},
            "type": "subscription_details",
        },
        "period_end": end,
        "period_start": start,
        "status": "open",
        "status_transitions": {
            "finalized_at": act.at, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None,
        },
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "subscription": subscription.id,
        "total": total,
        "total_excluding_tax": total,
    }  # fmt: skip
    links = [("invoice.customer", customer.id), ("invoice.subscription", subscription.id)]
    invoice = act.add("invoice", body, links=links)
    act.change(customer, next_invoice_sequence=customer["next_invoice_sequence"] + 1)
    act.tell("invoice.created", invoice)
    act.tell("invoice.finalized", invoice)
    return invoice


def collect(act: Act, invoice: Record, method: str | None) -> bool:
    """Have the invoice paid with the method. Whether it is paid."""
    if invoice["total"] == 0:
        _paid(act, invoice)
        return True
    attempts = invoice["attempt_count"] + 1
    act.change(invoice, attempt_count=attempts, attempted=True)
    if method is None:
        act.tell("invoice.payment_failed", invoice)
        return False
    given = {
        "amount": invoice["total"],
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "payment_method": method,
        "payment_method_types": ["card", "us_bank_account"],
        "off_session": "true",
        "confirm": True,
        "description": f"Invoice {invoice['number']}",
    }
    answer = payment_intents.create(act, given)
    intent = act.linked("payment_intent.customer", invoice["customer"], 1)[0]
    paid = isinstance(answer, dict) and answer["status"] == "succeeded"
    _record(act, invoice, intent, paid=paid)
    if paid:
        _paid(act, invoice)
    else:
        act.tell("invoice.payment_failed", invoice)
    return paid


def pay(act: Act, given: dict[str, Any]) -> Body:
    """Try once more, with the method kept or with another."""
    invoice = act.need("invoice", given["id"])
    _must_be_open(invoice)
    subscription = act.need("subscription", invoice["subscription"])
    method = given.get("payment_method") or method_of(act, subscription)
    if not collect(act, invoice, method):
        raise Refused("The payment of this invoice failed.", status=402, type="card_error", code="card_declined")
    return invoice.body


def void(act: Act, given: dict[str, Any]) -> Body:
    invoice = act.need("invoice", given["id"])
    _must_be_open(invoice)
    act.change(invoice, status="void", status_transitions={**invoice["status_transitions"], "voided_at": act.at})
    act.tell("invoice.voided", invoice)
    return invoice.body


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("invoice", given["id"]).body


def listed(act: Act, given: dict[str, Any]) -> Body:
    names = ("subscription", "customer")
    link = next(((f"invoice.{name}", given[name]) for name in names if name in given), None)
    wanted = {name: given[name] for name in ("customer", "status", "subscription") if name in given}
    return lists.filtered(
        act, "invoice", "/v1/invoices", given, lambda body: all(body[name] == one for name, one in wanted.items()), link
    )


def payments(act: Act, given: dict[str, Any]) -> Body:
    link = ("invoice_payment.invoice", act.need("invoice", given["invoice"], param="invoice").id)
    return lists.page(act, "invoice_payment", "/v1/invoice_payments", given, link)


def method_of(act: Act, subscription: Record) -> str | None:
    """What the subscription is paid with: its own method, or the customer's."""
    customer = act.need("customer", subscription["customer"])
    return subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]


def _paid(act: Act, invoice: Record) -> None:
    act.change(
        invoice,
        amount_paid=invoice["total"],
        amount_remaining=0,
        status="paid",
        status_transitions={**invoice["status_transitions"], "paid_at": act.at},
    )
    act.tell("invoice.paid", invoice)
    act.tell("invoice.payment_succeeded", invoice)


def _record(act: Act, invoice: Record, intent: Record, *, paid: bool) -> None:
    body: Body = {
        **OF["invoice_payment"],
        "id": act.mint("inpay"),
        "amount_paid": invoice["total"] if paid else None,
        "amount_requested": invoice["total"],
        "created": act.at,
        "currency": invoice["currency"],
        "invoice": invoice.id,
        "is_default": True,
        "payment": {"payment_intent": intent.id, "type": "payment_intent"},
        "status": "paid" if paid else "open",
        "status_transitions": {"canceled_at": None, "paid_at": act.at if paid else None},
    }
    act.add("invoice_payment", body, links=[("invoice_payment.invoice", invoice.id)])


def _line(act: Act, invoice_id: str, subscription: Record, item: Body, start: int, end: int, *, free: bool) -> Body:
    amount = 0 if free else item["price"]["unit_amount"] * item["quantity"]
    return {
        **OF["line_item"],
        "id": act.mint("il"),
        "amount": amount,
        "currency": subscription["currency"],
        "description": act.need("product", item["price"]["product"])["name"],
        "discountable": True,
        "invoice": invoice_id,
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None, "proration": False, "proration_details": None,
                "subscription": subscription.id, "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": {"end": end, "start": start},
        "pricing": {"type": "price_details", "unit_amount_decimal": item["price"]["unit_amount_decimal"]},
        "quantity": item["quantity"],
        "subscription": subscription.id,
        "subtotal": amount,
    }  # fmt: skip


def _must_be_open(invoice: Record) -> None:
    if invoice["status"] != "open":
        raise Refused(f"Invoice {invoice.id} is {invoice['status']}.", code="invoice_not_open")
