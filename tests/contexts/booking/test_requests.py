"""A provider's requests: those that want an answer, the most urgent first, for nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.kernel.refusals import Denied
from market import ADA, OWNER, Market, market


@pytest.fixture
async def shop(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Market]:
    async with market(tmp_path, clock) as made:
        await made.provider()
        yield made


async def test_what_wants_an_answer_is_listed_until_it_has_one(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id, instant=False)
    soon = await shop.book(service_id, shop.clock.now() + timedelta(hours=3))
    later = await shop.book(service_id, shop.tomorrow() + timedelta(days=2))
    shop.clock.advance(timedelta(minutes=1))  # Of two that are due at one instant, their ids decide.
    declined = await shop.book(service_id, shop.tomorrow() + timedelta(days=3))
    await shop.book(await shop.service(shop.provider_id), shop.tomorrow())

    async def waiting() -> list[str]:
        found = await shop.app.bookings.requests(shop.provider_id, OWNER, owner_id=OWNER.actor_id)
        return [booking.booking_id for booking in found]

    assert await waiting() == [each.booking.booking_id for each in (soon, later, declined)]
    await shop.app.closing.decline(declined.booking.booking_id, "", OWNER)
    await shop.app.acceptance.accept(later.booking.booking_id, OWNER)
    assert await waiting() == [soon.booking.booking_id]
    shop.clock.advance(timedelta(hours=4))
    assert await waiting() == []
    with pytest.raises(Denied):
        await shop.app.bookings.requests(shop.provider_id, ADA, owner_id=OWNER.actor_id)
