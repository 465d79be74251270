"""Every type of event that a marketplace has to handle can be made to happen, and comes signed, true and complete."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import Any

import stripe

from sandbox.calling import KEYS
from sandbox.sdk import DAY, World
from sandbox.test_kept_methods import ACCEPTED, BANK, debited, kept, numbered

Make = Callable[[World], Awaitable[Any]]
PDF = b"%PDF-1.4 evidence"


async def pay(at: World, card: str = "visa", **more: Any) -> Any:
    return await at.paid(method=f"pm_card_{card}", **more)


async def declined(at: World) -> None:
    try:
        await pay(at, "chargeDeclined")
    except stripe.CardError:
        return
    raise AssertionError("the card was not declined")


async def held(at: World) -> Any:
    return await pay(at, capture_method="manual")


async def captured(at: World) -> None:
    await at.v1.payment_intents.capture_async((await held(at)).id)


async def cancelled(at: World) -> None:
    await at.v1.payment_intents.cancel_async((await held(at)).id)


async def expired(at: World) -> None:
    await held(at)
    await at.move(8)


async def challenged(at: World) -> None:
    await pay(at, "authenticationRequired", return_url="https://x.test/")


async def transferred_in_parts(at: World) -> None:
    customer = await at.v1.customers.create_async({"email": "ana@example.org"})
    options = {"customer_balance": {"funding_type": "bank_transfer", "bank_transfer": {"type": "us_bank_transfer"}}}
    await at.v1.payment_intents.create_async(
        {
            "amount": 20_000,
            "currency": "usd",
            "customer": customer.id,
            "payment_method_types": ["customer_balance"],
            "payment_method_data": {"type": "customer_balance"},
            "payment_method_options": options,
            "confirm": True,
        }
    )
    fund = at.v1.test_helpers.customers.fund_cash_balance_async
    await fund(customer.id, {"amount": 15_000, "currency": "usd"})
    await fund(customer.id, {"amount": 5_000, "currency": "usd"})


async def charge_updated(at: World) -> None:
    await at.v1.charges.update_async((await pay(at)).latest_charge, {"description": "A walk"})


async def refunded(at: World, card: str = "visa") -> Any:
    paid = await pay(at, card)
    await at.settled()
    return await at.v1.refunds.create_async({"payment_intent": paid.id})


async def refund_updated(at: World) -> None:
    await refunded(at, "pendingRefund")


async def refund_failed(at: World) -> None:
    await refunded(at, "refundFail")


async def disputed(at: World) -> Any:
    paid = await pay(at, "createDispute")
    await at.settled()
    [dispute] = (await at.v1.disputes.list_async({"payment_intent": paid.id})).data
    return dispute


async def dispute_won(at: World) -> None:
    dispute = await disputed(at)
    evidence = io.BytesIO(PDF)
    evidence.name = "evidence.pdf"
    file = await at.v1.files.create_async({"purpose": "dispute_evidence", "file": evidence})
    await at.v1.disputes.update_async(dispute.id, {"evidence": {"receipt": file.id}, "submit": False})
    await at.v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})


async def dispute_lost(at: World) -> None:
    await at.v1.disputes.close_async((await disputed(at)).id)


async def warned(at: World) -> Any:
    paid = await pay(at, "createIssuerFraudRecord")
    await at.settled()
    return paid


async def warning_acted_on(at: World) -> None:
    await at.v1.refunds.create_async({"payment_intent": (await warned(at)).id, "reason": "fraudulent"})
    await at.v1.radar.early_fraud_warnings.list_async()


async def reviewed(at: World) -> Any:
    return await pay(at, "riskLevelElevated")


async def review_closed(at: World) -> None:
    await at.v1.reviews.approve_async((await reviewed(at)).review)


async def setup_failed(at: World) -> None:
    try:
        await kept(at, "pm_card_chargeDeclined")
    except stripe.CardError:
        return
    raise AssertionError("the card was not declined")


async def detached(at: World) -> None:
    await at.v1.payment_methods.detach_async((await kept(at)).payment_method)


async def card_replaced(at: World) -> None:
    await at.happen("payment_method.automatically_updated", (await kept(at)).payment_method, exp_year=2044)


async def mandate_ended(at: World) -> None:
    customer = await at.v1.customers.create_async({"email": "ana@example.org"})
    intent = await at.v1.setup_intents.create_async(
        {
            "customer": customer.id,
            "payment_method_types": ["us_bank_account"],
            "payment_method_data": {**BANK, **numbered("000123456789")},
            "mandate_data": ACCEPTED,
            "confirm": True,
        }
    )
    await at.v1.mandates.retrieve_async(intent.mandate)
    await at.v1.payment_methods.detach_async(intent.payment_method)


async def fee_collected(at: World) -> Any:
    account = await at.account()
    on = {"stripe_account": account.id}
    told = {"amount": 10_000, "currency": "usd", "payment_method": "pm_card_visa", "payment_method_types": ["card"]}
    told |= {"confirm": True, "application_fee_amount": 1_000}
    paid = await at.v1.payment_intents.create_async(told, options=on)
    charge = await at.v1.charges.retrieve_async(paid.latest_charge, options=on)
    return await at.v1.application_fees.retrieve_async(charge.application_fee)


async def fee_refunded(at: World) -> Any:
    fee = await fee_collected(at)
    return await at.v1.application_fees.refunds.create_async(fee.id, {"amount": 400})


async def fee_refund_updated(at: World) -> None:
    refund = await fee_refunded(at)
    await at.v1.application_fees.refunds.update_async(refund.fee, refund.id, {"metadata": {"why": "kindness"}})


async def transferred(at: World) -> Any:
    await at.paid(2_000_000)
    account = await at.account()
    return await at.v1.transfers.create_async({"amount": 10_000, "currency": "usd", "destination": account.id})


async def transfer_updated(at: World) -> None:
    await at.v1.transfers.update_async((await transferred(at)).id, {"metadata": {"booking": "bkg_1"}})


async def transfer_reversed(at: World) -> None:
    await at.v1.transfers.reversals.create_async((await transferred(at)).id, {"amount": 4_000})


async def matured(at: World) -> None:
    await pay(at)
    await at.move(3)


async def topped_up(at: World, **more: Any) -> Any:
    topup = await at.v1.topups.create_async({"amount": 10_000, "currency": "usd", **more})
    await at.move(2)
    return topup


async def topup_failed(at: World) -> None:
    await topped_up(at, source="btok_us_verified_noAccount")


async def topup_reversed(at: World) -> None:
    await at.happen("topup.reversed", (await topped_up(at)).id)


async def paid_out(at: World, number: str = "000123456789", days: float = 0, **schedule: Any) -> tuple[Any, Any]:
    await at.paid(2_000_000)
    account = await at.account(number, **schedule)
    on = {"stripe_account": account.id}
    await at.v1.transfers.create_async({"amount": 10_000, "currency": "usd", "destination": account.id})
    payout = None
    if not schedule:
        payout = await at.v1.payouts.create_async({"amount": 10_000, "currency": "usd"}, options=on)
    if days:
        await at.move(days)
    return payout, on


async def payout_arrived(at: World) -> None:
    await paid_out(at, days=5)


async def payout_failed(at: World) -> None:
    await paid_out(at, "000111111116", days=5)


async def payout_cancelled(at: World) -> None:
    payout, on = await paid_out(at)
    await at.v1.payouts.cancel_async(payout.id, options=on)


async def payout_reconciled(at: World) -> None:
    await paid_out(at, days=6, schedule={"interval": "daily"})


async def deauthorized(at: World) -> Any:
    account = await at.account()
    await at.happen("account.application.deauthorized", account.id)
    return account


async def authorized(at: World) -> None:
    await at.happen("account.application.authorized", (await deauthorized(at)).id)


async def bank_account_changed(at: World) -> None:
    account = await at.account()
    external = at.v1.accounts.external_accounts
    other = await external.create_async(account.id, {"external_account": "btok_us_verified_noAccount"})
    await external.update_async(account.id, other.id, {"metadata": {"name": "main"}})
    await external.delete_async(account.id, other.id)


async def person(at: World) -> None:
    account = await at.account()
    persons = at.v1.accounts.persons
    made = await persons.create_async(account.id, {"first_name": "Paula", "relationship": {"owner": True}})
    await persons.update_async(account.id, made.id, {"last_name": "Sousa", "dob": {"day": 1, "month": 2, "year": 1990}})
    await persons.delete_async(account.id, made.id)


async def session(at: World, **more: Any) -> Any:
    item = {"price_data": {"currency": "usd", "unit_amount": 5_000, "product_data": {"name": "Walk"}}, "quantity": 2}
    return await at.v1.checkout.sessions.create_async(
        {"mode": "payment", "line_items": [item], "success_url": "https://x.test/", **more}
    )


async def session_paid(at: World) -> None:
    await at.happen("checkout.session.paid", (await session(at)).id, payment_method="pm_card_visa")


async def session_debited(at: World, method: str = "pm_usBankAccount_success") -> None:
    made = await session(at, payment_method_types=["us_bank_account"])
    await at.happen("checkout.session.paid", made.id, payment_method=method)
    await at.move(5)


async def session_debit_failed(at: World) -> None:
    await session_debited(at, "pm_usBankAccount_insufficientFunds")


async def session_expired(at: World) -> None:
    await at.v1.checkout.sessions.expire_async((await session(at)).id)


async def report(at: World) -> Any:
    interval = {"interval_start": int(at.clock()) - 30 * DAY, "interval_end": int(at.clock())}
    return await at.v1.reporting.report_runs.create_async({"report_type": "balance.summary.1", "parameters": interval})


async def report_made(at: World) -> None:
    await report(at)
    await at.move(1)


async def report_failed(at: World) -> None:
    await at.happen("reporting.report_run.failed", (await report(at)).id)


MAKES: dict[str, Make] = {
    "payment_intent.succeeded": pay,
    "payment_intent.payment_failed": declined,
    "payment_intent.canceled": cancelled,
    "payment_intent.processing": debited,
    "payment_intent.requires_action": challenged,
    "payment_intent.amount_capturable_updated": held,
    "payment_intent.partially_funded": transferred_in_parts,
    "charge.succeeded": pay,
    "charge.failed": declined,
    "charge.captured": captured,
    "charge.expired": expired,
    "charge.pending": debited,
    "charge.updated": charge_updated,
    "charge.refunded": refunded,
    "charge.refund.updated": refund_updated,
    "refund.created": refunded,
    "refund.updated": refund_updated,
    "refund.failed": refund_failed,
    "charge.dispute.created": disputed,
    "charge.dispute.updated": dispute_won,
    "charge.dispute.closed": dispute_lost,
    "charge.dispute.funds_withdrawn": disputed,
    "charge.dispute.funds_reinstated": dispute_won,
    "radar.early_fraud_warning.created": warned,
    "radar.early_fraud_warning.updated": warning_acted_on,
    "review.opened": reviewed,
    "review.closed": review_closed,
    "setup_intent.succeeded": kept,
    "setup_intent.setup_failed": setup_failed,
    "payment_method.attached": kept,
    "payment_method.detached": detached,
    "payment_method.automatically_updated": card_replaced,
    "mandate.updated": mandate_ended,
    "application_fee.created": fee_collected,
    "application_fee.refunded": fee_refunded,
    "application_fee.refund.updated": fee_refund_updated,
    "transfer.created": transferred,
    "transfer.updated": transfer_updated,
    "transfer.reversed": transfer_reversed,
    "balance.available": matured,
    "topup.succeeded": topped_up,
    "topup.failed": topup_failed,
    "topup.reversed": topup_reversed,
    "payout.created": paid_out,
    "payout.updated": payout_arrived,
    "payout.paid": payout_arrived,
    "payout.failed": payout_failed,
    "payout.canceled": payout_cancelled,
    "payout.reconciliation_completed": payout_reconciled,
    "account.updated": World.account,
    "account.application.authorized": authorized,
    "account.application.deauthorized": deauthorized,
    "account.external_account.created": bank_account_changed,
    "account.external_account.updated": bank_account_changed,
    "account.external_account.deleted": bank_account_changed,
    "capability.updated": World.account,
    "person.created": person,
    "person.updated": person,
    "person.deleted": person,
    "checkout.session.completed": session_paid,
    "checkout.session.async_payment_succeeded": session_debited,
    "checkout.session.async_payment_failed": session_debit_failed,
    "checkout.session.expired": session_expired,
    "reporting.report_run.succeeded": report_made,
    "reporting.report_run.failed": report_failed,
}
"""How each of the types comes about."""
OF_ACCOUNTS = ("account.", "capability.", "person.")


async def test_every_type_of_event_can_be_made_to_happen_and_comes_signed(at: World) -> None:
    silent: list[str] = []
    for kind, make in MAKES.items():
        at.listener.heard.clear()
        at.listener.raw.clear()
        await make(at)
        await at.settled()
        if not at.told(kind):
            silent.append(kind)
        for body, signature in at.listener.raw:
            stripe.Webhook.construct_event(body, signature, KEYS.webhook_secret, tolerance=None)
        for event in at.told(kind):
            assert event["object"] == "event"
            assert ("previous_attributes" in event["data"]) == kind.endswith("updated"), kind
            assert ("account" in event) or not kind.startswith(OF_ACCOUNTS), kind

    assert silent == []
    assert len(MAKES) == 65


async def test_an_event_carries_the_thing_as_it_is_and_what_it_was(at: World) -> None:
    transfer = await transferred(at)
    await at.v1.transfers.update_async(transfer.id, {"metadata": {"booking": "bkg_1"}, "description": "Walk"})
    await at.settled()

    [event] = at.told("transfer.updated")
    now = await at.v1.transfers.retrieve_async(transfer.id)
    assert event["data"]["object"] == now.to_dict()
    assert event["data"]["previous_attributes"] == {"metadata": {"booking": None}, "description": None}
    assert event["request"]["id"].startswith("req_")
