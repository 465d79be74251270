"""The box in which a time is chosen: a month of days, the times of one, the seats, and the whole price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from msgspec import Meta, Struct

from ecosystem.contexts.booking import Mode, Offer, Slot
from ecosystem.kernel import rates
from ecosystem.kernel.display import day_text
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import local, zone
from ecosystem.ports.entropy import mint
from ecosystem.web import calendar
from ecosystem.web.formats import zone_label
from ecosystem.web.visit import Visit

# One place for each clock that many people live by, west to east: enough to choose from without a list of hundreds.
PLACES = """America/Los_Angeles America/Denver America/Chicago America/New_York America/Sao_Paulo Europe/London
Europe/Lisbon Europe/Berlin Europe/Helsinki Africa/Lagos Africa/Johannesburg Africa/Nairobi Europe/Istanbul Asia/Dubai
Asia/Karachi Asia/Kolkata Asia/Dhaka Asia/Bangkok Asia/Shanghai Asia/Tokyo Australia/Sydney Pacific/Auckland""".split()


class Wanted(Struct, frozen=True, kw_only=True):
    """What the address says of the time looked for. `zone` is the one that times are shown in."""

    month: Annotated[str, Meta(max_length=7)] = ""
    day: date | None = None
    zone: Annotated[str, Meta(max_length=60)] = ""
    seats: Annotated[int, Meta(ge=1, le=500)] = 1


class Booker(Struct, frozen=True, kw_only=True):
    """What the box shows."""

    offer: Offer
    slug: str
    zone: str
    zones: Sequence[tuple[str, str]]
    month: calendar.Month
    heading: str
    slots: Sequence[Slot]
    chosen: datetime | None
    seats: int
    seats_most: int
    lines: rates.Lines
    surcharge_bps: int
    guest: bool
    query: dict[str, Any]
    hold_id: str
    has_times: bool


async def booker(
    request: Visit, offer: Offer, slug: str, wanted: Wanted, *, start_at: datetime | None = None
) -> Booker:
    """The box for an offer as things stand now. `start_at` is a time somebody had chosen, kept if it is still free."""
    zone_name = _zone(request, offer, wanted.zone)
    today = local(request.at, zone_name).date()
    last = today + timedelta(days=offer.horizon_days)
    day = local(start_at, zone_name).date() if start_at else wanted.day
    first = await _month(request, offer, zone_name, wanted.month, day, today)
    begin, end = calendar.days_of(first)
    free: dict[date, Sequence[Slot]] = {}
    if end > today and begin <= last:
        times = await request.market.offering.free_times(offer, max(begin, today), end - timedelta(days=1), zone_name)
        free = {each.day: each.slots for each in times.days}
    chosen = day if day in free else min(free, default=day)
    current = await request.market.tariff.current()
    seats = min(wanted.seats, offer.capacity)
    is_guest = not request.actor.actor_id.startswith("usr_")
    slots = free.get(chosen, ()) if chosen else ()
    return Booker(
        offer=offer,
        slug=slug,
        zone=zone_name,
        zones=_zones(request, offer, zone_name),
        month=calendar.month(
            first, {each: len(found) for each, found in free.items()}, today=today, last=last, chosen=chosen
        ),
        heading=day_text(chosen, seen_in=today.year) if chosen else "",
        slots=[slot for slot in slots if slot.seats_left >= seats],
        chosen=start_at if any(slot.start_at == start_at for slot in slots) else None,
        seats=seats,
        seats_most=offer.capacity,
        lines=rates.quote(
            Money(offer.price.minor * seats, offer.price.currency), current, guest=is_guest, step=offer.step
        ),
        surcharge_bps=current.surcharge_bps,
        guest=is_guest,
        query={"zone": wanted.zone, "seats": "" if seats == 1 else seats},
        hold_id=mint("hld", request.at, request.kit.entropy),
        has_times=bool(free),
    )


async def _month(request: Visit, offer: Offer, zone_name: str, key: str, day: date | None, today: date) -> date:
    """The first day of the month to show: the one asked for, else that of the day, else that of the first free day."""
    if key:
        return calendar.first_of(key)
    if day is None:
        found = await request.market.offering.first_free_day(offer, zone_name)
        day = found.day if found else today
    return day.replace(day=1)


def _zone(request: Visit, offer: Offer, asked: str) -> str:
    """The zone to show times in: the one chosen, else where the service is done, else where the visitor is."""
    if asked:
        try:
            return zone(asked).key
        except Invalid:
            pass
    return request.zone if offer.mode is Mode.REMOTE else offer.zone


def _zones(request: Visit, offer: Offer, shown: str) -> Sequence[tuple[str, str]]:
    """The zones to choose from: that of the service, the visitor's own, and one for each other clock."""
    names = dict.fromkeys([offer.zone, request.zone, shown, "UTC", *PLACES])
    return [(name, zone_label(name, request.at)) for name in names]
