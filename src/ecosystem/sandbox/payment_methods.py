"""Payment methods: a card as the processor keeps it. Its number is looked at once, here, and not kept."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import Any

from ecosystem.sandbox import bank_methods, cards, lists, mandates
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.cards import Card
from ecosystem.sandbox.parameters import LISTED, Choice, Endpoint, Hash, Ignored, Kind, Later, Metadata, Text
from ecosystem.sandbox.refusals import Refused, unexpected_state
from ecosystem.sandbox.shapes import NO_ADDRESS, NO_BILLING, PAYMENT_METHOD, Body, checks, method_card

ADDRESS = Hash(
    {name: Text(unsettable=True) for name in ("city", "country", "line1", "line2", "postal_code", "state")},
    unsettable=True,
)
BILLING = Hash(
    {
        "address": ADDRESS,
        "email": Text(512, unsettable=True),
        "name": Text(unsettable=True),
        "phone": Text(unsettable=True),
        "tax_id": Text(unsettable=True),
    }
)
_OTHER_TYPES = (
    "acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie bizum blik"
    " boleto cashapp crypto custom eps fpx giropay grabpay ideal interac_present kakao_pay klarna"
    " konbini kr_card link mb_way mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco paynow"
    " paypal paypay payto pix promptpay revolut_pay samsung_pay satispay scalapay sepa_debit sequra sofort sunbit swish"
    " twint upi wechat_pay zip"
).split()
DATA: dict[str, Kind] = {
    "type": Choice("card", "customer_balance", "us_bank_account"),
    "customer_balance": Hash({}),
    "us_bank_account": bank_methods.US_BANK_ACCOUNT,
    "card": Hash(
        {
            "number": Text(25),
            "exp_month": Text(4),
            "exp_year": Text(6),
            "cvc": Text(6, unsettable=True),
            "networks": Later(),
            "token": Later(),
        }
    ),
    "billing_details": BILLING,
    "metadata": Metadata(),
    "allow_redisplay": Choice("always", "limited", "unspecified"),
    "radar_options": Ignored(),
    **dict.fromkeys(_OTHER_TYPES, Later()),
}
CREATE = Endpoint({**DATA, "customer": Later(), "payment_method": Later()}, required=("type",))
RETRIEVE = Endpoint()
UPDATE = Endpoint(
    {
        "billing_details": BILLING,
        "metadata": Metadata(),
        "allow_redisplay": Choice("always", "limited", "unspecified"),
        "card": Hash({"exp_month": Text(4), "exp_year": Text(6), "networks": Later()}),
    }
)
ATTACH = Endpoint({"customer": Text(120), "customer_account": Later()}, required=("customer",))

LIST = Endpoint(
    {**LISTED, "allow_redisplay": Ignored(), "customer": Text(120), "customer_account": Later(), "type": Text(40)},
    required=("customer",),
)

PERIOD_YEARS = 50


def create(act: Act, given: dict[str, Any]) -> Body:
    """A payment method from a card's number, expiry and security code, or from a bank account's numbers."""
    return described(act, given).body


def described(act: Act, given: dict[str, Any], *, inside: str = "") -> Record:
    """The new method that the parameters describe; `inside` is where they stand."""
    kind = given["type"]
    if kind == "us_bank_account":
        details, behaviour = bank_methods.read(given)
        billing = _billing(given.get("billing_details") or {}, NO_BILLING)
        body = bank_methods.body_of(act, details, billing, merged({}, given.get("metadata", {})))
        return act.add("payment_method", body, inside=behaviour)
    if kind == "customer_balance":
        kept = {name: value for name, value in PAYMENT_METHOD.items() if name != "card"}
        billing = _billing(given.get("billing_details") or {}, NO_BILLING)
        told = {"id": act.mint("pm"), "billing_details": billing, "created": act.at, "type": kind}
        return act.add("payment_method", {**kept, **told, "customer_balance": {}})
    if not given.get("card"):
        name = f"{inside}[card]" if inside else "card"
        raise Refused(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return of_number(act, given["card"], given)


def listed(act: Act, given: dict[str, Any]) -> Body:
    """The methods kept for a customer."""
    return of_customer(act, given["customer"], "/v1/payment_methods", given)


def of_customer(act: Act, customer_id: str, url: str, given: dict[str, Any]) -> Body:
    """Those that are kept for the customer still, of one type or of all."""
    act.need("customer", customer_id, param="customer")
    return lists.filtered(
        act,
        "payment_method",
        url,
        given,
        lambda body: body["customer"] == customer_id and body["type"] == given.get("type", body["type"]),
        ("payment_method.customer", customer_id),
    )


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return needed(act, given["id"]).body


def update(act: Act, given: dict[str, Any]) -> Body:
    method = act.need("payment_method", given["id"])
    changes: Body = {}
    if billing := given.get("billing_details"):
        changes["billing_details"] = _billing(billing, method["billing_details"])
    if "metadata" in given:
        changes["metadata"] = merged(method["metadata"], given["metadata"])
    if "allow_redisplay" in given:
        changes["allow_redisplay"] = given["allow_redisplay"]
    if card := given.get("card"):
        month, year = _expiry(act, {**method["card"], **card})
        changes["card"] = {**method["card"], "exp_month": month, "exp_year": year}
    act.change(method, **changes)
    act.tell("payment_method.updated", method)
    return method.body


def attach(act: Act, given: dict[str, Any]) -> Body:
    """Keep the method for a customer, to be used again."""
    method = needed(act, given["id"])
    customer = act.need("customer", given["customer"], param="customer")
    if method["customer"] not in {None, customer.id}:
        raise Refused("The payment method you provided has already been attached to a customer.")
    if method.inside.get("used"):
        raise _used_up()
    if (
        method["type"] == "card"
        and (declined := card_of(method).declined)
        and method.inside["card"] != "chargeCustomerFail"
    ):
        raise Refused(
            declined.message,
            status=402,
            type="card_error",
            code=declined.code,
            decline_code=declined.decline_code,
            payment_method=method.body,
        )
    keep(act, method, customer.id)
    return method.body


def keep(act: Act, method: Record, customer_id: str) -> None:
    """Keep the method for the customer."""
    act.change(method, customer=customer_id)
    if method.inside.get("named"):
        theirs = _fingerprint(f"{method.inside['card']}:{customer_id}")
        act.change(method, card={**method["card"], "fingerprint": theirs})
    act.link(method, "payment_method.customer", customer_id)
    act.tell("payment_method.attached", method)


def detach(act: Act, given: dict[str, Any]) -> Body:
    method = act.need("payment_method", given["id"])
    if method["customer"] is None:
        raise Refused("The payment method you provided is not attached to a customer so detachment is impossible.")
    act.note(method, used=True)
    act.change(method, customer=None)
    act.tell("payment_method.detached", method)
    mandates.end_all(act, method)
    return method.body


def taken(act: Act, given: dict[str, Any]) -> Record | None:
    """The method that a request names or describes, if it does."""
    if data := given.get("payment_method_data"):
        if given.get("payment_method"):
            raise Refused("You may only specify one of payment_method and payment_method_data.", param="payment_method")
        return described(act, data, inside="payment_method_data")
    named = given.get("payment_method")
    return needed(act, named, param="payment_method") if named else None


def needed(act: Act, method_id: str, *, param: str | None = None) -> Record:
    """The payment method of that id; a test method's name makes a new one."""
    card = cards.BY_METHOD.get(method_id)
    if card is None and (bank := bank_methods.named(method_id)):
        return described(act, bank)
    if card is None:
        return act.need("payment_method", method_id, param=param)
    year, _ = _date(act.at)
    return _added(act, card, month=12, year=year + 3, cvc=True, given={}, named=True)


def of_number(act: Act, data: dict[str, Any], given: dict[str, Any]) -> Record:
    """A new method for the card with that number. Raises `Refused` as a card error, naming the field."""
    number = (data.get("number") or "").replace(" ", "").replace("-", "")
    if not number:
        raise Refused("Missing required param: card[number].", code="parameter_missing", param="card[number]")
    if not cards.is_number(number):
        raise _card_error("incorrect_number", "Your card number is incorrect.", "number")
    month, year = _expiry(act, data)
    cvc = data.get("cvc")
    digits = 4 if cards.brand(number) == "amex" else 3
    if cvc is not None and not (cvc.isascii() and cvc.isdigit() and len(cvc) == digits):
        raise _card_error("invalid_cvc", "Your card's security code is invalid.", "cvc")
    card = cards.BY_NUMBER.get(number)
    if card is None:
        raise Refused(
            cards.LIVE_CARD.message,
            status=402,
            type="card_error",
            code=cards.LIVE_CARD.code,
            decline_code=cards.LIVE_CARD.decline_code,
        )
    return _added(act, card, month=month, year=year, cvc=cvc is not None, given=given)


def use(act: Act, method: Record) -> None:
    """Note that a payment succeeded with it: without a customer, it pays once."""
    if method["customer"] is None:
        act.note(method, used=True)


def must_be_unused(method: Record) -> None:
    if method.inside.get("used") and method["customer"] is None:
        raise _used_up()


def automatically_updated(act: Act, method: Record, told: dict[str, Any]) -> None:
    """The card's network tells that the bank gave out another: the method goes on with its new expiry and number."""
    card = method["card"]
    act.change(
        method,
        card={
            **card,
            "exp_month": told.get("exp_month", card["exp_month"]),
            "exp_year": told.get("exp_year", card["exp_year"] + 3),
            "last4": told.get("last4", card["last4"]),
        },
    )
    act.tell("payment_method.automatically_updated", method)


def card_of(method: Record) -> Card:
    return cards.BY_NAME[method.inside["card"]]


def merged(metadata: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """Metadata after an update: an empty text removes its key; nothing given removes all."""
    if not given:
        return {}
    return {name: text for name, text in {**metadata, **given}.items() if text}


def _added(
    act: Act, card: Card, *, month: int, year: int, cvc: bool, given: dict[str, Any], named: bool = False
) -> Record:
    method_id = act.mint("pm")
    billing = _billing(given.get("billing_details") or {}, NO_BILLING)
    address = billing["address"]
    checked = checks(card, cvc=cvc, line1=bool(address["line1"]), postal=bool(address["postal_code"]))
    # A test method's name stands for somebody's card of that kind, a typed number for the one card that has it.
    fingerprint = _fingerprint(f"{card.name}:{method_id}" if named else card.name)
    body: Body = {
        **PAYMENT_METHOD,
        "id": method_id,
        "allow_redisplay": given.get("allow_redisplay") or "unspecified",
        "billing_details": billing,
        "card": method_card(card, month=month, year=year, fingerprint=fingerprint, checked=checked),
        "created": act.at,
        "metadata": merged({}, given.get("metadata", {})),
    }
    return act.add("payment_method", body, inside={"card": card.name, "named": named})


def _billing(given: dict[str, Any], known: Body) -> Body:
    address = given.get("address")
    return {
        **known,
        **{name: value for name, value in given.items() if name != "address"},
        "address": known["address"] if address is None else {**NO_ADDRESS, **address},
    }


def _expiry(act: Act, data: dict[str, Any]) -> tuple[int, int]:
    month_text, year_text = str(data.get("exp_month") or ""), str(data.get("exp_year") or "")
    if not (month_text.isascii() and month_text.isdigit() and 1 <= int(month_text) <= 12):
        raise _card_error("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    year, month = _date(act.at)
    given = int(year_text) if year_text.isascii() and year_text.isdigit() else -1
    given = given + year // 100 * 100 if 0 <= given < 100 and len(year_text) <= 2 else given
    if not year <= given <= year + PERIOD_YEARS:
        raise _card_error("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year")
    if given == year and int(month_text) < month:
        raise _card_error("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    return int(month_text), given


def _date(at: int) -> tuple[int, int]:
    """Year and month of an instant, in UTC."""
    day = datetime.fromtimestamp(at, UTC)
    return day.year, day.month


def _fingerprint(card: str) -> str:
    """The same for the same card, and no way back to its number."""
    return hmac.digest(b"fingerprint", card.encode(), "sha256").hex()[:16]


def _card_error(code: str, message: str, param: str) -> Refused:
    return Refused(message, status=402, type="card_error", code=code, param=param)


def _used_up() -> Refused:
    return unexpected_state(
        "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer,"
        " and may not be used again.",
        code="payment_method_unexpected_state",
    )
