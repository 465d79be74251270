"""A history of payments, refunds, chargebacks, accounts and payouts of which no webhook arrived, and how it all stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp

from contracts.accounts.benches import TOLD
from ecosystem.contexts.ledger import chart
from ecosystem.contexts.payments import Payment
from ecosystem.contexts.payouts import Payout
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.actor import Group
from ecosystem.kernel.money import Money
from ecosystem.ports.cards import ProcessorSilent
from ecosystem.sandbox import Fault, What
from market import OPERATOR, SYSTEM
from payday import AGAIN, BACK, earned, nothing_is_kept_back, wanted
from processor_news import News
from workflows.lives import admitted

CLOSED = "DE89370400440532013002"


@dataclass(frozen=True)
class History:
    payments: tuple[Payment, ...]
    payouts: tuple[Payout, ...]
    providers: tuple[str, ...]


async def lived(news: News) -> History:
    """Lost answers, a challenge, refunds here and at the desk, chargebacks, a payout that failed and one that is paid."""
    shop = news.shop
    payouts = [await _paid_out(news, name, **said) for name, said in (("Paula", {}), ("Olga", {"number": CLOSED}))]
    providers = [payout.provider_id for payout in payouts]
    third = await admitted(shop, "Third Sousa", Group.PROVIDERS)
    await shop.provider(third)
    await _filled_in(news, third)
    service_id = await shop.service(shop.provider_id, owner=third)
    held_id = await shop.service(shop.provider_id, owner=third, instant=False)
    cards = (
        ("pm_card_visa", service_id, True),
        ("pm_card_chargeDeclined", service_id, True),
        ("pm_card_visa", held_id, True),
        ("pm_card_refundFail", service_id, False),
        ("pm_card_visa", service_id, False),
        ("pm_card_createDispute", service_id, False),
        ("pm_card_createIssuerFraudRecord", service_id, True),
    )
    payments: list[Payment] = []
    for hour, (card, service, lost) in enumerate(cards, start=8):
        if lost:
            shop.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/payment_intents", times=3))
        paid = await shop.book(service, shop.tomorrow(hour) + timedelta(days=5), card=card)
        payments.append(paid.payment)
    back = GiveBack(
        refund_id=shop.id("rfd"), booking_id=payments[3].booking_id, amount=Money(4_000, "EUR"), reason="goodwill"
    )
    await shop.app.refunding.give_back(back, OPERATOR)
    await news.at_desk("refunds", payment_intent=payments[4].intent_id, amount=3_000)
    await shop.sandbox.settled()
    [dispute] = (await shop.app.ports.cards.chargebacks()).items
    await news.happens("dispute.lost", dispute.chargeback_id)
    await shop.sequence()
    await news.days(5)
    return History(tuple(payments), tuple(payouts), (*providers, shop.provider_id))


async def picture(news: News, history: History) -> dict[str, Any]:
    """How everything in it stands, without when it was heard of."""
    shop = news.shop
    shown: dict[str, Any] = {}
    for n, each in enumerate(history.payments):
        payment = (await shop.app.payments.payment(each.booking_id, each.payment_id)).value
        refunds = [row.value for row in await shop.app.refunds.refunds_of(each.booking_id)]
        chargeback = payment.chargeback
        shown[f"payment {n}"] = (
            payment.state,
            payment.refunded.minor,
            sorted((refund.amount.minor, refund.state) for refund in refunds),
            (chargeback.standing, chargeback.taken.minor) if chargeback else None,
            (await shop.app.bookings.row(each.booking_id)).value.status,
            [each.state for each in await shop.app.disputes.of_booking(each.booking_id)],
            await shop.balance(chart.escrow(each.booking_id)),
        )
    for n, each in enumerate(history.payouts):
        shown[f"payout {n}"] = (await shop.app.payouts.row(each.payout_id)).value.status
        plan = await shop.app.payout_plans.find(each.provider_id)
        shown[f"pause {n}"] = bool(plan and plan.value.pause)
    for n, provider_id in enumerate(history.providers):
        account = (await shop.app.payout_accounts.of(provider_id, OPERATOR)).account
        shown[f"account {n}"] = (account.state, account.bank_last4) if account else None
        shown[f"balance {n}"] = await shop.balance(chart.provider(provider_id, "EUR"))
    await shop.sequence()
    for name in ("processor", "bank"):
        shown[name] = await shop.balance(f"{name}:EUR")
    return shown


async def _filled_in(news: News, owner: Any, **said: str) -> None:
    link = await news.shop.app.payout_accounts.link(news.shop.provider_id, owner, back=BACK, again=AGAIN)
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(link.url, data={**TOLD, **said}, allow_redirects=False) as answer,
    ):
        assert answer.status == 303
    await news.shop.sandbox.settled()


async def _paid_out(news: News, name: str, **said: str) -> Payout:
    """A payout of 90.00 whose answer was lost."""
    shop = news.shop
    owner = await admitted(shop, f"{name} Sousa", Group.PROVIDERS)
    await shop.provider(owner)
    await _filled_in(news, owner, **said)
    await shop.app.payout_accounts.ask(shop.provider_id, SYSTEM)
    await nothing_is_kept_back(shop)
    await earned(shop, owner=owner)
    await shop.sequence()
    payout = await shop.app.paying_out.ask(wanted(shop, 9_000), owner)
    shop.clock.advance(timedelta(minutes=2))
    shop.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/payouts", times=3))
    try:
        await shop.app.processor_payouts.carry_out(payout.payout_id, SYSTEM)
    except ProcessorSilent:
        return payout
    raise AssertionError("the answer was not lost")
