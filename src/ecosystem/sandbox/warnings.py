"""Early fraud warnings: the card's bank tells that a payment may be fraud, before it disputes it."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import lists
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import LISTED, Endpoint, Text
from ecosystem.sandbox.shapes import OF, Body

KIND = "radar.early_fraud_warning"
RETRIEVE = Endpoint()
LIST = Endpoint({**LISTED, "charge": Text(120), "payment_intent": Text(120)})


def warn(act: Act, charge: Record) -> None:
    """The bank tells: a timer's act."""
    body: Body = {
        **OF[KIND],
        "id": act.mint("issfr"),
        "actionable": not charge["refunded"] and not charge["disputed"],
        "charge": charge.id,
        "created": act.at,
        "fraud_type": "unauthorized_use_of_card",
        "payment_intent": charge["payment_intent"],
    }
    links = [(f"{KIND}.charge", charge.id), (f"{KIND}.payment_intent", charge["payment_intent"])]
    warning = act.add(KIND, body, links=links)
    act.note(charge, warned=warning.id)
    act.tell(f"{KIND}.created", warning)


def acted_on(act: Act, charge: Record) -> None:
    """A refund or a dispute leaves nothing to be done about the warning."""
    warning = act.get(KIND, charge.inside["warned"]) if charge.inside.get("warned") else None
    if warning and warning["actionable"] and (charge["refunded"] or charge["disputed"]):
        act.change(warning, actionable=False)
        act.tell(f"{KIND}.updated", warning)


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need(KIND, given["id"]).body


def listed(act: Act, given: dict[str, Any]) -> Body:
    link = next(((f"{KIND}.{name}", given[name]) for name in ("charge", "payment_intent") if name in given), None)
    return lists.page(act, KIND, "/v1/radar/early_fraud_warnings", given, link)
