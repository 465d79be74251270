"""What happened to a booking, in order, for those who have a part in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecosystem.contexts import booking as booked
from ecosystem.contexts import disputes as disputing
from ecosystem.contexts.booking import Bookings
from ecosystem.contexts.disputes import Disputes
from ecosystem.kernel.actor import Actor
from ecosystem.ports.bus import TIMELINE, Event
from ecosystem.ports.table import Table

EVENTS_MAX = 200
"""A booking may be moved ten times, and each move proposed and declined: far fewer than this."""


@dataclass(frozen=True, slots=True)
class Timelines:
    table: Table
    bookings: Bookings
    disputes: Disputes

    async def of_booking(self, booking_id: str, actor: Actor) -> Sequence[Event]:
        """The events of the booking, oldest first, for customer, provider and operators. Raises `BookingGone`, `Denied`."""
        row = await self.bookings.row(booking_id)
        booked.side_of(row.value, actor)
        page = await self.table.query(row.key.partition, Event, prefix=TIMELINE, limit=EVENTS_MAX)
        return page.values

    async def with_disputes(self, booking_id: str, actor: Actor) -> Sequence[Event]:
        """The events of the booking and of the disputes over it, in the order in which they happened."""
        events = list(await self.of_booking(booking_id, actor))
        for dispute in await self.disputes.of_booking(booking_id):
            page = await self.table.query(
                disputing.timeline(dispute.dispute_id), Event, prefix=TIMELINE, limit=EVENTS_MAX
            )
            events += page.values
        return sorted(events, key=lambda event: event.at)
