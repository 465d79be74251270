"""Checkout sessions: a page of the processor's own on which a customer pays, or leaves a card for later."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import amounts, intent_parameters, lists, payment_intents, prices, setup_intents
from ecosystem.sandbox.acts import Act, Answer, Record
from ecosystem.sandbox.parameters import (
    LISTED,
    Choice,
    Currency,
    Endpoint,
    Hash,
    Ignored,
    Integer,
    Later,
    Many,
    Metadata,
    Text,
    Url,
)  # fmt: skip
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import NO_ADDRESS, OF, Body, inner

KIND = "checkout.session"
OPEN_S = 86400
OPEN_LEAST_S = 1800
_ITEM = Hash(
    {
        "adjustable_quantity": Later(),
        "metadata": Metadata(),
        "price": Text(120),
        "price_data": prices.PRICE_DATA,
        "quantity": Integer(1, 999_999),
        "tax_rates": Later(),
    }
)
_INTENT = ("capture_method", "description", "metadata", "on_behalf_of", "receipt_email", "setup_future_usage",
           "statement_descriptor", "transfer_data", "transfer_group")  # fmt: skip
CREATE = Endpoint(
    {
        **dict.fromkeys(
            (
                "adaptive_pricing after_expiration allow_promotion_codes allowed_payment_method_types automatic_tax"
                " billing_address_collection branding_settings consent_collection custom_fields custom_text"
                " customer_account customer_update discounts excluded_payment_method_types integration_identifier"
                " invoice_creation managed_payments name_collection optional_items origin_context"
                " payment_method_collection payment_method_configuration payment_method_data permissions"
                " phone_number_collection redirect_on_completion return_url saved_payment_method_options"
                " shipping_address_collection shipping_options subscription_data tax_id_collection ui_mode"
                " wallet_options"
            ).split(),
            Later(),
        ),
        "cancel_url": Url(),
        "client_reference_id": Text(200),
        "currency": Currency(),
        "customer": Text(120),
        "customer_creation": Choice("always", "if_required"),
        "customer_email": Text(512),
        "expires_at": Integer(),
        "line_items": Many(_ITEM),
        "locale": Ignored(),
        "metadata": Metadata(),
        "mode": Choice("payment", "setup"),
        "payment_intent_data": Hash({name: intent_parameters.CREATE.kinds[name] for name in _INTENT}),
        "payment_method_options": intent_parameters.OPTIONS,
        "payment_method_types": Many(Text(60)),
        "setup_intent_data": Hash({"description": Text(1000), "metadata": Metadata(), "on_behalf_of": Later()}),
        "submit_type": Ignored(),
        "success_url": Url(),
    },
    required=("mode", "success_url"),
)
RETRIEVE = EXPIRE = Endpoint()
UPDATE = Endpoint({"collected_information": Later(), "metadata": Metadata(), "shipping_options": Later()})
ITEMS = Endpoint(LISTED)
LIST = Endpoint(
    {
        **LISTED,
        "customer": Text(120),
        "customer_account": Later(),
        "customer_details": Later(),
        "payment_intent": Text(120),
        "payment_link": Later(),
        "status": Choice("complete", "expired", "open"),
        "subscription": Later(),
    }
)


def create(act: Act, given: dict[str, Any]) -> Body:
    """A page to pay on, open for a day or as long as was said."""
    mode = given["mode"]
    if given.get("customer"):
        act.need("customer", given["customer"], param="customer")
    items = [_item(act, one) for one in given.get("line_items", ())]
    if (mode == "payment") != bool(items):
        raise Refused("The line_items belong to the mode payment, and it needs some.", param="line_items")
    currencies = {item["currency"] for item in items}
    if len(currencies) > 1:
        raise Refused("All line items have to be in one currency.", param="line_items")
    total = sum(item["amount_total"] for item in items) if items else None
    currency = next(iter(currencies), given.get("currency"))
    if total is not None:
        amounts.must_be_chargeable(total, str(currency))
    until = given.get("expires_at", act.at + OPEN_S)
    if not act.at + OPEN_LEAST_S <= until <= act.at + OPEN_S:
        raise Refused("The expires_at has to be between 30 minutes and 24 hours from now.", param="expires_at")
    session_id = f"cs_test_{act.secret(40)}"
    body: Body = {
        **OF[KIND],
        "id": session_id,
        "amount_subtotal": total,
        "amount_total": total,
        "cancel_url": given.get("cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "created": act.at,
        "currency": currency,
        "customer": given.get("customer"),
        "customer_creation": given.get("customer_creation") or ("if_required" if mode == "payment" else None),
        "customer_details": _details(given.get("customer_email")),
        "customer_email": given.get("customer_email"),
        "expires_at": until,
        "metadata": merged({}, given.get("metadata", {})),
        "mode": mode,
        "payment_method_options": given.get("payment_method_options", {}),
        "payment_method_types": given.get("payment_method_types") or ["card"],
        "payment_status": "unpaid" if mode == "payment" else "no_payment_required",
        "phone_number_collection": {"enabled": False},
        "status": "open",
        "success_url": given["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted",
        "url": f"{act.origin}/c/{session_id}",
    }
    data: Body = inner(given, "payment_intent_data" if mode == "payment" else "setup_intent_data")
    links = [("checkout.session.customer", body["customer"])] if body["customer"] else []
    session = act.add(KIND, body, inside={"items": items, "data": data}, links=links)
    act.later("expire_session", session, until - act.at)
    return session.body


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need(KIND, given["id"]).body


def update(act: Act, given: dict[str, Any]) -> Body:
    session = act.need(KIND, given["id"])
    if "metadata" in given:
        act.change(session, metadata=merged(session["metadata"], given["metadata"]))
    return session.body


def items(act: Act, given: dict[str, Any]) -> Body:
    session = act.need(KIND, given["id"])
    return lists.slice_of(session.inside["items"], f"/v1/checkout/sessions/{session.id}/line_items", given)


def listed(act: Act, given: dict[str, Any]) -> Body:
    wanted = {name: given[name] for name in ("customer", "payment_intent", "status") if name in given}
    return lists.filtered(
        act, KIND, "/v1/checkout/sessions", given, lambda body: all(body[name] == one for name, one in wanted.items())
    )


def expire(act: Act, given: dict[str, Any]) -> Body:
    session = act.need(KIND, given["id"])
    if session["status"] != "open":
        raise Refused(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of'
            f" `{session['status']}`."
        )
    lapse(act, session)
    return session.body


def lapse(act: Act, session: Record) -> None:
    """Nobody paid in time: a timer's act."""
    if session["status"] == "open":
        act.change(session, status="expired", url=None)
        act.tell("checkout.session.expired", session)


def pay(act: Act, session: Record, told: dict[str, Any]) -> None:
    """The customer pays on the page with a method. One that is declined leaves the page open."""
    if session["status"] != "open":
        raise Refused(f"The Checkout Session has a status of {session['status']}.")
    data: Body = dict(session.inside["data"])
    given: Body = {
        **data,
        "confirm": True,
        "customer": session["customer"],
        "mandate_data": {
            "customer_acceptance": {"type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": "checkout"}}
        },
        "payment_method": told.get("payment_method", "pm_card_visa"),
        "payment_method_types": session["payment_method_types"],
        "return_url": session["success_url"],
    }
    if session["mode"] == "setup":
        made = setup_intents.create(act, given)
        field = "setup_intent"
    else:
        given |= {"amount": session["amount_total"], "currency": session["currency"]}
        made = payment_intents.create(act, given)
        field = "payment_intent"
    if isinstance(made, Answer):
        return
    intent = act.need(field, made["id"])
    act.note(intent, session=session.id)
    status = session["payment_status"]
    if field == "payment_intent":
        status = "paid" if made["status"] == "succeeded" else "unpaid"
    details = _details(session["customer_email"] or "ana@example.org")
    act.change(
        session, status="complete", payment_status=status, url=None, customer_details=details, **{field: intent.id}
    )
    act.tell("checkout.session.completed", session)


def _item(act: Act, given: dict[str, Any]) -> Body:
    if bool(given.get("price")) == bool(given.get("price_data")):
        raise Refused("Each line item names a price or describes one, and not both.", param="line_items")
    price = (
        act.need("price", given["price"], param="line_items")
        if given.get("price")
        else prices.of(act, given["price_data"], param="line_items")
    )
    quantity = given.get("quantity", 1)
    amount = price["unit_amount"] * quantity
    return {
        **OF["item"],
        "id": act.mint("li"),
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": act.need("product", price["product"])["name"],
        "metadata": merged({}, given.get("metadata", {})),
        "price": price.body,
        "quantity": quantity,
    }


def _details(email: str | None) -> Body:
    return {
        "address": NO_ADDRESS,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
