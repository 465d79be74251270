"""Currencies that cards pay in larger steps than their minor unit: nothing is refused for a rounding, no unit is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ecosystem.contexts.booking import CancelBooking
from ecosystem.journeys.refunding import GiveBack, UnevenAmount
from ecosystem.kernel.money import Money
from market import ADA, GUEST, OPERATOR, SYSTEM, Market

PRICES = [
    (Money(12_340, "KWD"), 10, 13_570),
    (Money(12_350, "BHD"), 10, 13_590),
    (Money(10_050, "JOD"), 10, 11_060),
    (Money(12_345, "JPY"), 1, 13_580),
    (Money(99_99, "EUR"), 1, 109_99),
    (Money(12_345, "ISK"), 1, 13_580),
    (Money(50_000, "UGX"), 1, 55_000),
    (Money(1_234_500, "HUF"), 1, 1_357_950),
    (Money(12_345_00, "MGA"), 100, 13_580_00),
]


@pytest.mark.parametrize(("price", "step", "total"), PRICES)
async def test_a_guest_pays_and_gets_a_half_back_in_whole_steps(
    shop: Market, price: Money, step: int, total: int
) -> None:
    service_id = await shop.service(shop.provider_id, price)
    paid = await shop.book(service_id, shop.tomorrow() + timedelta(days=3), GUEST)
    booking_id = paid.booking.booking_id
    assert paid.payment.captured == paid.booking.lines.total == Money(total, price.currency)

    cancelled = await shop.app.closing.cancel(CancelBooking(booking_id=booking_id, share_bps=5000), OPERATOR)
    await shop.app.refunding.carry_out_all(booking_id, SYSTEM)

    assert cancelled.refund is not None
    assert cancelled.refund.amount.minor % step == 0
    assert abs(cancelled.refund.amount.minor * 2 - total) <= step
    (refund,) = await shop.app.refunds.refunds_of(booking_id)
    assert refund.value.amount == cancelled.refund.amount
    assert refund.value.issued_at
    assert await shop.balance(f"escrow:{booking_id}") == 0
    await shop.verified()


async def test_an_amount_between_the_steps_is_refused_before_anything_is_intended(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id, Money(12_340, "KWD"))
    paid = await shop.book(service_id, shop.tomorrow() + timedelta(days=3), ADA)
    wanted = GiveBack(
        refund_id=shop.id("rfd"), booking_id=paid.booking.booking_id, amount=Money(1_235, "KWD"), reason="Goodwill"
    )

    with pytest.raises(UnevenAmount, match=r"0\.010"):
        await shop.app.refunding.give_back(wanted, OPERATOR)

    assert await shop.app.refunds.refunds_of(paid.booking.booking_id) == []
    await shop.verified()
