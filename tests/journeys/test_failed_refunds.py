"""What follows a refund that came back: who is told, and what an operator can do about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest

from ecosystem.contexts.booking import Booking, CancelBooking
from ecosystem.contexts.identity import Admission
from ecosystem.contexts.payments import (
    AlreadyFollowed,
    BadSignature,
    Follow,
    FollowRefund,
    NotFailed,
    NothingLeft,
    PaymentState,
    RefundState,
)
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.actor import Group
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.workflows.wiring import Wiring
from market import ADA, OPERATOR, OWNER, SYSTEM, Market
from sandbox.calling import Listener, listening


@pytest.fixture
async def listener(shop: Market) -> AsyncIterator[Listener]:
    async with listening() as listener:
        shop.sandbox.deliver_to(listener.url)
        yield listener


async def hear(shop: Market, listener: Listener) -> None:
    """What the processor told a little later, and whatever follows from it."""
    shop.clock.advance(timedelta(seconds=10))
    await shop.sandbox.settled()
    for body, signature in listener.raw:
        with suppress(BadSignature):  # Of days ago.
            receipt = await shop.app.webhooks.receive(body, signature)
            await shop.app.hearing.act(receipt.hint.event_id)
    listener.raw.clear()
    await Wiring.of(shop.app).settled()
    await shop.sandbox.settled()


async def came_back(shop: Market, listener: Listener, *, days: int = 3, card: str = "pm_card_refundFail") -> Booking:
    """A booking that was paid and cancelled, and whose refund came back."""
    service_id = await shop.service(shop.provider_id)
    start_at = shop.tomorrow() + timedelta(days=days)
    booking = (await shop.book(service_id, start_at, card=card)).booking
    await shop.app.closing.cancel(CancelBooking(booking_id=booking.booking_id), ADA)
    await hear(shop, listener)
    await hear(shop, listener)
    return booking


async def refund_of(shop: Market, booking: Booking) -> str:
    refunds = [row.value for row in await shop.app.refunds.refunds_of(booking.booking_id)]
    return next(refund.refund_id for refund in refunds if refund.state is RefundState.FAILED)


async def following(shop: Market, booking: Booking, how: Follow, note: str = "") -> FollowRefund:
    by = "" if how is Follow.CLOSED else shop.id("rfd")
    refund_id = await refund_of(shop, booking)
    return FollowRefund(booking_id=booking.booking_id, refund_id=refund_id, how=how, note=note, by_refund_id=by)


async def operator(shop: Market, name: str, email: str) -> str:
    user_id = shop.id("usr")
    admission = Admission(
        user_id=user_id, email=email, password="no hash", name=name, groups=(Group.CUSTOMERS, Group.ADMINS)
    )
    await shop.app.ports.table.transact(*shop.app.identity.people.admitting(admission, SYSTEM))
    return user_id


async def test_every_operator_and_the_customer_are_told_once(shop: Market, listener: Listener) -> None:
    first, second = await operator(shop, "Ola", "ola@example.org"), await operator(shop, "Ode", "ode@example.org")

    booking = await came_back(shop, listener)
    await Wiring.of(shop.app).settled()

    for user_id in (first, second):
        notices = (await shop.app.notifications.board.latest(user_id, OPERATOR)).notices
        assert [notice.kind for notice in notices] == ["refund-failed"]
        assert notices[0].link.endswith("/console/refunds")
        assert "€100.00" in notices[0].title
    outbox = shop.app.notifications.outbox
    assert [letter.kind for letter in await outbox.to("ola@example.org", OPERATOR)] == ["refund-failed"]
    told = [letter.kind for letter in await outbox.to("ada@example.org", OPERATOR)]
    assert told.count("refund-delayed") == 1
    assert [owed.booking.booking_id for owed in await shop.app.failed_refunds.waiting(OPERATOR)] == [booking.booking_id]


async def test_trying_again_makes_another_refund_to_the_same_card(shop: Market, listener: Listener) -> None:
    booking = await came_back(shop, listener)
    request = await following(shop, booking, Follow.TRIED_AGAIN)

    await shop.app.failed_refunds.follow(request, OPERATOR)
    again = await shop.app.failed_refunds.follow(request, OPERATOR)

    assert again.followed
    assert again.followed.refund_id == request.by_refund_id
    refunds = [row.value for row in await shop.app.refunds.refunds_of(booking.booking_id)]
    assert {(refund.refund_id, refund.state, refund.amount.minor) for refund in refunds} == {
        (request.refund_id, RefundState.FAILED, 10_000),
        (request.by_refund_id, RefundState.ISSUED, 10_000),
    }
    assert await shop.app.failed_refunds.waiting(OPERATOR) == []
    assert await shop.balance(f"escrow:{booking.booking_id}") == 0

    await hear(shop, listener)
    waiting = await shop.app.failed_refunds.waiting(OPERATOR)
    assert [owed.refund.refund_id for owed in waiting] == [request.by_refund_id]
    shop.clock.advance(timedelta(minutes=3))
    await shop.verified()


async def test_paying_another_way_leaves_the_processor_and_takes_from_the_bank(
    shop: Market, listener: Listener
) -> None:
    booking = await came_back(shop, listener)
    request = await following(shop, booking, Follow.PAID_ELSEWHERE, "Transferred to their account.")

    await shop.app.failed_refunds.follow(request, OPERATOR)
    await Wiring.of(shop.app).settled()

    payment = (await shop.app.payments.payments_of(booking.booking_id))[0].value
    assert (payment.state, payment.refundable.minor) == (PaymentState.REFUNDED, 0)
    assert await shop.balance(f"escrow:{booking.booking_id}") == 0
    await shop.sequence()
    assert await shop.balance("bank:EUR") == 10_000
    assert await shop.balance("processor:EUR") == -10_000
    told = [letter.kind for letter in await shop.app.notifications.outbox.to("ada@example.org", OPERATOR)]
    assert "refund-paid-elsewhere" in told
    assert "refunded" not in [effect.what for effect in shop.sandbox.effects(request.by_refund_id)]
    shop.clock.advance(timedelta(minutes=3))
    await shop.verified()


async def test_after_the_release_what_lies_in_escrow_goes_first_and_the_rest_comes_from_the_shares(
    shop: Market, listener: Listener
) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.tomorrow() + timedelta(days=3), card="pm_card_refundFail")
    shop.clock.advance(timedelta(days=3, hours=4))
    await shop.app.closing.cancel(CancelBooking(booking_id=paid.booking.booking_id), ADA)
    await hear(shop, listener)
    await hear(shop, listener)
    assert await shop.balance(f"escrow:{paid.booking.booking_id}") == 5_000
    shop.clock.advance(timedelta(minutes=3))

    request = await following(shop, paid.booking, Follow.PAID_ELSEWHERE, "In cash.")
    await shop.app.failed_refunds.follow(request, OPERATOR)

    assert await shop.balance(f"escrow:{paid.booking.booking_id}") == 0
    assert await shop.balance(f"provider:{shop.provider_id}:EUR") == 4_500
    shop.clock.advance(timedelta(minutes=3))
    await shop.verified()


async def test_one_that_is_closed_moves_nothing(shop: Market, listener: Listener) -> None:
    booking = await came_back(shop, listener)
    request = await following(shop, booking, Follow.CLOSED, "The customer waives it.")

    await shop.app.failed_refunds.follow(request, OPERATOR)

    assert await shop.app.failed_refunds.waiting(OPERATOR) == []
    assert await shop.balance(f"escrow:{booking.booking_id}") == 10_000
    shop.clock.advance(timedelta(minutes=3))
    await shop.verified()


async def test_what_follows_is_decided_once_by_an_operator_and_with_a_note(shop: Market, listener: Listener) -> None:
    booking = await came_back(shop, listener)
    failed = shop.app.failed_refunds

    with pytest.raises(Denied):
        await failed.waiting(OWNER)
    with pytest.raises(Invalid):
        await failed.follow(await following(shop, booking, Follow.PAID_ELSEWHERE), OPERATOR)
    await failed.follow(await following(shop, booking, Follow.PAID_ELSEWHERE, "By transfer."), OPERATOR)
    with pytest.raises(AlreadyFollowed):
        await failed.follow(await following(shop, booking, Follow.TRIED_AGAIN), OPERATOR)
    refunds = [row.value for row in await shop.app.refunds.refunds_of(booking.booking_id)]
    issued = next(refund for refund in refunds if refund.state is RefundState.ISSUED)
    closing = FollowRefund(booking_id=booking.booking_id, refund_id=issued.refund_id, how=Follow.CLOSED, note="No.")
    with pytest.raises(NotFailed):
        await failed.follow(closing, OPERATOR)


async def test_when_nothing_is_left_it_can_only_be_closed(shop: Market, listener: Listener) -> None:
    booking = await came_back(shop, listener)
    another = await following(shop, booking, Follow.TRIED_AGAIN)
    closed = await following(shop, booking, Follow.CLOSED, "Given back otherwise.")
    back = GiveBack(refund_id=shop.id("rfd"), booking_id=booking.booking_id, amount=Money(10_000, "EUR"), reason="Owed")
    await shop.app.refunding.give_back(back, OPERATOR)

    with pytest.raises(NothingLeft):
        await shop.app.failed_refunds.follow(another, OPERATOR)
    followed = await shop.app.failed_refunds.follow(closed, OPERATOR)

    assert followed.followed
    assert await shop.app.failed_refunds.waiting(OPERATOR) == []


async def test_a_refund_that_stays_pending_is_asked_about_until_it_ends(shop: Market, listener: Listener) -> None:
    booking = await came_back(shop, listener, card="pm_card_pendingRefund")

    refund = (await shop.app.refunds.refunds_of(booking.booking_id))[0].value

    assert refund.state is RefundState.ISSUED
    assert len([one for one in shop.sandbox.effects() if one.what == "refunded"]) == 1
    await shop.verified()
