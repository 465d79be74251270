"""The public test cards behave as their public list says, by number and by name."""

from __future__ import annotations

import pytest

from ecosystem.sandbox import Sandbox
from ecosystem.sandbox.cards import BY_METHOD, CARDS, Authentication, is_number
from sandbox.calling import Caller

NUMBERS = [
    ("4242424242424242", "succeeded", None),
    ("5555555555554444", "succeeded", None),
    ("378282246310005", "succeeded", None),
    ("4000000000000002", "card_declined", "generic_decline"),
    ("4000000000009995", "card_declined", "insufficient_funds"),
    ("4000000000009987", "card_declined", "lost_card"),
    ("4000000000009979", "card_declined", "stolen_card"),
    ("4000000000000069", "expired_card", None),
    ("4000000000000127", "incorrect_cvc", None),
    ("4000000000000119", "processing_error", None),
    ("4000000000006975", "card_declined", "card_velocity_exceeded"),
    ("4100000000000019", "card_declined", "fraudulent"),
    ("4000002500003155", "requires_action", None),
    ("4000002760003184", "requires_action", None),
    ("4000000000003220", "requires_action", None),
    ("4000008400001280", "card_declined", "generic_decline"),
    ("4000000000003055", "succeeded", None),
    ("4000000000000259", "succeeded", None),
    ("4000000000005126", "succeeded", None),
]


def card_form(number: str, **card: str) -> dict[str, str]:
    given = {"number": number, "exp_month": "12", "exp_year": "2040", "cvc": "123", **card}
    if number.startswith("3") and "cvc" not in card:
        given["cvc"] = "1234"
    return {"type": "card"} | {f"card[{name}]": value for name, value in given.items()}


@pytest.mark.parametrize(("number", "outcome", "decline_code"), NUMBERS)
async def test_a_number_behaves_as_published(api: Caller, number: str, outcome: str, decline_code: str | None) -> None:
    method = await api("POST", "/v1/payment_methods", card_form(number))
    assert method.status == 200, method.body
    assert method["card"]["last4"] == number[-4:]

    paid = await api.pay(method["id"])

    if paid.status == 200:
        assert paid["status"] == outcome
    else:
        assert (paid.status, paid.error["code"], paid.error.get("decline_code")) == (402, outcome, decline_code)
        assert paid.error["payment_intent"]["status"] == "requires_payment_method"
        assert paid.error["payment_intent"]["last_payment_error"]["message"] == paid.error["message"]


async def test_every_name_on_the_list_is_a_card(api: Caller) -> None:
    for name, card in BY_METHOD.items():
        paid = await api.pay(name)
        intent = paid.body if paid.status == 200 else paid.error["payment_intent"]
        stopped = card.authentication in {Authentication.REQUIRED, Authentication.BROKEN}
        expected = "requires_action" if card.authentication is Authentication.REQUIRED else "requires_payment_method"
        assert intent["status"] == (expected if stopped or card.declined else "succeeded"), name


def test_every_number_on_the_list_has_a_right_check_digit() -> None:
    assert [card.number for card in CARDS if not is_number(card.number)] == []


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        (card_form("4242424242424241"), "incorrect_number", "number"),
        (card_form("42424242"), "incorrect_number", "number"),
        (card_form("\uff14\uff12\uff14\uff12424242424242"), "incorrect_number", "number"),
        (card_form("4242424242424242", exp_month="13"), "invalid_expiry_month", "exp_month"),
        (card_form("4242424242424242", exp_month="0"), "invalid_expiry_month", "exp_month"),
        (card_form("4242424242424242", exp_year="2019"), "invalid_expiry_year", "exp_year"),
        (card_form("4242424242424242", exp_year="2100"), "invalid_expiry_year", "exp_year"),
        (card_form("4242424242424242", cvc="99"), "invalid_cvc", "cvc"),
        (card_form("378282246310005", cvc="123"), "invalid_cvc", "cvc"),
    ],
)
async def test_wrong_card_data_is_refused_by_field(api: Caller, form: dict[str, str], code: str, param: str) -> None:
    refused = await api("POST", "/v1/payment_methods", form)

    assert (refused.status, refused.error["type"]) == (402, "card_error")
    assert (refused.error["code"], refused.error["param"]) == (code, param)


async def test_a_real_card_is_not_taken_and_its_number_is_kept_nowhere(api: Caller, sandbox: Sandbox) -> None:
    number = "4929420573595709"
    refused = await api("POST", "/v1/payment_methods", card_form(number))

    assert refused.error["decline_code"] == "test_mode_live_card"
    for file in sandbox.settings.data.parent.iterdir():
        assert number.encode() not in file.read_bytes()


async def test_not_even_a_test_number_is_kept(api: Caller, sandbox: Sandbox) -> None:
    method = await api("POST", "/v1/payment_methods", card_form("4242424242424242"), key="k")
    await api.pay(method["id"])

    for file in sandbox.settings.data.parent.iterdir():
        assert b"4242424242424242" not in file.read_bytes()


async def test_checks_speak_of_what_was_given_only(api: Caller) -> None:
    bare = await api("POST", "/v1/payment_methods", card_form("4000000000000036"))
    full = await api(
        "POST",
        "/v1/payment_methods",
        card_form("4000000000000036") | {"billing_details[address][postal_code]": "11111"},
    )

    assert bare["card"]["checks"]["address_postal_code_check"] is None
    assert full["card"]["checks"]["address_postal_code_check"] == "fail"


@pytest.mark.parametrize("off_session", ["true", "one_off"])
async def test_a_card_that_needs_its_owner_is_declined_without_them(api: Caller, off_session: str) -> None:
    declined = await api.pay("pm_card_authenticationRequired", off_session=off_session)
    set_up = await api.pay("pm_card_authenticationRequiredSetupForOffSession", off_session=off_session)

    assert declined.error["code"] == "authentication_required"
    assert set_up["status"] == "succeeded"


async def test_a_challenge_can_be_asked_of_a_card_that_needs_none(api: Caller) -> None:
    wanted = {"payment_method_options[card][request_three_d_secure]": "any"}

    assert (await api.pay(**wanted))["status"] == "requires_action"
    assert (await api.pay("pm_card_amex", **wanted))["status"] == "succeeded"
