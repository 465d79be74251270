"""Attempts to keep a payment method for later: the customer's bank is asked, and at times the customer."""

from __future__ import annotations

from typing import Any

import msgspec

from ecosystem.sandbox import mandates, payment_methods
from ecosystem.sandbox.acts import Act, Answer, Record
from ecosystem.sandbox.cards import Authentication, Declined
from ecosystem.sandbox.refusals import DOCUMENTATION
from ecosystem.sandbox.shapes import OF, Body, inner

_FAILED = Declined(
    "setup_intent_authentication_failure",
    None,
    "The latest attempt to set up the payment method has failed because authentication failed.",
)
ATTACHED_BUT_DECLINED = "chargeCustomerFail"
"""The card that can be kept, and is declined only when it is to pay."""


def attempted(act: Act, intent: Record, method: Record, given: dict[str, Any]) -> Body | Answer:
    """Ask for the method to be kept."""
    if method["type"] == "us_bank_account":
        return _debitable(act, intent, method, given)
    card = payment_methods.card_of(method)
    if card.declined and card.name != ATTACHED_BUT_DECLINED:
        return declined(act, intent, method, card.declined)
    if card.authentication in {Authentication.REQUIRED, Authentication.BROKEN}:
        wait_for_challenge(act, intent, given.get("return_url"))
        return intent.body
    succeed(act, intent, method)
    return intent.body


def challenged(act: Act, intent: Record, *, authenticated: bool) -> None:
    """The customer passed the bank's challenge, or failed it."""
    method = act.need("payment_method", intent["payment_method"])
    act.note(intent, challenged=authenticated)
    if authenticated:
        succeed(act, intent, method)
    else:
        declined(act, intent, method, _FAILED)


def wait_for_challenge(act: Act, intent: Record, return_url: str | None) -> None:
    token = f"src_{act.secret(24)}"
    url = f"{act.origin}/3ds/{token}"
    action: Body = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}
    if return_url:
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    act.note(intent, return_url=return_url)
    act.link(intent, "challenge", token)
    act.change(intent, status="requires_action", next_action=action, last_setup_error=None)
    act.tell("setup_intent.requires_action", intent)


def succeed(act: Act, intent: Record, method: Record) -> None:
    """Keep the method, for the customer if there is one."""
    attempt = _recorded(act, intent, method, "succeeded", None)
    if intent["customer"] and method["customer"] is None:
        payment_methods.keep(act, method, intent["customer"])
    act.change(intent, status="succeeded", next_action=None, last_setup_error=None, latest_attempt=attempt.id)
    act.tell("setup_intent.succeeded", intent)


def declined(act: Act, intent: Record, method: Record, why: Declined) -> Answer:
    error: Body = {
        "code": why.code,
        "doc_url": DOCUMENTATION + why.code.replace("_", "-"),
        "message": why.message,
        "payment_method": method.body,
        "request_log_url": f"https://dashboard.stripe.com/test/logs/{act.request_id}",
        "type": "card_error",
    }
    if why.decline_code:
        error["decline_code"] = why.decline_code
    attempt = _recorded(act, intent, method, "failed", error)
    act.change(
        intent,
        status="requires_payment_method",
        next_action=None,
        payment_method=None,
        last_setup_error=error,
        latest_attempt=attempt.id,
    )
    act.tell("setup_intent.setup_failed", intent)
    return Answer(status=402, body=msgspec.json.encode({"error": {**error, "setup_intent": intent.body}}))


def _debitable(act: Act, intent: Record, method: Record, given: dict[str, Any]) -> Body:
    mandate = mandates.standing(act, method) or mandates.granted(act, method, given)
    act.change(intent, mandate=mandate.id)
    options: Body = intent["payment_method_options"] or {}
    wanted = inner(options, "us_bank_account").get("verification_method")
    if wanted == "microdeposits" and not method.inside.get("verified"):
        action: Body = {
            "type": "verify_with_microdeposits",
            "verify_with_microdeposits": {
                "arrival_date": act.at + 2 * 86400,
                "hosted_verification_url": f"{act.origin}/microdeposits/{intent.id}",
                "microdeposit_type": "amounts",
            },
        }
        act.change(intent, status="requires_action", next_action=action)
        act.tell("setup_intent.requires_action", intent)
        return intent.body
    succeed(act, intent, method)
    return intent.body


def _recorded(act: Act, intent: Record, method: Record, status: str, error: Body | None) -> Record:
    kind = method["type"]
    body: Body = {
        **OF["setup_attempt"],
        "id": act.mint("setatt"),
        "created": act.at,
        "customer": intent["customer"],
        "payment_method": method.id,
        "payment_method_details": {kind: {"three_d_secure": None} if kind == "card" else {}, "type": kind},
        "setup_error": error,
        "setup_intent": intent.id,
        "status": status,
        "usage": intent["usage"],
    }
    return act.add("setup_attempt", body, links=[("setup_attempt.setup_intent", intent.id)])
