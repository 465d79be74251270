"""Refunds: money sent back to the card, never more than was captured."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import amounts, application_fees, lists, reviews, transfers, warnings
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.cards import Refunding
from ecosystem.sandbox.entries import booked
from ecosystem.sandbox.parameters import LISTED, Boolean, Choice, Endpoint, Integer, Later, Metadata, Text
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused, unexpected_state
from ecosystem.sandbox.shapes import REFUND, Body

CREATE = Endpoint(
    {
        **dict.fromkeys("currency customer instructions_email origin".split(), Later()),
        "refund_application_fee": Boolean(),
        "reverse_transfer": Boolean(),
        "amount": Integer(least=1),
        "charge": Text(120),
        "metadata": Metadata(),
        "payment_intent": Text(120),
        "reason": Choice("duplicate", "fraudulent", "requested_by_customer"),
    }
)
RETRIEVE = Endpoint()
UPDATE = Endpoint({"metadata": Metadata()})
LIST = Endpoint({**LISTED, "charge": Text(120), "payment_intent": Text(120)})


def create(act: Act, given: dict[str, Any]) -> Body:
    """Send back an amount of a charge, or all that is left of it. Raises `Refused` when that is more than is left."""
    charge = _charge(act, given)
    if charge["disputed"] and not charge.inside.get("refundable_in_dispute"):
        raise Refused(f"Charge {charge.id} has been charged back; cannot issue a refund.", code="charge_disputed")
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left <= 0:
        raise Refused(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    amount = given.get("amount", left)
    currency = charge["currency"]
    amounts.must_be_whole(amount, currency)
    if amount > left:
        raise Refused(
            f"Refund amount ({amounts.shown(amount, currency)}) is greater than unrefunded amount on charge"
            f" ({amounts.shown(left, currency)})",
            param="amount",
        )
    return _made(act, charge, amount, given).body


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("refund", given["id"]).body


def update(act: Act, given: dict[str, Any]) -> Body:
    refund = act.need("refund", given["id"])
    if "metadata" in given:
        act.change(refund, metadata=merged(refund["metadata"], given["metadata"]))
        act.tell("refund.updated", refund)
    return refund.body


def listed(act: Act, given: dict[str, Any]) -> Body:
    link = None
    for name in ("charge", "payment_intent"):
        if name in given:
            link = (f"refund.{name}", given[name])
    return lists.page(act, "refund", "/v1/refunds", given, link)


def succeed(act: Act, refund: Record) -> None:
    """A refund that was pending arrives: a timer's act."""
    if refund["status"] != "pending":
        return
    charge = act.need("charge", refund["charge"])
    entry = _booked(act, charge, refund, -refund["amount"], "refund")
    act.change(refund, status="succeeded", balance_transaction=entry.id)
    act.log("refunded", refund, refund["amount"])
    act.tell("refund.updated", refund)
    act.tell("charge.refund.updated", refund)


def fail(act: Act, refund: Record) -> None:
    """A refund that seemed to succeed comes back from the card's bank: a timer's act."""
    if refund["status"] != "succeeded":
        return
    charge = act.need("charge", refund["charge"])
    entry = _booked(act, charge, refund, refund["amount"], "refund_failure")
    act.change(
        refund,
        status="failed",
        failure_reason="expired_or_canceled_card",
        failure_balance_transaction=entry.id,
    )
    _recount(act, charge, -refund["amount"])
    act.log("refund_failed", refund, refund["amount"])
    act.tell("refund.failed", refund)
    act.tell("charge.refund.updated", refund)


def _charge(act: Act, given: dict[str, Any]) -> Record:
    if ("charge" in given) == ("payment_intent" in given):
        raise Refused(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    if "charge" in given:
        return act.need("charge", given["charge"], param="charge")
    intent = act.need("payment_intent", given["payment_intent"], param="payment_intent")
    if intent["status"] != "succeeded":
        raise unexpected_state(
            f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.",
        )
    return act.need("charge", intent["latest_charge"])


def _made(act: Act, charge: Record, amount: int, given: dict[str, Any]) -> Record:
    how = Refunding(charge.inside.get("refunding", Refunding.AT_ONCE))
    body: Body = {
        **REFUND,
        "id": act.mint("re"),
        "amount": amount,
        "charge": charge.id,
        "created": act.at,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "metadata": merged({}, given.get("metadata", {})),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": given.get("reason"),
        "status": "pending" if how is Refunding.LATER else "succeeded",
    }
    links = [("refund.charge", charge.id)]
    if charge["payment_intent"]:
        links.append(("refund.payment_intent", charge["payment_intent"]))
    refund = act.add("refund", body, links=links)
    if how is Refunding.LATER:
        act.afterwards("succeed", refund)
    else:
        act.change(refund, balance_transaction=_booked(act, charge, refund, -amount, "refund").id)
        act.log("refunded", refund, amount)
    if how is Refunding.FAILS:
        act.afterwards("fail", refund)
    _recount(act, charge, amount)
    if given.get("refund_application_fee"):
        application_fees.refunded_with(act, charge, amount)
    if given.get("reverse_transfer"):
        act.change(refund, transfer_reversal=transfers.reversed_with(act, charge, amount).id)
    act.tell("refund.created", refund)
    act.tell("charge.refunded", charge)
    if charge["payment_intent"]:
        reason = "refunded_as_fraud" if given.get("reason") == "fraudulent" else "refunded"
        reviews.closed_of_charge(act, charge, reason)
        warnings.acted_on(act, charge)
    return refund


def _recount(act: Act, charge: Record, more: int) -> None:
    refunded = charge["amount_refunded"] + more
    act.change(charge, amount_refunded=refunded, refunded=refunded == charge["amount_captured"])


def _booked(act: Act, charge: Record, refund: Record, amount: int, kind: str) -> Record:
    return booked(act, refund, amount=amount, kind=kind, category=kind, description=f"REFUND FOR CHARGE {charge.id}")
