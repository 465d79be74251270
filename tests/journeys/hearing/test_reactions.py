"""Each type of event that something follows from brings it about alone, and told three times has one effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp
import pytest
from msgspec.structs import replace

from contracts.accounts.benches import TOLD
from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.fraud import Assessment, Label, LabelSource
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payments import Payment, PaymentState, PayoutAccount, PayoutState, RefundState, WebhookState
from ecosystem.contexts.payouts import Payout, PayoutStatus, WithdrawalStatus
from ecosystem.journeys.hearing import REACTIONS, Reaction
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.ports.cards import ChargebackStanding, ProcessorSilent
from ecosystem.sandbox import Fault, What
from market import ADA, OPERATOR, OWNER, SYSTEM, Market
from payday import AGAIN, BACK, earned, known, nothing_is_kept_back, wanted
from processor_news import News, retyped
from workflows.lives import admitted, told

Case = Callable[[News, str], Awaitable[None]]
CLOSED = "DE89370400440532013002"


# Payments


async def payment_of(shop: Market, asked: Payment) -> Payment:
    return (await shop.app.payments.payment(asked.booking_id, asked.payment_id)).value


async def pay(
    news: News, card: str = "pm_card_visa", *, instant: bool = True, lost: bool = False, hour: int = 10
) -> Payment:
    """A payment whose answer we had, or had not."""
    shop = news.shop
    service_id = await shop.service(shop.provider_id, instant=instant)
    if lost:
        shop.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/payment_intents", times=3))
    paid = await shop.book(service_id, shop.tomorrow(hour), card=card)
    if lost:
        assert paid.payment.state is PaymentState.INTENDED
    return paid.payment


async def is_captured(news: News, asked: Payment) -> None:
    now = await payment_of(news.shop, asked)
    assert now.state is PaymentState.CAPTURED
    assert (await news.shop.app.bookings.row(asked.booking_id)).value.status is BookingStatus.CONFIRMED
    assert await news.shop.balance(chart.escrow(asked.booking_id)) == 10_000


async def captured(news: News, kind: str) -> None:
    asked = await pay(news, lost=True)
    if kind == "charge.updated":
        [charge] = await news.told("charge.succeeded")
        await news.at_desk(f"charges/{charge['data']['object']['id']}", description="A walk")
    await news.only(kind)
    await is_captured(news, asked)


async def late_word(news: News, kind: str) -> None:
    """It was under way once; by now it is paid, and that is what counts."""
    asked = await pay(news, lost=True)
    about = "payment_intent.succeeded" if kind.startswith("payment_intent") else "charge.succeeded"
    [event] = await news.told(about)
    for _ in range(3):
        await news.hand_on(retyped(event, kind, status="processing"))
    await is_captured(news, asked)


async def declined(news: News, kind: str) -> None:
    asked = await pay(news, "pm_card_chargeDeclined", lost=True)
    await news.only(kind)
    now = await payment_of(news.shop, asked)
    assert now.state is PaymentState.FAILED
    assert now.decline


async def challenged(news: News, kind: str) -> None:
    asked = await pay(news, "pm_card_authenticationRequired", lost=True)
    await news.only(kind)
    now = await payment_of(news.shop, asked)
    assert now.state is PaymentState.REQUIRES_ACTION
    assert now.challenge_url


async def authorized(news: News, kind: str) -> None:
    asked = await pay(news, instant=False, lost=True)
    await news.only(kind)
    assert (await payment_of(news.shop, asked)).state is PaymentState.AUTHORIZED
    status = (await news.shop.app.bookings.row(asked.booking_id)).value.status
    assert status is BookingStatus.AWAITING_PROVIDER


async def cancelled(news: News, kind: str) -> None:
    asked = await pay(news, instant=False)
    await news.at_desk(f"payment_intents/{asked.intent_id}/cancel")
    await news.only(kind)
    assert (await payment_of(news.shop, asked)).state is PaymentState.CANCELLED


async def accepted(news: News, kind: str) -> None:
    asked = await pay(news, instant=False)
    news.shop.sandbox.fail_next(silent(f"/v1/payment_intents/{asked.intent_id}/capture"))
    with pytest.raises(ProcessorSilent):
        await news.shop.app.acceptance.accept(asked.booking_id, OWNER)
    await news.only(kind)
    await is_captured(news, asked)


async def expired(news: News, kind: str) -> None:
    asked = await pay(news, instant=False)
    await news.shop.sequence()
    await news.days(8)
    await news.only(kind)
    assert (await payment_of(news.shop, asked)).state is PaymentState.CANCELLED


# Refunds


async def refunded_at_desk(news: News, kind: str) -> None:
    asked = await pay(news, "pm_card_pendingRefund" if kind.endswith("updated") else "pm_card_visa")
    await news.at_desk("refunds", payment_intent=asked.intent_id, amount=3_000)
    await news.shop.sandbox.settled()
    await news.only(kind)
    [refund] = await news.shop.app.refunds.refunds_of(asked.booking_id)
    assert refund.value.state is RefundState.ISSUED
    assert (await payment_of(news.shop, asked)).refunded == Money(3_000, "EUR")
    assert await news.shop.balance(chart.escrow(asked.booking_id)) == 7_000


async def refund_failed(news: News, kind: str) -> None:
    asked = await pay(news, "pm_card_refundFail")
    request = GiveBack(
        refund_id=news.shop.id("rfd"), booking_id=asked.booking_id, amount=Money(4_000, "EUR"), reason="goodwill"
    )
    await news.shop.app.refunding.give_back(request, OPERATOR)
    await news.shop.sandbox.settled()
    await news.only(kind)
    [refund] = await news.shop.app.refunds.refunds_of(asked.booking_id)
    assert refund.value.state is RefundState.FAILED
    assert (await payment_of(news.shop, asked)).refundable == Money(10_000, "EUR")


# Chargebacks, warnings, reviews


async def charged_back(news: News, kind: str) -> None:
    asked = await pay(news, "pm_card_createDispute")
    await news.shop.sandbox.settled()
    [event] = await news.told("charge.dispute.created")
    dispute_id = event["data"]["object"]["id"]
    standing, taken = ChargebackStanding.OPEN, 10_000
    if kind.endswith("closed"):
        await news.happens("dispute.lost", dispute_id)
        standing = ChargebackStanding.LOST
    elif kind.endswith("reinstated"):
        await news.happens("dispute.won", dispute_id)
        standing, taken = ChargebackStanding.WON, 0
    elif kind.endswith("updated"):
        form = {"evidence[uncategorized_text]": "They were there.", "submit": "true"}
        await news.at_desk(f"disputes/{dispute_id}", **form)
        await news.shop.sandbox.settled()
        standing = ChargebackStanding.UNDER_REVIEW
    await news.only(kind)
    now = (await payment_of(news.shop, asked)).chargeback
    assert now
    assert (now.standing, now.taken) == (standing, Money(taken, "EUR"))
    assert await news.shop.balance(chart.escrow(asked.booking_id)) == 10_000 - taken
    disputes = await news.shop.app.disputes.of_booking(asked.booking_id)
    assert [each.chargeback_id for each in disputes] == [dispute_id]


async def assessed(news: News, asked: Payment) -> Assessment:
    row = await news.shop.app.assessments.of_checkout(asked.booking_id, asked.payment_id)
    assert row
    return row.value


async def warned(news: News, kind: str) -> None:
    oscar = await admitted(news.shop, "Oscar Operator", Group.ADMINS)
    asked = await pay(news, "pm_card_createIssuerFraudRecord")
    await news.shop.sandbox.settled()
    if kind.endswith("updated"):
        await news.at_desk("refunds", payment_intent=asked.intent_id, reason="fraudulent")
    await news.only(kind)
    now = await assessed(news, asked)
    assert (now.label, now.labelled_by) == (Label.FRAUD, LabelSource.WARNING)
    assert ("fraud-warned" in await told(news.shop, oscar)) == kind.endswith("created")


async def review_opened(news: News, kind: str) -> None:
    oscar = await admitted(news.shop, "Oscar Operator", Group.ADMINS)
    await pay(news, "pm_card_riskLevelElevated")
    await news.only(kind)
    assert (await told(news.shop, oscar)).count("review-opened") == 1


async def review_closed(news: News, kind: str) -> None:
    asked = await pay(news, "pm_card_riskLevelElevated")
    [event] = await news.told("review.opened")
    await news.at_desk(f"reviews/{event['data']['object']['id']}/approve")
    await news.only(kind)
    assert (await assessed(news, asked)).label is Label.GENUINE


# Cards that are kept


async def kept(news: News) -> str:
    shop = news.shop
    hold = await shop.hold(await shop.service(shop.provider_id), shop.tomorrow(9), ADA)
    paid = await shop.app.checkout.pay(replace(await shop.request(hold, ADA), keep=True), ADA)
    await shop.app.card_keeping.keep(paid.booking.booking_id, paid.payment.payment_id, SYSTEM)
    wallet = await shop.app.card_keeping.wallet(ADA)
    assert wallet
    return wallet.cards[0].card_id


async def card_gone(news: News, kind: str) -> None:
    card_id = await kept(news)
    await news.at_desk(f"payment_methods/{card_id}/detach")
    if kind == "mandate.updated":
        [event] = await news.told("payment_method.detached")
        mandate = retyped(event, kind, id="mandate_1", object="mandate", payment_method=card_id, status="inactive")
        for _ in range(3):
            await news.hand_on(mandate)
    else:
        await news.only(kind)
    wallet = await news.shop.app.card_keeping.wallet(ADA)
    assert wallet
    assert wallet.cards == ()


async def card_renewed(news: News, kind: str) -> None:
    card_id = await kept(news)
    await news.happens(kind, card_id, exp_year=2044)
    await news.only(kind)
    wallet = await news.shop.app.card_keeping.wallet(ADA)
    assert wallet
    assert wallet.card(card_id).expires_year == 2044


# Payouts, transfers, top-ups


async def payee(news: News, **said: str) -> Actor:
    """A provider with a payout account, who has said everything to the processor; we did not ask since."""
    owner = await admitted(news.shop, "Paula Sousa", Group.PROVIDERS)
    await news.shop.provider(owner)
    link = await news.shop.app.payout_accounts.link(news.shop.provider_id, owner, back=BACK, again=AGAIN)
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(link.url, data={**TOLD, **said}, allow_redirects=False) as answer,
    ):
        assert answer.status == 303
    await news.shop.sandbox.settled()
    return owner


async def account_of(news: News) -> PayoutAccount:
    account = (await news.shop.app.payout_accounts.of(news.shop.provider_id, OPERATOR)).account
    assert account
    return account


async def begun(news: News, *faults: Fault, card: str = "pm_card_bypassPending", **said: str) -> Payout:
    """A payout of 90.00 that was taken to the processor, with these faults on the way."""
    shop, owner = news.shop, await payee(news, **said)
    await shop.app.payout_accounts.ask(shop.provider_id, SYSTEM)
    await nothing_is_kept_back(shop)
    await earned(shop, owner=owner, card=card)
    await shop.sequence()
    payout = await shop.app.paying_out.ask(wanted(shop, 9_000), owner)
    shop.clock.advance(timedelta(minutes=2))
    for fault in faults:
        shop.sandbox.fail_next(fault)
    try:
        await shop.app.processor_payouts.carry_out(payout.payout_id, SYSTEM)
    except ProcessorSilent:
        assert faults
    return await known(shop, payout)


async def balance(news: News) -> int:
    return await news.shop.balance(chart.provider(news.shop.provider_id, "EUR"))


def silent(path: str, what: What = What.LOSE_ANSWER) -> Fault:
    return Fault(what=what, path=path, times=3)


async def transferred(news: News, kind: str) -> None:
    payout = await begun(news, silent("/v1/transfers"))
    assert payout.status is PayoutStatus.INTENDED
    if kind.endswith("updated"):
        [event] = await news.told("transfer.created")
        await news.at_desk(f"transfers/{event['data']['object']['id']}", description="for a walk")
    await news.only(kind)
    now = await known(news.shop, payout)
    assert now.status is PayoutStatus.IN_TRANSIT
    assert now.transfer_id
    assert await news.shop.balance(chart.payout(payout.payout_id)) == 0


async def taken_back(news: News, kind: str) -> None:
    payout = await begun(news, silent("/v1/payouts", What.LOSE_REQUEST))
    assert payout.status is PayoutStatus.SENT
    await news.at_desk(f"transfers/{payout.transfer_id}/reversals")
    await news.only(kind)
    assert (await known(news.shop, payout)).status is PayoutStatus.FAILED
    assert await balance(news) == 9_000


async def money_came(news: News, kind: str) -> None:
    payout = await begun(news, card="pm_card_visa")
    assert payout.status is PayoutStatus.INTENDED
    await news.days(4)
    await news.only(kind)
    assert (await known(news.shop, payout)).status is PayoutStatus.IN_TRANSIT


async def payout_known(news: News, kind: str) -> None:
    payout = await begun(news, silent("/v1/payouts"))
    assert (payout.status, payout.rail_id) == (PayoutStatus.SENT, "")
    if kind != "payout.created":
        await news.days(5)
    await news.only(kind)
    now = await known(news.shop, payout)
    assert now.status is (PayoutStatus.IN_TRANSIT if kind == "payout.created" else PayoutStatus.PAID)
    assert now.rail_id


async def payout_failed(news: News, kind: str) -> None:
    payout = await begun(news, **({"number": CLOSED} if kind == "payout.failed" else {}))
    if kind == "payout.canceled":
        account_id = payout.destination.account_id
        await news.at_desk(f"payouts/{payout.rail_id}/cancel", account_id)
    else:
        await news.days(5)
    await news.only(kind)
    assert (await known(news.shop, payout)).status is PayoutStatus.FAILED
    assert await balance(news) == 9_000
    plan = await news.shop.app.payout_plans.find(news.shop.provider_id)
    assert plan
    assert (plan.value.pause is not None) == (kind == "payout.failed")


async def fees_taken(news: News, kind: str) -> None:
    await news.at_desk("balance_settings", **{"payments[payouts][schedule][interval]": "daily"})
    await pay(news, "pm_card_bypassPending")
    await news.at_desk("payouts", amount=100, currency="eur")  # So that it has a bank account to pay to.
    await pay(news, hour=14)
    await news.shop.sequence()
    await news.days(8)
    await news.only(kind)
    await news.shop.sequence()
    assert await news.shop.balance("costs:EUR") < 0


async def topped_up(news: News, kind: str) -> None:
    oscar = await admitted(news.shop, "Oscar Operator", Group.ADMINS)
    source = {"source": "btok_us_verified_noAccount"} if kind.endswith("failed") else {}
    topup = await news.at_desk("topups", amount=5_000, currency="usd", **source)
    await news.days(3)
    if kind.endswith("reversed"):
        await news.happens(kind, topup["id"])
    await news.only(kind)
    await news.shop.sequence()
    moved = 5_000 if kind.endswith("succeeded") else 0
    assert await news.shop.balance("processor:USD") == -moved
    assert await news.shop.balance("bank:USD") == moved
    assert ("top-up-failed" in await told(news.shop, oscar)) == kind.endswith("failed")


# Payout accounts


async def account_known(news: News, kind: str) -> None:
    await payee(news)
    account_id = (await account_of(news)).account_id
    if kind.startswith("person."):
        person = await news.at_desk(f"accounts/{account_id}/persons", first_name="Ana")
        path = f"accounts/{account_id}/persons/{person['id']}"
        await news.at_desk(path, last_name="Sousa")
        assert (await news.desk("DELETE", f"/v1/{path}")).status == 200
    elif kind.startswith("account.external_account."):
        number = "DE89370400440532013000"
        form = {"object": "bank_account", "country": "DE", "currency": "eur", "account_number": number}
        path = f"accounts/{account_id}/external_accounts"
        bank = await news.at_desk(path, **{f"external_account[{name}]": told for name, told in form.items()})
        await news.at_desk(f"{path}/{bank['id']}", **{"metadata[name]": "second"})
        assert (await news.desk("DELETE", f"/v1/{path}/{bank['id']}")).status == 200
    assert (await account_of(news)).state is not PayoutState.ACTIVE
    await news.only(kind)
    now = await account_of(news)
    assert (now.state, now.bank_last4) == (PayoutState.ACTIVE, TOLD["number"].replace(" ", "")[-4:])


async def access_lost(news: News, kind: str) -> None:
    oscar = await admitted(news.shop, "Oscar Operator", Group.ADMINS)
    await payee(news)
    account = await news.shop.app.payout_accounts.ask(news.shop.provider_id, SYSTEM)
    assert account.state is PayoutState.ACTIVE
    await news.happens(kind, account.account_id)
    await news.only(kind)
    now = await account_of(news)
    assert (now.state, now.is_lost) == (PayoutState.RESTRICTED, True)
    assert (await told(news.shop, oscar)).count("account-lost") == 1


async def access_again(news: News, kind: str) -> None:
    await access_lost(news, "account.application.deauthorized")
    await news.happens(kind, (await account_of(news)).account_id)
    await news.only(kind)
    assert (await account_of(news)).state is PayoutState.ACTIVE


CASES: dict[str, Case] = {
    "payment_intent.succeeded": captured,
    "payment_intent.payment_failed": declined,
    "payment_intent.canceled": cancelled,
    "payment_intent.processing": late_word,
    "payment_intent.requires_action": challenged,
    "payment_intent.amount_capturable_updated": authorized,
    "charge.succeeded": captured,
    "charge.failed": declined,
    "charge.captured": accepted,
    "charge.expired": expired,
    "charge.pending": late_word,
    "charge.updated": captured,
    "charge.refunded": refunded_at_desk,
    "charge.refund.updated": refunded_at_desk,
    "refund.created": refunded_at_desk,
    "refund.updated": refunded_at_desk,
    "refund.failed": refund_failed,
    "charge.dispute.created": charged_back,
    "charge.dispute.updated": charged_back,
    "charge.dispute.closed": charged_back,
    "charge.dispute.funds_withdrawn": charged_back,
    "charge.dispute.funds_reinstated": charged_back,
    "radar.early_fraud_warning.created": warned,
    "radar.early_fraud_warning.updated": warned,
    "review.opened": review_opened,
    "review.closed": review_closed,
    "payment_method.detached": card_gone,
    "payment_method.automatically_updated": card_renewed,
    "mandate.updated": card_gone,
    "transfer.created": transferred,
    "transfer.updated": transferred,
    "transfer.reversed": taken_back,
    "balance.available": money_came,
    "topup.succeeded": topped_up,
    "topup.failed": topped_up,
    "topup.reversed": topped_up,
    "payout.created": payout_known,
    "payout.updated": payout_known,
    "payout.paid": payout_known,
    "payout.failed": payout_failed,
    "payout.canceled": payout_failed,
    "payout.reconciliation_completed": fees_taken,
    "account.updated": account_known,
    "account.application.authorized": access_again,
    "account.application.deauthorized": access_lost,
    "account.external_account.created": account_known,
    "account.external_account.updated": account_known,
    "account.external_account.deleted": account_known,
    "capability.updated": account_known,
    "person.created": account_known,
    "person.updated": account_known,
    "person.deleted": account_known,
}


@pytest.mark.parametrize("kind", CASES)
async def test_an_event_alone_brings_its_change_about_once(shop: Market, news: News, kind: str) -> None:
    await CASES[kind](news, kind)

    await shop.verified()


def test_every_type_that_something_follows_from_has_its_case() -> None:
    acted = {kind for kind, what in REACTIONS.items() if isinstance(what, Reaction)}

    assert set(CASES) == acted


@pytest.mark.parametrize("kind", sorted(set(REACTIONS) - set(CASES)))
async def test_a_type_that_is_only_recorded_is_kept_with_its_reason(shop: Market, news: News, kind: str) -> None:
    await pay(news)
    [event] = await news.told("payment_intent.succeeded")

    stored = await news.hand_on(retyped(event, kind))

    assert (stored.state, stored.unknown) == (WebhookState.RECORDED, False)
    assert stored.trouble
    assert await shop.app.hearing.unknown(OPERATOR) == []


async def test_a_type_that_nobody_knows_is_recorded_and_shown_to_operators(shop: Market, news: News) -> None:
    await pay(news)
    [event] = await news.told("payment_intent.succeeded")

    stored = await news.hand_on(retyped(event, "charge.teleported"))

    assert (stored.state, stored.unknown) == (WebhookState.RECORDED, True)
    assert [each.type for each in await shop.app.hearing.unknown(OPERATOR)] == ["charge.teleported"]
    assert await shop.app.hearing.waiting(OPERATOR) == []


async def test_a_transfer_taken_back_by_other_hands_is_told_to_operators(shop: Market, news: News) -> None:
    oscar = await admitted(shop, "Oscar Operator", Group.ADMINS)
    payout = await begun(news)
    await news.at_desk(f"transfers/{payout.transfer_id}/reversals", amount=1_000)

    await news.only("transfer.reversed")

    assert (await told(shop, oscar)).count("transfer-taken-back") == 1
    assert (await known(shop, payout)).status is PayoutStatus.IN_TRANSIT


async def test_a_payout_of_our_own_balance_that_nobody_asked_for_here_is_in_the_books(shop: Market, news: News) -> None:
    await pay(news, "pm_card_bypassPending")
    await news.at_desk("payouts", amount=3_000, currency="eur")
    await news.days(5)

    await news.only("payout.paid")

    [made] = (await shop.app.withdrawing.book.latest(OPERATOR)).values
    await shop.sequence()
    assert (made.status, made.amount) == (WithdrawalStatus.ARRIVED, Money(3_000, "EUR"))
    assert await shop.balance("bank:EUR") == -3_000
    await shop.verified()
