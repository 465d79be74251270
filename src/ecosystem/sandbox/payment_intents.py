"""Payment intents: what is to be paid, from the first request to the last unit captured or let go."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import (
    amounts,
    application_fees,
    attempts,
    bank_transfers,
    debits,
    lists,
    payment_methods,
    transfers,
)
from ecosystem.sandbox.acts import Act, Answer, Record
from ecosystem.sandbox.intent_parameters import DESCRIBED
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused, unexpected_state
from ecosystem.sandbox.shapes import CARD_OPTIONS, PAYMENT_INTENT, Body

TYPES = ("card", "customer_balance", "us_bank_account")
_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELLABLE = (*_CONFIRMABLE, "requires_capture")


def create(act: Act, given: dict[str, Any]) -> Body | Answer:
    """A new intent, and with `confirm` the attempt to have it paid."""
    amounts.must_be_chargeable(given["amount"], given["currency"])
    if given.get("customer"):
        act.need("customer", given["customer"], param="customer")
    intent_id = act.mint("pi")
    body: Body = {
        **PAYMENT_INTENT,
        "id": intent_id,
        "amount": given["amount"],
        "capture_method": given.get("capture_method") or "automatic",
        "client_secret": f"{intent_id}_secret_{act.secret(25)}",
        "confirmation_method": given.get("confirmation_method") or "automatic",
        "created": act.at,
        "currency": given["currency"],
        "customer": given.get("customer"),
        "metadata": merged({}, given.get("metadata", {})),
        "on_behalf_of": given.get("on_behalf_of"),
        "payment_method_options": _options(CARD_OPTIONS, given),
        "setup_future_usage": given.get("setup_future_usage"),
        "transfer_group": given.get("transfer_group"),
        **_shares(act, given),
        **_types(given),
        **_described(given),
    }
    intent = act.add("payment_intent", body, links=_links(body))
    _take_method(act, intent, given)
    act.tell("payment_intent.created", intent)
    if given.get("confirm"):
        return _confirm(act, intent, given)
    only_confirmed = [name for name in ("return_url", "off_session", "error_on_requires_action") if name in given]
    if only_confirmed:
        raise Refused(
            f"The parameter {only_confirmed[0]} cannot be passed when creating a PaymentIntent unless confirm is set"
            " to true.",
            param=only_confirmed[0],
        )
    return intent.body


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    intent = act.need("payment_intent", given["id"])
    if given.get("client_secret", intent["client_secret"]) != intent["client_secret"]:
        raise Refused(
            "The client_secret provided does not match the client_secret associated with the PaymentIntent.",
            param="client_secret",
            code="payment_intent_invalid_parameter",
        )
    return intent.body


def listed(act: Act, given: dict[str, Any]) -> Body:
    link = ("payment_intent.customer", given["customer"]) if "customer" in given else None
    return lists.page(act, "payment_intent", "/v1/payment_intents", given, link)


def search(act: Act, given: dict[str, Any]) -> Body:
    return lists.search(act, "payment_intent", "/v1/payment_intents/search", given)


def update(act: Act, given: dict[str, Any]) -> Body:
    intent = act.need("payment_intent", given["id"])
    deep = {"amount", "currency", "payment_method", "payment_method_data", "capture_method", "customer"} & given.keys()
    if deep and intent["status"] not in _CONFIRMABLE:
        raise unexpected_state(
            f"This PaymentIntent's {min(deep)} could not be updated because it has a status of {intent['status']}. You"
            " may only update a PaymentIntent with one of the following statuses: requires_payment_method,"
            " requires_confirmation, requires_action."
        )
    amount, currency = given.get("amount", intent["amount"]), given.get("currency", intent["currency"])
    amounts.must_be_chargeable(amount, currency)
    if given.get("customer"):
        act.need("customer", given["customer"], param="customer")
    changes: Body = {
        "amount": amount,
        "currency": currency,
        "payment_method_options": _options(intent["payment_method_options"], given),
        **_described(given),
    }
    changes |= {
        name: given[name]
        for name in ("capture_method", "customer", "setup_future_usage", "transfer_group")
        if name in given
    }
    changes |= _shares(act, given)
    if "metadata" in given:
        changes["metadata"] = merged(intent["metadata"], given["metadata"])
    act.change(intent, **changes)
    for name, value in _links(intent.body):
        act.link(intent, name, value)
    _take_method(act, intent, given)
    return intent.body


def confirm(act: Act, given: dict[str, Any]) -> Body | Answer:
    intent = act.need("payment_intent", given["id"])
    if given.get("capture_method"):
        act.change(intent, capture_method=given["capture_method"])
    return _confirm(act, intent, given)


def capture(act: Act, given: dict[str, Any]) -> Body:
    """Take what is held, or a part of it and let the rest go."""
    intent = act.need("payment_intent", given["id"])
    if intent["status"] != "requires_capture":
        raise _wrong_state("captured", intent, "requires_capture")
    held = intent["amount_capturable"]
    amount = given.get("amount_to_capture", held)
    amounts.must_be_whole(amount, intent["currency"])
    if amount > held:
        raise Refused(
            f"The amount_to_capture ({amount}) is greater than the capturable amount ({held}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    changes: Body = {
        name: given[name] for name in ("statement_descriptor", "statement_descriptor_suffix") if name in given
    }
    if "metadata" in given:
        changes["metadata"] = merged(intent["metadata"], given["metadata"])
    act.change(intent, **changes)
    charge = act.need("charge", intent["latest_charge"])
    attempts.captured(act, intent, charge, amount, "charge.captured")
    return intent.body


def cancel(act: Act, given: dict[str, Any]) -> Body:
    """Give the intent up, and let go of what is held."""
    intent = act.need("payment_intent", given["id"])
    if intent["status"] not in _CANCELLABLE:
        raise _wrong_state("canceled", intent, ", ".join(_CANCELLABLE))
    attempts.cancelled(act, intent, given.get("cancellation_reason"))
    return intent.body


def verify(act: Act, given: dict[str, Any]) -> Body:
    """The customer tells which amounts were deposited; then the bank account is debited."""
    intent = act.need("payment_intent", given["id"])
    debits.debit(act, intent, debits.verified(act, intent, given))
    return intent.body


def _confirm(act: Act, intent: Record, given: dict[str, Any]) -> Body | Answer:
    if intent["status"] not in _CONFIRMABLE:
        raise _wrong_state("confirmed", intent, ", ".join(_CONFIRMABLE))
    _take_method(act, intent, given)
    changes = {name: given[name] for name in ("receipt_email", "setup_future_usage") if given.get(name)}
    if changes:
        act.change(intent, **changes)
    act.change(intent, payment_method_options=_options(intent["payment_method_options"], given))
    if intent["payment_method"] is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the"
            " PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a"
            " payment method."
        )
    redirects = intent["automatic_payment_methods"]
    if redirects and redirects.get("allow_redirects") == "always" and not given.get("return_url"):
        raise Refused(
            "This PaymentIntent is configured to accept payment methods that may redirect your customer off of your"
            " page, so you must provide a `return_url`, or set automatic_payment_methods[allow_redirects] to never.",
            param="return_url",
        )
    method = act.need("payment_method", intent["payment_method"])
    payment_methods.must_be_unused(method)
    kind = method["type"]
    if kind not in intent["payment_method_types"]:
        raise Refused(
            f"The PaymentMethod provided ({kind}) is not allowed for this PaymentIntent. Please attach a PaymentMethod"
            f" of one of the following types: {', '.join(intent['payment_method_types'])}.",
            param="payment_method",
        )
    if kind != "card" and intent["capture_method"] == "manual":
        raise Refused(f"{kind} does not take the capture method manual.", param="capture_method")
    if kind == "us_bank_account":
        return debits.attempted(act, intent, method, given)
    if kind == "customer_balance":
        return bank_transfers.awaited(act, intent)
    return attempts.attempted(
        act,
        intent,
        method,
        off_session=given.get("off_session", "false") != "false",
        fail_on_challenge=bool(given.get("error_on_requires_action")),
        return_url=given.get("return_url"),
    )


def _take_method(act: Act, intent: Record, given: dict[str, Any]) -> None:
    """Give the intent the payment method that the request names or describes."""
    method = payment_methods.taken(act, given)
    if method is None:
        return
    if method["customer"] and method["customer"] != intent["customer"]:
        raise Refused(
            "The PaymentMethod belongs to a Customer. Include the Customer in the `customer` parameter on the"
            " PaymentIntent.",
            param="payment_method",
        )
    act.change(intent, payment_method=method.id)
    if intent["status"] == "requires_payment_method":
        act.change(intent, status="requires_confirmation")


def _types(given: dict[str, Any]) -> Body:
    types = given.get("payment_method_types")
    automatic: Body | None = given.get("automatic_payment_methods")
    if types and automatic and automatic["enabled"]:
        raise Refused(
            "You may only specify one of automatic_payment_methods and payment_method_types.",
            param="automatic_payment_methods",
        )
    if types:
        if not set(types) <= set(TYPES):
            raise Refused(
                f"This sandbox processor takes the payment method types {', '.join(TYPES)}.",
                param="payment_method_types",
            )
        return {"payment_method_types": types, "automatic_payment_methods": None}
    redirects = automatic.get("allow_redirects", "always") if automatic else "always"
    return {
        "payment_method_types": ["card", "us_bank_account"] if given["currency"] == "usd" else ["card"],
        "automatic_payment_methods": {"allow_redirects": redirects, "enabled": True},
    }


def _options(known: Body, given: dict[str, Any]) -> Body:
    """What is told of each type of method, over what was."""
    told: Body = given.get("payment_method_options", {})
    return {**known, **{kind: {**(known.get(kind) or {}), **one} for kind, one in told.items()}} if told else known


def _shares(act: Act, given: dict[str, Any]) -> Body:
    """Who else has a part in it: an account that it is handed on to, or the platform, of an account's own payment."""
    shared: Body = {}
    if account := given.get("on_behalf_of"):
        act.need("account", account, param="on_behalf_of")
    if data := given.get("transfer_data"):
        transfers.must_exist(act, data)
        shared["transfer_data"] = {"amount": data.get("amount"), "destination": data["destination"]}
    if fee := given.get("application_fee_amount"):
        if not act.account:
            raise Refused(
                "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using"
                " an OAuth key or Stripe-Account header).",
                param="application_fee_amount",
            )
        if fee > given.get("amount", fee):
            raise Refused("The application fee cannot be greater than the amount.", param="application_fee_amount")
        shared |= {"application_fee_amount": fee, "application": application_fees.APPLICATION}
    return shared


def _described(given: dict[str, Any]) -> Body:
    return {name: given[name] for name in DESCRIBED if name in given and name != "metadata"}


def _links(body: Body) -> list[tuple[str, str]]:
    links = [(f"payment_intent.metadata.{name}", text) for name, text in body["metadata"].items()]
    if body["customer"]:
        links.append(("payment_intent.customer", body["customer"]))
    return links


def _wrong_state(what: str, intent: Record, allowed: str) -> Refused:
    return unexpected_state(
        f"This PaymentIntent could not be {what} because it has a status of {intent['status']}. Only a PaymentIntent"
        f" with one of the following statuses may be {what}: {allowed}.",
        payment_intent=intent.body,
    )
