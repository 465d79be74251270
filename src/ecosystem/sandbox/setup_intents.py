"""Setup intents: a card or bank account to be kept for later, without a payment."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import debits, intent_parameters, lists, payment_methods, setup_attempts
from ecosystem.sandbox.acts import Act, Answer, Record
from ecosystem.sandbox.mandates import MANDATE_DATA
from ecosystem.sandbox.parameters import (
    LISTED,
    Boolean,
    Choice,
    Endpoint,
    Hash,
    Ignored,
    Kind,
    Later,
    Many,
    Metadata,
    Text,
    Url,
)
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused, unexpected_state
from ecosystem.sandbox.shapes import OF, Body, inner

TYPES = ("card", "us_bank_account")
_LATER: dict[str, Kind] = dict.fromkeys(
    (
        "allowed_payment_method_types attach_to_self confirmation_token customer_account excluded_payment_method_types"
        " flow_directions on_behalf_of payment_method_configuration single_use"
    ).split(),
    Later(),
)
_SHARED: dict[str, Kind] = {
    "customer": Text(120),
    "description": Text(1000, unsettable=True),
    "metadata": Metadata(),
    "payment_method": Text(120),
    "payment_method_data": Hash(payment_methods.DATA, required=("type",)),
    "payment_method_options": intent_parameters.OPTIONS,
    "payment_method_types": Many(Text(60)),
}
_CONFIRMED: dict[str, Kind] = {
    "mandate_data": MANDATE_DATA,
    "payment_method": Text(120),
    "payment_method_data": Hash(payment_methods.DATA, required=("type",)),
    "payment_method_options": intent_parameters.OPTIONS,
    "return_url": Url(),
    "use_stripe_sdk": Boolean(),
}
CREATE = Endpoint(
    {
        **_LATER,
        **_SHARED,
        **_CONFIRMED,
        "automatic_payment_methods": Hash(
            {"enabled": Boolean(), "allow_redirects": Choice("always", "never")}, required=("enabled",)
        ),
        "confirm": Boolean(),
        "usage": Choice("off_session", "on_session"),
    }
)
UPDATE = Endpoint({**_LATER, **_SHARED})
CONFIRM = Endpoint({**_LATER, **_CONFIRMED, "client_secret": Text(200), "radar_options": Ignored()})
CANCEL = Endpoint({"cancellation_reason": Choice("abandoned", "duplicate", "requested_by_customer")})
RETRIEVE = Endpoint({"client_secret": Text(200)})
VERIFY = intent_parameters.VERIFY
LIST = Endpoint(
    {
        **LISTED,
        "attach_to_self": Later(),
        "customer": Text(120),
        "customer_account": Later(),
        "payment_method": Text(120),
    }
)
ATTEMPTS = Endpoint({**LISTED, "setup_intent": Text(120)}, required=("setup_intent",))

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(act: Act, given: dict[str, Any]) -> Body | Answer:
    if given.get("customer"):
        act.need("customer", given["customer"], param="customer")
    intent_id = act.mint("seti")
    types = given.get("payment_method_types")
    if types and not set(types) <= set(TYPES):
        raise Refused(f"The payment method types are {' and '.join(TYPES)}.", param="payment_method_types")
    body: Body = {
        **OF["setup_intent"],
        "id": intent_id,
        "automatic_payment_methods": None
        if types
        else {
            "allow_redirects": inner(given, "automatic_payment_methods").get("allow_redirects", "always"),
            "enabled": True,
        },
        "client_secret": f"{intent_id}_secret_{act.secret(25)}",
        "created": act.at,
        "customer": given.get("customer"),
        "description": given.get("description"),
        "metadata": merged({}, given.get("metadata", {})),
        "payment_method_options": {**_NO_OPTIONS, **given.get("payment_method_options", {})},
        "payment_method_types": types or list(TYPES),
        "status": "requires_payment_method",
        "usage": given.get("usage") or "off_session",
    }
    links = [("setup_intent.customer", body["customer"])] if body["customer"] else []
    intent = act.add("setup_intent", body, links=links)
    _take_method(act, intent, given)
    act.tell("setup_intent.created", intent)
    return _confirmed(act, intent, given) if given.get("confirm") else intent.body


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return _needed(act, given).body


def listed(act: Act, given: dict[str, Any]) -> Body:
    link = ("setup_intent.customer", given["customer"]) if "customer" in given else None
    if "payment_method" not in given:
        return lists.page(act, "setup_intent", "/v1/setup_intents", given, link)
    wanted = given["payment_method"]
    return lists.filtered(
        act, "setup_intent", "/v1/setup_intents", given, lambda body: body["payment_method"] == wanted, link
    )


def update(act: Act, given: dict[str, Any]) -> Body:
    intent = act.need("setup_intent", given["id"])
    _must_be_open(intent, "updated")
    changes = {name: given[name] for name in ("customer", "description", "payment_method_types") if name in given}
    if "metadata" in given:
        changes["metadata"] = merged(intent["metadata"], given["metadata"])
    act.change(intent, **changes)
    if given.get("customer"):
        act.need("customer", given["customer"], param="customer")
        act.link(intent, "setup_intent.customer", given["customer"])
    _take_method(act, intent, given)
    return intent.body


def confirm(act: Act, given: dict[str, Any]) -> Body | Answer:
    return _confirmed(act, _needed(act, given), given)


def cancel(act: Act, given: dict[str, Any]) -> Body:
    intent = act.need("setup_intent", given["id"])
    _must_be_open(intent, "canceled")
    reason = given.get("cancellation_reason")
    act.change(intent, status="canceled", cancellation_reason=reason, next_action=None)
    act.tell("setup_intent.canceled", intent)
    return intent.body


def verify(act: Act, given: dict[str, Any]) -> Body:
    """The customer tells which amounts were deposited."""
    intent = _needed(act, given)
    method = debits.verified(act, intent, given)
    setup_attempts.succeed(act, intent, method)
    return intent.body


def attempts(act: Act, given: dict[str, Any]) -> Body:
    intent = act.need("setup_intent", given["setup_intent"], param="setup_intent")
    link = ("setup_attempt.setup_intent", intent.id)
    return lists.page(act, "setup_attempt", "/v1/setup_attempts", given, link)


def _confirmed(act: Act, intent: Record, given: dict[str, Any]) -> Body | Answer:
    _must_be_open(intent, "confirmed")
    _take_method(act, intent, given)
    if "payment_method_options" in given:
        options = {**intent["payment_method_options"], **given["payment_method_options"]}
        act.change(intent, payment_method_options=options)
    if intent["payment_method"] is None:
        raise unexpected_state(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a"
            " payment method and then confirm it again.",
            code="setup_intent_unexpected_state",
        )
    method = act.need("payment_method", intent["payment_method"])
    payment_methods.must_be_unused(method)
    if method["type"] not in intent["payment_method_types"]:
        raise Refused(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this SetupIntent.",
            param="payment_method",
        )
    return setup_attempts.attempted(act, intent, method, given)


def _take_method(act: Act, intent: Record, given: dict[str, Any]) -> None:
    method = payment_methods.taken(act, given)
    if method is None:
        return
    if method["customer"] and method["customer"] != intent["customer"]:
        raise Refused("The PaymentMethod belongs to another customer than this SetupIntent.", param="payment_method")
    act.change(intent, payment_method=method.id)
    if intent["status"] == "requires_payment_method":
        act.change(intent, status="requires_confirmation")


def _needed(act: Act, given: dict[str, Any]) -> Record:
    intent = act.need("setup_intent", given["id"])
    if given.get("client_secret", intent["client_secret"]) != intent["client_secret"]:
        raise Refused(
            "The client_secret provided does not match the client_secret associated with the SetupIntent.",
            param="client_secret",
            code="setup_intent_invalid_parameter",
        )
    return intent


def _must_be_open(intent: Record, what: str) -> None:
    if intent["status"] not in _OPEN:
        raise unexpected_state(
            f"This SetupIntent could not be {what} because it has a status of {intent['status']}.",
            code="setup_intent_unexpected_state",
            setup_intent=intent.body,
        )


_NO_OPTIONS: Body = {"card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}}
