"""The balance at the processor, its entries, and the events of the account: what is only read."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import lists
from ecosystem.sandbox.acts import Act
from ecosystem.sandbox.parameters import LISTED, Endpoint, Ignored, Later, Many, Text
from ecosystem.sandbox.shapes import Body

PAGES_MAX = 20

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
    """Events, newest first, of all types or of some: then found among the newest of all, page after page."""
    wanted: list[str] = [*given.get("types", ()), *([given["type"]] if "type" in given else [])]
    if not wanted:
        return lists.page(act, "event", "/v1/events", given)
    limit = given.get("limit", lists.DEFAULT)
    kept: list[Body] = []
    asked: dict[str, Any] = {**given, "limit": 100}
    for _ in range(PAGES_MAX):
        page = lists.page(act, "event", "/v1/events", asked)
        kept += [body for body in page["data"] if _is_of(body["type"], wanted)]
        if len(kept) > limit or not page["has_more"] or "ending_before" in given:
            break
        asked["starting_after"] = page["data"][-1]["id"]
    return {"object": "list", "data": kept[:limit], "has_more": len(kept) > limit, "url": "/v1/events"}


def _is_of(kind: str, wanted: list[str]) -> bool:
    """Whether the type is one of these, or of a family of them: `charge.*`."""
    return any(kind == one or (one.endswith(".*") and kind.startswith(one[:-1])) for one in wanted)


def _part(currency: str, amount: int) -> Body:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def _aged(act: Act, body: Body) -> Body:
    return {**body, "status": "available" if body["available_on"] <= act.at else "pending"}
