"""Attempts: an intent goes to the customer's bank, past its challenge or not, and comes back paid, held or declined."""

from __future__ import annotations

import msgspec

from ecosystem.sandbox import charges, payment_methods, reviews, setup_attempts, transfers
from ecosystem.sandbox.acts import Act, Answer, Record
from ecosystem.sandbox.cards import AUTHENTICATION, GENERIC, Authentication, Card, Declined
from ecosystem.sandbox.refusals import DOCUMENTATION
from ecosystem.sandbox.shapes import Body, inner

AUTHORIZATION_S = 7 * 86400
"""How long money stays held on a card before the bank lets go of it."""


def attempted(
    act: Act, intent: Record, method: Record, *, off_session: bool, fail_on_challenge: bool, return_url: str | None
) -> Body | Answer:
    """Ask the bank for the money, or the customer first to pass its challenge."""
    card = payment_methods.card_of(method)
    if not _asks_for_challenge(intent, card, off_session=off_session):
        return _attempt(act, intent, method, card, authenticated=False)
    if card.authentication is Authentication.BROKEN:
        return _declined(act, intent, method, card, GENERIC)
    if off_session or fail_on_challenge:
        return _declined(act, intent, method, card, AUTHENTICATION)
    _wait_for_challenge(act, intent, return_url)
    return intent.body


def expire(act: Act, intent: Record) -> None:
    """The bank lets go of money that was held too long: a timer's act."""
    if intent["status"] != "requires_capture":
        return
    charge = act.need("charge", intent["latest_charge"])
    cancelled(act, intent, "automatic")
    act.tell("charge.expired", charge)


def challenged(act: Act, intent: Record, *, authenticated: bool) -> None:
    """The customer passed the bank's challenge, or failed it. Nothing happens to an intent that does not wait for it."""
    if intent["status"] != "requires_action":
        return
    if intent.kind == "setup_intent":
        setup_attempts.challenged(act, intent, authenticated=authenticated)
        return
    method = act.need("payment_method", intent["payment_method"])
    act.note(intent, challenged=authenticated)
    if authenticated:
        _attempt(act, intent, method, payment_methods.card_of(method), authenticated=True)
        return
    act.change(
        intent,
        status="requires_payment_method",
        next_action=None,
        payment_method=None,
        last_payment_error={
            "code": "payment_intent_authentication_failure",
            "doc_url": DOCUMENTATION + "payment-intent-authentication-failure",
            "message": "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a"
            " new PaymentMethod to attempt to fulfill this PaymentIntent again.",
            "payment_method": method.body,
            "type": "invalid_request_error",
        },
    )
    act.tell("payment_intent.payment_failed", intent)


def _asks_for_challenge(intent: Record, card: Card, *, off_session: bool) -> bool:
    if off_session and card.name == "authenticationRequiredSetupForOffSession":
        return False
    if card.authentication in {Authentication.REQUIRED, Authentication.BROKEN}:
        return True
    wanted = inner(intent["payment_method_options"], "card").get("request_three_d_secure", "automatic")
    return wanted != "automatic" and card.authentication is Authentication.OPTIONAL and not off_session


def _wait_for_challenge(act: Act, intent: Record, return_url: str | None) -> None:
    token = f"src_{act.secret(24)}"
    url = f"{act.origin}/3ds/{token}"
    if return_url:
        action: Body = {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    else:
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}
    act.note(intent, return_url=return_url)
    act.link(intent, "challenge", token)
    act.change(intent, status="requires_action", next_action=action, last_payment_error=None)
    act.tell("payment_intent.requires_action", intent)


def _attempt(act: Act, intent: Record, method: Record, card: Card, *, authenticated: bool) -> Body | Answer:
    """Ask the bank for the money."""
    if card.declined:
        return _declined(act, intent, method, card, card.declined, authenticated=authenticated)
    manual = intent["capture_method"] == "manual"
    charge = charges.added(
        act,
        intent,
        method,
        card,
        authenticated=authenticated,
        declined=None,
        capture_before=act.at + AUTHORIZATION_S if manual else None,
    )
    keep(act, intent, method)
    act.change(intent, latest_charge=charge.id, next_action=None, last_payment_error=None)
    act.log("authorized", charge, intent["amount"])
    if card.risk == "elevated":
        reviews.opened(act, intent, charge)
    if card.warned:
        act.afterwards("warn", charge)
    if not manual:
        captured(act, intent, charge, intent["amount"], "charge.succeeded")
        return intent.body
    act.change(intent, status="requires_capture", amount_capturable=intent["amount"])
    act.later("expire", intent, AUTHORIZATION_S)
    act.tell("charge.succeeded", charge)
    act.tell("payment_intent.amount_capturable_updated", intent)
    return intent.body


def captured(act: Act, intent: Record, charge: Record, amount: int, told: str) -> None:
    charges.capture(act, charge, amount)
    act.change(intent, status="succeeded", amount_capturable=0, amount_received=amount)
    act.tell(told, charge)
    act.tell("payment_intent.succeeded", intent)
    if charge.inside.get("disputed"):
        act.afterwards("dispute", charge)
    if data := intent["transfer_data"]:
        transfers.follow(act, charge, data)


def keep(act: Act, intent: Record, method: Record) -> None:
    """Keep the method for the customer where that was asked for; else it is used up."""
    if intent["setup_future_usage"] and intent["customer"] and method["customer"] is None:
        payment_methods.keep(act, method, intent["customer"])
    payment_methods.use(act, method)


def cancelled(act: Act, intent: Record, reason: str | None) -> None:
    held = intent["amount_capturable"]
    if intent["status"] == "requires_capture":
        charge = act.need("charge", intent["latest_charge"])
        act.change(charge, refunded=True, amount_refunded=charge["amount"])
        act.log("released", charge, held)
        act.tell("charge.refunded", charge)
        reviews.closed(act, intent, "refunded")
    act.change(
        intent,
        status="canceled",
        amount_capturable=0,
        canceled_at=act.at,
        cancellation_reason=reason,
        next_action=None,
    )
    act.tell("payment_intent.canceled", intent)


def _declined(
    act: Act, intent: Record, method: Record, card: Card, why: Declined, *, authenticated: bool = False
) -> Answer:
    """The bank's no: a failed charge, the intent open for another card, and a card error as the answer."""
    charge = charges.added(act, intent, method, card, authenticated=authenticated, declined=why, capture_before=None)
    error: Body = {
        "charge": charge.id,
        "code": why.code,
        "doc_url": DOCUMENTATION + why.code.replace("_", "-"),
        "message": why.message,
        "payment_method": method.body,
        "type": "card_error",
    }
    if intent["review"] is None and why.blocked:
        error["advice_code"] = "do_not_try_again"
    if why.decline_code:
        error["decline_code"] = why.decline_code
    if why.code == "incorrect_cvc":
        error["param"] = "cvc"
    act.change(
        intent,
        status="requires_payment_method",
        latest_charge=charge.id,
        next_action=None,
        payment_method=None,
        last_payment_error=error,
    )
    act.tell("charge.failed", charge)
    act.tell("payment_intent.payment_failed", intent)
    return Answer(status=402, body=msgspec.json.encode({"error": {**error, "payment_intent": intent.body}}))
