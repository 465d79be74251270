"""The parameters of payment intents, by endpoint."""

from __future__ import annotations

from ecosystem.sandbox import payment_methods
from ecosystem.sandbox.mandates import MANDATE_DATA
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

_CAPTURE = Choice("automatic", "automatic_async", "manual")
OPTIONS = Hash(
    {
        "card": Hash(
            {
                "request_three_d_secure": Choice("any", "automatic", "challenge"),
                "capture_method": Later(),
                "setup_future_usage": Later(),
                "moto": Ignored(),
                "network": Ignored(),
            }
        ),
        "customer_balance": Hash(
            {
                "funding_type": Choice("bank_transfer"),
                "bank_transfer": Hash({"type": Choice("us_bank_transfer"), "requested_address_types": Ignored()}),
                "setup_future_usage": Ignored(),
            }
        ),
        "us_bank_account": Hash(
            {
                "financial_connections": Later(),
                "mandate_options": Ignored(),
                "preferred_settlement_speed": Choice("fastest", "standard"),
                "setup_future_usage": Later(),
                "target_date": Later(),
                "verification_method": Choice("automatic", "instant", "microdeposits"),
            }
        ),
    }
)
DESCRIBED: dict[str, Kind] = {
    "description": Text(1000, unsettable=True),
    "metadata": Metadata(),
    "receipt_email": Text(800, unsettable=True),
    "statement_descriptor": Text(22, unsettable=True),
    "statement_descriptor_suffix": Text(22, unsettable=True),
}
_LATER: dict[str, Kind] = dict.fromkeys(
    (
        "allowed_payment_method_types amount_details confirmation_token customer_account"
        " excluded_payment_method_types hooks payment_details"
        " payment_method_configuration shipping"
    ).split(),
    Later(),
)
_USAGE = Choice("off_session", "on_session", unsettable=True)
_CONNECT: dict[str, Kind] = {
    "application_fee_amount": Integer(),
    "on_behalf_of": Text(120),
    "transfer_data": Hash({"amount": Integer(1), "destination": Text(120)}),
}
_CONFIRMED: dict[str, Kind] = {
    "mandate": Text(120),
    "mandate_data": MANDATE_DATA,
    "setup_future_usage": _USAGE,
    "payment_method": Text(120),
    "payment_method_data": Hash(payment_methods.DATA, required=("type",)),
    "payment_method_options": OPTIONS,
    "return_url": Url(),
    "off_session": Choice("true", "false", "one_off", "recurring"),
    "error_on_requires_action": Boolean(),
    "use_stripe_sdk": Boolean(),
    "radar_options": Ignored(),
}
CREATE = Endpoint(
    {
        **_LATER,
        **_CONNECT,
        **_CONFIRMED,
        **DESCRIBED,
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
        **_CONNECT,
        "setup_future_usage": _USAGE,
        **DESCRIBED,
        "amount": Integer(),
        "currency": Currency(),
        "customer": Text(120),
        "payment_method": Text(120),
        "payment_method_data": Hash(payment_methods.DATA, required=("type",)),
        "payment_method_options": OPTIONS,
        "payment_method_types": Many(Text(60)),
        "capture_method": _CAPTURE,
        "transfer_group": Text(500),
    }
)
CAPTURE = Endpoint(
    {
        **dict.fromkeys("amount_details hooks payment_details transfer_data".split(), Later()),
        "application_fee_amount": Integer(),
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
VERIFY = Endpoint({"amounts": Many(Integer(1, 99), most=2), "descriptor_code": Text(6), "client_secret": Text(200)})
