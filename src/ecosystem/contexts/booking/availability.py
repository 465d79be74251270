"""Free times, as a viewer is shown them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from msgspec import Struct

from ecosystem.contexts.booking.calendar import Calendar
from ecosystem.contexts.booking.offers import HORIZON_DAYS_MAX, Offer
from ecosystem.contexts.booking.plans import Plans
from ecosystem.contexts.booking.slots import DaySlots, Slot, by_day, slots
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import Span, local, midnight, zone
from ecosystem.ports.clock import Clock

_SHOWN_DAYS = 1_000
_STRIDE = timedelta(days=31)


class FreeTimes(Struct, frozen=True, kw_only=True):
    """Free times by dates of the viewer's zone; dates without any are left out. `first_day` is the first with one."""

    zone: str
    days: tuple[DaySlots, ...]
    first_day: date | None


@dataclass(frozen=True, slots=True)
class Availability:
    """The free times of offers, as things stand now: a time shown may be gone when it is asked for."""

    plans: Plans
    calendar: Calendar
    clock: Clock

    async def between(self, offer: Offer, first: date, last: date, zone_name: str, *, beside: str = "") -> FreeTimes:
        """Free times from the first to the last date of the viewer's zone, both included, at most 400 days.

        `beside` is an entry that does not stand in the way: the booking that is to move.
        """
        zone(zone_name)
        if abs((first - self.clock.now().date()).days) > _SHOWN_DAYS:
            raise Invalid("That date is too far away to show.", field="first")
        if not 0 <= (last - first).days < HORIZON_DAYS_MAX:
            raise Invalid(f"From the first date to the last are 1 to {HORIZON_DAYS_MAX} days.", field="last")
        wanted = Span(midnight(first, zone_name), midnight(last + timedelta(days=1), zone_name))
        days = by_day(await self.within(offer, wanted, beside=beside), zone_name)
        return FreeTimes(zone=zone_name, days=tuple(days), first_day=days[0].day if days else None)

    async def first(
        self, offer: Offer, zone_name: str, *, since: datetime | None = None, beside: str = ""
    ) -> DaySlots | None:
        """The first date with a free time, up to the offer's horizon, and its free times."""
        now = self.clock.now()
        start_at, end_at = max(since or now, now), now + timedelta(days=offer.horizon_days, seconds=1)
        for _ in range(HORIZON_DAYS_MAX // _STRIDE.days + 1):
            if start_at >= end_at:
                break
            found = await self.within(offer, Span(start_at, min(start_at + _STRIDE, end_at)), beside=beside)
            if found:
                day = local(found[0].start_at, zone_name).date()
                last_at = midnight(day + timedelta(days=1), zone_name)
                whole = await self.within(offer, Span(found[0].start_at, last_at), beside=beside)
                return by_day(whole, zone_name)[0]
            start_at += _STRIDE
        return None

    async def within(self, offer: Offer, wanted: Span, *, beside: str = "") -> list[Slot]:
        """Free times that start within the span, in order; none for a provider without a plan."""
        hours = await self.plans.hours(offer.provider_id)
        if hours.plan is None:
            return []
        takings = await self.calendar.takings(offer.provider_id, wanted)
        others = (taking for taking in takings if taking.entry_id != beside)
        return slots(hours, offer, others, wanted, self.clock.now())
