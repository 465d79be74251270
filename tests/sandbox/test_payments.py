"""A payment's way through the API, and what the API refuses on it."""

from __future__ import annotations

import aiohttp
import pytest

from ecosystem.sandbox import Sandbox, Settings
from sandbox.calling import Caller, payment


async def test_a_payment_may_be_made_in_steps(api: Caller) -> None:
    form = {"amount": "11000", "currency": "eur", "payment_method_types[]": "card"}
    intent = await api("POST", "/v1/payment_intents", form)
    assert intent["status"] == "requires_payment_method"
    unpaid = await api("POST", f"/v1/payment_intents/{intent['id']}/confirm")
    assert unpaid.error["code"] == "payment_intent_unexpected_state"

    updated = await api("POST", f"/v1/payment_intents/{intent['id']}", {"payment_method": "pm_card_visa"})
    assert updated["status"] == "requires_confirmation"
    confirmed = await api("POST", f"/v1/payment_intents/{intent['id']}/confirm")

    assert confirmed["status"] == "succeeded"
    assert confirmed["amount_received"] == 11000


async def test_a_declined_payment_may_be_tried_with_another_card(api: Caller) -> None:
    declined = await api.pay("pm_card_chargeDeclined")
    intent = declined.error["payment_intent"]["id"]

    tried = await api("POST", f"/v1/payment_intents/{intent}/confirm", {"payment_method": "pm_card_visa"})

    assert tried["status"] == "succeeded"
    charges = await api("GET", "/v1/charges", {"payment_intent": intent})
    assert [charge["status"] for charge in charges["data"]] == ["succeeded", "failed"]


async def test_held_money_is_captured_in_part_once(api: Caller) -> None:
    held = await api.pay(capture_method="manual")
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 11000)

    over = await api("POST", f"/v1/payment_intents/{held['id']}/capture", {"amount_to_capture": "11001"})
    taken = await api("POST", f"/v1/payment_intents/{held['id']}/capture", {"amount_to_capture": "4000"})
    again = await api("POST", f"/v1/payment_intents/{held['id']}/capture")

    assert over.error["code"] == "amount_too_large"
    assert (taken["status"], taken["amount_received"]) == ("succeeded", 4000)
    assert again.error["code"] == "payment_intent_unexpected_state"
    assert again.error["payment_intent"]["status"] == "succeeded"


async def test_refunds_never_pass_what_was_captured(api: Caller) -> None:
    held = await api.pay(capture_method="manual")
    await api("POST", f"/v1/payment_intents/{held['id']}/capture", {"amount_to_capture": "4000"})

    over = await api("POST", "/v1/refunds", {"payment_intent": held["id"], "amount": "4001"})
    first = await api("POST", "/v1/refunds", {"payment_intent": held["id"], "amount": "1000"})
    rest = await api("POST", "/v1/refunds", {"charge": first["charge"]})
    more = await api("POST", "/v1/refunds", {"charge": first["charge"]})

    assert "greater than unrefunded amount" in over.error["message"]
    assert (first["amount"], rest["amount"]) == (1000, 3000)
    assert more.error["code"] == "charge_already_refunded"
    charge = (await api("GET", f"/v1/charges/{first['charge']}")).body
    assert (charge["amount_refunded"], charge["refunded"]) == (4000, True)


async def test_a_payment_that_succeeded_is_neither_cancelled_nor_changed(api: Caller) -> None:
    paid = await api.pay()

    for path in ("cancel", "confirm", "capture"):
        refused = await api("POST", f"/v1/payment_intents/{paid['id']}/{path}")
        assert refused.error["code"] == "payment_intent_unexpected_state"
    refused = await api("POST", f"/v1/payment_intents/{paid['id']}", {"amount": "100"})
    assert refused.error["code"] == "payment_intent_unexpected_state"
    assert (await api("POST", f"/v1/payment_intents/{paid['id']}", {"metadata[a]": "1"}))["metadata"] == {"a": "1"}


async def test_payments_are_found_by_their_metadata(api: Caller) -> None:
    paid = await api.pay(**{"metadata[payment_id]": "pay_1", "metadata[booking_id]": "bkg_1"})
    await api.pay("pm_card_chargeDeclined", **{"metadata[payment_id]": "pay_2", "metadata[booking_id]": "bkg_1"})

    one = await api("GET", "/v1/payment_intents/search", {"query": "metadata['payment_id']:'pay_1'"})
    paid_ones = await api(
        "GET", "/v1/payment_intents/search", {"query": 'metadata["booking_id"]:"bkg_1" AND status:"succeeded"'}
    )
    nonsense = await api("GET", "/v1/payment_intents/search", {"query": "DROP TABLE"})

    assert [found["id"] for found in one["data"]] == [paid["id"]]
    assert [found["id"] for found in paid_ones["data"]] == [paid["id"]]
    assert nonsense.status == 400


async def test_lists_go_page_by_page_both_ways(api: Caller) -> None:
    made = [(await api.pay())["id"] for _ in range(5)][::-1]

    first = await api("GET", "/v1/payment_intents", {"limit": "2"})
    second = await api("GET", "/v1/payment_intents", {"limit": "2", "starting_after": first["data"][-1]["id"]})
    back = await api("GET", "/v1/payment_intents", {"limit": "2", "ending_before": second["data"][0]["id"]})
    last = await api("GET", "/v1/payment_intents", {"starting_after": made[3]})

    assert [one["id"] for one in first["data"] + second["data"]] == made[:4]
    assert (first["has_more"], second["has_more"], last["has_more"]) == (True, True, False)
    assert [one["id"] for one in back["data"]] == made[:2]
    assert [one["id"] for one in last["data"]] == made[4:]


async def test_what_an_id_names_can_be_shown_in_its_place(api: Caller) -> None:
    paid = await api.pay(**{"expand[]": "latest_charge.balance_transaction"})
    listed = await api("GET", "/v1/payment_intents", {"expand[]": "data.payment_method"})
    refused = await api("GET", f"/v1/payment_intents/{paid['id']}", {"expand[]": "amount.currency"})

    assert paid["latest_charge"]["balance_transaction"]["net"] == 11000 - 349
    assert listed["data"][0]["payment_method"]["card"]["last4"] == "4242"
    assert refused.status == 400


async def test_a_dispute_is_opened_answered_and_decided(api: Caller, sandbox: Sandbox) -> None:
    paid = [await api.pay("pm_card_createDispute") for _ in range(3)]
    await sandbox.settled()
    disputes = [(await api("GET", "/v1/disputes", {"payment_intent": one["id"]}))["data"][0] for one in paid]
    assert {dispute["status"] for dispute in disputes} == {"needs_response"}

    await api("POST", f"/v1/disputes/{disputes[0]['id']}", {"evidence[uncategorized_text]": "winning_evidence"})
    await api("POST", f"/v1/disputes/{disputes[1]['id']}", {"evidence[uncategorized_text]": "losing_evidence"})
    await api("POST", f"/v1/disputes/{disputes[2]['id']}/close")
    await sandbox.settled()

    ended = [(await api("GET", f"/v1/disputes/{dispute['id']}")).body for dispute in disputes]
    assert [dispute["status"] for dispute in ended] == ["won", "lost", "lost"]
    assert len(ended[0]["balance_transactions"]) == 2
    assert (await api("POST", f"/v1/disputes/{disputes[2]['id']}/close")).status == 400


async def test_an_inquiry_takes_no_money_until_it_is_escalated(api: Caller, sandbox: Sandbox) -> None:
    paid = await api.pay("pm_card_createDisputeInquiry")
    await sandbox.settled()
    dispute = (await api("GET", "/v1/disputes", {"payment_intent": paid["id"]}))["data"][0]
    assert (dispute["status"], dispute["balance_transactions"]) == ("warning_needs_response", [])
    assert (await api("POST", "/v1/refunds", {"payment_intent": paid["id"], "amount": "100"})).status == 200

    await api("POST", f"/v1/disputes/{dispute['id']}", {"evidence[uncategorized_text]": "escalate_inquiry_evidence"})

    escalated = (await api("GET", f"/v1/disputes/{dispute['id']}")).body
    assert (escalated["status"], len(escalated["balance_transactions"])) == ("needs_response", 1)
    assert (await api("POST", "/v1/refunds", {"payment_intent": paid["id"]})).error["code"] == "charge_disputed"


async def test_the_balance_is_the_sum_of_its_entries(api: Caller, sandbox: Sandbox) -> None:
    paid = await api.pay()
    at_once = await api.pay("pm_card_bypassPending")
    await api("POST", "/v1/refunds", {"payment_intent": paid["id"], "amount": "1000"})
    await api.pay("pm_card_createDispute")
    await sandbox.settled()

    balance = await api("GET", "/v1/balance")
    entries = await api("GET", "/v1/balance_transactions", {"limit": "100"})
    of_one = await api("GET", "/v1/balance_transactions", {"source": at_once["latest_charge"]})

    held = balance["available"][0]["amount"] + balance["pending"][0]["amount"]
    assert held == sum(entry["net"] for entry in entries["data"])
    assert [entry["status"] for entry in of_one["data"]] == ["available"]


async def test_a_customers_card_pays_more_than_once(api: Caller) -> None:
    customer = await api("POST", "/v1/customers", {"name": "Ana"})
    method = await api("POST", "/v1/payment_methods/pm_card_visa/attach", {"customer": customer["id"]})

    for _ in range(2):
        assert (await api.pay(method["id"], customer=customer["id"]))["status"] == "succeeded"
    assert (await api.pay(method["id"])).status == 400
    kept = await api("GET", f"/v1/customers/{customer['id']}/payment_methods")
    assert [one["id"] for one in kept["data"]] == [method["id"]]


async def test_the_publishable_key_makes_methods_and_sees_one_payment_with_its_secret(
    api: Caller, sandbox: Sandbox
) -> None:
    paid = await api.pay()
    public = sandbox.keys.publishable_key
    path = f"/v1/payment_intents/{paid['id']}"

    assert (await api("GET", path, {"client_secret": paid["client_secret"]}, secret=public))["id"] == paid["id"]
    assert (await api("GET", path, secret=public)).status == 400
    assert (await api("GET", path, {"client_secret": "wrong"}, secret=public)).status == 400
    assert (await api("POST", "/v1/payment_intents", payment(), secret=public)).status == 403
    assert (await api("POST", "/v1/refunds", {"payment_intent": paid["id"]}, secret=public)).status == 403


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer sk_test_wrong", "Basic !", "Basic w6k6", "Digest x"])
async def test_without_a_key_nothing_is_answered(api: Caller, authorization: str) -> None:
    for method, path in (("GET", "/v1/balance"), ("POST", "/v1/payment_intents"), ("GET", "/v1/nothing")):
        assert (await api(method, path, Authorization=authorization)).status == 401


async def test_an_authorization_ends_after_seven_days(settings: Settings) -> None:
    clock = [1_795_176_000.0]
    async with Sandbox.running(settings, now=lambda: clock[0]) as sandbox, aiohttp.ClientSession() as session:
        api = Caller(sandbox.origin, session)
        held = await api.pay(capture_method="manual", **{"expand[]": "latest_charge"})
        ends_at = held["latest_charge"]["payment_method_details"]["card"]["capture_before"]
        assert ends_at == clock[0] + 7 * 86400

        clock[0] = ends_at + 1
        sandbox.nudge()
        await sandbox.settled()

        ended = (await api("GET", f"/v1/payment_intents/{held['id']}")).body
        assert (ended["status"], ended["cancellation_reason"]) == ("canceled", "automatic")
        assert [effect.what for effect in sandbox.effects()] == ["authorized", "released"]
