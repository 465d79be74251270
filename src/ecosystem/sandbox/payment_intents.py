"""Payment intents: what is to be paid, from the first request to the last unit captured or let go."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import amounts, attempts, lists, payment_methods
from ecosystem.sandbox.acts import Act, Answer, Record
from ecosystem.sandbox.parameters import (
    LISTED,
    Boolean,
    Choice,
    Currency,
    Endpoint,
    Hash,
    Ignored,
    Integer,
    Kind,
    Later,
    Many,
    Metadata,
    Text,
    Url,
)
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused, unexpected_state
from ecosystem.sandbox.shapes import CARD_OPTIONS, PAYMENT_INTENT, Body

_CAPTURE = Choice("automatic", "automatic_async", "manual")
_OPTIONS = Hash(
    {
        "card": Hash(
            {
                "request_three_d_secure": Choice("any", "automatic", "challenge"),
                "capture_method": Later(),
                "setup_future_usage": Later(),
                "moto": Ignored(),
                "network": Ignored(),
            }
        )
    }
)
_DESCRIBED: dict[str, Kind] = {
    "description": Text(1000, unsettable=True),
    "metadata": Metadata(),
    "receipt_email": Text(800, unsettable=True),
    "statement_descriptor": Text(22, unsettable=True),
    "statement_descriptor_suffix": Text(22, unsettable=True),
}
_LATER: dict[str, Kind] = dict.fromkeys(
    (
        "allowed_payment_method_types amount_details application_fee_amount confirmation_token customer_account"
        " excluded_payment_method_types hooks mandate mandate_data on_behalf_of payment_details"
        " payment_method_configuration setup_future_usage shipping transfer_data"
    ).split(),
    Later(),
)
_CONFIRMED: dict[str, Kind] = {
    "payment_method": Text(120),
    "payment_method_data": Hash(payment_methods.DATA, required=("type",)),
    "payment_method_options": _OPTIONS,
    "return_url": Url(),
    "off_session": Choice("true", "false", "one_off", "recurring"),
    "error_on_requires_action": Boolean(),
    "use_stripe_sdk": Boolean(),
    "radar_options": Ignored(),
}
CREATE = Endpoint(
    {
        **_LATER,
        **_CONFIRMED,
        **_DESCRIBED,
        "amount": Integer(),
        "automatic_payment_methods": Hash(
            {"enabled": Boolean(), "allow_redirects": Choice("always", "never")}, required=("enabled",)
        ),
        "capture_method": _CAPTURE,
        "confirm": Boolean(),
        "confirmation_method": Choice("automatic", "manual"),
        "currency": Currency(),
        "customer": Text(120),
        "payment_method_types": Many(Text(60)),
        "transfer_group": Text(500),
    },
    required=("amount", "currency"),
)
CONFIRM = Endpoint(
    {**_LATER, **_CONFIRMED, "capture_method": _CAPTURE, "receipt_email": Text(800), "client_secret": Text()}
)
UPDATE = Endpoint(
    {
        **_LATER,
        **_DESCRIBED,
        "amount": Integer(),
        "currency": Currency(),
        "customer": Text(120),
        "payment_method": Text(120),
        "payment_method_data": Hash(payment_methods.DATA, required=("type",)),
        "payment_method_options": _OPTIONS,
        "payment_method_types": Many(Text(60)),
        "capture_method": _CAPTURE,
        "transfer_group": Text(500),
    }
)
CAPTURE = Endpoint(
    {
        **dict.fromkeys("amount_details application_fee_amount hooks payment_details transfer_data".split(), Later()),
        "amount_to_capture": Integer(least=1),
        "final_capture": Boolean(),
        "metadata": Metadata(),
        "statement_descriptor": Text(22, unsettable=True),
        "statement_descriptor_suffix": Text(22, unsettable=True),
    }
)
CANCEL = Endpoint({"cancellation_reason": Choice("duplicate", "fraudulent", "requested_by_customer", "abandoned")})
RETRIEVE = Endpoint({"client_secret": Text(200)})
LIST = Endpoint({**LISTED, "customer": Text(120), "customer_account": Later()})
SEARCH = Endpoint({"query": Text(2000), "limit": Integer(1, 100), "page": Later()}, required=("query",))

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
        "payment_method_options": _options(CARD_OPTIONS, given),
        "transfer_group": given.get("transfer_group"),
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
    changes |= {name: given[name] for name in ("capture_method", "customer", "transfer_group") if name in given}
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


def _confirm(act: Act, intent: Record, given: dict[str, Any]) -> Body | Answer:
    if intent["status"] not in _CONFIRMABLE:
        raise _wrong_state("confirmed", intent, ", ".join(_CONFIRMABLE))
    _take_method(act, intent, given)
    if given.get("receipt_email"):
        act.change(intent, receipt_email=given["receipt_email"])
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
    if data := given.get("payment_method_data"):
        if given.get("payment_method"):
            raise Refused("You may only specify one of payment_method and payment_method_data.", param="payment_method")
        if not data.get("card"):
            raise Refused(
                "Missing required param: payment_method_data[card].",
                code="parameter_missing",
                param="payment_method_data[card]",
            )
        method = payment_methods.of_number(act, data["card"], data)
    elif named := given.get("payment_method"):
        method = payment_methods.needed(act, named, param="payment_method")
    else:
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
        if types != ["card"]:
            raise Refused(
                "This sandbox processor takes the payment method type card only.", param="payment_method_types"
            )
        return {"payment_method_types": ["card"], "automatic_payment_methods": None}
    redirects = automatic.get("allow_redirects", "always") if automatic else "always"
    return {
        "payment_method_types": ["card"],
        "automatic_payment_methods": {"allow_redirects": redirects, "enabled": True},
    }


def _options(known: Body, given: dict[str, Any]) -> Body:
    wanted = given.get("payment_method_options", {}).get("card", {}).get("request_three_d_secure")
    return {"card": {**known["card"], "request_three_d_secure": wanted}} if wanted else known


def _described(given: dict[str, Any]) -> Body:
    return {name: given[name] for name in _DESCRIBED if name in given and name != "metadata"}


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
