"""Requests that wait for the provider's answer, the most urgent first."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ecosystem.contexts.booking import Booking, Seen, seen_by_provider
from ecosystem.web.answers import Answer
from ecosystem.web.provider.area import Area, area, get
from ecosystem.web.provider.bookings.money import Sum, summed
from ecosystem.web.visit import Visit


class Asked(Struct, frozen=True, kw_only=True):
    """One request: who asks, as far as that is shown, and what the answer does with the money."""

    booking: Booking
    seen: Seen
    money: Sum


@get("/provider/requests")
async def show(request: Visit) -> Answer:
    """Every open request."""
    here = await area(request)
    return here.page("provider/requests/page.html", requests=await asked(here))


async def asked(here: Area, most: int = 100) -> Sequence[Asked]:
    """The requests with their money."""
    found: list[Asked] = []
    for booking in here.waiting[:most]:
        payments = [row.value for row in await here.request.market.payments.payments_of(booking.booking_id)]
        seen = seen_by_provider(booking, here.request.at)
        found.append(Asked(booking=booking, seen=seen, money=summed(booking, payments)))
    return found
