"""Another time for a booking: chosen from those that are free, moved at once or proposed to the provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.booking import Booking, Reschedule, Slot, SlotNotOffered, SlotTaken
from ecosystem.kernel.display import day_text
from ecosystem.kernel.refusals import Refusal
from ecosystem.kernel.time import local
from ecosystem.web import calendar, forms
from ecosystem.web.answers import Answer
from ecosystem.web.bookings import zones
from ecosystem.web.bookings.routes import at
from ecosystem.web.bookings.sheet import sheet
from ecosystem.web.bookings.way import Way, way
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

BOX = "mover"


class Wanted(Struct, frozen=True, kw_only=True):
    """What the address says of the time looked for."""

    month: Annotated[str, Meta(max_length=7)] = ""
    day: date | None = None
    zone: Annotated[str, Meta(max_length=60)] = ""


class Move(Struct, frozen=True, kw_only=True):
    """The time wanted. `zone` is the one it was shown in."""

    start: datetime
    reason: Annotated[str, Meta(max_length=1_000)] = ""
    zone: Annotated[str, Meta(max_length=60)] = ""


@get(at("/reschedule"))
async def ask_to_move(request: Visit, booking_id: FromPath[str]) -> Answer:
    """The free times; only their box when htmx asks for it."""
    found = await way(request, booking_id)
    wanted = request.query_of(Wanted).asked
    return await _shown(request, found, wanted, forms.blank(Move))


@post(at("/reschedule"))
async def move(request: Visit, booking_id: FromPath[str]) -> Answer:
    """Move the booking, or propose to."""
    found = await way(request, booking_id)
    form = await request.form_of(Move)
    try:
        asked = form.asked
        wanted = Reschedule(booking_id=booking_id, start_at=asked.start, reason=asked.reason)
        moved = await request.market.bookings.reschedule(wanted, found.actor)
    except (SlotTaken, SlotNotOffered) as no:
        return await _shown(request, found, _near(found, form), form.refused(no), notice=no.message)
    except Refusal as no:
        return await _shown(request, await way(request, booking_id), Wanted(), form.refused(no))
    at_once = moved.start_at == asked.start
    text = (
        "Your booking has its new time." if at_once else "Your wish is sent. Until it is answered the old time stands."
    )
    return request.redirect(found.base, toast=Toast(text=text))


async def _shown(request: Visit, found: Way, wanted: Wanted, form: Form[Move], *, notice: str = "") -> Answer:
    values = await sheet(request, found)
    status = status_of(form.refusal) if form.refusal else 200
    if not values["deeds"].move:
        said = form.refusal.message if form.refusal else "This booking cannot be moved any more."
        return request.page("bookings/page.html", status=status if form.refusal else 409, said=said, **values)
    values |= {"form": form, "notice": notice, "box": await _box(request, found.booking, wanted, form)}
    if request.arrival.target == BOX or request.arrival.wants_fragment:
        return request.fragment("bookings/_mover.html", status=status, **values)
    return request.page("bookings/reschedule.html", status=status, **values)


async def _box(request: Visit, booking: Booking, wanted: Wanted, form: Form[Move]) -> dict[str, Any]:
    """A month of days and the free times of one, as if the booking itself were not there."""
    market, offer = request.market, booking.offer
    zone = zones.chosen(request, zones.known(form.text("zone"), booking.zone))
    today = local(request.at, zone).date()
    last = today + timedelta(days=offer.horizon_days)
    first = await _month(request, booking, zone, wanted, today)
    begin, end = calendar.days_of(first)
    free: dict[date, Sequence[Slot]] = {}
    if end > today and begin <= last:
        times = await market.availability.between(
            offer, max(begin, today), end - timedelta(days=1), zone, beside=booking.booking_id
        )
        free = {each.day: kept for each in times.days if (kept := _others(each.slots, booking))}
    chosen = wanted.day if wanted.day in free else min(free, default=wanted.day)
    return {
        "zone": zone,
        "month": calendar.month(
            first, {day: len(slots) for day, slots in free.items()}, today=today, last=last, chosen=chosen
        ),
        "slots": free.get(chosen, ()) if chosen else (),
        "heading": day_text(chosen, seen_in=today.year) if chosen else "",
        "query": {"zone": request.query_params.get("zone", "")},
    }


async def _month(request: Visit, booking: Booking, zone: str, wanted: Wanted, today: date) -> date:
    """The first day of the month to show: the one asked for, else that of the day, else that of the first free day."""
    if wanted.month:
        return calendar.first_of(wanted.month)
    if wanted.day:
        return wanted.day.replace(day=1)
    found = await request.market.availability.first(booking.offer, zone, beside=booking.booking_id)
    return (found.day if found else today).replace(day=1)


def _others(slots: Sequence[Slot], booking: Booking) -> Sequence[Slot]:
    """The slots with room for the booking, but for the time that it has."""
    return [slot for slot in slots if slot.start_at != booking.start_at and slot.seats_left >= booking.seats]


def _near(found: Way, form: Form[Move]) -> Wanted:
    """Where to look on when the time chosen could not be had: on its day."""
    if form.value is None:
        return Wanted()
    return Wanted(day=local(form.value.start, zones.known(form.value.zone, found.booking.zone)).date())
