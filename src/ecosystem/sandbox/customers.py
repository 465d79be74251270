"""Customers: whose cards may be kept."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import lists
from ecosystem.sandbox.acts import Act
from ecosystem.sandbox.parameters import LISTED, Endpoint, Kind, Later, Metadata, Text
from ecosystem.sandbox.payment_methods import ADDRESS, merged
from ecosystem.sandbox.shapes import CUSTOMER, NO_ADDRESS, Body

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(
        "balance business_name cash_balance individual_name invoice_prefix invoice_settings next_invoice_sequence"
        " payment_method preferred_locales shipping source tax tax_exempt tax_id_data test_clock validate".split(),
        Later(),
    ),
    "address": ADDRESS,
    "description": Text(unsettable=True),
    "email": Text(512, unsettable=True),
    "metadata": Metadata(),
    "name": Text(256, unsettable=True),
    "phone": Text(20, unsettable=True),
}
CREATE = UPDATE = Endpoint(_KINDS)
RETRIEVE = DELETE = Endpoint()
LIST = Endpoint({**LISTED, "email": Text(512), "test_clock": Later()})
METHODS = Endpoint({**LISTED, "type": Text(40), "allow_redisplay": Later()})


def create(act: Act, given: dict[str, Any]) -> Body:
    body: Body = {
        **CUSTOMER,
        "id": f"cus_{act.secret(14)}",
        "created": act.at,
        "invoice_prefix": act.secret(8).upper(),
        **_changes({}, given),
    }
    links = [("customer.email", body["email"])] if body["email"] else []
    customer = act.add("customer", body, links=links)
    act.tell("customer.created", customer)
    return customer.body


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("customer", given["id"]).body


def update(act: Act, given: dict[str, Any]) -> Body:
    customer = act.need("customer", given["id"])
    act.change(customer, **_changes(customer["metadata"], given))
    if given.get("email"):
        act.link(customer, "customer.email", given["email"])
    act.tell("customer.updated", customer)
    return customer.body


def listed(act: Act, given: dict[str, Any]) -> Body:
    link = ("customer.email", given["email"]) if "email" in given else None
    return lists.page(act, "customer", "/v1/customers", given, link)


def methods(act: Act, given: dict[str, Any]) -> Body:
    customer = act.need("customer", given["id"])
    url = f"/v1/customers/{customer.id}/payment_methods"
    listed_methods = lists.page(act, "payment_method", url, given, ("payment_method.customer", customer.id))
    kept = [method for method in listed_methods["data"] if method["customer"] == customer.id]
    return {**listed_methods, "data": kept}


def _changes(metadata: dict[str, str], given: dict[str, Any]) -> Body:
    changes = {name: given[name] for name in ("description", "email", "name", "phone") if name in given}
    if "address" in given:
        changes["address"] = {**NO_ADDRESS, **given["address"]} if given["address"] else None
    if "metadata" in given:
        changes["metadata"] = merged(metadata, given["metadata"])
    return changes
