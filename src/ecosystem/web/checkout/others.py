"""Other times, for when the one held could not be kept: the same, if it is free again, and the next ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from ecosystem.contexts.booking import DaySlots, Hold, Slot
from ecosystem.contexts.catalogue import NotOffered, ServiceUnknown
from ecosystem.kernel.time import Span, local
from ecosystem.web.checkout import attempts
from ecosystem.web.visit import Visit

DAYS = 3
TIMES = 6
LOOK_AHEAD = timedelta(days=14)


class Others(Struct, frozen=True, kw_only=True):
    """`same` tells that the time held before is free; `days` have the free times nearest to it. `hold_id` asks for one."""

    same: bool
    days: Sequence[DaySlots]
    hold_id: str


NONE = Others(same=False, days=(), hold_id="")


async def others(request: Visit, hold: Hold, zone: str) -> Others:
    """Free times of the service as it is offered now, near the time held."""
    market = request.market
    try:
        offer = await market.offering.offer(hold.request.service_id)
    except (NotOffered, ServiceUnknown):
        return NONE
    exact = await market.availability.within(offer, Span(hold.start_at, hold.start_at + timedelta(seconds=1)))
    since = max(hold.start_at - timedelta(days=1), request.at)
    first = await market.availability.first(offer, zone, since=since)
    if first is None:
        first = await market.availability.first(offer, zone)
    days: Sequence[DaySlots] = ()
    if first is not None:
        times = await market.availability.between(offer, first.day, first.day + LOOK_AHEAD, zone)
        days = [_nearest(day, hold, zone) for day in times.days if _roomy(day.slots, hold)][:DAYS]
    return Others(same=bool(_roomy(exact, hold)), days=days, hold_id=attempts.again(hold))


def _nearest(day: DaySlots, hold: Hold, zone: str) -> DaySlots:
    """The times of the day that are nearest to the time of day that was wanted, in order."""
    clock = local(hold.start_at, zone)
    wanted = clock.hour * 60 + clock.minute

    def away(slot: Slot) -> int:
        at = local(slot.start_at, zone)
        return abs(at.hour * 60 + at.minute - wanted)

    nearest = sorted(_roomy(day.slots, hold), key=away)[:TIMES]
    return DaySlots(day.day, tuple(sorted(nearest, key=lambda slot: slot.start_at)))


def _roomy(slots: Sequence[Slot], hold: Hold) -> list[Slot]:
    return [slot for slot in slots if slot.seats_left >= hold.seats]
