"""Entries of balances: every movement of money has one, in the account whose balance it moves.

When a connected account's balance falls below zero, the platform answers for it: as much is set aside from its own balance
(`connect_reserved`) until the account has earned it back.
"""

from __future__ import annotations

from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.shapes import BALANCE_TRANSACTION, Body

DAY_S = 86400
RESERVED = "reserved"
"""The name under which is counted what the platform has set aside; no account's id."""


def booked(
    act: Act,
    source: Record,
    *,
    amount: int,
    kind: str,
    category: str,
    description: str | None = None,
    fee: int = 0,
    available_on: int | None = None,
    fee_description: str = "Processing fees",
    fees: list[Body] | None = None,
) -> Record:
    """A new entry, for money that came or, with a negative amount, went: in the balance of the source's account."""
    currency = source["currency"]
    before = sum(act.funds(source.account, currency)) if source.account else 0
    details = fees if fees is not None else [fee_of(fee, currency, fee_description)] if fee else []
    entry = _entered(
        act,
        source.account,
        {
            "amount": amount,
            "available_on": act.at if available_on is None else available_on,
            "currency": currency,
            "description": description,
            "fee": fee,
            "fee_details": details,
            "net": amount - fee,
            "reporting_category": category,
            "source": source.id,
            "type": kind,
        },
    )
    if source.account:
        _set_aside(act, currency, min(before, 0) - min(before + amount - fee, 0))
    return entry


def fee_of(
    amount: int, currency: str, description: str, kind: str = "stripe_fee", application: str | None = None
) -> Body:
    """One of an entry's fees."""
    return {
        "amount": amount,
        "application": application,
        "currency": currency,
        "description": description,
        "type": kind,
    }


def _entered(act: Act, account: str, told: Body) -> Record:
    # Money becomes available with a day, not in the course of it.
    available = told["available_on"] if told["available_on"] <= act.at else told["available_on"] // DAY_S * DAY_S
    body: Body = {
        **BALANCE_TRANSACTION,
        **told,
        "id": act.mint("txn"),
        "available_on": available,
        "created": act.at,
        "status": "available" if available <= act.at else "pending",
    }
    act.bank(account, body["currency"], body["net"], available)
    links = [("balance_transaction.source", body["source"])] if body["source"] else []
    return act.add("balance_transaction", body, links=links, account=account)


def _set_aside(act: Act, currency: str, amount: int) -> None:
    """Move that much of the platform's balance to what answers for its accounts; a negative amount comes back."""
    if not amount:
        return
    act.bank(RESERVED, currency, amount, act.at)
    told: Body = {
        "amount": -amount,
        "available_on": act.at,
        "currency": currency,
        "description": "Connect reserve",
        "net": -amount,
        "reporting_category": "connect_reserved_funds",
        "source": None,
        "type": "reserve_transaction",
    }
    _entered(act, "", told)
