"""Claiming: a guest's booking goes into the account of who has signed in since."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.contexts.booking import Booking, Bookings
from ecosystem.journeys.guest_links import GuestLinks
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Denied


@dataclass(frozen=True, slots=True)
class Claiming:
    """Each act raises `BookingGone`, `Denied`. Claimed already, a booking stays so."""

    bookings: Bookings
    links: GuestLinks

    async def by_link(self, booking_id: str, secret: str, actor: Actor) -> Booking:
        """By the secret of the mailed link. Raises `WrongLink`."""
        return await self.bookings.claim(booking_id, secret, actor)

    async def as_guest(self, booking_id: str, guest: Actor, actor: Actor) -> Booking:
        """By being the guest who booked: whoever shows that guest's token needs no link."""
        booking = (await self.bookings.row(booking_id)).value
        if booking.customer_id not in {guest.actor_id, actor.actor_id}:
            raise Denied("This booking belongs to someone else.")
        return await self.bookings.claim(booking_id, self.links.secret(booking_id), actor)
