"""Mandates: the customer's leave to take money from a bank account or a card again, kept with the text's circumstances."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import Boolean, Choice, Endpoint, Hash, Integer, Text
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import OF, Body, inner

RETRIEVE = Endpoint()
MANDATE_DATA = Hash(
    {
        "customer_acceptance": Hash(
            {
                "accepted_at": Integer(),
                "offline": Hash({}),
                "online": Hash({"infer_from_client": Boolean(), "ip_address": Text(60), "user_agent": Text(1000)}),
                "type": Choice("online", "offline"),
            },
            required=("type",),
        )
    },
    required=("customer_acceptance",),
    unsettable=True,
)


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("mandate", given["id"]).body


def granted(act: Act, method: Record, given: dict[str, Any], *, amount: int | None = None) -> Record:
    """The mandate that the request carries, for once with an amount and for as often as agreed without."""
    accepted: Body = given.get("mandate_data", {}).get("customer_acceptance", {})
    if not accepted:
        raise Refused(
            "Missing required param: mandate_data. A mandate is needed to debit a bank account; tell when and how the"
            " customer gave it.",
            code="parameter_missing",
            param="mandate_data",
        )
    online: Body = dict(inner(accepted, "online"))
    if online.pop("infer_from_client", False):
        online = {"ip_address": act.client[0], "user_agent": act.client[1]}
    if accepted["type"] == "online" and not (online.get("ip_address") and online.get("user_agent")):
        raise Refused(
            "Missing required param: mandate_data[customer_acceptance][online].",
            code="parameter_missing",
            param="mandate_data[customer_acceptance][online]",
        )
    body: Body = {
        **OF["mandate"],
        "id": act.mint("mandate"),
        "customer_acceptance": {
            "accepted_at": accepted.get("accepted_at") or act.at,
            "offline": {} if accepted["type"] == "offline" else None,
            "online": online or None,
            "type": accepted["type"],
        },
        "multi_use": None if amount is not None else {},
        "payment_method": method.id,
        "payment_method_details": {method["type"]: {}, "type": method["type"]},
        "status": "active",
        "type": "multi_use" if amount is None else "single_use",
    }
    if amount is not None:
        body["single_use"] = {"amount": amount, "currency": "usd"}
    return act.add("mandate", body, links=[("mandate.payment_method", method.id)])


def end(act: Act, mandate: Record) -> None:
    """The leave is gone: the customer took it back, or the bank account is no more."""
    if mandate["status"] != "inactive":
        act.change(mandate, status="inactive")
        act.tell("mandate.updated", mandate)


def end_all(act: Act, method: Record) -> None:
    for mandate in act.linked("mandate.payment_method", method.id):
        end(act, mandate)


def standing(act: Act, method: Record) -> Record | None:
    """A mandate that still lets the method be debited again."""
    found = act.linked("mandate.payment_method", method.id)
    return next((one for one in found if one["status"] == "active" and one["type"] == "multi_use"), None)
