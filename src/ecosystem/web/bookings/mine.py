"""A customer's bookings: those ahead, and those behind, page by page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from litestar import get, post
from msgspec import Meta, Struct

from ecosystem.contexts.booking import FREED, Booking, BookingStatus
from ecosystem.kernel.actor import Actor
from ecosystem.ports.table import Cursor
from ecosystem.web.answers import Answer
from ecosystem.web.bookings.listings import Listing, listing
from ecosystem.web.bookings.sheet import described
from ecosystem.web.bookings.way import actors, guest
from ecosystem.web.templates import Toast
from ecosystem.web.visit import SignInNeeded, Visit

PAGE = 20
ENOUGH = 10
"""A page is full with this many: what an index finds may belong to the other tab."""
READS_MAX = 10
LONGEST = timedelta(days=1)
_OVER = FREED | {BookingStatus.COMPLETED, BookingStatus.NO_SHOW}
"""States in which nothing is ahead any more, whenever the time was."""


class Asked(Struct, frozen=True, kw_only=True):
    """What the address says. `after` is a cursor."""

    tab: Literal["upcoming", "past"] = "upcoming"
    after: Annotated[str, Meta(max_length=2_000)] = ""


@get("/bookings")
async def mine(request: Visit) -> Answer:
    """The bookings of who is signed in, or of the guest that this browser is."""
    who = next(actors(request), None)
    if who is None:
        raise SignInNeeded
    asked = request.query_of(Asked).asked
    found, after = await _found(request, who, asked)
    before = guest(request) if request.person else None
    claimable = (await _found(request, before, Asked()))[0] if before else []
    return request.page(
        "bookings/list.html",
        tab=asked.tab,
        after=asked.after,
        next_after=after or "",
        rows=await _rows(request, found),
        query={"tab": asked.tab} if asked.tab != "upcoming" else {},
        as_guest=who.is_guest,
        claimable=await _rows(request, [each for each in claimable if each.claim_hash]),
    )


@get("/bookings/calendar")
async def subscribe(request: Visit) -> Answer:
    """The address under which a calendar program follows all bookings."""
    return await _subscribed(request, await request.market.calendars.secret(request.user_id, request.actor))


@post("/bookings/calendar")
async def renew(request: Visit) -> Answer:
    """Another address; the former ones show nothing from now on."""
    await request.market.calendars.renew(request.user_id, request.actor)
    return request.redirect("/bookings/calendar", toast=Toast(text="Here is the new address. The former one is void."))


async def _subscribed(request: Visit, secret: str) -> Answer:
    path = f"/api/calendars/{request.user_id}/{secret}.ics"
    site = request.kit.site
    webcal = site.url.replace("https://", "webcal://", 1).replace("http://", "webcal://", 1)
    return request.page("bookings/calendar.html", address=f"{site.url}{path}", webcal=f"{webcal}{path}")


async def _found(request: Visit, who: Actor, asked: Asked) -> tuple[list[Booking], Cursor | None]:
    """A page of a tab. The index has them by start; which tab one belongs to, the booking itself says."""
    at = request.at
    is_past = asked.tab == "past"
    kept: list[Booking] = []
    after: Cursor | None = Cursor(asked.after) if asked.after else None
    for _ in range(READS_MAX):
        page = await request.market.bookings.of_customer(
            who.actor_id,
            who,
            since=None if is_past else at - LONGEST,
            descending=is_past,
            after=after,
            limit=PAGE,
        )
        kept += [booking for booking in page.values if _is_over(booking, at) == is_past]
        after = page.next
        if after is None or len(kept) >= ENOUGH:
            break
    return kept, after


def _is_over(booking: Booking, at: datetime) -> bool:
    return booking.status in _OVER or (booking.end_at <= at and booking.status is not BookingStatus.IN_PROGRESS)


async def _rows(request: Visit, bookings: list[Booking]) -> list[dict[str, Any]]:
    listings: dict[str, Listing] = {}
    rows: list[dict[str, Any]] = []
    for booking in bookings:
        service_id = booking.offer.service_id
        if service_id not in listings:
            listings[service_id] = await listing(request.market, booking.offer)
        rows.append({**described(booking, booking.zone), "listing": listings[service_id]})
    return rows
