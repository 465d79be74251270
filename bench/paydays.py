"""What histories do around payouts: owners ask for them and call them off, banks refuse them or send them back.

Operators decide on those that are looked at, pause and resume, and have our own money brought to our bank. At the end
nothing may be under way, no connected account may hold anything, and the ledger's account at the processor has to be
what the processor's own list of our balance's entries sums up to, its fees included.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol

import aiohttp
from tests.market import ADA, OPERATOR, SYSTEM, Market

from ecosystem.contexts.fraud import NotTrained
from ecosystem.contexts.identity import Admission
from ecosystem.contexts.payouts import (
    AskPayout,
    Cadence,
    Payout,
    PayoutId,
    PayoutStatus,
    Reserve,
    SetPayoutPlan,
    Speed,
    Withdraw,
    Withdrawal,
    WithdrawalStatus,
)
from ecosystem.journeys.casework import DecideCase
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Refusal
from ecosystem.sandbox.refusals import Refused

OWNER = Actor(actor_id="usr_01kag2m8xw00000000000pan1a", groups=(Group.CUSTOMERS, Group.PROVIDERS))
"""With an account of her own: the processor asks for her address."""

BACK, AGAIN = "http://127.0.0.1:8000/provider/payouts?back=1", "http://127.0.0.1:8000/provider/payouts/continue"
TOLD = {"first_name": "Paula", "last_name": "Sousa", "born": "1901-01-01", "terms": "1"}
NUMBERS = (*["PT50 0002 0123 1234 5678 9015 4"] * 4, "DE89370400440532013002")
"""Of the account that payouts go to: mostly one that takes them, at times one that was closed."""

SENT_BACK_WITHIN = timedelta(days=8)
CURRENCIES = ("EUR", "JPY", "KWD")
OPEN = {WithdrawalStatus.INTENDED, WithdrawalStatus.IN_TRANSIT}
PAGES_MAX = 200


class Lived(Protocol):
    """A history, as far as an act needs it."""

    @property
    def random(self) -> random.Random: ...

    @property
    def told(self) -> Counter[str]: ...


async def begin(history: Lived, shop: Market) -> None:
    """The owner has an account at the processor, and an operator has decided what is kept back."""
    admission = Admission(
        user_id=OWNER.actor_id, email="paula@example.org", password="-", name="Paula Sousa", zone="Europe/Lisbon",
        groups=OWNER.groups,
    )  # fmt: skip
    await shop.app.ports.table.transact(*shop.app.identity.people.admitting(admission, SYSTEM))
    link = await shop.app.payout_accounts.link(shop.provider_id, OWNER, back=BACK, again=AGAIN)
    form = {**TOLD, "number": history.random.choice(NUMBERS)}
    async with aiohttp.ClientSession() as browser, browser.post(link.url, data=form, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
    await shop.sandbox.settled_by_now()
    await shop.app.payout_accounts.ask(shop.provider_id, SYSTEM)
    kept = history.random.choice((Reserve(share_bps=0, days=0), Reserve(share_bps=2_500, days=7), None))
    await shop.app.payout_settings.keep_back(shop.provider_id, kept, OPERATOR)


async def earn(shop: Market, service_id: str) -> str:
    """A booking that was paid, with money that is available at once, and done: something to be paid out. Its id."""
    start_at = shop.clock.now().replace(minute=0) + timedelta(hours=3)
    paid = await shop.book(service_id, start_at, card="pm_card_bypassPending")
    shop.clock.advance(timedelta(hours=5))
    await shop.wiring.caught_up()
    await shop.app.closing.complete(paid.booking.booking_id, ADA)
    return paid.booking.booking_id


async def ask_payout(history: Lived, shop: Market) -> None:
    outlook = await shop.app.paying_out.outlooks.of(shop.provider_id, OWNER)
    for funds in outlook.funds:
        if funds.available:
            amount = Money(max(1, funds.available.minor // history.random.choice((1, 1, 2, 3))), funds.currency)
            speed = history.random.choice((Speed.STANDARD, Speed.STANDARD, Speed.INSTANT))
            request = AskPayout(
                payout_id=PayoutId(shop.id("pyt")), provider_id=shop.provider_id, amount=amount, speed=speed
            )
            await shop.app.paying_out.ask(request, OWNER)
            if history.random.random() < 0.2:
                await shop.app.paying_out.ask(request, OWNER)
            return


async def cancel_payout(history: Lived, shop: Market) -> None:
    known = await _payouts(shop, *PayoutStatus)
    if known:
        await shop.app.paying_out.cancel(history.random.choice(known[:4]).payout_id, OWNER)


async def set_plan(history: Lived, shop: Market) -> None:
    row = await shop.app.payout_plans.find(shop.provider_id)
    request = SetPayoutPlan(
        cadence=history.random.choice((Cadence.DAILY, Cadence.DAILY, Cadence.WEEKLY, Cadence.MANUAL)),
        weekday=history.random.randint(1, 7),
        version=row.version if row else 0,
    )
    await shop.app.payout_settings.set(shop.provider_id, request, OWNER)


async def resume_payouts(history: Lived, shop: Market) -> None:
    await shop.app.payout_settings.resume(shop.provider_id, history.random.choice((OWNER, OPERATOR)))


async def pause_payouts(history: Lived, shop: Market) -> None:
    await shop.app.payout_settings.pause(shop.provider_id, "As we agreed", history.random.choice((OWNER, OPERATOR)))


async def bank_refuses(history: Lived, shop: Market) -> None:
    """The bank refuses a payout that is on its way, or sends one back that it took."""
    known = await _payouts(shop, PayoutStatus.IN_TRANSIT, PayoutStatus.PAID)
    since = shop.clock.now() - SENT_BACK_WITHIN
    sent = [each for each in known if each.rail_id and (each.paid_at is None or each.paid_at > since)]
    if sent:
        payout = history.random.choice(sent)
        with suppress(Refused):  # It has come back before.
            await shop.sandbox.happen("payout.failed", payout.rail_id, {"code": "account_closed"})
            history.told[f"bank refuses a payout that is {payout.status}"] += 1


async def look_into(history: Lived, shop: Market) -> None:
    """An operator decides on payouts that wait for one."""
    for payout in await _payouts(shop, PayoutStatus.INTENDED):
        if payout.in_review:
            with suppress(NotTrained):
                await shop.app.reviewers.set(OPERATOR.actor_id, OPERATOR, trained=True)
            approve = history.random.random() < 0.7
            await shop.app.casework.decide(
                DecideCase(subject_id=payout.payout_id, approve=approve, note="As it looks"), OPERATOR
            )
            history.told["payout looked into"] += 1


async def withdraw(history: Lived, shop: Market) -> None:
    """What is there goes to our own bank: at times more than there is."""
    for funds in (await shop.app.withdrawing.balance(OPERATOR)).funds:
        if funds.available > 0:
            units = history.random.choice((funds.available, funds.available // 2, funds.available * 2))
            request = Withdraw(withdrawal_id=shop.id("wdr"), amount=Money(max(1, units), funds.currency))
            made = await shop.app.withdrawing.withdraw(request, OPERATOR)
            history.told[f"withdrawal {made.status}"] += 1


ACTS: tuple[Callable[[Lived, Market], Awaitable[None]], ...] = (
    *[ask_payout] * 4,
    cancel_payout,
    *[set_plan] * 2,
    *[resume_payouts] * 2,
    pause_payouts,
    *[bank_refuses] * 3,
    look_into,
    withdraw,
)


async def close(history: Lived, shop: Market) -> None:
    """No payout is decided any more; those that wait for an operator are decided on, and some come back late."""
    await look_into(history, shop)
    if history.random.random() < 0.4:
        await bank_refuses(history, shop)
    await shop.app.payout_settings.pause(shop.provider_id, "The history ends", OPERATOR)
    await call_off(history, shop)


async def call_off(history: Lived, shop: Market) -> None:
    """What was not sent is called off: a pause would hold it for ever. Some of it is under way and goes on."""
    for payout in await _payouts(shop, PayoutStatus.INTENDED):
        with suppress(Refusal):
            await shop.app.paying_out.cancel(payout.payout_id, OPERATOR)
            history.told["payout called off at the end"] += 1


async def judge(history: Lived, shop: Market) -> None:
    """Everything has ended, and the processor says the same as the ledger. Raises AssertionError."""
    for payout in await _payouts(shop, *PayoutStatus):
        assert not payout.is_open, f"{payout.payout_id} is still {payout.status}"
        history.told[f"payout {payout.status}"] += 1
    for withdrawal in (await shop.app.ports.table.scan(Withdrawal, limit=1000)).values:
        assert withdrawal.status not in OPEN, f"{withdrawal.withdrawal_id} is still {withdrawal.status}"
    account = await shop.app.payout_accounts.of(shop.provider_id, OWNER)
    if account.account and account.account.account_id:
        for funds in (await shop.app.ports.transfers.balance(account.account.account_id)).funds:
            assert funds.available + funds.pending == 0, f"money lies in the account at the processor: {funds}"
    ours: Counter[str] = Counter()
    for entry in await _entries(shop):
        ours[entry["currency"].upper()] += entry["net"]
        history.told[f"entry {entry['type']}"] += 1
    for currency in {*ours, *CURRENCIES}:
        net = ours[currency]
        known = -await shop.balance(f"processor:{currency}")
        assert known == net, f"{currency}: the ledger says {known} at the processor, the processor says {net}"


async def _payouts(shop: Market, *statuses: PayoutStatus) -> list[Payout]:
    """Payouts in one of these statuses, the newest first."""
    page = await shop.app.ports.table.scan(Payout, limit=1000)
    return sorted((each for each in page.values if each.status in statuses), key=lambda each: each.payout_id)[::-1]


async def _entries(shop: Market) -> list[dict[str, Any]]:
    """Every entry of our balance, as the processor itself lists them."""
    found: list[dict[str, Any]] = []
    headers = {"Authorization": f"Bearer {shop.sandbox.keys.secret_key}"}
    async with aiohttp.ClientSession(f"{shop.sandbox.origin}/v1/", headers=headers) as desk:
        for _ in range(PAGES_MAX):
            params = {"limit": "100", **({"starting_after": found[-1]["id"]} if found else {})}
            async with desk.get("balance_transactions", params=params) as answer:
                page = await answer.json()
            found += page["data"]
            if not page["has_more"]:
                return found
    raise AssertionError("the processor's list has no end")
