"""One booking as its customer sees it: what it is, what happened, and its papers."""

from __future__ import annotations

from litestar import get
from litestar.params import FromPath

from ecosystem.contexts.booking import MIME, BookingStatus
from ecosystem.web.answers import Answer, Drawn
from ecosystem.web.bookings.sheet import sheet
from ecosystem.web.bookings.way import OtherSide, way
from ecosystem.web.visit import Visit

_S = BookingStatus
FOUND_BY = ("/bookings/{booking_id:str}", "/b/{booking_id:str}/{secret:str}")
"""The two ways to a booking: as its customer, and by a guest's link."""


def at(ending: str) -> list[str]:
    """A page of a booking, by both ways."""
    return [f"{path}{ending}" for path in FOUND_BY]


@get(at(""))
async def show(request: Visit, booking_id: FromPath[str]) -> Answer:
    """The booking. Its provider and operators are led to their own pages of it."""
    try:
        found = await way(request, booking_id)
    except OtherSide as other:
        return request.redirect(other.path)
    if found.base not in request.arrival.path:
        return request.redirect(found.base)
    return request.page("bookings/page.html", **await sheet(request, found))


@get(at("/confirmed"))
async def confirmed(request: Visit, booking_id: FromPath[str]) -> Answer:
    """What comes next, right after the checkout."""
    found = await way(request, booking_id)
    if found.booking.status not in {_S.CONFIRMED, _S.AWAITING_PROVIDER}:
        return request.redirect(found.base)
    return request.page("bookings/confirmed.html", **await sheet(request, found))


@get(at("/receipt"))
async def receipt(request: Visit, booking_id: FromPath[str]) -> Answer:
    """What was paid and given back, to print or keep."""
    found = await way(request, booking_id)
    values = await sheet(request, found)
    if values["paid"] is None:
        return request.redirect(found.base)
    return request.page("bookings/receipt.html", **values)


@get(at("/calendar.ics"))
async def calendar(request: Visit, booking_id: FromPath[str]) -> Answer:
    """The booking as a file for any calendar."""
    found = await way(request, booking_id)
    body = await request.market.calendars.file(booking_id, found.actor)
    disposition = f'attachment; filename="{found.booking.booking_id}.ics"'
    headers = (("cache-control", "private, no-cache"), ("content-disposition", disposition))
    return Drawn(status=200, headers=headers, body=body, media_type=MIME).answer()
