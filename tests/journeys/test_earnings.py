"""What a provider earned, what is held for them, and the statement that says why."""

from datetime import timedelta

import pytest

from ecosystem.contexts.booking import CancelBooking
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied
from market import ADA, GUEST, OPERATOR, OWNER, Market


async def test_a_share_is_held_until_the_service_is_done_and_then_theirs(shop: Market) -> None:
    earnings = shop.app.earnings
    paid = await shop.book(await shop.service(shop.provider_id), shop.tomorrow(), GUEST)

    summary = await earnings.summary(shop.provider_id, OWNER, currency="EUR")
    (before,), (release,) = summary.balances, summary.releases
    shop.clock.advance(timedelta(days=1))
    await shop.app.closing.complete(paid.booking.booking_id, GUEST)
    (after,) = (await earnings.summary(shop.provider_id, OWNER, currency="EUR")).balances
    statement = await earnings.statement(shop.provider_id, "EUR", OWNER)

    assert (before.units, before.held) == (0, Money(9_000, "EUR"))
    assert (release.share, release.at) == (Money(9_000, "EUR"), paid.booking.completes_at)
    assert (after.units, after.held) == (9_000, Money(0, "EUR"))
    (entry,) = statement.entries
    assert (entry.line.posted, entry.line.balance) == (9_000, 9_000)
    assert entry.booking is not None
    assert entry.booking.booking_id == paid.booking.booking_id


async def test_what_was_given_back_in_part_holds_that_much_less(shop: Market) -> None:
    paid = await shop.book(await shop.service(shop.provider_id), shop.tomorrow())
    back = GiveBack(
        refund_id=shop.id("rfd"), booking_id=paid.booking.booking_id, amount=Money(2_500, "EUR"), reason="Shorter."
    )
    await shop.app.refunding.give_back(back, OPERATOR)

    (release,) = (await shop.app.earnings.summary(shop.provider_id, OWNER, currency="EUR")).releases

    assert release.share == Money(6_750, "EUR")


async def test_a_balance_below_nothing_says_so_and_each_currency_stands_alone(shop: Market) -> None:
    yen = await shop.book(await shop.service(shop.provider_id, Money(5_000, "JPY")), shop.tomorrow(12))
    paid = await shop.book(await shop.service(shop.provider_id), shop.tomorrow())
    shop.clock.advance(timedelta(days=1, hours=4))
    await shop.app.closing.complete(paid.booking.booking_id, ADA)
    back = GiveBack(
        refund_id=shop.id("rfd"), booking_id=paid.booking.booking_id, amount=Money(10_000, "EUR"), reason="Wrong."
    )
    await shop.app.refunding.give_back(back, OPERATOR)

    balances = (await shop.app.earnings.summary(shop.provider_id, OWNER, currency="EUR")).balances
    exported = await shop.app.earnings.export(
        shop.provider_id, "EUR", OWNER, start_at=paid.booking.placed_at, end_at=shop.clock.now() + timedelta(seconds=1)
    )

    assert [(each.currency, each.units, each.held.minor) for each in balances] == [("EUR", 0, 0), ("JPY", 0, 4_500)]
    assert [entry.line.posted for entry in exported] == [9_000, -9_000]
    await shop.app.closing.cancel(CancelBooking(booking_id=yen.booking.booking_id), OWNER)
    assert (await shop.app.earnings.summary(shop.provider_id, OWNER, currency="EUR")).releases == []


async def test_nobody_else_sees_them(shop: Market) -> None:
    for act in (
        shop.app.earnings.summary(shop.provider_id, ADA, currency="EUR"),
        shop.app.earnings.statement(shop.provider_id, "EUR", ADA),
    ):
        with pytest.raises(Denied):
            await act


async def test_a_statement_in_a_currency_never_earned_in_is_empty(shop: Market) -> None:
    assert (await shop.app.earnings.statement(shop.provider_id, "KWD", OWNER)).entries == []
