"""Every endpoint of the card API that this processor has, with its parameters and what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ecosystem.sandbox import (
    accounts,
    attempts,
    balances,
    charges,
    customers,
    disputes,
    payment_intents,
    payment_methods,
    refunds,
)
from ecosystem.sandbox.acts import Act, Answer, Record
from ecosystem.sandbox.parameters import Endpoint
from ecosystem.sandbox.shapes import Body

Handle = Callable[[Act, dict[str, Any]], Body | Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `public` ones may be called from a browser, with the publishable key."""

    endpoint: Endpoint
    handle: Handle
    public: bool = False


_RESOURCES: dict[str, dict[str, Route]] = {
    "payment_methods": {
        "POST": Route(payment_methods.CREATE, payment_methods.create, public=True),
        "GET id": Route(payment_methods.RETRIEVE, payment_methods.retrieve),
        "POST id": Route(payment_methods.UPDATE, payment_methods.update),
        "POST id attach": Route(payment_methods.ATTACH, payment_methods.attach),
        "POST id detach": Route(payment_methods.RETRIEVE, payment_methods.detach),
    },
    "payment_intents": {
        "POST": Route(payment_intents.CREATE, payment_intents.create),
        "GET": Route(payment_intents.LIST, payment_intents.listed),
        "GET search": Route(payment_intents.SEARCH, payment_intents.search),
        "GET id": Route(payment_intents.RETRIEVE, payment_intents.retrieve, public=True),
        "POST id": Route(payment_intents.UPDATE, payment_intents.update),
        "POST id confirm": Route(payment_intents.CONFIRM, payment_intents.confirm),
        "POST id capture": Route(payment_intents.CAPTURE, payment_intents.capture),
        "POST id cancel": Route(payment_intents.CANCEL, payment_intents.cancel),
    },
    "charges": {
        "GET": Route(charges.LIST, charges.listed),
        "GET id": Route(charges.RETRIEVE, charges.retrieve),
        "POST id": Route(charges.UPDATE, charges.update),
    },
    "refunds": {
        "POST": Route(refunds.CREATE, refunds.create),
        "GET": Route(refunds.LIST, refunds.listed),
        "GET id": Route(refunds.RETRIEVE, refunds.retrieve),
        "POST id": Route(refunds.UPDATE, refunds.update),
    },
    "disputes": {
        "GET": Route(disputes.LIST, disputes.listed),
        "GET id": Route(disputes.RETRIEVE, disputes.retrieve),
        "POST id": Route(disputes.UPDATE, disputes.update),
        "POST id close": Route(disputes.CLOSE, disputes.close),
    },
    "customers": {
        "POST": Route(customers.CREATE, customers.create),
        "GET": Route(customers.LIST, customers.listed),
        "GET id": Route(customers.RETRIEVE, customers.retrieve),
        "POST id": Route(customers.UPDATE, customers.update),
        "GET id payment_methods": Route(customers.METHODS, customers.methods),
    },
    "accounts": {
        "POST": Route(accounts.CREATE, accounts.create),
        "GET": Route(accounts.LIST, accounts.listed),
        "GET id": Route(accounts.RETRIEVE, accounts.retrieve),
        "POST id": Route(accounts.UPDATE, accounts.update),
        "POST id reject": Route(accounts.REJECT, accounts.reject),
    },
    "account_links": {"POST": Route(accounts.CREATE_LINK, accounts.create_link)},
    "events": {
        "GET": Route(balances.EVENTS, balances.events),
        "GET id": Route(balances.RETRIEVE, balances.event),
    },
    "balance_transactions": {
        "GET": Route(balances.LIST, balances.entries),
        "GET id": Route(balances.RETRIEVE, balances.entry),
    },
    "balance": {"GET": Route(balances.RETRIEVE, balances.balance)},
}

TIMERS: dict[str, Callable[[Act, Record], None]] = {
    "expire": attempts.expire,
    "dispute": disputes.open_for,
    "decide": disputes.decide,
    "succeed": refunds.succeed,
    "fail": refunds.fail,
    "verify": accounts.verify,
}
"""What happens to a thing by itself, by the timer's name."""


def find(method: str, path: str) -> tuple[Route, str | None] | None:
    """The endpoint at an address under `/v1/`, and the id in it."""
    resource, *rest = path.split("/")
    routes = _RESOURCES.get(resource)
    if routes is None or len(rest) > 2:
        return None
    if not rest:
        route = routes.get(method)
        return (route, None) if route else None
    if len(rest) == 1 and (route := routes.get(f"{method} {rest[0]}")) and rest[0] != "id":
        return route, None
    route = routes.get(" ".join((method, "id", *rest[1:])))
    return (route, rest[0]) if route and rest[0] else None
