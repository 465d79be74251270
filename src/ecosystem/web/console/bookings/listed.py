"""Bookings in a list: as many as a page has, each with whom it concerns. Addresses are masked here."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ecosystem.contexts.booking import Booking, BookingGone, BookingStatus, short_name
from ecosystem.contexts.catalogue import ProviderUnknown
from ecosystem.contexts.identity import masked
from ecosystem.journeys.happenings import Wanted
from ecosystem.web.visit import Visit

PLACED = Wanted(types=("BookingPlaced",))


class Row(Struct, frozen=True, kw_only=True):
    """A booking in a list."""

    booking: Booking
    provider: str

    @property
    def customer(self) -> str:
        return short_name(self.booking.contact.name)

    @property
    def email(self) -> str:
        return masked(self.booking.contact.email)


class Listed(Struct, frozen=True, kw_only=True):
    """A page of bookings, and where to go on from."""

    rows: Sequence[Row]
    next: str = ""


async def latest(request: Visit, *, before: str = "", limit: int) -> Listed:
    """Bookings in the order in which they were placed, the latest first."""
    found = await request.market.happenings.latest(request.actor, PLACED, before=before or None, limit=limit)
    bookings = [await _maybe(request, str(event.detail["booking_id"])) for event in found.events]
    return Listed(rows=await rows(request, [each for each in bookings if each]), next=found.next or "")


async def in_status(request: Visit, status: BookingStatus, *, before: str = "", limit: int) -> Listed:
    """Bookings of one status, by what is due or by their last change."""
    bookings, following = await request.market.bookings.in_status(
        status, request.actor, before=before or None, limit=limit
    )
    return Listed(rows=await rows(request, bookings), next=following or "")


async def rows(request: Visit, bookings: Sequence[Booking]) -> Sequence[Row]:
    """These bookings as rows, each provider looked up once."""
    names: dict[str, str] = {}
    for provider_id in dict.fromkeys(booking.provider_id for booking in bookings):
        try:
            names[provider_id] = (await request.market.providers.load(provider_id)).value.name
        except ProviderUnknown:
            names[provider_id] = ""
    return [Row(booking=booking, provider=names[booking.provider_id]) for booking in bookings]


async def _maybe(request: Visit, booking_id: str) -> Booking | None:
    try:
        return await request.market.bookings.get(booking_id, request.actor)
    except BookingGone:
        return None
