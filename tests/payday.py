"""A provider who can be paid, and money on their balance."""

from __future__ import annotations

from datetime import timedelta

import aiohttp

from contracts.accounts.benches import TOLD
from ecosystem.contexts.payouts import AskPayout, Payout, PayoutId, Reserve, Speed
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from market import ADA, OPERATOR, OWNER, SYSTEM, Market

AVAILABLE = "pm_card_bypassPending"
"""A card whose money is available at the processor at once."""

BACK, AGAIN = "http://127.0.0.1:8000/provider/payouts?back=1", "http://127.0.0.1:8000/provider/payouts/continue"


async def can_be_paid(shop: Market, owner: Actor, **told: str) -> None:
    """The owner has told the processor everything, and it has told us."""
    link = await shop.app.payout_accounts.link(shop.provider_id, owner, back=BACK, again=AGAIN)
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(link.url, data={**TOLD, **told}, allow_redirects=False) as answer,
    ):
        assert answer.status == 303, await answer.text()
    await shop.sandbox.settled()
    await shop.app.payout_accounts.ask(shop.provider_id, SYSTEM)


async def nothing_is_kept_back(shop: Market) -> None:
    await shop.app.payout_settings.keep_back(shop.provider_id, Reserve(share_bps=0, days=0), OPERATOR)


async def earned(
    shop: Market,
    price: int = 10_000,
    card: str = AVAILABLE,
    currency: str = "EUR",
    owner: Actor | None = None,
    hour: int = 10,
) -> str:
    """A booking that was paid and done: nine tenths of its price are on the balance. The booking's id."""
    service_id = await shop.service(shop.provider_id, Money(price, currency), owner=owner or OWNER)
    start_at = shop.tomorrow(hour)
    paid = await shop.book(service_id, start_at, card=card)
    shop.clock.advance(start_at + timedelta(hours=4) - shop.clock.now())
    await shop.app.closing.complete(paid.booking.booking_id, ADA)
    return paid.booking.booking_id


def wanted(shop: Market, minor: int, speed: Speed = Speed.STANDARD, currency: str = "EUR") -> AskPayout:
    return AskPayout(
        payout_id=PayoutId(shop.id("pyt")),
        provider_id=shop.provider_id,
        amount=Money(minor, currency),
        speed=speed,
    )


async def known(shop: Market, payout: Payout) -> Payout:
    """The payout as it is by now."""
    return (await shop.app.payouts.row(payout.payout_id)).value


async def of_processor(shop: Market) -> dict[str, int]:
    """What our own balance at the processor holds, by currency, in minor units."""
    balance = await shop.app.ports.transfers.balance(None)
    return {each.currency: each.available + each.pending for each in balance.funds}


async def days(shop: Market, count: int) -> None:
    """Let days go by, at the processor and at its banks too."""
    for _ in range(count):
        await shop.sandbox.settled()
        await shop.passes(timedelta(days=1))
    await shop.sandbox.settled()
    await shop.passes()
