"""Transfers: money of the platform's balance handed to a connected account, and taken back."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import amounts, lists
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.entries import booked
from ecosystem.sandbox.parameters import LISTED, Choice, Currency, Endpoint, Integer, Later, Metadata, Text
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import CHARGE, OF, Body

CREATE = Endpoint(
    {
        "amount": Integer(least=1),
        "currency": Currency(),
        "description": Text(1000, unsettable=True),
        "destination": Text(120),
        "metadata": Metadata(),
        "source_transaction": Text(120),
        "source_type": Choice("card", "bank_account", "fpx"),
        "transfer_group": Text(500),
    },
    required=("amount", "currency", "destination"),
)
RETRIEVE = Endpoint()
UPDATE = Endpoint({"description": Text(1000, unsettable=True), "metadata": Metadata()})
LIST = Endpoint({**LISTED, "destination": Text(120), "transfer_group": Text(500)})
REVERSE = Endpoint(
    {
        "amount": Integer(least=1),
        "description": Text(1000, unsettable=True),
        "metadata": Metadata(),
        "refund_application_fee": Later(),
    }
)
REVERSALS = Endpoint(LISTED)
UPDATE_REVERSAL = Endpoint({"metadata": Metadata()})


def create(act: Act, given: dict[str, Any]) -> Body:
    """Hand money to an account. Raises `Refused` when the balance, or the charge that it is taken from, has too little."""
    amount, currency = given["amount"], given["currency"]
    amounts.must_be_whole(amount, currency)
    account = act.get("account", given["destination"])
    if account is None:
        raise Refused(
            f"No such destination: '{given['destination'][:120]}'", code="resource_missing", param="destination"
        )
    if account["capabilities"].get("transfers") != "active":
        raise Refused(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers,"
            " crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    source = _source(act, given)
    available_on = act.at
    if source:
        available_on = max(act.at, act.need("balance_transaction", source["balance_transaction"])["available_on"])
    elif amount > act.funds("", currency)[0]:
        raise Refused(
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your available"
            " balance by creating Charges using the 4000000000000077 test card.",
            code="balance_insufficient",
        )
    transfer = _made(act, account, source, given)
    received = _received(act, account, transfer)
    entry = booked(
        act,
        transfer,
        amount=-amount,
        kind="transfer",
        category="transfer",
        description=given.get("description"),
        available_on=available_on,
    )
    booked_there = booked(act, received, amount=amount, kind="payment", category="charge", available_on=available_on)
    act.change(received, balance_transaction=booked_there.id)
    act.change(transfer, balance_transaction=entry.id, destination_payment=received.id)
    act.log("transferred", transfer, amount)
    act.tell("transfer.created", transfer)
    return transfer.body


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("transfer", given["id"]).body


def update(act: Act, given: dict[str, Any]) -> Body:
    transfer = act.need("transfer", given["id"])
    changes = {name: given[name] for name in ("description",) if name in given}
    if "metadata" in given:
        changes["metadata"] = merged(transfer["metadata"], given["metadata"])
    act.change(transfer, **changes)
    act.tell("transfer.updated", transfer)
    return transfer.body


def listed(act: Act, given: dict[str, Any]) -> Body:
    link = None
    for name in ("destination", "transfer_group"):
        if name in given:
            link = (f"transfer.{name}", given[name])
    if "destination" in given and "transfer_group" in given:
        return lists.filtered(
            act,
            "transfer",
            "/v1/transfers",
            given,
            lambda body: body["destination"] == given["destination"],
            ("transfer.transfer_group", given["transfer_group"]),
        )
    return lists.page(act, "transfer", "/v1/transfers", given, link)


def reverse(act: Act, given: dict[str, Any]) -> Body:
    """Take an amount of a transfer back, or all that is left. The account's balance may fall below zero by it."""
    transfer = act.need("transfer", given["id"])
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = given.get("amount", left)
    currency = transfer["currency"]
    if left <= 0:
        raise Refused(f"Transfer {transfer.id} is already fully reversed.", code="transfer_already_reversed")
    amounts.must_be_whole(amount, currency)
    if amount > left:
        raise Refused(
            f"Reversal amount ({amounts.shown(amount, currency)}) is greater than unreversed amount on transfer"
            f" ({amounts.shown(left, currency)})",
            param="amount",
        )
    received = _of_account(act, transfer)
    body: Body = {
        **OF["transfer_reversal"],
        "id": act.mint("trr"),
        "amount": amount,
        "created": act.at,
        "currency": currency,
        "metadata": merged({}, given.get("metadata", {})),
        "transfer": transfer.id,
    }
    reversal = act.add("transfer_reversal", body, links=[("transfer_reversal.transfer", transfer.id)])
    refund = _sent_back(act, received, amount)
    entry = booked(
        act, reversal, amount=amount, kind="transfer_refund", category="transfer_reversal",
        description=f"REFUND FOR TRANSFER ({transfer.id})",
    )  # fmt: skip
    act.change(reversal, balance_transaction=entry.id, destination_payment_refund=refund.id)
    act.note(reversal, description=given.get("description"))
    back = transfer["amount_reversed"] + amount
    first = [reversal.body, *transfer["reversals"]["data"]]
    act.change(
        transfer,
        amount_reversed=back,
        reversed=back == transfer["amount"],
        reversals={**transfer["reversals"], "data": first[:10], "has_more": len(first) > 10},
    )
    act.log("transfer_reversed", reversal, amount)
    act.tell("transfer.reversed", transfer)
    return reversal.body


def reversals(act: Act, given: dict[str, Any]) -> Body:
    transfer = act.need("transfer", given["id"])
    link = ("transfer_reversal.transfer", transfer.id)
    return lists.page(act, "transfer_reversal", f"/v1/transfers/{transfer.id}/reversals", given, link)


def reversal(act: Act, given: dict[str, Any]) -> Body:
    return _reversal(act, given).body


def update_reversal(act: Act, given: dict[str, Any]) -> Body:
    found = _reversal(act, given)
    if "metadata" in given:
        act.change(found, metadata=merged(found["metadata"], given["metadata"]))
    return found.body


def must_exist(act: Act, data: Body) -> None:
    """Raises `Refused` when there is no such account to hand a charge on to."""
    if not data.get("destination"):
        raise Refused(
            "Missing required param: transfer_data[destination].",
            code="parameter_missing",
            param="transfer_data[destination]",
        )
    act.need("account", data["destination"], param="transfer_data[destination]")


def follow(act: Act, charge: Record, data: Body) -> None:
    """Hand a charge on to the account that its intent named."""
    amount = min(data.get("amount") or charge["amount_captured"], charge["amount_captured"])
    told = {"amount": amount, "currency": charge["currency"], "destination": data["destination"]}
    made = create(act, {**told, "source_transaction": charge.id})
    act.note(charge, transfer=made["id"])


def reversed_with(act: Act, charge: Record, amount: int) -> Record:
    """Take back from the charge's account its share of a refund."""
    named = charge.inside.get("transfer")
    if named is None:
        raise Refused(f"The charge {charge.id} has no transfer to reverse.", param="reverse_transfer")
    transfer = act.need("transfer", named)
    share = transfer["amount"] * amount // charge["amount_captured"]
    made = reverse(act, {"id": named, "amount": min(share, transfer["amount"] - transfer["amount_reversed"])})
    return act.need("transfer_reversal", made["id"])


def _reversal(act: Act, given: dict[str, Any]) -> Record:
    found = act.need("transfer_reversal", given["part"])
    if found["transfer"] != act.need("transfer", given["id"]).id:
        raise Refused(f"No such transfer reversal: '{given['part'][:120]}'", status=404, code="resource_missing")
    return found


def _source(act: Act, given: dict[str, Any]) -> Record | None:
    """The charge that the money comes from, if one is named: its transfers together cannot exceed it."""
    if "source_transaction" not in given:
        return None
    charge = act.need("charge", given["source_transaction"], param="source_transaction")
    if not charge["balance_transaction"]:
        raise Refused(
            f"Cannot use the charge {charge.id} as a source of a transfer before it is captured.",
            param="source_transaction",
        )
    if charge["currency"] != given["currency"]:
        raise Refused(
            f"The currency of source_transaction's balance transaction ({charge['currency']}) must be the same as the"
            f" transfer currency ({given['currency']})",
            param="currency",
        )
    left = charge["amount_captured"] - charge.inside.get("transferred", 0)
    if given["amount"] > left:
        raise Refused(
            f"Insufficient funds in source charge: {amounts.shown(left, charge['currency'])} of it"
            " have not been transferred yet.",
            code="balance_insufficient",
            param="amount",
        )
    act.note(charge, transferred=charge.inside.get("transferred", 0) + given["amount"])
    if not charge["transfer_group"]:
        act.change(charge, transfer_group=given.get("transfer_group") or f"group_{charge['payment_intent']}")
    return charge


def _made(act: Act, account: Record, source: Record | None, given: dict[str, Any]) -> Record:
    transfer_id = act.mint("tr")
    template = OF["transfer"]
    body: Body = {
        **template,
        "id": transfer_id,
        "amount": given["amount"],
        "created": act.at,
        "currency": given["currency"],
        "description": given.get("description"),
        "destination": account.id,
        "metadata": merged({}, given.get("metadata", {})),
        "reversals": {**template["reversals"], "url": f"/v1/transfers/{transfer_id}/reversals"},
        "source_transaction": source.id if source else None,
        "source_type": given.get("source_type") or "card",
        "transfer_group": given.get("transfer_group") or (source["transfer_group"] if source else None),
    }
    links = [("transfer.destination", account.id)]
    if body["transfer_group"]:
        links.append(("transfer.transfer_group", body["transfer_group"]))
    return act.add("transfer", body, links=links)


def _received(act: Act, account: Record, transfer: Record) -> Record:
    """The payment by which the account received it, among the account's own charges."""
    payment_id = act.mint("py")
    body: Body = {
        **CHARGE,
        "id": payment_id,
        "amount": transfer["amount"],
        "amount_captured": transfer["amount"],
        "captured": True,
        "created": act.at,
        "currency": transfer["currency"],
        "payment_method_details": {"stripe_account": {}, "type": "stripe_account"},
        "refunds": {"object": "list", "data": [], "has_more": False, "url": f"/v1/charges/{payment_id}/refunds"},
        "source_transfer": transfer.id,
        "transfer_group": transfer["transfer_group"],
    }
    return act.add("charge", body, account=account.id)


def _of_account(act: Act, transfer: Record) -> Record:
    """The account's payment behind the platform's transfer."""
    act.account, before = transfer["destination"], act.account
    try:
        return act.need("charge", transfer["destination_payment"])
    finally:
        act.account = before


def _sent_back(act: Act, received: Record, amount: int) -> Record:
    """The refund by which the account gives it back."""
    body: Body = {
        **OF["refund"],
        "id": act.mint("pyr"),
        "amount": amount,
        "charge": received.id,
        "created": act.at,
        "currency": received["currency"],
        "status": "succeeded",
    }
    refund = act.add("refund", body, links=[("refund.charge", received.id)], account=received.account)
    entry = booked(act, refund, amount=-amount, kind="payment_refund", category="refund")
    act.change(refund, balance_transaction=entry.id)
    refunded = received["amount_refunded"] + amount
    act.change(received, amount_refunded=refunded, refunded=refunded == received["amount"])
    return refund
