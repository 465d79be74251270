"""Find, book, pay, hold, complete, release: over the real table and the real sandbox processor."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from ecosystem.contexts.booking import BookingStatus, CancelBooking, SlotTaken
from ecosystem.contexts.payments import PaymentState
from ecosystem.journeys.checkout import ATTEMPTS_MAX, PriceChanged, TooManyCards
from ecosystem.journeys.refunding import GiveBack
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, IdReused
from ecosystem.sandbox import Fault, What
from market import ADA, GUEST, OPERATOR, OWNER, SYSTEM, Market


async def test_a_booking_is_paid_held_completed_and_released(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)

    paid = await shop.book(service_id, shop.tomorrow())
    held = await shop.balance(f"escrow:{paid.booking.booking_id}")
    shop.clock.advance(timedelta(days=1))
    completed = await shop.app.closing.complete(paid.booking.booking_id, ADA)
    await shop.sequence()

    assert (paid.booking.status, paid.payment.state) == (BookingStatus.CONFIRMED, PaymentState.CAPTURED)
    assert held == 10_000
    assert completed.status is BookingStatus.COMPLETED
    assert await shop.balance(f"escrow:{paid.booking.booking_id}") == 0
    assert await shop.balance(f"provider:{shop.provider_id}:EUR") == 9_000
    assert await shop.balance("commission:EUR") == 1_000
    assert await shop.balance("processor:EUR") == -10_000
    await shop.verified()


async def test_a_guest_pays_a_surcharge_that_goes_to_the_platform(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)

    paid = await shop.book(service_id, shop.tomorrow(), GUEST)
    shop.clock.advance(timedelta(days=1))
    await shop.app.closing.complete(paid.booking.booking_id, GUEST)
    await shop.sequence()

    assert paid.booking.lines.total == Money(11_000, "EUR")
    assert await shop.balance(f"provider:{shop.provider_id}:EUR") == 9_000
    assert await shop.balance("commission:EUR") == 1_000
    assert await shop.balance("surcharge:EUR") == 1_000
    await shop.verified()


async def test_the_same_request_again_has_one_effect(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    hold = await shop.hold(service_id, shop.tomorrow())
    request = await shop.request(hold)

    first = await shop.app.checkout.pay(request, ADA)
    again = await asyncio.gather(*(shop.app.checkout.pay(request, ADA) for _ in range(5)))

    assert {paid.payment.state for paid in again} == {PaymentState.CAPTURED}
    assert {paid.booking.booking_id for paid in again} == {first.booking.booking_id}
    assert len(shop.sandbox.effects(request.payment_id)) == len(shop.sandbox.effects())
    with pytest.raises(Denied):
        await shop.app.checkout.pay(request, GUEST)
    await shop.verified()


async def test_another_price_than_the_one_agreed_to_is_refused(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    hold = await shop.hold(service_id, shop.tomorrow())
    request = await shop.request(hold)

    with pytest.raises(PriceChanged):
        await shop.app.checkout.pay(replace(request, total=Money(1, "EUR")), ADA)

    assert shop.sandbox.effects() == []
    await shop.verified()


async def test_a_declined_card_leaves_the_time_held_for_another(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    hold = await shop.hold(service_id, shop.tomorrow())
    request = await shop.request(hold, card="pm_card_chargeDeclined")

    declined = await shop.app.checkout.pay(request, ADA)
    other = replace(request, card="pm_card_visa", payment_id=shop.id("pay"))
    paid = await shop.app.checkout.pay(other, ADA)

    assert (declined.payment.state, declined.booking.status) == (PaymentState.FAILED, BookingStatus.AWAITING_PAYMENT)
    assert declined.payment.decline is not None
    assert paid.booking.status is BookingStatus.CONFIRMED
    await shop.verified()


async def test_a_booking_is_no_place_to_try_cards_out(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    request = await shop.request(await shop.hold(service_id, shop.tomorrow()), card="pm_card_chargeDeclined")
    for _ in range(ATTEMPTS_MAX):
        request = replace(request, payment_id=shop.id("pay"))
        await shop.app.checkout.pay(request, ADA)

    again = await shop.app.checkout.pay(request, ADA)
    with pytest.raises(TooManyCards):
        await shop.app.checkout.pay(replace(request, payment_id=shop.id("pay"), card="pm_card_visa"), ADA)

    assert again.payment.payment_id == request.payment_id
    assert len(await shop.app.payments.payments_of(request.booking_id)) == ATTEMPTS_MAX


async def test_a_time_is_sold_once(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)

    outcomes = await asyncio.gather(
        *(shop.hold(service_id, shop.tomorrow()) for _ in range(50)), return_exceptions=True
    )

    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, SlotTaken) for outcome in outcomes) == 49


async def test_an_answer_that_was_lost_is_learned_by_asking(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    hold = await shop.hold(service_id, shop.tomorrow())
    request = await shop.request(hold)
    shop.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, times=3))

    paid = await shop.app.checkout.pay(request, ADA)
    await shop.passes(timedelta(minutes=2))
    booking = await shop.app.bookings.get(request.booking_id, ADA)

    assert paid.payment.state is PaymentState.INTENDED
    assert booking.status is BookingStatus.CONFIRMED
    assert [effect.what for effect in shop.sandbox.effects()] == ["authorized", "captured"]
    await shop.verified()


async def test_cancelling_in_time_gives_all_back_and_late_half(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    early = await shop.book(service_id, shop.tomorrow() + timedelta(days=3))
    late = await shop.book(service_id, shop.clock.now() + timedelta(hours=5))

    preview = await shop.app.closing.preview(late.booking.booking_id, ADA)
    await shop.app.closing.cancel(CancelBooking(booking_id=early.booking.booking_id), ADA)
    await shop.app.closing.cancel(CancelBooking(booking_id=late.booking.booking_id), ADA)
    for booking_id in (early.booking.booking_id, late.booking.booking_id):
        for refund in await shop.app.refunds.refunds_of(booking_id):
            await shop.app.refunding.carry_out(booking_id, refund.value.refund_id, SYSTEM)
    await shop.sequence()

    assert preview.amount == Money(5_000, "EUR")
    assert await shop.balance("processor:EUR") == -5_000
    assert await shop.balance(f"provider:{shop.provider_id}:EUR") == 4_500
    assert await shop.balance("commission:EUR") == 500
    again = await shop.book(service_id, shop.tomorrow() + timedelta(days=3))
    assert again.booking.status is BookingStatus.CONFIRMED
    await shop.verified()


async def test_a_request_is_authorized_accepted_and_captured(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id, instant=False)

    asked = await shop.book(service_id, shop.tomorrow() + timedelta(days=1))
    accepted = await shop.app.acceptance.accept(asked.booking.booking_id, OWNER)
    payment = (await shop.app.payments.payment(asked.booking.booking_id, asked.payment.payment_id)).value

    assert (asked.booking.status, asked.payment.state) == (BookingStatus.AWAITING_PROVIDER, PaymentState.AUTHORIZED)
    assert (accepted.status, payment.state) == (BookingStatus.CONFIRMED, PaymentState.CAPTURED)
    assert await shop.balance(f"escrow:{asked.booking.booking_id}") == 10_000
    await shop.verified()


async def test_a_request_nobody_answers_expires_and_the_hold_on_the_card_is_let_go(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id, instant=False)

    asked = await shop.book(service_id, shop.tomorrow() + timedelta(days=2))
    await shop.passes(timedelta(hours=25))
    booking = await shop.app.bookings.get(asked.booking.booking_id, ADA)
    payment = (await shop.app.payments.payment(booking.booking_id, asked.payment.payment_id)).value

    assert (booking.status, payment.state) == (BookingStatus.EXPIRED, PaymentState.CANCELLED)
    await shop.verified()


async def test_a_request_far_ahead_is_captured_at_once_and_returned_when_declined(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id, instant=False)

    asked = await shop.book(service_id, shop.tomorrow() + timedelta(days=20))
    declined = await shop.app.closing.decline(asked.booking.booking_id, "On holiday", OWNER)
    await shop.passes()
    [refund] = await shop.app.refunds.refunds_of(asked.booking.booking_id)
    await shop.app.refunding.carry_out(asked.booking.booking_id, refund.value.refund_id, SYSTEM)

    assert asked.payment.state is PaymentState.CAPTURED
    assert declined.status is BookingStatus.DECLINED
    assert await shop.balance(f"escrow:{asked.booking.booking_id}") == 0
    await shop.verified()


async def test_a_challenge_passed_later_confirms_and_one_left_alone_expires(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)

    left = await shop.book(service_id, shop.tomorrow(), card="pm_card_authenticationRequired")
    await shop.passes(timedelta(minutes=16))
    booking = await shop.app.bookings.get(left.booking.booking_id, ADA)

    assert left.payment.state is PaymentState.REQUIRES_ACTION
    assert left.payment.challenge_url is not None
    assert booking.status is BookingStatus.EXPIRED
    await shop.verified()


async def test_a_booking_completes_by_itself_a_day_after_its_end(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.tomorrow())

    for _ in range(60):
        await shop.passes(timedelta(hours=1))
    booking = await shop.app.bookings.get(paid.booking.booking_id, ADA)

    assert booking.status is BookingStatus.COMPLETED
    assert await shop.balance(f"provider:{shop.provider_id}:EUR") == 9_000
    await shop.verified()


async def test_an_operator_gives_back_part_after_the_release(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.tomorrow())
    shop.clock.advance(timedelta(days=1))
    await shop.app.closing.complete(paid.booking.booking_id, ADA)
    request = GiveBack(
        refund_id=shop.id("rfd"), booking_id=paid.booking.booking_id, amount=Money(3_333, "EUR"), reason="Goodwill"
    )

    refund = await shop.app.refunding.give_back(request, OPERATOR)
    again = await shop.app.refunding.give_back(request, OPERATOR)
    with pytest.raises(Denied):
        await shop.app.refunding.give_back(request, ADA)
    with pytest.raises(IdReused):
        await shop.app.refunding.give_back(replace(request, amount=Money(1, "EUR")), OPERATOR)

    assert refund.refund_id == again.refund_id
    assert len(shop.sandbox.effects(request.refund_id)) == 1
    await shop.verified()


async def test_who_signs_in_at_the_checkout_goes_on_without_the_surcharge(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    as_guest = await shop.hold(service_id, shop.tomorrow(), GUEST)
    hold_id = shop.id("hld")

    held = await shop.app.checkout.take_over(hold_id, as_guest.hold_id, GUEST, ADA)
    again = await shop.app.checkout.take_over(hold_id, as_guest.hold_id, GUEST, ADA)

    assert held == again
    assert (held.owner_id, held.start_at) == (ADA.actor_id, as_guest.start_at)
    assert (await shop.app.checkout.lines(held, ADA)).total == Money(10_000, "EUR")
    with pytest.raises(Denied):
        await shop.app.checkout.take_over(shop.id("hld"), held.hold_id, GUEST, OWNER)
