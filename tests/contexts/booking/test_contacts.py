"""What a provider sees of a customer, before and after the booking stands."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.booking import masked, seen_by_provider, short_name
from market import OWNER, Market, market


@pytest.fixture
async def shop(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Market]:
    async with market(tmp_path, clock) as made:
        await made.provider()
        yield made


async def test_a_request_shows_a_short_name_and_no_way_around_the_marketplace(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id, instant=False)
    asked = await shop.book(service_id, shop.tomorrow())

    before = seen_by_provider(asked.booking, shop.clock.now())
    accepted = await shop.app.acceptance.accept(asked.booking.booking_id, OWNER)
    after = seen_by_provider(accepted, shop.clock.now())

    assert (before.name, before.email, before.in_full) == ("Ada L.", "", False)
    assert (after.name, after.email, after.in_full) == ("Ada Lovelace", "ada@example.org", True)


async def test_the_contact_goes_once_nothing_can_be_disputed_any_more(shop: Market) -> None:
    paid = await shop.book(await shop.service(shop.provider_id), shop.tomorrow())
    await shop.passes(timedelta(days=3))
    await shop.passes(timedelta(days=3))
    done = await shop.app.bookings.get(paid.booking.booking_id, OWNER)

    assert seen_by_provider(done, done.end_at + timedelta(days=13)).email == "ada@example.org"
    assert seen_by_provider(done, done.end_at + timedelta(days=14)).email == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Write to ada@example.org or (ada.b@ex.co.uk)", "Write to ••••• or (•••••)"),
        ("Call +351 912 345 678 after 18:30", "Call ••••• after 18:30"),
        ("Flat 12, 3rd floor, 2 rooms, 120 EUR", "Flat 12, 3rd floor, 2 rooms, 120 EUR"),
        ("", ""),
    ],
)
def test_addresses_and_numbers_are_masked_and_nothing_else(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_a_name_is_shortened_to_what_greets_somebody() -> None:
    assert [short_name(name) for name in ("Ada Lovelace", "Ada", "Ada da Silva melo")] == ["Ada L.", "Ada", "Ada M."]
