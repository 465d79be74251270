"""Reviews: a payment of elevated risk waits for a person's eye; the money does not wait."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import lists
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import LISTED, Endpoint
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import OF, Body

RETRIEVE = APPROVE = Endpoint()
LIST = Endpoint(LISTED)


def opened(act: Act, intent: Record, charge: Record) -> None:
    body: Body = {
        **OF["review"],
        "id": act.mint("prv"),
        "charge": charge.id,
        "created": act.at,
        "open": True,
        "opened_reason": "rule",
        "payment_intent": intent.id,
        "reason": "rule",
    }
    review = act.add("review", body)
    act.change(intent, review=review.id)
    act.change(charge, review=review.id)
    act.tell("review.opened", review)


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("review", given["id"]).body


def listed(act: Act, given: dict[str, Any]) -> Body:
    """Those that are open."""
    return lists.filtered(act, "review", "/v1/reviews", given, lambda body: body["open"])


def approve(act: Act, given: dict[str, Any]) -> Body:
    review = act.need("review", given["id"])
    if not review["open"]:
        raise Refused(f"The review {review.id} is closed already.")
    _close(act, review, "approved")
    return review.body


def closed(act: Act, intent: Record, reason: str) -> None:
    """What happened to the payment settles the review, if there is one."""
    review = act.get("review", intent["review"]) if intent["review"] else None
    if review and review["open"]:
        _close(act, review, reason)


def closed_of_charge(act: Act, charge: Record, reason: str) -> None:
    if charge["review"]:
        closed(act, act.need("payment_intent", charge["payment_intent"]), reason)


def _close(act: Act, review: Record, reason: str) -> None:
    act.change(review, open=False, closed_reason=reason, reason=reason)
    intent = act.need("payment_intent", review["payment_intent"])
    act.change(intent, review=None)
    act.change(act.need("charge", review["charge"]), review=None)
    act.tell("review.closed", review)
