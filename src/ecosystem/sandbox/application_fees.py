"""Application fees: what the platform keeps of a payment that a connected account took itself."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import amounts, lists
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.entries import booked
from ecosystem.sandbox.parameters import LISTED, Endpoint, Integer, Metadata, Text
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused, missing
from ecosystem.sandbox.shapes import OF, Body

APPLICATION = "ca_ecosystem"
RETRIEVE = Endpoint()
LIST = Endpoint({**LISTED, "charge": Text(120)})
REFUND = Endpoint({"amount": Integer(1), "metadata": Metadata()})
UPDATE_REFUND = Endpoint({"metadata": Metadata()})
REFUNDS = Endpoint(LISTED)


def collected(act: Act, charge: Record, amount: int) -> Record:
    """The platform's fee, in its own balance."""
    fee_id = act.mint("fee")
    body: Body = {
        **OF["application_fee"],
        "id": fee_id,
        "account": charge.account,
        "amount": amount,
        "application": APPLICATION,
        "charge": charge.id,
        "created": act.at,
        "currency": charge["currency"],
        "fee_source": {"charge": charge.id, "type": "charge"},
        "refunds": {"object": "list", "data": [], "has_more": False, "url": f"/v1/application_fees/{fee_id}/refunds"},
    }
    fee = act.add("application_fee", body, links=[("application_fee.charge", charge.id)], account="")
    entry = booked(
        act, fee, amount=amount, kind="application_fee", category="platform_earning",
        available_on=act.at + charge.inside["clears_s"],
    )  # fmt: skip
    act.change(fee, balance_transaction=entry.id)
    act.tell("application_fee.created", fee)
    return fee


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("application_fee", given["id"]).body


def listed(act: Act, given: dict[str, Any]) -> Body:
    link = ("application_fee.charge", given["charge"]) if "charge" in given else None
    return lists.page(act, "application_fee", "/v1/application_fees", given, link)


def refund(act: Act, given: dict[str, Any]) -> Body:
    """Give an amount of the fee back to the account. Raises `Refused` when that is more than is left."""
    fee = act.need("application_fee", given["id"])
    left = fee["amount"] - fee["amount_refunded"]
    amount = given.get("amount", left)
    if left <= 0:
        raise Refused(f"Application fee {fee.id} has already been refunded.")
    if amount > left:
        raise Refused(
            f"Refund amount ({amounts.shown(amount, fee['currency'])}) is greater than unrefunded amount on the fee"
            f" ({amounts.shown(left, fee['currency'])})",
            param="amount",
        )
    return _refunded(act, fee, amount, given).body


def refunded_with(act: Act, charge: Record, amount: int) -> None:
    """Give back the fee's share of a refund of its charge."""
    if not charge["application_fee"]:
        raise Refused(f"The charge {charge.id} has no application fee.", param="refund_application_fee")
    account, act.account = act.account, ""
    fee = act.need("application_fee", charge["application_fee"])
    share = fee["amount"] * amount // charge["amount_captured"]
    if back := min(share, fee["amount"] - fee["amount_refunded"]):
        _refunded(act, fee, back, {})
    act.account = account


def refunds(act: Act, given: dict[str, Any]) -> Body:
    fee = act.need("application_fee", given["id"])
    url = f"/v1/application_fees/{fee.id}/refunds"
    return lists.page(act, "fee_refund", url, given, ("fee_refund.fee", fee.id))


def one_refund(act: Act, given: dict[str, Any]) -> Body:
    return _needed(act, given).body


def update_refund(act: Act, given: dict[str, Any]) -> Body:
    found = _needed(act, given)
    if "metadata" in given:
        act.change(found, metadata=merged(found["metadata"], given["metadata"]))
    act.tell("application_fee.refund.updated", found)
    return found.body


def _needed(act: Act, given: dict[str, Any]) -> Record:
    found = act.need("fee_refund", given["part"])
    if found["fee"] != act.need("application_fee", given["id"]).id:
        raise missing("fee_refund", given["part"])
    return found


def _refunded(act: Act, fee: Record, amount: int, given: dict[str, Any]) -> Record:
    body: Body = {
        **OF["fee_refund"],
        "id": act.mint("fr"),
        "amount": amount,
        "created": act.at,
        "currency": fee["currency"],
        "fee": fee.id,
        "metadata": merged({}, given.get("metadata", {})),
    }
    made = act.add("fee_refund", body, links=[("fee_refund.fee", fee.id)])
    entry = booked(act, made, amount=-amount, kind="application_fee_refund", category="platform_earning_refund")
    act.change(made, balance_transaction=entry.id)
    back = Record(seq=0, id=made.id, kind="fee_refund", body=made.body, account=fee["account"])
    booked(act, back, amount=amount, kind="application_fee_refund", category="fee")
    returned = fee["amount_refunded"] + amount
    act.change(
        fee,
        amount_refunded=returned,
        refunded=returned == fee["amount"],
        refunds={**fee["refunds"], "data": [made.body, *fee["refunds"]["data"]][:10]},
    )
    act.tell("application_fee.refunded", fee)
    return made
