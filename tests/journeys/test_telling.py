"""Each step of a booking is told once, to each side, however often its event arrives."""

import asyncio
from datetime import timedelta

from ecosystem.contexts.booking import CancelBooking
from ecosystem.contexts.notifications import LetterView
from ecosystem.ports.bus import Event
from ecosystem.workflows.bindings import rules
from ecosystem.workflows.rules import Rules
from ecosystem.workflows.wiring import Wiring
from market import ADA, GUEST, OPERATOR, OWNER, Market


async def letters(shop: Market) -> list[LetterView]:
    return await shop.app.notifications.outbox.latest(OPERATOR, limit=100)


async def events(shop: Market, booking_id: str) -> list[Event]:
    page = await shop.app.ports.table.query(f"BOOKING#{booking_id}", Event, prefix="EVENT#")
    return page.values


async def test_a_guest_gets_one_confirmation_with_an_invitation_and_the_provider_one_notice(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.tomorrow(), GUEST)
    wiring = Wiring.of(shop.app)

    await wiring.settled()
    table = Rules(rules(shop.app))
    for event in await events(shop, paid.booking.booking_id):
        for rule in table.of(event):
            await asyncio.gather(*(rule.react(event) for _ in range(3)))
    [letter] = await letters(shop)
    _, mail = await shop.app.notifications.outbox.read(letter.mail_id, OPERATOR)
    notices = await shop.app.notifications.board.latest(OWNER.actor_id, OWNER)

    assert letter.to == "ada@example.org"
    assert "You are booked" in letter.subject
    assert "€110.00" in mail.text
    assert f"/b/{paid.booking.booking_id}/{shop.app.links.secret(paid.booking.booking_id)}" in mail.text
    assert mail.calendar is not None
    assert "METHOD:REQUEST" in mail.calendar.body
    assert len(notices.notices) == 1


async def test_every_step_finds_its_words(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    asked_id = await shop.service(shop.provider_id, instant=False)
    wiring = Wiring.of(shop.app)
    cancelled = await shop.book(service_id, shop.tomorrow(), GUEST)
    await shop.app.closing.cancel(CancelBooking(booking_id=cancelled.booking.booking_id), GUEST)
    await shop.book(service_id, shop.tomorrow(13), GUEST)
    await shop.book(service_id, shop.tomorrow(15), GUEST, card="pm_card_chargeDeclined")
    await shop.book(asked_id, shop.tomorrow(18), GUEST)
    declined = await shop.book(asked_id, shop.tomorrow(20), GUEST)
    await shop.app.closing.decline(declined.booking.booking_id, "On holiday", OWNER)

    await wiring.settled()
    for _ in range(100):
        shop.clock.advance(timedelta(hours=1))
        await wiring.caught_up()
    told = {letter.subject.split(":")[0] for letter in await letters(shop)}

    assert (await wiring.deliveries.retrying()).rows == []
    assert (await wiring.deliveries.dead()).rows == []
    assert told >= {"You are booked", "Cancelled", "Done", "Your payment did not go through"}
    assert any("cannot take" in subject for subject in told)
    assert any("did not answer" in subject for subject in told)
    assert any("back to you" in subject for subject in told)


async def test_a_reaction_that_came_too_late_says_nothing_of_a_booking_since_paid(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    hold = await shop.hold(service_id, shop.tomorrow(), ADA)
    request = await shop.request(hold, card="pm_card_chargeDeclined")
    await shop.app.checkout.pay(request, ADA)
    await shop.app.closing.cancel(CancelBooking(booking_id=request.booking_id), ADA)

    await Wiring.of(shop.app).settled()

    assert not any("did not go through" in letter.subject for letter in await letters(shop))


async def test_a_cancellation_says_what_goes_back(shop: Market) -> None:
    paid = await shop.book(await shop.service(shop.provider_id), shop.tomorrow(), GUEST)
    shop.clock.advance(timedelta(hours=12))
    await shop.app.closing.cancel(CancelBooking(booking_id=paid.booking.booking_id), GUEST)

    await Wiring.of(shop.app).settled()
    [letter] = [each for each in await letters(shop) if each.subject.startswith("Cancelled")]
    _, mail = await shop.app.notifications.outbox.read(letter.mail_id, OPERATOR)

    assert "You get €55.00 back" in mail.text
