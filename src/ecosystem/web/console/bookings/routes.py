"""Bookings: by status, by id or address; and one of them with everything about it."""

from __future__ import annotations

from typing import Annotated, Any

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.ledger import chart
from ecosystem.journeys.dossiers import Dossier
from ecosystem.journeys.lookups import Kind
from ecosystem.kernel.time import Span
from ecosystem.web.answers import Answer
from ecosystem.web.console.bookings.acts import deeds
from ecosystem.web.console.bookings.listed import Listed, in_status, latest, rows
from ecosystem.web.console.bookings.story import told
from ecosystem.web.console.desk import desk, get
from ecosystem.web.console.workflows.listing import rows as execution_rows
from ecosystem.web.visit import Visit

PAGE = 25
TABS = (
    BookingStatus.AWAITING_PROVIDER,
    BookingStatus.CONFIRMED,
    BookingStatus.IN_PROGRESS,
    BookingStatus.DISPUTED,
    BookingStatus.NO_SHOW,
    BookingStatus.COMPLETED,
    BookingStatus.CANCELLED,
    BookingStatus.DECLINED,
    BookingStatus.EXPIRED,
    BookingStatus.AWAITING_PAYMENT,
)


class Asked(Struct, frozen=True, kw_only=True):
    """Which bookings: of a status, or what was searched for. `after` is where to go on from."""

    status: BookingStatus | None = None
    q: Annotated[str, Meta(max_length=200)] = ""
    after: Annotated[str, Meta(max_length=700)] = ""


@get("/console/bookings")
async def listed(request: Visit) -> Answer:
    """Bookings, the latest first; one found by its id leads to itself."""
    asked = request.query_of(Asked).asked
    if asked.q:
        leads = await request.market.lookups.find(asked.q, request.actor)
        if len(leads) == 1 and leads[0].kind is Kind.BOOKING and "@" not in asked.q:
            return request.redirect(f"/console/bookings/{leads[0].id}")
    at_desk = await desk(request)
    found = await _found(request, asked)
    query = {"q": asked.q} if asked.q else {"status": asked.status} if asked.status else {}
    return at_desk.page(
        "bookings/list.html",
        rows=found.rows,
        tabs=[(status, at_desk.now.of("bookings", status)) for status in TABS],
        chosen=asked.status,
        q=asked.q,
        query=query,
        after=asked.after,
        next_after=found.next,
    )


@get("/console/bookings/{booking_id:str}")
async def show(request: Visit, booking_id: FromPath[str]) -> Answer:
    """All about one booking."""
    at_desk = await desk(request)
    values = await sheet(request, booking_id)
    found: Dossier = values["dossier"]
    matters = [
        booking_id,
        found.booking.request.hold_id,
        *(each.payment_id for each in found.payments),
        *(each.refund_id for each in found.refunds),
    ]
    ran = await request.market.executions.named(matters, request.actor)
    return at_desk.page("bookings/detail.html", executions=execution_rows(ran), **values)


async def sheet(request: Visit, booking_id: str) -> dict[str, Any]:
    """What the pages of one booking show. Raises `BookingGone`."""
    found = await request.market.dossiers.of(booking_id, request.actor)
    booking = found.booking
    return {
        "dossier": found,
        "booking": booking,
        "span": Span(booking.start_at, booking.end_at),
        "events": [told(event) for event in found.events],
        "deeds": deeds(found, request.actor, request.at),
        "names": {
            booking.customer_id: ("Customer", booking.contact.name),
            booking.offer.owner_id: ("Provider", found.provider.name if found.provider else ""),
        },
        "transfers": sorted(found.transfers, key=lambda made: (made.at, made.code, made.place)),
        "escrow_id": chart.escrow(booking_id),
        "takings": [
            (day, sorted(takings, key=lambda taking: taking.start_at)) for day, takings in found.takings.items()
        ],
    }


async def _found(request: Visit, asked: Asked) -> Listed:
    if asked.q:
        bookings = list(await request.market.lookups.bookings_of(asked.q, request.actor))
        return Listed(rows=await rows(request, bookings))
    if asked.status:
        return await in_status(request, asked.status, before=asked.after, limit=PAGE)
    return await latest(request, before=asked.after, limit=PAGE)
