"""The balance at the processor, its entries, and the events of the account: what is only read."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import lists
from ecosystem.sandbox.acts import Act
from ecosystem.sandbox.parameters import LISTED, Endpoint, Ignored, Later, Many, Text
from ecosystem.sandbox.shapes import Body

RETRIEVE = Endpoint()
LIST = Endpoint({**LISTED, "source": Text(120), "currency": Ignored(), "payout": Later(), "type": Ignored()})
EVENTS = Endpoint({**LISTED, "type": Text(120), "types": Many(Text(120), most=20), "delivery_success": Ignored()})


def balance(act: Act, given: dict[str, Any]) -> Body:  # noqa: ARG001 — every endpoint is given its parameters
    sums = act.books.balance(act.at // 86400)
    return {
        "object": "balance",
        "available": [_part(currency, available) for currency, available, _ in sums],
        "livemode": False,
        "pending": [_part(currency, pending) for currency, _, pending in sums],
    }


def entry(act: Act, given: dict[str, Any]) -> Body:
    return _aged(act, act.need("balance_transaction", given["id"]).body)


def entries(act: Act, given: dict[str, Any]) -> Body:
    link = ("balance_transaction.source", given["source"]) if "source" in given else None
    page = lists.page(act, "balance_transaction", "/v1/balance_transactions", given, link)
    return {**page, "data": [_aged(act, body) for body in page["data"]]}


def event(act: Act, given: dict[str, Any]) -> Body:
    return act.need("event", given["id"]).body


def events(act: Act, given: dict[str, Any]) -> Body:
    """Events, newest first; of one type through its link, of several by looking."""
    if types := given.get("types"):
        page = lists.page(act, "event", "/v1/events", {**given, "limit": 100})
        kept = [body for body in page["data"] if body["type"] in types]
        return {**page, "data": kept[: given.get("limit", lists.DEFAULT)]}
    link = ("type", given["type"]) if "type" in given else None
    return lists.page(act, "event", "/v1/events", given, link)


def _part(currency: str, amount: int) -> Body:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def _aged(act: Act, body: Body) -> Body:
    return {**body, "status": "available" if body["available_on"] <= act.at else "pending"}
