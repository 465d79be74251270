"""Bank debits: asked for today, known days later, and even then disputable.

A debit is `processing` for some days; then the money is there, or the bank says why not. How it ends is the number's to
say (`bank_methods.ENDS`).
"""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import attempts, bank_methods, charges, mandates, session_results
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.refusals import Refused, unexpected_state
from ecosystem.sandbox.shapes import Body, inner

CLEARS_S = 4 * 86400
FEE_BPS = 80
FEE_MOST = 500
ATTEMPTS_MOST = 10


def attempted(act: Act, intent: Record, method: Record, given: dict[str, Any]) -> Body:
    """Ask the customer's bank; with micro-deposits, have the customer first prove that the account is theirs."""
    if intent["currency"] != "usd":
        raise Refused(
            "The currency provided is invalid for this payment method: us_bank_account takes usd.", param="currency"
        )
    mandate = mandates.standing(act, method)
    if mandate is None:
        reused = intent["setup_future_usage"] or given.get("off_session") == "true"
        mandate = mandates.granted(act, method, given, amount=None if reused else intent["amount"])
    act.note(intent, mandate=mandate.id)
    wanted = inner(intent["payment_method_options"], "us_bank_account").get("verification_method")
    if wanted == "microdeposits" and not method.inside.get("verified"):
        wait_for_deposits(act, intent)
        act.tell("payment_intent.requires_action", intent)
        return intent.body
    debit(act, intent, method)
    return intent.body


def wait_for_deposits(act: Act, intent: Record) -> None:
    act.note(intent, tries=0)
    act.change(
        intent,
        status="requires_action",
        next_action={
            "type": "verify_with_microdeposits",
            "verify_with_microdeposits": {
                "arrival_date": act.at + 2 * 86400,
                "hosted_verification_url": f"{act.origin}/microdeposits/{intent.id}",
                "microdeposit_type": "amounts",
            },
        },
    )


def waits_for_deposits(intent: Record) -> bool:
    """Whether the customer has yet to tell which amounts were deposited."""
    waits = inner(intent.body, "next_action").get("type") == "verify_with_microdeposits"
    return waits and intent["status"] == "requires_action"


def verified(act: Act, intent: Record, given: dict[str, Any]) -> Record:
    """The customer tells what was deposited; the method, once that is right. Raises `Refused` as long as it is not."""
    if not waits_for_deposits(intent):
        raise unexpected_state(
            f"The {intent.kind} {intent.id} does not wait for micro-deposits: it has a status of {intent['status']}."
        )
    method = act.need("payment_method", intent["payment_method"])
    right = tuple(sorted(given.get("amounts", ()))) == bank_methods.MICRO_AMOUNTS
    if not (right or given.get("descriptor_code") == bank_methods.DESCRIPTOR_CODE):
        raise Refused(
            "The amounts provided do not match the amounts that were sent to the bank account.",
            code="payment_method_microdeposit_verification_amounts_mismatch",
        )
    act.note(method, verified=True)
    return method


def settle(act: Act, intent: Record) -> None:
    """The bank has answered: a timer's act."""
    if intent["status"] != "processing":
        return
    charge = act.need("charge", intent["latest_charge"])
    method = act.need("payment_method", intent["payment_method"])
    ends = method.inside["ends"]
    if code := ends.get("failure"):
        _failed(act, intent, charge, method, code)
        return
    act.change(charge, status="succeeded", paid=True)
    charges.take(act, charge, intent["amount"], fee=min(FEE_MOST, intent["amount"] * FEE_BPS // 10_000))
    act.change(intent, status="succeeded", amount_received=intent["amount"], processing=None)
    attempts.keep(act, intent, method)
    act.tell("charge.succeeded", charge)
    act.tell("payment_intent.succeeded", intent)
    session_results.settled(act, intent, paid=True)
    if ends.get("disputed"):
        act.afterwards("dispute", charge)


def debit(act: Act, intent: Record, method: Record) -> None:
    """Hand the debit to the bank."""
    charge = charges.opened(
        act,
        intent,
        method,
        {
            "outcome": {**_OUTCOME},
            "paid": False,
            "payment_method_details": bank_methods.charged(method, intent.inside["mandate"]),
            "status": "pending",
        },
        inside={"disputed": "debit_not_authorized", "clears_s": 0},
    )
    act.change(
        intent, status="processing", latest_charge=charge.id, next_action=None, last_payment_error=None, processing=None
    )
    act.tell("charge.pending", charge)
    act.tell("payment_intent.processing", intent)
    if not method.inside["ends"].get("stuck"):
        act.later("settle_debit", intent, CLEARS_S)


def _failed(act: Act, intent: Record, charge: Record, method: Record, code: str) -> None:
    message = bank_methods.MESSAGES[code]
    error: Body = {
        "charge": charge.id,
        "code": code,
        "message": message,
        "payment_method": method.body,
        "type": "invalid_request_error",
    }
    act.change(charge, status="failed", failure_code=code, failure_message=message)
    act.change(intent, status="requires_payment_method", payment_method=None, last_payment_error=error, processing=None)
    act.tell("charge.failed", charge)
    act.tell("payment_intent.payment_failed", intent)
    session_results.settled(act, intent, paid=False)
    if code in {"no_account", "account_closed", "debit_not_authorized"}:
        mandates.end_all(act, method)


_OUTCOME: Body = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "seller_message": "Payment in progress.",
    "type": "authorized",
}
