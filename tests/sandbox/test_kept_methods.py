"""Cards and bank accounts that are kept for later, and what they pay then, through the official SDK."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
import stripe

from sandbox.sdk import World

ACCEPTED = {"customer_acceptance": {"type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": "test"}}}
BANK = {"type": "us_bank_account", "billing_details": {"name": "Ana"}}


def numbered(number: str) -> dict[str, Any]:
    return {**BANK, "us_bank_account": {"account_number": number, "routing_number": "110000000"}}


async def debited(at: World, number: str = "000123456789", **more: Any) -> Any:
    return await at.v1.payment_intents.create_async(
        {
            "amount": 20_000,
            "currency": "usd",
            "payment_method_types": ["us_bank_account"],
            "payment_method_data": numbered(number),
            "mandate_data": ACCEPTED,
            "confirm": True,
            **more,
        }
    )


async def kept(at: World, method: str = "pm_card_visa", **more: Any) -> Any:
    customer = await at.v1.customers.create_async({"email": "ana@example.org", "name": "Ana"})
    return await at.v1.setup_intents.create_async(
        {"customer": customer.id, "payment_method": method, "confirm": True, "return_url": "https://x.test/", **more}
    )


async def test_a_card_that_was_kept_pays_without_the_customer(at: World) -> None:
    intent = await kept(at)
    paid = await at.paid(method=intent.payment_method, customer=intent.customer, off_session=True)
    again = await at.paid(method=intent.payment_method, customer=intent.customer, off_session=True)
    listed = await at.v1.customers.payment_methods.list_async(intent.customer)

    assert (intent.status, paid.status, again.status) == ("succeeded", "succeeded", "succeeded")
    assert [one.id for one in listed.data] == [intent.payment_method]
    await at.settled()
    assert len(at.told("setup_intent.succeeded")) == len(at.told("payment_method.attached")) == 1


async def test_a_card_that_is_declined_is_not_kept(at: World) -> None:
    with pytest.raises(stripe.CardError) as refused:
        await kept(at, "pm_card_chargeDeclined")
    await at.settled()

    assert refused.value.code == "card_declined"
    assert refused.value.error.setup_intent.status == "requires_payment_method"
    assert at.told("setup_intent.setup_failed")[0]["data"]["object"]["last_setup_error"]["code"] == "card_declined"


async def test_a_card_may_ask_for_its_owner_when_it_is_kept(at: World) -> None:
    intent = await kept(at, "pm_card_authenticationRequiredOnSetup")
    assert intent.status == "requires_action"
    url = intent.next_action.redirect_to_url.url
    async with aiohttp.ClientSession() as browser:
        async with browser.get(url) as page:
            assert "Confirm it is you" in await page.text()
        async with browser.post(url, data={"decision": "authorize"}, allow_redirects=False) as _:
            pass

    assert (await at.v1.setup_intents.retrieve_async(intent.id)).status == "succeeded"


async def test_a_payment_may_keep_its_card_and_a_detached_one_pays_no_more(at: World) -> None:
    customer = await at.v1.customers.create_async({"email": "ana@example.org"})
    paid = await at.paid(method="pm_card_visa", customer=customer.id, setup_future_usage="off_session")
    await at.v1.payment_methods.detach_async(paid.payment_method)

    with pytest.raises(stripe.InvalidRequestError):
        await at.paid(method=paid.payment_method, customer=customer.id)
    assert (await at.v1.payment_methods.list_async({"customer": customer.id})).data == []


async def test_a_bank_debit_is_known_days_later(at: World) -> None:
    intent = await debited(at)
    assert intent.status == "processing"
    await at.move(5)

    paid = await at.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge.balance_transaction"]})
    assert (paid.status, paid.latest_charge.balance_transaction.fee) == ("succeeded", 160)
    assert paid.latest_charge.payment_method_details.us_bank_account.last4 == "6789"
    told = [event["type"] for event in at.listener.heard if event["type"].startswith(("charge.", "payment_intent."))]
    assert told == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("000111111116", "no_account"),
        ("000111111113", "account_closed"),
        ("000222222227", "insufficient_funds"),
        ("000333333335", "debit_not_authorized"),
    ],
)
async def test_a_bank_debit_that_comes_back_says_why(at: World, number: str, code: str) -> None:
    intent = await debited(at, number)
    await at.move(5)

    failed = await at.v1.payment_intents.retrieve_async(intent.id)
    assert (failed.status, failed.last_payment_error.code) == ("requires_payment_method", code)
    assert at.told("charge.failed")[0]["data"]["object"]["failure_code"] == code
    ended = [event["data"]["object"]["status"] for event in at.told("mandate.updated")]
    assert ended == ([] if code == "insufficient_funds" else ["inactive"])


async def test_a_bank_debit_may_be_disputed_after_it_was_paid(at: World) -> None:
    intent = await debited(at, "000555555559")
    await at.move(5)

    [dispute] = (await at.v1.disputes.list_async({"payment_intent": intent.id})).data
    assert (dispute.reason, dispute.amount) == ("debit_not_authorized", 20_000)


async def test_without_a_mandate_no_bank_account_is_debited(at: World) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await debited(at, mandate_data="")
    assert (refused.value.code, refused.value.param) == ("parameter_missing", "mandate_data")


async def test_micro_deposits_prove_that_the_account_is_the_customers(at: World) -> None:
    options = {"us_bank_account": {"verification_method": "microdeposits"}}
    intent = await debited(at, payment_method_options=options)
    assert intent.next_action.type == "verify_with_microdeposits"

    with pytest.raises(stripe.InvalidRequestError) as refused:
        await at.v1.payment_intents.verify_microdeposits_async(intent.id, {"amounts": [1, 2]})
    verified = await at.v1.payment_intents.verify_microdeposits_async(intent.id, {"amounts": [45, 32]})

    assert refused.value.code == "payment_method_microdeposit_verification_amounts_mismatch"
    assert verified.status == "processing"


async def test_a_bank_transfer_comes_in_parts(at: World) -> None:
    customer = await at.v1.customers.create_async({"email": "ana@example.org"})
    intent = await at.v1.payment_intents.create_async(
        {
            "amount": 20_000,
            "currency": "usd",
            "customer": customer.id,
            "payment_method_types": ["customer_balance"],
            "payment_method_data": {"type": "customer_balance"},
            "payment_method_options": {
                "customer_balance": {"funding_type": "bank_transfer", "bank_transfer": {"type": "us_bank_transfer"}}
            },
            "confirm": True,
        }
    )
    fund = at.v1.test_helpers.customers.fund_cash_balance_async
    await fund(customer.id, {"amount": 15_000, "currency": "usd"})
    part = await at.v1.payment_intents.retrieve_async(intent.id)
    await fund(customer.id, {"amount": 5_000, "currency": "usd"})
    await at.settled()

    assert part.next_action.display_bank_transfer_instructions.amount_remaining == 5_000
    assert (await at.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"
    assert len(at.told("payment_intent.partially_funded")) == 1


async def test_a_deleted_customer_keeps_nothing(at: World) -> None:
    intent = await kept(at)
    gone = await at.v1.customers.delete_async(intent.customer)

    assert gone.deleted is True
    assert (await at.v1.customers.retrieve_async(intent.customer)).deleted is True
    with pytest.raises(stripe.InvalidRequestError):
        await at.v1.customers.update_async(intent.customer, {"name": "Ana"})
    assert (await at.v1.payment_methods.retrieve_async(intent.payment_method)).customer is None
