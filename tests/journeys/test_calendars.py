"""Bookings in people's own calendars, and the timeline of one."""

import pytest

from ecosystem.contexts.booking import BookingGone
from ecosystem.journeys.calendars import FeedGone
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Denied
from market import ADA, GUEST, OPERATOR, OWNER, Market

BOB = Actor(actor_id="usr_01kag2m8xw00000000000000b0")


async def test_a_booking_is_a_calendar_file_for_those_who_have_a_part_in_it(shop: Market) -> None:
    booking = (await shop.book(await shop.service(shop.provider_id), shop.tomorrow())).booking

    for actor, path in ((ADA, "/bookings"), (OWNER, "/provider/bookings")):
        file = await shop.app.calendars.file(booking.booking_id, actor)
        assert f"8000{path}/{booking.booking_id}" in file.decode().replace("\r\n ", "")
    with pytest.raises(Denied):
        await shop.app.calendars.file(booking.booking_id, BOB)


async def test_a_guest_reaches_the_file_by_their_link_alone(shop: Market) -> None:
    booking = (await shop.book(await shop.service(shop.provider_id), shop.tomorrow(), GUEST)).booking
    secret = shop.app.links.secret(booking.booking_id)

    file = await shop.app.calendars.file_by_link(booking.booking_id, secret)

    assert f"/b/{booking.booking_id}/{secret}" in file.decode().replace("\r\n ", "")
    for wrong in ("", "x", secret + "x"):
        with pytest.raises(BookingGone):
            await shop.app.calendars.file_by_link(booking.booking_id, wrong)


async def test_a_guests_link_is_in_nobody_elses_file(shop: Market) -> None:
    booking = (await shop.book(await shop.service(shop.provider_id), shop.tomorrow(), GUEST)).booking
    secret = shop.app.links.secret(booking.booking_id)

    own, *others = [
        (await shop.app.calendars.file(booking.booking_id, actor)).decode().replace("\r\n ", "")
        for actor in (GUEST, OWNER, OPERATOR)
    ]

    assert secret in own
    assert not [file for file in others if secret in file]


async def test_a_feed_has_the_bookings_that_stand_until_its_address_is_renewed(shop: Market) -> None:
    booking = (await shop.book(await shop.service(shop.provider_id), shop.tomorrow())).booking
    calendars = shop.app.calendars

    for owner_id, owner in ((ADA.actor_id, ADA), (shop.provider_id, OWNER)):
        secret = await calendars.secret(owner_id, owner)
        feed = await calendars.feed(owner_id, secret)
        renewed = await calendars.renew(owner_id, owner)

        assert booking.booking_id in feed.decode()
        assert renewed != secret
        assert await calendars.feed(owner_id, renewed) == feed
        with pytest.raises(FeedGone):
            await calendars.feed(owner_id, secret)
        with pytest.raises(Denied):
            await calendars.secret(owner_id, BOB)


async def test_the_timeline_of_a_booking_is_for_its_sides(shop: Market) -> None:
    booking = (await shop.book(await shop.service(shop.provider_id), shop.tomorrow())).booking

    events = await shop.app.timelines.of_booking(booking.booking_id, ADA)

    assert [event.type for event in events] == ["BookingPlaced", "BookingConfirmed"]
    with pytest.raises(Denied):
        await shop.app.timelines.of_booking(booking.booking_id, BOB)
