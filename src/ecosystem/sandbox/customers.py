"""Customers: whose cards may be kept."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import lists, payment_methods
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import LISTED, Endpoint, Hash, Kind, Later, Metadata, Text
from ecosystem.sandbox.payment_methods import ADDRESS, merged
from ecosystem.sandbox.refusals import Refused, missing
from ecosystem.sandbox.shapes import CUSTOMER, NO_ADDRESS, Body

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(
        "balance business_name cash_balance individual_name invoice_prefix next_invoice_sequence"
        " preferred_locales shipping source tax tax_exempt tax_id_data test_clock validate".split(),
        Later(),
    ),
    "address": ADDRESS,
    "invoice_settings": Hash(
        {
            "custom_fields": Later(),
            "default_payment_method": Text(120, unsettable=True),
            "footer": Text(unsettable=True),
            "rendering_options": Later(),
        }
    ),
    "description": Text(unsettable=True),
    "email": Text(512, unsettable=True),
    "metadata": Metadata(),
    "name": Text(256, unsettable=True),
    "phone": Text(20, unsettable=True),
}
CREATE = Endpoint({**_KINDS, "payment_method": Text(120)})
UPDATE = Endpoint(_KINDS)
RETRIEVE = DELETE = Endpoint()
LIST = Endpoint({**LISTED, "email": Text(512), "test_clock": Later()})
METHODS = Endpoint({**LISTED, "type": Text(40), "allow_redisplay": Later()})


def create(act: Act, given: dict[str, Any]) -> Body:
    body: Body = {
        **CUSTOMER,
        "id": f"cus_{act.secret(14)}",
        "created": act.at,
        "invoice_prefix": act.secret(8).upper(),
        **_changes(CUSTOMER, given),
    }
    links = [("customer.email", body["email"])] if body["email"] else []
    customer = act.add("customer", body, links=links)
    act.tell("customer.created", customer)
    if named := given.get("payment_method"):
        payment_methods.attach(act, {"id": named, "customer": customer.id})
    _must_have(act, customer, given)
    return customer.body


def _must_have(act: Act, customer: Record, given: dict[str, Any]) -> None:
    named = given.get("invoice_settings", {}).get("default_payment_method")
    if (
        named
        and act.need("payment_method", named, param="invoice_settings[default_payment_method]")["customer"]
        != customer.id
    ):
        raise Refused(
            f"The customer does not have a payment method with the ID {named}. The payment method must be attached to"
            " the customer.",
            code="resource_missing",
            param="invoice_settings[default_payment_method]",
        )


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    """The customer; of one that was deleted, that it was."""
    known = act.books.record(given["id"])
    if known and known.kind == "customer" and known.inside.get("deleted"):
        return {"id": known.id, "object": "customer", "deleted": True}
    return act.need("customer", given["id"]).body


def update(act: Act, given: dict[str, Any]) -> Body:
    customer = act.need("customer", given["id"])
    _must_have(act, customer, given)
    act.change(customer, **_changes(customer.body, given))
    if given.get("email"):
        act.link(customer, "customer.email", given["email"])
    act.tell("customer.updated", customer)
    return customer.body


def listed(act: Act, given: dict[str, Any]) -> Body:
    link = ("customer.email", given["email"]) if "email" in given else None
    page = lists.page(act, "customer", "/v1/customers", given, link)
    return {**page, "data": [body for body in page["data"] if act.get("customer", body["id"])]}


def methods(act: Act, given: dict[str, Any]) -> Body:
    customer = act.need("customer", given["id"])
    return payment_methods.of_customer(act, customer.id, f"/v1/customers/{customer.id}/payment_methods", given)


def method(act: Act, given: dict[str, Any]) -> Body:
    found = act.need("payment_method", given["part"])
    if found["customer"] != act.need("customer", given["id"]).id:
        raise missing("payment_method", given["part"])
    return found.body


def delete(act: Act, given: dict[str, Any]) -> Body:
    """Forget the customer: its methods are detached, and nothing may be asked of it any more."""
    customer = act.need("customer", given["id"])
    for kept in act.linked("payment_method.customer", customer.id):
        if kept["customer"] == customer.id:
            payment_methods.detach(act, {"id": kept.id})
    act.note(customer, deleted=True)
    act.tell("customer.deleted", customer)
    return {"id": customer.id, "object": "customer", "deleted": True}


def _changes(known: Body, given: dict[str, Any]) -> Body:
    changes = {name: given[name] for name in ("description", "email", "name", "phone") if name in given}
    if "address" in given:
        changes["address"] = {**NO_ADDRESS, **given["address"]} if given["address"] else None
    if "metadata" in given:
        changes["metadata"] = merged(known["metadata"], given["metadata"])
    if "invoice_settings" in given:
        changes["invoice_settings"] = {**known["invoice_settings"], **given["invoice_settings"]}
    return changes
