"""Balances at the processor, the platform's and each connected account's, and their entries: what is only read."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import lists
from ecosystem.sandbox.acts import Act
from ecosystem.sandbox.entries import RESERVED
from ecosystem.sandbox.parameters import LISTED, Currency, Endpoint, Text
from ecosystem.sandbox.shapes import Body

RETRIEVE = Endpoint()
LIST = Endpoint({**LISTED, "source": Text(120), "currency": Currency(), "payout": Text(120), "type": Text(60)})


def balance(act: Act, given: dict[str, Any]) -> Body:  # noqa: ARG001 — every endpoint is given its parameters
    """What is available, what will be, what may be paid out at once, and what answers for connected accounts."""
    today = act.at // 86400
    sums = act.books.balance(act.account, today) or [(act.holder()["default_currency"], 0, 0)]
    reserved = () if act.account else act.books.balance(RESERVED, today)
    kept = {currency: available for currency, available, _ in reserved}
    currencies = dict.fromkeys([*(currency for currency, _, _ in sums), *kept])
    return {
        "object": "balance",
        "available": [_part(currency, available) for currency, available, _ in sums],
        "connect_reserved": [{"amount": kept.get(currency, 0), "currency": currency} for currency in currencies],
        "instant_available": [_part(currency, max(0, available + pending)) for currency, available, pending in sums],
        "livemode": False,
        "pending": [_part(currency, pending) for currency, _, pending in sums],
    }


def entry(act: Act, given: dict[str, Any]) -> Body:
    return aged(act, act.need("balance_transaction", given["id"]).body)


def entries(act: Act, given: dict[str, Any]) -> Body:
    """Entries, newest first; `payout` finds those that an automatic payout took along."""
    link = None
    if "payout" in given:
        link = ("balance_transaction.payout", act.need("payout", given["payout"], param="payout").id)
    elif "source" in given:
        link = ("balance_transaction.source", given["source"])
    wanted = {name: given[name] for name in ("currency", "source", "type") if name in given}
    url = "/v1/balance_transactions"
    if wanted:
        page = lists.filtered(
            act,
            "balance_transaction",
            url,
            given,
            lambda body: all(body[name] == value for name, value in wanted.items()),
            link,
        )
    else:
        page = lists.page(act, "balance_transaction", url, given, link)
    return {**page, "data": [aged(act, body) for body in page["data"]]}


def aged(act: Act, body: Body) -> Body:
    """The entry with its status of today."""
    return {**body, "status": "available" if body["available_on"] // 86400 <= act.at // 86400 else "pending"}


def _part(currency: str, amount: int) -> Body:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}
